package stream

import (
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/streamtest"
)

// hasty connects from an address, sends something and resets the connection at
// once.
func (s *site) hasty(from, port string) {
	s.t.Helper()
	d := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(from), 0))}
	c, err := d.Dial("tcp", s.text("127.0.0.1:"+port))
	require.NoError(s.t, err)
	streamtest.Send(s.t, c, "\x16\x03\x01\x00")
	require.NoError(s.t, c.(*net.TCPConn).SetLinger(0))
	require.NoError(s.t, c.Close())
}

// TestClientThatIsGone has clients that reset their connections before, mostly,
// a session begins. They are known all the same.
func TestClientThatIsGone(t *testing.T) {
	const from, times = "127.0.0.3", 100
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		s := startWith(t, change, `
			ssl_certificate CERTS/a.crt; ssl_certificate_key CERTS/a.key;
			log_format l "$server_addr:$server_port $remote_addr $status"; log_format told "$proxy_protocol_addr";
			server { listen 127.0.0.1:PORT0 ssl; access_log DIR/ssl.log l; return x; }
			server { listen 127.0.0.1:PORT1 ssl; access_log DIR/access.log l; allow unix:; deny all; return x; }
			server { listen 127.0.0.1:PORT2; access_log DIR/proxy.log l; proxy_ssl on; proxy_protocol on; proxy_pass 127.0.0.1:PORT3; }
			server { listen 127.0.0.1:PORT3 proxy_protocol; access_log DIR/told.log told; return ""; }
			server { listen 127.0.0.1:PORT4; access_log DIR/pass.log l; pass 127.0.0.1:PORT1; }`, "CERTS", tlsFiles(t))
		for range times {
			for _, port := range []string{"PORT0", "PORT1", "PORT2", "PORT4"} {
				s.hasty(from, port)
			}
		}
		for log, want := range map[string]string{
			"ssl.log":    s.text("127.0.0.1:PORT0 " + from + " 500"),
			"access.log": s.text("127.0.0.1:PORT1 " + from + " 403"), // those that were passed, too
			"proxy.log":  s.text("127.0.0.1:PORT2 " + from + " 502"),
			"told.log":   from,
		} {
			lines := map[string]int{}
			for _, line := range s.lines(log, times) {
				lines[line]++
			}
			assert.Len(t, lines, 1, "%s: %v", log, lines)
			assert.Contains(t, lines, want, "%s: %v", log, lines)
		}
	})
}

// TestPassBehindAWildcard to a server that needs a goroutine finds it by the
// address passed to, not by the one that the client has come to.
func TestPassBehindAWildcard(t *testing.T) {
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		s := startWith(t, change, `
			server { listen 127.0.0.1:PORT0; pass 127.0.0.2:PORT1; }
			server { listen PORT1; return wild; }
			server { listen 127.0.0.2:PORT1 ssl; ssl_certificate CERTS/a.crt; ssl_certificate_key CERTS/a.key; return "$server_addr $remote_addr"; }`,
			"CERTS", tlsFiles(t))
		c := tls.Client(s.dial("PORT0"), &tls.Config{InsecureSkipVerify: true})
		text, err := io.ReadAll(c)
		require.NoError(t, err)
		assert.Equal(t, "127.0.0.2 127.0.0.1", string(text))
	})
}

// TestBoundUnixClient is known by its path, in keys too.
func TestBoundUnixClient(t *testing.T) {
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		s := startWith(t, change, `server { listen unix:DIR/in; return "$remote_addr|$binary_remote_addr|$remote_port"; }`)
		local := filepath.Join(s.dir, "me")
		c, err := net.DialUnix("unix", &net.UnixAddr{Name: local, Net: "unix"}, &net.UnixAddr{Name: filepath.Join(s.dir, "in"), Net: "unix"})
		require.NoError(t, err)
		defer c.Close()
		assert.Equal(t, "unix:"+local+"|unix:"+local+"|", streamtest.Rest(t, c))
		assert.Equal(t, "unix:|unix:|", s.ask("DIR/in", ""))
	})
}

// strangers is a listener of another network, with a client at each address.
type strangers struct {
	net.Listener
	come chan net.Conn
}

func (l *strangers) Accept() (net.Conn, error) {
	if c := <-l.come; c != nil {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (l *strangers) Close() error {
	l.come <- nil
	return l.Listener.Close()
}

// stranger is a connection whose addresses are what they are.
type stranger struct {
	net.Conn
	at net.Addr
}

func (c stranger) RemoteAddr() net.Addr { return c.at }

func (c stranger) LocalAddr() net.Addr { return c.at }

// textAddr is an address of a network that package net does not know.
type textAddr string

func (textAddr) Network() string { return "other" }

func (a textAddr) String() string { return string(a) }

// TestForeignAddresses are what a Listener says, and only a unix socket is one.
func TestForeignAddresses(t *testing.T) {
	const shown = "$remote_addr|$remote_port|$binary_remote_addr|$server_addr|$geo"
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l := &strangers{Listener: inner, come: make(chan net.Conn)}
	s := startWith(t, func(c *Config) {
		c.Servers[0].Listen, c.Servers[0].Listener = nil, l
	}, `geo $geo { default no; 0.0.0.0/0 v4; 255.255.255.255 none; }
		log_format l "`+shown+` $status"; access_log DIR/access.log l;
		server { listen 127.0.0.1:PORT0; allow unix:; allow 192.0.2.0/24; allow fe80::/10; deny all; return "`+shown+`"; }`)
	var none *net.TCPAddr
	var unnamed *net.UnixAddr
	logged := 0
	for _, tt := range []struct {
		at        net.Addr
		shown     string
		let       bool
		inContext string
	}{
		{nil, "-|-|-|-|none 403", false, "unknown"},
		{none, "-|-|-|-|none 403", false, "unknown"},
		{unnamed, "-|-|-|-|none 403", false, "unknown"},
		{&net.TCPAddr{Port: 1}, "-|-|-|-|none 403", false, "unknown"},
		{textAddr(""), "-|-|-|-|none 403", false, "unknown"},
		{textAddr("peer"), "peer||peer|peer|none 403", false, "peer"},
		{textAddr("unix:"), "unix:||unix:|unix:|none 403", false, "unix:"},
		{textAddr("198.51.100.1:7"), `198.51.100.1|7|\xC63d\x01|198.51.100.1|v4 403`, false, "198.51.100.1"},
		{textAddr("192.0.2.33:7"), `192.0.2.33|7|\xC0\x00\x02!|192.0.2.33|v4 200`, true, ""},
		{&net.TCPAddr{IP: net.ParseIP("fe80::2122"), Port: 1, Zone: "lo"}, `fe80::2122|1|\xFE\x80` + strings.Repeat(`\x00`, 12) + `!\x22|fe80::2122|no 200`, true, ""},
		{&net.UnixAddr{Name: "@", Net: "unix"}, "unix:||unix:|unix:|none 200", true, ""},
		{&net.UnixAddr{Name: "/p", Net: "unix"}, "unix:/p||unix:/p|unix:/p|none 200", true, ""},
	} {
		client, server := net.Pipe()
		l.come <- stranger{server, tt.at}
		text, err := io.ReadAll(client)
		require.NoError(t, err)
		assert.Equal(t, tt.let, len(text) > 0, "%#v", tt.at)
		logged++
		assert.Equal(t, tt.shown, s.lines("access.log", logged)[logged-1], "%#v", tt.at)
		if !tt.let {
			refusals := s.errors("error")
			assert.Contains(t, refusals[len(refusals)-1], "access forbidden by rule while initializing session, client: "+tt.inContext+", server: ", "%#v", tt.at)
		}
	}
}

// TestUnknownLocalAddress ends a session where it would have to decide.
func TestUnknownLocalAddress(t *testing.T) {
	s := start(t, `
		server { listen PORT0; return wild; }
		server { listen 127.0.0.1:PORT0; return exact; }`)
	assert.Equal(t, "exact", s.ask("PORT0", ""))
	ln := s.listeners[s.gen.plan[0].key]
	for at, want := range map[net.Addr]string{nil: "", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1).To4(), Port: 1}: "exact", &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1).To4(), Port: 1}: "wild"} {
		client, server := net.Pipe()
		ln.acceptedNet(stranger{server, at})
		text, err := io.ReadAll(client)
		require.NoError(t, err)
		assert.Equal(t, want, string(text))
	}
	assert.Contains(t, s.errors("info"), "[info] getsockname() failed")
}
