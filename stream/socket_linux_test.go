package stream

import (
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// sockopts reads options of a socket, all of which must exist.
func sockopts(t *testing.T, fd int, names ...[2]int) []int {
	t.Helper()
	values := make([]int, len(names))
	for i, n := range names {
		v, err := unix.GetsockoptInt(fd, n[0], n[1])
		require.NoError(t, err)
		values[i] = v
	}
	return values
}

var (
	keepAlive = [2]int{unix.SOL_SOCKET, unix.SO_KEEPALIVE}
	nodelay   = [2]int{unix.IPPROTO_TCP, unix.TCP_NODELAY}
	keepIdle  = [2]int{unix.IPPROTO_TCP, unix.TCP_KEEPIDLE}
	keepIntvl = [2]int{unix.IPPROTO_TCP, unix.TCP_KEEPINTVL}
	keepCount = [2]int{unix.IPPROTO_TCP, unix.TCP_KEEPCNT}
)

// freePorts are TCP ports of 127.0.0.1 that nobody had a moment ago.
func freePorts(t *testing.T, n int) []string {
	t.Helper()
	ports := make([]string, n)
	for i := range ports {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		require.NoError(t, err)
		defer l.Close()
		_, ports[i], _ = net.SplitHostPort(l.Addr().String())
	}
	return ports
}

// withPorts puts free ports in the place of %1%, %2%, ...
func withPorts(t *testing.T, block string) string {
	for i, port := range freePorts(t, strings.Count(block, "listen 127.0.0.1:%")) {
		block = strings.ReplaceAll(block, "%"+string(rune('1'+i))+"%", port)
	}
	return block
}

// socketsOf are the client's and the upstream's descriptor of the only session.
func (l *live) socketsOf() (client, upstream int) {
	l.t.Helper()
	w := l.workers.all[0]
	require.Eventually(l.t, func() bool {
		found := make(chan bool)
		w.loop.Post(func() {
			s := w.sessions.first
			ok := s != nil && s.loopTransport.relays
			if ok {
				client, upstream = s.loopTransport.client.FD(), s.loopTransport.server.FD()
			}
			found <- ok
		})
		return <-found
	}, patience, tick)
	return client, upstream
}

// What strace shows of nginx: TCP_NODELAY on both sides, keepalive only where
// it is asked for, on unix sockets too.
func TestSessionSockets(t *testing.T) {
	for _, c := range []struct {
		name, listen, server string
		client, upstream     []int // keepalive, nodelay
	}{
		{"plain", "", "", []int{0, 1}, []int{0, 1}},
		{"keepalive", "so_keepalive=on", "proxy_socket_keepalive on;", []int{1, 1}, []int{1, 1}},
		{"keepalive off", "so_keepalive=off", "proxy_socket_keepalive off;", []int{0, 1}, []int{0, 1}},
		{"delay", "", "tcp_nodelay off;", []int{0, 0}, []int{0, 0}},
		{"delay, keepalive", "", "tcp_nodelay off; proxy_socket_keepalive on;", []int{0, 0}, []int{1, 0}},
		{"own socket", "bind reuseport", "", []int{0, 1}, []int{0, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			up, err := net.Listen("tcp4", "127.0.0.1:0")
			require.NoError(t, err)
			t.Cleanup(func() { up.Close() })
			l := serve(t, 1, withPorts(t, "server { listen 127.0.0.1:%1% "+c.listen+"; proxy_pass "+up.Addr().String()+"; "+c.server+" }"))
			l.dial(0)
			client, upstream := l.socketsOf()
			assert.Equal(t, c.client, sockopts(t, client, keepAlive, nodelay), "client")
			assert.Equal(t, c.upstream, sockopts(t, upstream, keepAlive, nodelay), "upstream")
		})
	}
}

func TestUnixUpstreamKeepalive(t *testing.T) {
	l := serve(t, 1, `server { listen unix:%DIR%/in; proxy_pass unix:%DIR%/echo; proxy_socket_keepalive on; }`)
	backend(t, filepath.Join(l.dir, "echo"), echo)
	l.dial(0)
	_, upstream := l.socketsOf()
	assert.Equal(t, []int{1}, sockopts(t, upstream, keepAlive))
}

// The keepalive of a session on a goroutine is the listener's, not the one of
// package net.
func TestGoroutineKeepalive(t *testing.T) {
	for listen, want := range map[string][]int{"": {0, 1}, "so_keepalive=on": {1, 1}} {
		up, err := net.Listen("tcp4", "127.0.0.1:0")
		require.NoError(t, err)
		t.Cleanup(func() { up.Close() })
		l := serve(t, onGoroutines, withPorts(t, "server { listen 127.0.0.1:%1% "+listen+"; proxy_socket_keepalive on; proxy_pass "+up.Addr().String()+"; }"))
		l.dial(0)
		server, err := up.Accept()
		require.NoError(t, err)
		t.Cleanup(func() { server.Close() })
		l.onGoroutines.mu.Lock()
		var tr *netTransport
		for tr = range l.onGoroutines.running {
		}
		l.onGoroutines.mu.Unlock()
		assert.Equal(t, want, rawSockopts(t, tr.accepted, keepAlive, nodelay))
		defaults := rawSockopts(t, server, keepIdle, keepIntvl, keepCount)
		assert.Equal(t, defaults, rawSockopts(t, tr.accepted, keepIdle, keepIntvl, keepCount), "times are the system's")
	}
}

func rawSockopts(t *testing.T, conn net.Conn, names ...[2]int) (values []int) {
	t.Helper()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	require.NoError(t, err)
	require.NoError(t, raw.Control(func(fd uintptr) { values = sockopts(t, int(fd), names...) }))
	return values
}

func TestListenOptions(t *testing.T) {
	const (
		queue   = 30 // TCP_FASTOPEN shows what was set
		seconds = 1
	)
	l := serve(t, 3, withPorts(t, `
		server { listen 127.0.0.1:%1% so_keepalive=30m::10 rcvbuf=64k sndbuf=32k fastopen=30 deferred; return x; }
		server { listen 127.0.0.1:%2% reuseport; return x; }
		server { listen 127.0.0.1:%3%; return x; }
		server { listen unix:%DIR%/in rcvbuf=64k; return x; }`))
	var all []*listener
	for _, p := range l.gen.plan {
		all = append(all, l.listeners[p.key])
	}
	first := int(all[0].sockets[0])
	assert.Equal(t, []int{1, 30 * 60, 10}, sockopts(t, first, keepAlive, keepIdle, keepCount))
	// The kernel doubles buffers.
	assert.Equal(t, []int{2 * 64 << 10, 2 * 32 << 10}, sockopts(t, first, [2]int{unix.SOL_SOCKET, unix.SO_RCVBUF}, [2]int{unix.SOL_SOCKET, unix.SO_SNDBUF}))
	assert.Equal(t, []int{queue, seconds}, sockopts(t, first, [2]int{unix.IPPROTO_TCP, unix.TCP_FASTOPEN}, [2]int{unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT}))
	assert.Len(t, all[1].sockets, 3, "one for each loop")
	for _, sk := range all[1].sockets {
		assert.Equal(t, []int{1}, sockopts(t, int(sk), [2]int{unix.SOL_SOCKET, unix.SO_REUSEPORT}))
	}
	assert.Len(t, all[2].sockets, 1)
	assert.Equal(t, []int{0, 1}, sockopts(t, int(all[2].sockets[0]), [2]int{unix.SOL_SOCKET, unix.SO_REUSEPORT}, [2]int{unix.SOL_SOCKET, unix.SO_REUSEADDR}))
	assert.Equal(t, []int{2 * 64 << 10}, sockopts(t, int(all[3].sockets[0]), [2]int{unix.SOL_SOCKET, unix.SO_RCVBUF}))
}

func TestIPv6Only(t *testing.T) {
	l6, err := net.Listen("tcp6", "[::]:0")
	if err != nil {
		t.Skip("no IPv6")
	}
	l6.Close()
	_, port, _ := net.SplitHostPort(l6.Addr().String())
	for option, want := range map[string]int{"": 1, "ipv6only=on": 1, "ipv6only=off": 0} {
		l := serve(t, 1, "server { listen [::]:"+port+" "+option+"; return x; }")
		for _, ln := range l.listeners {
			assert.Equal(t, []int{want}, sockopts(t, int(ln.sockets[0]), [2]int{unix.IPPROTO_IPV6, unix.IPV6_V6ONLY}), option)
		}
		l.Close()
	}
}
