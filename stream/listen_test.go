package stream

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/streamtest"
)

// A specific address shares the socket of a wildcard on the same port, and is
// still told apart; with socket options it has a socket of its own.
func TestListenWildcardAndSpecific(t *testing.T) {
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		s := startWith(t, change, `
			server { listen PORT0; return any; }
			server { listen 127.0.0.2:PORT0; return "two $server_addr"; }
			server { listen 127.0.0.3:PORT0; return "three"; }
			server { listen PORT1; return any; }
			server { listen [::]:PORT1; return "six $server_addr"; }`)
		assert.Equal(t, 3, s.Listeners())
		assert.Equal(t, "any", s.ask("127.0.0.1:PORT0", ""))
		assert.Equal(t, "two 127.0.0.2", s.ask("127.0.0.2:PORT0", ""))
		assert.Equal(t, "three", s.ask("127.0.0.3:PORT0", ""))
		assert.Equal(t, "any", s.ask("127.0.0.1:PORT1", ""))
		assert.Equal(t, "six ::1", s.ask("[::1]:PORT1", ""))
	})
}

func TestListenOwnSocket(t *testing.T) {
	s := start(t, `
		server { listen 127.0.0.2:PORT0 backlog=7; return two; }
		server { listen 127.0.0.3:PORT0; return three; }`)
	assert.Equal(t, 2, s.Listeners())
	assert.Equal(t, "two", s.ask("127.0.0.2:PORT0", ""))
	assert.Equal(t, "three", s.ask("127.0.0.3:PORT0", ""))
}

// The server that was named default_server gets the connections, else the first
// one.
func TestListenDefaultServer(t *testing.T) {
	s := start(t, `
		server { listen 127.0.0.1:PORT0; server_name a; return first; }
		server { listen 127.0.0.1:PORT0; server_name b; return second; }
		server { listen 127.0.0.1:PORT1; server_name a; return first; }
		server { listen 127.0.0.1:PORT1 default_server; server_name b; return second; }`)
	assert.Equal(t, "first", s.ask("PORT0", ""))
	assert.Equal(t, "second", s.ask("PORT1", ""))
}

func TestListenRange(t *testing.T) {
	g := compiled(t, `server { listen 127.0.0.1:8000-8002; return x; }`)
	var addresses []string
	for _, p := range g.plan {
		addresses = append(addresses, p.key.addr.String())
	}
	assert.Subset(t, addresses, []string{"127.0.0.1:8000", "127.0.0.1:8001", "127.0.0.1:8002"})
}

func TestListenUnix(t *testing.T) {
	s := start(t, `server { listen unix:DIR/a.sock; return "$server_addr [$server_port]"; }`)
	assert.Equal(t, "unix:"+s.dir+"/a.sock []", s.ask("DIR/a.sock", ""))
	info, err := os.Stat(filepath.Join(s.dir, "a.sock"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o666), info.Mode().Perm(), "whoever may reach the folder may connect")
	s.shutdown()
	assert.NoFileExists(t, filepath.Join(s.dir, "a.sock"))
}

func TestListenReuseport(t *testing.T) {
	s := startWith(t, func(cfg *Config) { cfg.Workers = 2 }, `server { listen 127.0.0.1:PORT0 reuseport; return x; }`)
	assert.Equal(t, 1, s.Listeners())
	for range 20 {
		assert.Equal(t, "x", s.ask("PORT0", ""))
	}
}

// The error of a socket has the words of C's library, and nothing stays open.
func TestListenBindErrors(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	for address, want := range map[string]string{
		taken.Addr().String(): "bind() to " + taken.Addr().String() + " failed (98: Address already in use)",
		"192.0.2.1:80":        "bind() to 192.0.2.1:80 failed (99: Cannot assign requested address)",
		"unix:/nonexistent/s": "bind() to unix:/nonexistent/s failed (2: No such file or directory)",
	} {
		s := &site{t: t, dir: t.TempDir(), ports: map[string]string{}}
		srv, err := New(s.config(`server { listen unix:DIR/free.sock; listen ` + address + `; return x; }`))
		require.NoError(t, err)
		assert.EqualError(t, srv.Listen(), want)
		assert.Zero(t, srv.Listeners())
		assert.NoFileExists(t, s.dir+"/free.sock")
		require.NoError(t, srv.Close())
	}
}

// All addresses in use are named, with reuseport once for each socket; after an
// error of another kind nothing more is tried.
func TestListenNamesAllInUse(t *testing.T) {
	one, two := takenAddress(t), takenAddress(t)
	const inUse = " failed (98: Address already in use)"
	for lines, want := range map[string][]string{
		"listen ONE reuseport; listen unix:DIR/free.sock; listen TWO;":           {"ONE" + inUse, "TWO" + inUse, "ONE" + inUse, "ONE" + inUse},
		"listen ONE; listen unix:DIR/none/s.sock; listen TWO;":                   {"ONE" + inUse, "unix:DIR/none/s.sock failed (2: No such file or directory)"},
		"listen unix:DIR/taken.sock; listen unix:DIR/free.sock; listen TWO udp;": {"unix:DIR/taken.sock" + inUse},
	} {
		s := &site{t: t, dir: t.TempDir(), ports: map[string]string{}, extra: []string{"ONE", one, "TWO", two}}
		taken, err := net.Listen("unix", s.dir+"/taken.sock")
		require.NoError(t, err)
		cfg := s.config("server { " + lines + " return x; }")
		cfg.Workers = 3
		srv, err := New(cfg)
		require.NoError(t, err)
		assert.EqualError(t, srv.Listen(), s.text("bind() to "+strings.Join(want, "\nbind() to ")), lines)
		assert.Zero(t, srv.Listeners())
		assert.NoFileExists(t, s.dir+"/free.sock")
		assert.FileExists(t, s.dir+"/taken.sock", "belongs to another")
		require.NoError(t, srv.Close())
		taken.Close()
	}
}

// takenAddress is one that somebody listens on until the test ends.
func takenAddress(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

// The order in which sockets are opened is nginx's.
func TestListenOrder(t *testing.T) {
	g := compiled(t, `server { listen 3; listen 127.0.0.1:2; listen 127.0.0.2:2; listen 2 udp; return x; }
		server { listen [::1]:2; listen *:1; listen 127.0.0.3:3; listen 127.0.0.4:3 bind; listen 127.0.0.5:2 backlog=2; return x; }`)
	var order []string
	for _, p := range g.plan {
		order = append(order, p.key.addr.String())
	}
	assert.Equal(t, []string{"127.0.0.4:3", "0.0.0.0:3", "127.0.0.5:2", "127.0.0.1:2", "127.0.0.2:2", "0.0.0.0:2", "[::1]:2", "0.0.0.0:1"}, order[:8])
}

// What a listen line is refused for. The texts are those of nginx.
func TestListenRefused(t *testing.T) {
	for snippet, want := range map[string]string{
		`listen 1 so_keepalive=x;`:                          `invalid so_keepalive value: "x" in CONF:1`,
		`listen 1 so_keepalive=::;`:                         `invalid so_keepalive value: "::" in CONF:1`,
		`listen 1 rcvbuf=x;`:                                `invalid rcvbuf "rcvbuf=x" in CONF:1`,
		`listen 1 backlog=-1;`:                              `invalid backlog "backlog=-1" in CONF:1`,
		`listen 1 ipv6only=off;`:                            ``,
		`listen 1 udp backlog=5;`:                           `"listen" directive "backlog" parameter is incompatible with "udp" in CONF:1`,
		`listen 1 default_server; listen 1 default_server;`: `a duplicate listen 0.0.0.0:1 in CONF:1`,
		`listen 0;`:                                         `invalid port in "0" of the "listen" directive in CONF:1`,
		`listen 1 default;`:                                 `invalid parameter "default" in CONF:1`,
		`listen 1 udp; listen 1;`:                           ``,
		`listen 1-3; listen 2;`:                             `a duplicate listen 0.0.0.0:2 in CONF:1`,
		`listen 1 default_server; } server { listen 1 default_server;`: `a duplicate default server for 0.0.0.0:1 in CONF:1`,
	} {
		var lines []string
		for _, line := range whatIsSaid(t, `stream { server { return x; `+snippet+` return x; } }`) {
			lines = append(lines, strings.TrimPrefix(line, "[emerg] "))
		}
		if want == "" {
			want = `"return" directive is duplicate in CONF:1`
		}
		assert.Contains(t, lines, want, snippet)
	}
}

// The kernel chooses a port for each address of a configuration filled by hand.
func TestListenAnyPort(t *testing.T) {
	text := "$server_port"
	cfg := &Config{Servers: []*ServerConfig{
		{Listen: []Listen{{Address: "127.0.0.1:0"}, {Address: "127.0.0.1:0"}}, Return: &text},
		{Listen: []Listen{{Address: "[::1]:0"}}, Return: &text},
	}}
	srv, err := New(cfg)
	require.NoError(t, err)
	defer srv.Close()
	require.NoError(t, srv.Listen())
	require.NoError(t, srv.Start())
	check := func() {
		t.Helper()
		require.Len(t, srv.Addrs(), 3)
		for _, a := range srv.Addrs() {
			c := streamtest.Dial(t, "tcp", a.String())
			assert.Equal(t, strconv.Itoa(a.(*net.TCPAddr).Port), streamtest.Rest(t, c))
		}
	}
	check()
	before := srv.Addrs()
	require.NoError(t, srv.Reload(cfg))
	assert.Equal(t, before, srv.Addrs(), "a reload keeps the sockets")
	check()
}

// What the system cannot do is accepted with a warning.
func TestListenWithoutEffect(t *testing.T) {
	for setting, supported := range map[string]bool{
		"listen 127.0.0.1:1 backlog=3;":                   hasBacklog,
		"listen 127.0.0.1:1 rcvbuf=8k;":                   hasBuffers,
		"listen 127.0.0.1:1 sndbuf=8k;":                   hasBuffers,
		"listen 127.0.0.1:1; proxy_socket_rcvbuf 8k;":     hasBuffers,
		"listen 127.0.0.1:1; proxy_socket_sndbuf 8k;":     hasBuffers,
		"listen 127.0.0.1:1; proxy_socket_keepalive off;": true,
	} {
		_, f := compileText("/none/conf", "stream { server { "+setting+" return x; } }")
		warned := strings.Contains(strings.Join(f.log, "\n"), "is not supported on this platform, ignored in /none/conf:1")
		assert.Equal(t, !supported, warned, setting)
	}
}
