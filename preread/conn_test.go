package preread

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pair returns a client and the wrapped other end of its connection.
func pair(t *testing.T, size int) (net.Conn, *Conn) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	server, err := l.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { client.Close(); server.Close() })
	require.NoError(t, client.SetDeadline(time.Now().Add(10*time.Second)))
	require.NoError(t, server.SetDeadline(time.Now().Add(10*time.Second)))
	return client, NewConn(server, size)
}

func send(t *testing.T, c net.Conn, data string) {
	_, err := io.WriteString(c, data)
	require.NoError(t, err)
}

func closeWrite(t *testing.T, c net.Conn) {
	require.NoError(t, c.(interface{ CloseWrite() error }).CloseWrite())
}

func TestPeekThenRead(t *testing.T) {
	client, c := pair(t, 0)
	send(t, client, "hello world")
	closeWrite(t, client)

	b, err := c.Peek(5)
	require.NoError(t, err)
	assert.Equal(t, "hello", string(b[:5]))
	b, err = c.Peek(11)
	require.NoError(t, err)
	assert.Equal(t, "hello world", string(b))
	assert.Equal(t, 11, c.Buffered())

	var two [2]byte
	n, err := c.Read(two[:])
	require.NoError(t, err)
	assert.Equal(t, "he", string(two[:n]))
	b, err = c.Peek(1)
	require.NoError(t, err)
	assert.Equal(t, "llo world", string(b))

	b, err = c.Peek(100)
	assert.Equal(t, io.EOF, err)
	assert.Equal(t, "llo world", string(b))
	all, err := io.ReadAll(c)
	require.NoError(t, err)
	assert.Equal(t, "llo world", string(all))
	assert.Zero(t, c.Buffered())
}

func TestPeekBufferFull(t *testing.T) {
	for _, size := range []int{1, 8, 5000} {
		client, c := pair(t, size)
		data := bytes.Repeat([]byte("0123456789"), 1000)
		send(t, client, string(data))
		closeWrite(t, client)

		_, err := c.Peek(size)
		require.NoError(t, err)
		b, err := c.Peek(size + 1)
		assert.Equal(t, ErrBufferFull, err)
		assert.Equal(t, data[:size], b)
		all, err := io.ReadAll(c)
		require.NoError(t, err)
		assert.Equal(t, data, all)
	}
}

func TestPeekDeadline(t *testing.T) {
	client, c := pair(t, 0)
	send(t, client, "abc")
	_, err := c.Peek(3)
	require.NoError(t, err)

	require.NoError(t, c.SetReadDeadline(time.Unix(1, 0)))
	b, err := c.Peek(4)
	assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
	assert.Equal(t, "abc", string(b))

	require.NoError(t, c.SetReadDeadline(time.Now().Add(10*time.Second)))
	send(t, client, "d")
	b, err = c.Peek(4)
	require.NoError(t, err)
	assert.Equal(t, "abcd", string(b))
}

func TestCloseEndsPeek(t *testing.T) {
	_, c := pair(t, 0)
	done := make(chan error)
	go func() {
		_, err := c.Peek(1)
		done <- err
	}()
	c.Close()
	assert.ErrorIs(t, <-done, net.ErrClosed)
}

func TestConnClientHello(t *testing.T) {
	hello := realHello(t, &tls.Config{ServerName: "db.example.com", NextProtos: []string{"h2"}})
	client, c := pair(t, 0)
	go func() {
		for _, b := range hello { // a byte at a time
			client.Write([]byte{b})
		}
		client.(*net.TCPConn).CloseWrite()
	}()
	h, err := c.ClientHello()
	require.NoError(t, err)
	all, err := io.ReadAll(c)
	require.NoError(t, err)
	assert.Equal(t, hello, all)
	assert.Equal(t, "db.example.com|TLSv1.3|h2", string(h.ServerName)+"|"+h.Protocol()+"|"+string(h.AppendALPN(nil)))
}

func TestConnClientHelloErrors(t *testing.T) {
	hello := records(h12.message(), 1<<14)
	tests := []struct {
		in   string
		size int
		want error
	}{
		{"GET / HTTP/1.0", 0, ErrNotTLS},
		{"", 0, io.EOF},
		{string(hello[:20]), 0, io.EOF},
		{string(hello), 30, ErrBufferFull},
		{"\x16\x03\x01\x00\x04\x02\x00\x00\x00", 0, ErrMalformed},
	}
	for _, tt := range tests {
		client, c := pair(t, tt.size)
		send(t, client, tt.in)
		closeWrite(t, client)
		h, err := c.ClientHello()
		assert.ErrorIs(t, err, tt.want)
		assert.Zero(t, h)
		all, err := io.ReadAll(c)
		require.NoError(t, err)
		assert.Equal(t, tt.in, string(all), "nothing may be lost")
	}
}

// TestHandshakeBehindPeek lets a TLS server run on a connection whose hello was
// looked at.
func TestHandshakeBehindPeek(t *testing.T) {
	client, c := pair(t, 0)
	go tls.Client(client, &tls.Config{ServerName: "db.example.com"}).Handshake()
	h, err := c.ClientHello()
	require.NoError(t, err)
	assert.Equal(t, "db.example.com", string(h.ServerName))

	seen := errors.New("seen")
	err = tls.Server(c, &tls.Config{GetConfigForClient: func(i *tls.ClientHelloInfo) (*tls.Config, error) {
		assert.Equal(t, "db.example.com", i.ServerName)
		return nil, seen
	}}).Handshake()
	assert.ErrorIs(t, err, seen)
}

func TestCopyBothWays(t *testing.T) {
	data := make([]byte, 1<<20)
	rand.Read(data)
	client, a := pair(t, 0)
	b, server := pair(t, 0) // a proxy goes from a to b
	front := NewConn(b, 0)

	var wg sync.WaitGroup
	wg.Go(func() {
		_, err := io.Copy(front, a)
		assert.NoError(t, err)
		assert.NoError(t, front.CloseWrite())
	})
	wg.Go(func() {
		_, err := client.Write(data)
		assert.NoError(t, err)
		closeWrite(t, client)
	})
	peeked, err := server.Peek(1000)
	require.NoError(t, err)
	assert.Equal(t, data[:1000], peeked[:1000])
	var got bytes.Buffer
	n, err := io.Copy(&got, server)
	require.NoError(t, err)
	wg.Wait()
	assert.EqualValues(t, len(data), n)
	assert.True(t, bytes.Equal(data, got.Bytes()))
}

// failingWriter takes some bytes and then none.
type failingWriter struct{ room int }

func (w *failingWriter) Write(p []byte) (int, error) {
	n := min(w.room, len(p))
	w.room -= n
	return n, io.ErrShortWrite
}

func TestWriteToError(t *testing.T) {
	client, c := pair(t, 0)
	send(t, client, "hello")
	_, err := c.Peek(5)
	require.NoError(t, err)
	n, err := c.WriteTo(&failingWriter{2})
	assert.Equal(t, io.ErrShortWrite, err)
	assert.EqualValues(t, 2, n)
	b, err := c.Peek(1)
	require.NoError(t, err)
	assert.Equal(t, "llo", string(b), "what was not written stays")
}

func TestWriteToWithoutPeek(t *testing.T) {
	client, c := pair(t, 0)
	send(t, client, "hello")
	closeWrite(t, client)
	var got bytes.Buffer
	_, err := c.WriteTo(&got)
	require.NoError(t, err)
	assert.Equal(t, "hello", got.String())
}

// TestConcurrentUse reads, peeks and asks from several goroutines: each byte
// has to arrive once.
func TestConcurrentUse(t *testing.T) {
	const total = 1 << 16
	client, c := pair(t, 0)
	go func() {
		client.Write(make([]byte, total))
		client.(*net.TCPConn).CloseWrite()
	}()
	var wg sync.WaitGroup
	counts := make(chan int, 4)
	for range cap(counts) {
		wg.Go(func() {
			sum, buf := 0, make([]byte, 100)
			for {
				c.Peek(1)
				c.Buffered()
				n, err := c.Read(buf)
				sum += n
				if err != nil {
					break
				}
			}
			counts <- sum
		})
	}
	wg.Wait()
	close(counts)
	sum := 0
	for n := range counts {
		sum += n
	}
	assert.Equal(t, total, sum)
}

func TestCloseWriteUnsupported(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	c := NewConn(a, 0)
	assert.ErrorIs(t, c.CloseWrite(), errors.ErrUnsupported)
	assert.Equal(t, a, c.NetConn())
}

// idleReader returns nothing, without an error, as a reader may.
type idleReader struct{ bytesConn }

func (idleReader) Read([]byte) (int, error) { return 0, nil }

func TestReaderWithoutProgress(t *testing.T) {
	_, err := NewConn(idleReader{}, 0).Peek(1)
	assert.Equal(t, io.ErrNoProgress, err)
}
