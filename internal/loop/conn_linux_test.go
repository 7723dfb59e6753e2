package loop

import (
	"bytes"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// soon is a deadline that passes while a test watches.
const soon = 10 * time.Millisecond

// connected gives a task a connection and the test the other end.
func connected(t testing.TB) (l *Loop, ours int, peer *os.File) {
	l = running(t, Options{})
	ours, theirs := pair(t)
	return l, ours, file(t, theirs)
}

func TestReadWaits(t *testing.T) {
	l, ours, peer := connected(t)
	var timers int
	go func() {
		l.do(func() { timers = len(l.timers) }) // the task waits by then, or will find the data at once
		_, _ = peer.Write([]byte("hello"))
		peer.Close()
	}()
	l.perform(t, func() {
		var c Conn
		c.Init(l, ours)
		defer c.Close()
		buf := make([]byte, 10)
		n, err := c.Read(buf, l.Now().Add(testLimit))
		assert.NoError(t, err)
		assert.Equal(t, "hello", string(buf[:n]))
		assert.Empty(t, l.timers, "the deadline is off")
		_, err = c.Read(buf, time.Time{})
		assert.Equal(t, io.EOF, err)
		assert.True(t, c.HungUp())
	})
	assert.LessOrEqual(t, timers, 1)
}

func TestReadDeadline(t *testing.T) {
	l, ours, peer := connected(t)
	l.perform(t, func() {
		var c Conn
		c.Init(l, ours)
		defer c.Close()
		began := time.Now()
		_, err := c.Read(make([]byte, 1), l.Now().Add(soon))
		assert.Equal(t, os.ErrDeadlineExceeded, err)
		assert.GreaterOrEqual(t, time.Since(began), soon-time.Millisecond)
		_, err = peer.Write([]byte("x"))
		assert.NoError(t, err)
		n, err := c.Read(make([]byte, 1), l.Now().Add(testLimit))
		assert.NoError(t, err, "it may be used on")
		assert.Equal(t, 1, n)
	})
}

// Whoever closes or aborts a connection from outside wakes the task that waits
// on it.
func TestWaitsEnd(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(*Conn)
		want error
	}{
		"abort": {(*Conn).Abort, os.ErrDeadlineExceeded},
		"close": {(*Conn).Close, net.ErrClosed},
	} {
		t.Run(name, func(t *testing.T) {
			l, ours, _ := connected(t)
			var conn Conn
			result := make(chan error)
			l.do(func() {
				l.Go(job(func() {
					conn.Init(l, ours)
					_, err := conn.Read(make([]byte, 1), l.Now().Add(testLimit))
					go func() { result <- err }()
				}))
			})
			l.do(func() { c.end(&conn) })
			assert.Equal(t, c.want, <-result)
			l.do(func() {
				conn.Abort() // nobody waits: nothing happens
				conn.Close()
				assert.Empty(t, l.timers)
				assert.Len(t, l.spare, 1, "the coroutine is free")
			})
		})
	}
}

func TestWriteWaitsForRoom(t *testing.T) {
	l, ours, peer := connected(t)
	const size = 4 << 20
	data := bytes.Repeat([]byte("0123456789abcdef"), size/16)
	got := make(chan []byte)
	go func() {
		all, _ := io.ReadAll(peer)
		got <- all
	}()
	l.perform(t, func() {
		var c Conn
		c.Init(l, ours)
		n, err := c.Write(data, testLimit)
		assert.NoError(t, err)
		assert.Equal(t, size, n)
		assert.NoError(t, c.CloseWrite())
		c.Close()
	})
	assert.True(t, bytes.Equal(data, <-got))
}

func TestWriteTimesOut(t *testing.T) {
	l, ours, _ := connected(t)
	l.perform(t, func() {
		var c Conn
		c.Init(l, ours)
		defer c.Close()
		n, err := c.Write(make([]byte, 4<<20), soon)
		assert.Equal(t, os.ErrDeadlineExceeded, err)
		assert.Less(t, n, 4<<20)
		assert.False(t, c.Writable())
		_, err = c.TryWrite([]byte("x"))
		assert.Equal(t, unix.EAGAIN, err)
	})
}

func TestPeek(t *testing.T) {
	l, ours, peer := connected(t)
	send := func(text string) {
		_, err := peer.Write([]byte(text))
		assert.NoError(t, err)
	}
	l.perform(t, func() {
		var c Conn
		c.Init(l, ours)
		defer c.Close()
		buf := make([]byte, 100)
		deadline := func() time.Time { return l.Now().Add(testLimit) }
		send("one")
		n, err := c.Peek(buf, 0, deadline())
		assert.NoError(t, err)
		assert.Equal(t, "one", string(buf[:n]))
		_, err = c.Peek(buf, n, l.Now().Add(soon))
		assert.Equal(t, os.ErrDeadlineExceeded, err, "nothing new")
		send("two")
		n, err = c.Peek(buf, n, deadline())
		assert.NoError(t, err)
		assert.Equal(t, "onetwo", string(buf[:n]))
		assert.NoError(t, c.Discard(4))
		n, err = c.Peek(buf, 0, deadline())
		assert.NoError(t, err)
		assert.Equal(t, "wo", string(buf[:n]))
		go peer.Close()
		_, err = c.Peek(buf, n, deadline())
		assert.Equal(t, io.EOF, err, "more will not come")
		assert.NoError(t, c.Discard(2))
		_, err = c.Peek(buf, 0, deadline())
		assert.Equal(t, io.EOF, err)
		assert.Error(t, c.Discard(1<<20), "cannot end")
	})
}

func listening(t testing.TB, network, address string) net.Listener {
	t.Helper()
	ln, err := net.Listen(network, address)
	require.NoError(t, err)
	t.Cleanup(func() { ln.Close() })
	return ln
}

func TestConnect(t *testing.T) {
	l := running(t, Options{})
	path := filepath.Join(t.TempDir(), "s")
	tcp := listening(t, "tcp4", "127.0.0.1:0")
	listening(t, "unix", path)
	to := map[string]*Sockaddr{
		"tcp":  IPSockaddr(tcp.Addr().(*net.TCPAddr).AddrPort()),
		"unix": UnixSockaddr(path),
	}
	for name, sa := range to {
		for _, sends := range []bool{false, true} {
			l.perform(t, func() {
				var c Conn
				d := Dial{To: sa, Timeout: testLimit, Sends: sends && name == "tcp"}
				if assert.NoError(t, c.Create(l, sa.Family())) && assert.NoError(t, c.Connect(&d), name) {
					_, err := c.Write([]byte("x"), testLimit)
					assert.NoError(t, err)
				}
				c.Close()
			})
		}
	}
}

func TestConnectFails(t *testing.T) {
	l := running(t, Options{})
	gone := listening(t, "tcp4", "127.0.0.1:0")
	gone.Close()
	fails := func(want error, d Dial) {
		t.Helper()
		l.perform(t, func() {
			var c Conn
			err := c.Create(l, d.To.Family())
			if err == nil {
				err = c.Connect(&d)
			}
			assert.ErrorIs(t, err, want)
			assert.False(t, c.Open())
		})
	}
	fails(unix.ECONNREFUSED, Dial{To: IPSockaddr(gone.Addr().(*net.TCPAddr).AddrPort()), Timeout: testLimit})
	fails(unix.ENOENT, Dial{To: UnixSockaddr(filepath.Join(t.TempDir(), "none"))})
	fails(unix.EAFNOSUPPORT, Dial{To: &Sockaddr{}})
	l.do(func() { assert.Empty(t, l.timers) })
}

// full is the address of a listener that answers no one any more: its queue is
// full.
func full(t *testing.T) *Sockaddr {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	t.Cleanup(func() { unix.Close(fd) })
	require.NoError(t, unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	require.NoError(t, unix.Listen(fd, 0))
	sa, err := Sockname(fd)
	require.NoError(t, err)
	for range 3 {
		c, errno := socket(unix.AF_INET, unix.SOCK_STREAM)
		require.Zero(t, errno)
		t.Cleanup(func() { unix.Close(c) })
		connect(c, &sa)
	}
	return &sa
}

func TestConnectTimesOut(t *testing.T) {
	l := running(t, Options{})
	sa := full(t)
	l.perform(t, func() {
		var c Conn
		assert.NoError(t, c.Create(l, sa.Family()))
		assert.Equal(t, os.ErrDeadlineExceeded, c.Connect(&Dial{To: sa, Timeout: soon}))
	})
	var c Conn
	result := make(chan error)
	l.do(func() {
		assert.NoError(t, c.Create(l, sa.Family()))
		l.Go(job(func() { err := c.Connect(&Dial{To: sa}); go func() { result <- err }() }))
	})
	l.do(c.Abort)
	assert.Equal(t, os.ErrDeadlineExceeded, <-result)
}

func TestSockaddr(t *testing.T) {
	for _, text := range []string{"192.0.2.1:8080", "[2001:db8::1]:443", "[::]:0"} {
		sa := IPSockaddr(netip.MustParseAddrPort(text))
		assert.Equal(t, text, sa.AddrPort().String())
		assert.Empty(t, sa.Path())
	}
	sa := UnixSockaddr("/run/x.sock")
	assert.Equal(t, "/run/x.sock", sa.Path())
	assert.False(t, sa.AddrPort().IsValid())
	assert.Len(t, UnixSockaddr(string(make([]byte, 200))).Path(), 0, "a path of zeros is none")
	long := bytes.Repeat([]byte("p"), 200)
	assert.Len(t, UnixSockaddr(string(long)).Path(), 107)
	_, err := Sockname(-1)
	assert.Equal(t, unix.EBADF, err)
	assert.Equal(t, unix.EBADF, SetsockoptInt(-1, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1))
}
