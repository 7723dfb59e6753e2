//go:build linux

package stream

import (
	"io"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// tellPeer is an upstream that sends the address it is connected to from.
func tellPeer(t *testing.T) (port string) {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, conn.RemoteAddr().String())
			conn.Close()
		}
	}()
	_, port, err = net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	return port
}

func TestProxyBind(t *testing.T) {
	for directives, want := range map[string]string{
		"proxy_bind 127.0.0.5;":              "127.0.0.5",
		"proxy_bind off;":                    "127.0.0.1",
		"set $at 127.0.0.6; proxy_bind $at;": "127.0.0.6",
		"set $at ''; proxy_bind $at;":        "127.0.0.1",
		"":                                   "127.0.0.7", // from the stream block
	} {
		t.Run(directives, func(t *testing.T) {
			onTransports(t, func(t *testing.T, workers int) {
				l := serve(t, workers, "proxy_bind 127.0.0.7; server { listen unix:%DIR%/in; proxy_pass 127.0.0.1:"+tellPeer(t)+"; "+directives+" }")
				host, _, err := net.SplitHostPort(readAll(t, l.dial(0)))
				require.NoError(t, err)
				assert.Equal(t, want, host)
				l.waitFor("e.log", "proxy "+want+":")
			})
		})
	}
}

func TestProxyBindPort(t *testing.T) {
	onTransports(t, func(t *testing.T, workers int) {
		free, err := net.Listen("tcp4", "127.0.0.8:0")
		require.NoError(t, err)
		at := free.Addr().String()
		free.Close()
		l := serve(t, workers, "server { listen unix:%DIR%/in; proxy_pass 127.0.0.1:"+tellPeer(t)+"; proxy_bind "+at+"; }")
		assert.Equal(t, at, readAll(t, l.dial(0)))
	})
}

// A value that is no address is reported, and the system chooses.
func TestProxyBindInvalidValue(t *testing.T) {
	onTransports(t, func(t *testing.T, workers int) {
		l := serve(t, workers, "server { listen unix:%DIR%/in; proxy_pass 127.0.0.1:"+tellPeer(t)+"; set $at 127.0.0.1:0; proxy_bind $at; }")
		assert.True(t, strings.HasPrefix(readAll(t, l.dial(0)), "127.0.0.1:"))
		assert.Contains(t, l.waitFor("e.log", "invalid local address"),
			`[error] `+pidOf(l)+`: *1 invalid local address "127.0.0.1:0", client: unix:, server: unix:`+l.dir+`/in, bytes from/to client:0/0, bytes from/to upstream:0/0`)
	})
}

// pidOf is the process and thread id of a log line.
func pidOf(l *live) string {
	_, rest, _ := strings.Cut(l.file("e.log"), "] ")
	id, _, _ := strings.Cut(rest, ":")
	return id
}

// An address that cannot be had ends the session: no other server would be
// reached either.
func TestProxyBindFails(t *testing.T) {
	for _, test := range []struct{ at, upstream, why string }{
		{"203.0.113.9", "127.0.0.1:1", "99: Cannot assign requested address"},
		{"::1", "127.0.0.1:1", "97: Address family not supported by protocol"},
		{"127.0.0.1", "unix:%DIR%/none", "22: Invalid argument"},
	} {
		t.Run(test.at, func(t *testing.T) {
			onTransports(t, func(t *testing.T, workers int) {
				l := serve(t, workers, "upstream u { server "+test.upstream+"; server "+test.upstream+"; } server { listen unix:%DIR%/in; proxy_pass u; proxy_bind "+test.at+"; }")
				assert.Empty(t, readAll(t, l.dial(0)))
				assert.Equal(t, "500 0 0 \n", l.waitFor("a.log", "\n"))
				log := l.file("e.log")
				assert.Contains(t, log, "[crit]")
				assert.Contains(t, log, "*1 bind("+test.at+") failed ("+test.why+") while connecting to upstream, client: unix:, server: unix:"+
					l.dir+`/in, upstream: "`+strings.ReplaceAll(test.upstream, "%DIR%", l.dir)+`", bytes from/to client:0/0`)
				assert.Equal(t, 1, strings.Count(log, "bind("), "one attempt")
			})
		})
	}
}

// transparent takes a right that whoever runs the test may not have.
func TestProxyBindTransparent(t *testing.T) {
	cfg := newConfig(t, t.TempDir(), "server { listen unix:/none; proxy_pass 127.0.0.1:1; proxy_bind $remote_addr transparent; }")
	assert.True(t, cfg.Transparent())
	assert.False(t, (&Config{Servers: []*ServerConfig{{}}}).Transparent())
	assert.True(t, (&Config{Defaults: ServerConfig{Proxy: ProxyConfig{Bind: ProxyBind{Transparent: true}}}}).Transparent())

	onTransports(t, func(t *testing.T, workers int) {
		l := serve(t, workers, "server { listen unix:%DIR%/in; proxy_pass 127.0.0.1:"+tellPeer(t)+"; proxy_bind 192.0.2.1 transparent; proxy_connect_timeout 100ms; }")
		assert.Empty(t, readAll(t, l.dial(0)))
		l.waitFor("a.log", "\n")
		log := l.file("e.log")
		if strings.Contains(log, "EPERM") || strings.Contains(log, "Operation not permitted") {
			assert.Contains(t, log, "[alert]")
			assert.Contains(t, log, "setsockopt(IP_TRANSPARENT) failed (1: Operation not permitted) while connecting to upstream")
			return
		}
		// The socket was bound; the answer to its SYN cannot find the way back.
		assert.NotContains(t, log, "bind(")
		assert.Contains(t, log, "upstream timed out")
	})
}

// What the configuration wants of upstream sockets, they have.
func TestUpstreamSocketOptions(t *testing.T) {
	dir := shortTempDir(t)
	cfg := newConfig(t, dir, `server { listen unix:%DIR%/in; proxy_pass 127.0.0.1:1;
		proxy_bind 127.0.0.5; proxy_socket_rcvbuf 8k; proxy_socket_sndbuf 16k; proxy_socket_keepalive on; }`)
	g, err := compileConfig(cfg, nil)
	require.NoError(t, err)
	t.Cleanup(g.files.Close)
	s := &Session{gen: g, srv: g.servers[cfg.Servers[0]]}
	s.up.local = s.chooseLocal()

	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	defer unix.Close(fd)
	require.NoError(t, s.prepareUpstream(fd, &s.srv.proxy.dial, false))
	option := func(level, name int) int {
		v, err := unix.GetsockoptInt(fd, level, name)
		require.NoError(t, err)
		return v
	}
	assert.Equal(t, 2*8192, option(unix.SOL_SOCKET, unix.SO_RCVBUF), "the kernel doubles it")
	assert.Equal(t, 2*16384, option(unix.SOL_SOCKET, unix.SO_SNDBUF))
	assert.Equal(t, 1, option(unix.SOL_SOCKET, unix.SO_KEEPALIVE))
	assert.Equal(t, 1, option(unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT))
	sa, err := unix.Getsockname(fd)
	require.NoError(t, err)
	assert.Equal(t, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 5}}, sa, "connect() is to choose the port")
}

// Options that cannot be set are reported and do no harm.
func TestUpstreamSocketOptionFails(t *testing.T) {
	l := serve(t, 1, `server { listen unix:%DIR%/in; return x; }`)
	s := &Session{gen: l.gen, ln: l.listeners[l.gen.plan[0].key]}
	for _, srv := range l.gen.servers {
		s.srv = srv
	}
	require.NoError(t, s.prepareUpstream(-1, &dialOptions{rcvbuf: 8192, sndbuf: 4096, keepalive: true}, false))
	log := l.waitFor("e.log", "SO_KEEPALIVE")
	for _, call := range []string{"SO_RCVBUF, 8192", "SO_SNDBUF, 4096", "SO_KEEPALIVE"} {
		assert.Contains(t, log, "setsockopt("+call+") failed, ignored (9: Bad file descriptor)")
	}
	assert.Equal(t, 3, strings.Count(log, "[alert]"))
}

// Package net must not hide whose failure it was.
func TestLocalErrorStaysItself(t *testing.T) {
	failed := &localError{call: "bind(x)", err: syscall.EADDRNOTAVAIL}
	got := plainError(&net.OpError{Op: "dial", Err: failed})
	assert.Same(t, failed, got)
	assert.ErrorIs(t, got, syscall.EADDRNOTAVAIL)
	assert.Equal(t, "bind(x) failed: cannot assign requested address", failed.Error())
}
