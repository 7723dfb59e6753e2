package stream

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/streamtest"
)

// tries is a log line that shows what the tries of a session were.
const tries = `log_format l "$status $upstream_addr|$upstream_bytes_sent|$upstream_bytes_received|$upstream_connect_time|$upstream_first_byte_time|$upstream_session_time";
	access_log DIR/access.log l;`

// Every server of the group is tried in turn, and has its place in each list.
func TestNextUpstreamLists(t *testing.T) {
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		s := startWith(t, change, tries+`
			upstream u { server DEAD0; server unix:DIR/none.sock; server GREET; }
			server { listen 127.0.0.1:PORT0; proxy_pass u; }`,
			"DEAD0", streamtest.Refused(t), "GREET", streamtest.Greeter(t, "hi"))
		assert.Equal(t, "hi", s.ask("PORT0", ""))
		line := seconds.ReplaceAllString(s.line("access.log"), "TIME")
		assert.Equal(t, s.text("200 DEAD0, unix:DIR/none.sock, GREET|0, 0, 0|0, 0, 2|-, -, TIME|-, -, TIME|TIME, TIME, TIME"), line)
		assert.Contains(t, strings.Join(s.errors("crit"), "\n"),
			s.text(`[crit] *1 connect() to unix:DIR/none.sock failed (2: No such file or directory) while connecting to upstream, client: 127.0.0.1, server: 127.0.0.1:PORT0, upstream: "unix:DIR/none.sock", bytes from/to client:0/0, bytes from/to upstream:0/0`))
	})
}

func TestNextUpstreamLimits(t *testing.T) {
	for _, tt := range []struct{ settings, want string }{
		{"proxy_next_upstream_tries 2;", "502 DEAD0, DEAD1|"},
		{"proxy_next_upstream_tries 1;", "502 DEAD0|"},
		{"proxy_next_upstream_tries 0;", "200 DEAD0, DEAD1, GREET|"},
		{"proxy_next_upstream off;", "502 DEAD0|"},
		{"proxy_next_upstream_timeout 1h;", "200 DEAD0, DEAD1, GREET|"},
	} {
		s := start(t, tries+`
			upstream u { server DEAD0; server DEAD1; server GREET; }
			server { listen 127.0.0.1:PORT0; `+tt.settings+` proxy_pass u; }`,
			"DEAD0", streamtest.Refused(t), "DEAD1", streamtest.Refused(t), "GREET", streamtest.Greeter(t, "hi"))
		s.ask("PORT0", "")
		assert.True(t, strings.HasPrefix(s.line("access.log"), s.text(tt.want)), "%s: %s", tt.settings, s.line("access.log"))
	}
}

// The time for tries counts from the first one; here that one takes longer.
func TestNextUpstreamTimeout(t *testing.T) {
	s := start(t, tries+`
		upstream u { server FULL; server GREET; }
		server { listen 127.0.0.1:PORT0; proxy_connect_timeout 50ms; proxy_next_upstream_timeout 20ms; proxy_pass u; }
		server { listen 127.0.0.1:PORT1; proxy_connect_timeout 50ms; proxy_pass v; }
		upstream v { server FULL; server GREET; }`,
		"FULL", streamtest.Full(t), "GREET", streamtest.Greeter(t, "hi"))
	assert.Empty(t, s.ask("PORT0", ""))
	assert.Equal(t, "hi", s.ask("PORT1", ""))
	lines := s.lines("access.log", 2)
	assert.True(t, strings.HasPrefix(lines[0], s.text("502 FULL|")), lines[0])
	assert.True(t, strings.HasPrefix(lines[1], s.text("200 FULL, GREET|")), lines[1])
}

// What a client has sent for nobody does not count, and it learns by a reset
// that it was lost; also what had been read for the second try.
func TestEarlyBytesForNobody(t *testing.T) {
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		s := startWith(t, change, `log_format l "$status $bytes_received"; access_log DIR/access.log l;
			upstream u { server FULL; server DEAD0; }
			server { listen 127.0.0.1:PORT0; proxy_connect_timeout 50ms; proxy_pass u; }`,
			"FULL", streamtest.Full(t), "DEAD0", streamtest.Refused(t))
		c := s.dial("PORT0")
		streamtest.Send(t, c, "hello")
		_, err := c.Read(make([]byte, 1))
		assert.ErrorIs(t, err, syscall.ECONNRESET)
		assert.Equal(t, "502 0", s.line("access.log"))
	})
}

// A connection that comes to nothing before connect() is called has no number.
func TestNumberOfNoConnection(t *testing.T) {
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		s := startWith(t, change, `log_format l "$connection $status"; access_log DIR/access.log l;
			server { listen 127.0.0.1:PORT0; proxy_bind 192.0.2.1; proxy_pass DEAD0; }
			server { listen 127.0.0.1:PORT1; proxy_pass DEAD0; }`, "DEAD0", streamtest.Refused(t))
		for i, port := range []string{"PORT0", "PORT0", "PORT1", "PORT0"} {
			assert.Empty(t, s.ask(port, ""))
			s.lines("access.log", i+1)
		}
		assert.Equal(t, []string{"1 500", "2 500", "3 502", "5 500"}, s.lines("access.log", 4))
	})
}

// What the client says while servers are tried is passed on to the one that is
// reached.
func TestEarlyBytesReachTheLastTry(t *testing.T) {
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		address, received := streamtest.Recorder(t)
		s := startWith(t, change, tries+`
			upstream u { server FULL; server DEAD0; server REC; }
			server { listen 127.0.0.1:PORT0; proxy_connect_timeout 50ms; proxy_pass u; }`,
			"FULL", streamtest.Full(t), "DEAD0", streamtest.Refused(t), "REC", address)
		c := s.dial("PORT0")
		streamtest.Send(t, c, strings.Repeat("early ", 5000))
		require.NoError(t, c.Close())
		assert.Equal(t, strings.Repeat("early ", 5000), streamtest.Receive(t, received))
		assert.True(t, strings.HasPrefix(s.line("access.log"), s.text("200 FULL, DEAD0, REC|0, 0, 30000|")), s.line("access.log"))
	})
}

// proxy_upload_rate holds for what the client says before there is an upstream,
// too. It has come when the second server is tried.
func TestUploadRateOfFirstBytes(t *testing.T) {
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		first := make(chan int, 1)
		address := streamtest.Upstream(t, func(c net.Conn) {
			n, _ := c.Read(make([]byte, 2000))
			first <- n
		})
		s := startWith(t, change, `upstream u { server FULL; server UP; }
			proxy_connect_timeout 50ms;
			map $remote_addr $rate { default 1; }
			server { listen 127.0.0.1:PORT0; proxy_upload_rate 1; proxy_pass u; }
			server { listen 127.0.0.1:PORT1; proxy_upload_rate $rate; proxy_pass u; }`,
			"FULL", streamtest.Full(t), "UP", address)
		for _, port := range []string{"PORT0", "PORT1"} {
			streamtest.Send(t, s.dial(port), strings.Repeat("x", 1000))
			assert.Less(t, <-first, 1000)
		}
	})
}

// A group that has no server left answers under its own name.
func TestNoLiveUpstreams(t *testing.T) {
	s := start(t, tries+`
		upstream U { server DEAD0 down; server DEAD1 max_conns=1 down; }
		server { listen 127.0.0.1:PORT0; proxy_pass u; }`,
		"DEAD0", streamtest.Refused(t), "DEAD1", streamtest.Refused(t))
	assert.Empty(t, s.ask("PORT0", ""))
	assert.Equal(t, "502 U|0|0|-|-|0.000", s.line("access.log"))
}

// proxy_pass with variables goes to a group by name, to an address, to a unix
// socket, or nowhere with an error.
func TestProxyPassVariable(t *testing.T) {
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		s := startWith(t, change, tries+`
			upstream Group { server GREET; }
			map $proxy_protocol_addr $to { 1 gROUP; 2 GREET; 3 unix:DIR/greet.sock; 4 group:80; 5 127.0.0.1:70000; 6 [::1]; 7 unix:; }
			server { listen unix:DIR/greet.sock; return unix; }
			server { listen 127.0.0.1:PORT0 proxy_protocol; proxy_pass $to; }`, "GREET", streamtest.Greeter(t, "hi"))
		for to, want := range map[string]string{
			"1": "hi", "2": "hi", "3": "unix", "4": "", "5": "", "6": "", "7": "",
		} {
			assert.Equal(t, want, s.ask("PORT0", "PROXY TCP4 "+to+" 1.1.1.1 1 2\r\n"), to)
		}
		s.shutdown()
		var said []string
		for _, line := range s.errors("error") {
			_, line, _ = strings.Cut(line, " ")
			_, line, _ = strings.Cut(line, " ")
			line, _, _ = strings.Cut(line, ", client: ")
			said = append(said, line)
		}
		assert.ElementsMatch(t, []string{
			`no resolver defined to resolve group`, `invalid port in upstream "127.0.0.1:70000"`,
			`no port in upstream "[::1]"`, `no path in the unix domain socket in upstream "unix:"`,
		}, said)
	})
}

// A program's own dialer is asked with the address as it stands.
func TestDialer(t *testing.T) {
	asked := make(chan string, 10)
	dial := func(_ context.Context, network, address string) (net.Conn, error) {
		asked <- network + " " + address
		if strings.HasSuffix(address, ":1") {
			return nil, &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
		}
		if strings.HasSuffix(address, ":2") {
			return nil, errors.New("no such tailnet")
		}
		here, there := net.Pipe()
		go func() { _, _ = io.WriteString(there, "piped"); there.Close() }()
		return here, nil
	}
	s := startWith(t, func(cfg *Config) { cfg.Servers[0].Proxy.Dial = dial }, tries+`
		upstream u { server 192.0.2.1:1; server 192.0.2.1:2; server 192.0.2.1:3; }
		server { listen unix:DIR/s; proxy_pass u; }`)
	assert.Equal(t, "piped", s.ask("DIR/s", ""))
	assert.Equal(t, "200 192.0.2.1:1, 192.0.2.1:2, 192.0.2.1:3|0, 0, 0|0, 0, 5|-, -, TIME|-, -, TIME|TIME, TIME, TIME",
		seconds.ReplaceAllString(s.line("access.log"), "TIME"))
	for _, want := range []string{"tcp 192.0.2.1:1", "tcp 192.0.2.1:2", "tcp 192.0.2.1:3"} {
		assert.Equal(t, want, streamtest.Receive(t, asked))
	}
	said := strings.Join(s.errors("error"), "\n")
	assert.Contains(t, said, "connect() failed (111: Connection refused) while connecting to upstream")
	assert.Contains(t, said, "connect() failed (no such tailnet) while connecting to upstream")
}

// Without local ports nothing can be reached, which is no fault of the servers:
// they are tried again at once.
func TestNoLocalPort(t *testing.T) {
	var full atomic.Bool
	full.Store(true)
	up := streamtest.Greeter(t, "hi")
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		if full.Load() {
			return nil, &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.EADDRNOTAVAIL)}
		}
		return (&net.Dialer{}).DialContext(ctx, network, up)
	}
	s := startWith(t, func(cfg *Config) { cfg.Servers[0].Proxy.Dial = dial }, tries+`
		upstream u { server 127.0.0.1:1; server 127.0.0.2:1; }
		server { listen 127.0.0.1:PORT0; proxy_pass u; }`)
	assert.Empty(t, s.ask("PORT0", ""))
	s.line("access.log")
	full.Store(false)
	assert.Equal(t, "hi", s.ask("PORT0", ""))
	s.shutdown()
	assert.NotContains(t, strings.Join(s.errors("error"), "\n"), "no live upstreams")
	assert.True(t, strings.HasPrefix(s.lines("access.log", 2)[0], "502 127.0.0.1:1, 127.0.0.2:1|"))
}
