package stream

import (
	"io"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/streamtest"
)

const byteLog = `log_format l "$status $bytes_received/$bytes_sent"; access_log DIR/access.log l;`

// With proxy_half_close the end of one direction is passed on and the other goes
// on; without, it ends the session.
func TestHalfClose(t *testing.T) {
	// The upstream answers only when the client has ended.
	address := streamtest.Upstream(t, func(c net.Conn) {
		all, _ := io.ReadAll(c)
		_, _ = io.WriteString(c, strings.ToUpper(string(all)))
	})
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		s := startWith(t, change, byteLog+`
			server { listen 127.0.0.1:PORT0; proxy_half_close on; proxy_pass UP; }
			server { listen 127.0.0.1:PORT1; proxy_pass UP; }`, "UP", address)
		ask := func(port string) string {
			c := s.dial(port)
			streamtest.Send(t, c, "question")
			require.NoError(t, c.(*net.TCPConn).CloseWrite())
			return streamtest.Rest(t, c)
		}
		assert.Equal(t, "QUESTION", ask("PORT0"))
		assert.Equal(t, "200 8/8", s.lines("access.log", 1)[0])
		assert.Empty(t, ask("PORT1"))
		assert.Equal(t, "200 8/0", s.lines("access.log", 2)[1])
	})
}

// What the upstream has sent before it closed reaches a client that reads
// slowly.
func TestBulkBothWays(t *testing.T) {
	big := strings.Repeat("0123456789abcdef", 1<<17) // 2 MB
	echo := streamtest.Echo(t, "")
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		s := startWith(t, change, byteLog+`server { listen 127.0.0.1:PORT0; proxy_half_close on; proxy_pass ECHO; }`, "ECHO", echo)
		c := s.dial("PORT0")
		sent := make(chan error, 1)
		go func() {
			_, err := io.WriteString(c, big)
			sent <- err
		}()
		got := make([]byte, len(big))
		_, err := io.ReadFull(c, got)
		require.NoError(t, err)
		require.NoError(t, streamtest.Receive(t, sent))
		assert.True(t, big == string(got), "not what was sent")
		require.NoError(t, c.Close())
		assert.Equal(t, "200 2097152/2097152", s.line("access.log"))
	})
}

// The header goes before what the client has said already, byte for byte.
func TestProxyProtocolOut(t *testing.T) {
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		address, received := streamtest.Recorder(t)
		s := startWith(t, change, `
			server { listen 127.0.0.1:PORT0; proxy_protocol on; proxy_pass REC; }
			server { listen [::1]:PORT1; proxy_protocol on; proxy_pass REC; }
			server { listen 127.0.0.1:PORT2 proxy_protocol; set_real_ip_from 127.0.0.1; proxy_protocol on; proxy_pass REC; }
			server { listen 127.0.0.1:PORT3; ssl_preread on; proxy_protocol on; proxy_pass REC; }`, "REC", address)
		say := func(to, text string) (sent string, c net.Conn) {
			c = s.dial(to)
			streamtest.Send(t, c, text)
			require.NoError(t, c.Close())
			return streamtest.Receive(t, received), c
		}
		got, c := say("PORT0", "hello")
		_, port, _ := net.SplitHostPort(c.LocalAddr().String())
		assert.Equal(t, "PROXY TCP4 127.0.0.1 127.0.0.1 "+port+" "+s.ports["PORT0"]+"\r\nhello", got)

		got, c = say("[::1]:PORT1", "hello")
		_, port, _ = net.SplitHostPort(c.LocalAddr().String())
		assert.Equal(t, "PROXY TCP6 ::1 ::1 "+port+" "+s.ports["PORT1"]+"\r\nhello", got)

		got, _ = say("PORT2", "PROXY TCP4 192.0.2.7 198.51.100.1 1234 80\r\nhello")
		assert.Equal(t, "PROXY TCP4 192.0.2.7 127.0.0.1 1234 "+s.ports["PORT2"]+"\r\nhello", got)

		hello := string(streamtest.ClientHello("a.com"))
		got, c = say("PORT3", hello)
		_, port, _ = net.SplitHostPort(c.LocalAddr().String())
		assert.Equal(t, "PROXY TCP4 127.0.0.1 127.0.0.1 "+port+" "+s.ports["PORT3"]+"\r\n"+hello, got)
	})
}

// A client that goes away by a reset is told of as nginx does.
func TestClientReset(t *testing.T) {
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		s := startWith(t, change, byteLog+`server { listen 127.0.0.1:PORT0; proxy_pass ECHO; }`, "ECHO", streamtest.Echo(t, ""))
		c := s.dial("PORT0")
		streamtest.Send(t, c, "x")
		streamtest.Expect(t, c, "x")
		require.NoError(t, c.(*net.TCPConn).SetLinger(0))
		require.NoError(t, c.Close())
		assert.Equal(t, "200 1/1", s.line("access.log"))
		s.shutdown()
		said := s.errors()
		// On goroutines the answer may be counted a moment after it was seen.
		assert.Equal(t, s.text(`[info] *1 recv() failed (104: Connection reset by peer) while proxying and reading from client, client: 127.0.0.1, server: 127.0.0.1:PORT0, upstream: "ECHO", bytes from/to client:1/1, bytes from/to upstream:1/1`),
			strings.Replace(said[2], "client:1/0", "client:1/1", 1))
		assert.Equal(t, `[info] *1 client disconnected, bytes from/to client:1/1, bytes from/to upstream:1/1`, said[3])
	})
}

// proxy_timeout is about silence in both directions together.
func TestProxyTimeoutIsShared(t *testing.T) {
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		// The upstream only talks, the client only listens; each pause is well
		// below the timeout, all of them together above.
		address := streamtest.Upstream(t, func(c net.Conn) {
			buf := make([]byte, 1)
			for range 6 {
				_, _ = io.WriteString(c, "tick")
				if pause(c, buf) {
					return
				}
			}
			_, _ = io.Copy(io.Discard, c)
		})
		s := startWith(t, change, byteLog+`server { listen 127.0.0.1:PORT0; proxy_timeout 400ms; proxy_pass UP; }`, "UP", address)
		c := s.dial("PORT0")
		assert.Equal(t, strings.Repeat("tick", 6), streamtest.Rest(t, c))
		assert.Equal(t, "200 0/24", s.line("access.log"))
		s.shutdown()
		assert.Contains(t, s.errors()[2], "[info] *1 connection timed out (110: Connection timed out) while proxying connection, ")
	})
}
