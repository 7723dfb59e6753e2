package stream

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/streamtest"
)

// A header may come in pieces, and be larger than what nginx looks at.
func TestHeaderInPieces(t *testing.T) {
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		s := startWith(t, change, `server { listen 127.0.0.1:PORT0 proxy_protocol; return "$proxy_protocol_addr $proxy_protocol_tlv_0xea"; }`)
		v1 := "PROXY TCP4 192.0.2.1 192.0.2.2 1111 443\r\n"
		v2 := v2Header(t, "192.0.2.1", "192.0.2.2", 1111, 443, nil)
		large := strings.Repeat("x", 9000)
		tlv := append([]byte{0xea, byte(len(large) >> 8), byte(len(large) & 0xff)}, large...)
		for _, tt := range []struct {
			header string
			piece  int
			want   string
		}{
			{v1, 1, "192.0.2.1 "},
			{v1, 13, "192.0.2.1 "},
			{v2, 1, "192.0.2.1 "},
			{v2Header(t, "192.0.2.1", "192.0.2.2", 1111, 443, tlv), 100, "192.0.2.1 " + large},
		} {
			c := s.dial("PORT0")
			for from := 0; from < len(tt.header); from += tt.piece { // TCP_NODELAY is Go's default
				streamtest.Send(t, c, tt.header[from:min(from+tt.piece, len(tt.header))])
			}
			assert.Equal(t, tt.want, streamtest.Rest(t, c))
		}
	})
}

// A header that cannot become one is refused at once, and one that the client
// does not complete when it ends.
func TestHeaderThatIsNotCompleted(t *testing.T) {
	s := start(t, `
		server { listen 127.0.0.1:PORT0 proxy_protocol; return ok; }
		server { listen 127.0.0.1:PORT1 proxy_protocol; proxy_protocol_timeout 20ms; return ok; }`)
	assert.Empty(t, s.ask("PORT0", "PROXY TCP5 "+strings.Repeat("x", 200)))
	assert.Empty(t, s.ask("PORT1", "PROXY TCP6 ::1"))
	assert.Empty(t, s.askAndEnd("PORT0", "PROXY TCP4 1.2.3.4"))
	s.shutdown()
	log := strings.Join(s.errors("error"), "\n")
	assert.Contains(t, log, `broken header: "PROXY TCP5 xxx`)
	assert.Contains(t, log, `broken header: "PROXY TCP4 1.2.3.4" while reading PROXY protocol`)
	assert.Contains(t, log, `broken header: "PROXY TCP6 ::1" while reading PROXY protocol`)
}

// A session that is passed on keeps its header, unless there is another one.
func TestHeaderAndPass(t *testing.T) {
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		s := startWith(t, change, `
			server { listen 127.0.0.1:PORT0 proxy_protocol; pass 127.0.0.1:PORT1; }
			server { listen 127.0.0.1:PORT2; pass 127.0.0.1:PORT1; }
			server { listen 127.0.0.1:PORT1 proxy_protocol; return "$proxy_protocol_addr"; }`)
		first, second := "PROXY TCP4 192.0.2.1 192.0.2.2 1111 443\r\n", "PROXY TCP4 192.0.2.3 192.0.2.2 1111 443\r\n"
		assert.Equal(t, "192.0.2.1", s.ask("PORT0", first))
		assert.Equal(t, "192.0.2.1", s.ask("PORT0", first+"\x16\x03\x01"))
		assert.Equal(t, "192.0.2.3", s.ask("PORT0", first+second))
		assert.Equal(t, "192.0.2.1", s.ask("PORT2", first))
	})
}

// A server behind a unix socket tells the next one what it was told itself.
func TestHeaderBehindAUnixSocket(t *testing.T) {
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		for _, version := range []string{"on", "v2"} {
			upstream, received := streamtest.Recorder(t)
			s := startWith(t, change, `
				server { listen 127.0.0.1:PORT0; proxy_protocol on; proxy_pass unix:DIR/in; }
				server { listen unix:DIR/in proxy_protocol; set_real_ip_from unix:; proxy_protocol VERSION; proxy_pass UPSTREAM; }`,
				"VERSION", version, "UPSTREAM", upstream)
			c := s.dial("PORT0").(*net.TCPConn)
			streamtest.Send(t, c, "x")
			require.NoError(t, c.CloseWrite())
			port := c.LocalAddr().(*net.TCPAddr).Port
			want := fmt.Sprintf("PROXY TCP4 127.0.0.1 127.0.0.1 %d %s\r\nx", port, s.ports["PORT0"])
			if version == "v2" {
				want = "\r\n\r\n\x00\r\nQUIT\n\x21\x11"
			}
			assert.Contains(t, streamtest.Receive(t, received), want)
		}
	})
}

// IPv4 clients of a dual-stack listener are IPv4 clients to the next server.
func TestHeaderOfMappedAddresses(t *testing.T) {
	upstream, received := streamtest.Recorder(t)
	s := start(t, `server { listen [::]:PORT0 ipv6only=off; proxy_protocol on; proxy_pass UPSTREAM; }`, "UPSTREAM", upstream)
	c := s.dial("PORT0").(*net.TCPConn)
	streamtest.Send(t, c, "x")
	require.NoError(t, c.CloseWrite())
	assert.Contains(t, streamtest.Receive(t, received), "PROXY TCP4 127.0.0.1 127.0.0.1 ")
}

// What was passed to a unix socket has come to the address that it came to.
func TestHeaderOfAPassedSession(t *testing.T) {
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		upstream, received := streamtest.Recorder(t)
		s := startWith(t, change, `
			server { listen 127.0.0.1:PORT0; pass unix:DIR/in; }
			server { listen unix:DIR/in; proxy_protocol on; proxy_pass UPSTREAM; }`, "UPSTREAM", upstream)
		c := s.dial("PORT0").(*net.TCPConn)
		streamtest.Send(t, c, "x")
		require.NoError(t, c.CloseWrite())
		port := c.LocalAddr().(*net.TCPAddr).Port
		assert.Equal(t, fmt.Sprintf("PROXY TCP4 127.0.0.1 127.0.0.1 %d %s\r\nx", port, s.ports["PORT0"]), streamtest.Receive(t, received))
	})
}
