package stream

import (
	"crypto/tls"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/streamtest"
)

// TestErrorLogOfAServer is that of the server, the stream block or the main
// context, whichever is nearest.
func TestErrorLogOfAServer(t *testing.T) {
	dir := shortTempDir(t)
	cfg := newConfig(t, dir, `server { listen unix:%DIR%/a; return x; error_log %DIR%/own.log info; error_log %DIR%/debug.log debug; }
		server { listen unix:%DIR%/b; return x; }`)
	cfg.Defaults.ErrorLog = nil
	cfg.ErrorLog = []ErrorLog{{dir + "/main.log", "info"}}
	l := serveConfig(t, dir, cfg)
	l.visit(0)
	l.visit(1)
	assert.Contains(t, l.file("own.log"), "*1 client unix: connected to unix:")
	assert.NotContains(t, l.file("own.log"), "[debug]")
	assert.Contains(t, l.file("debug.log"), "*1 client unix: connected to unix:")
	assert.Contains(t, l.file("debug.log"), "[debug] ")
	assert.Contains(t, l.file("main.log"), "*2 client unix: connected to unix:")
}

func TestDebugConnection(t *testing.T) {
	onTransports(t, func(t *testing.T, workers int) {
		dir := shortTempDir(t)
		cfg := newConfig(t, dir, `server { listen unix:%DIR%/a; return x; error_log %DIR%/d.log; error_log %DIR%/e.log info; }
			server { listen 127.0.0.1; return x; error_log %DIR%/d.log; }`)
		cfg.DebugConnection = []string{"10.0.0.0/8", "unix:"}
		cfg.Workers = workers
		l := serveConfig(t, dir, cfg)
		l.visit(1)
		assert.Empty(t, l.file("d.log"))
		l.visit(0)
		assert.Contains(t, l.file("d.log"), "*2 client unix: connected to unix:")
		assert.Contains(t, l.file("d.log"), "[debug] ")
		assert.Equal(t, l.file("e.log"), l.file("d.log"), "all logs get all lines")
	})
}

func TestDebugConnectionUnknown(t *testing.T) {
	cfg := newConfig(t, shortTempDir(t), "")
	cfg.DebugConnection = []string{"foo.invalid"}
	_, err := New(cfg)
	assert.EqualError(t, err, `host not found in debug_connection "foo.invalid"`)
}

// TestBindError has the C library's words.
func TestBindError(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	address := taken.Addr().String()
	dir := shortTempDir(t)
	require.NoError(t, os.WriteFile(dir+"/taken", nil, 0o600))
	for name, want := range map[string]string{
		address:                  "bind() to " + address + " failed (98: Address already in use)",
		"unix:" + dir + "/taken": "bind() to unix:" + dir + "/taken failed (98: Address already in use)",
	} {
		srv, err := New(newConfig(t, dir, "server { listen "+name+"; return x; }"))
		require.NoError(t, err)
		err = srv.Listen()
		assert.EqualError(t, err, want)
		assert.ErrorIs(t, err, syscall.EADDRINUSE)
		require.NoError(t, srv.Close())
	}
}

// TestCloseIsSilent: sessions that Close cuts off leave no line.
func TestCloseIsSilent(t *testing.T) {
	onTransports(t, func(t *testing.T, workers int) {
		l := serve(t, workers, `server { listen unix:%DIR%/a; proxy_pass unix:%DIR%/echo; }
			server { listen unix:%DIR%/b; ssl_preread on; return x; }`)
		backend(t, l.dir+"/echo", echo)
		relayed := l.dial(0)
		exchange(t, relayed, "x", "x")
		reading := l.dial(1)
		l.waitFor("e.log", "*3 client unix: connected")
		before := l.file("e.log")
		require.NoError(t, l.Close())
		for _, conn := range []net.Conn{relayed, reading} {
			_, err := conn.Read(make([]byte, 1))
			assert.Error(t, err)
		}
		assert.Equal(t, before, l.file("e.log"))
		assert.Empty(t, l.file("a.log"))
	})
}

// TestClientsForgeNoLines: what a client sends stays within the line that shows
// it. nginx writes it as it is.
func TestClientsForgeNoLines(t *testing.T) {
	hello := func(name string) string { return string(streamtest.ClientHello(name)) }
	const forged = "a\n2026/01/01 00:00:00 [alert] 1#1: forged"
	line := hello(forged)
	word, shown := hello("a\n\t\x1b[2k\x7fé"), `a\x0A\x09\x1B[2k\x7Fé`
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		s := startWith(t, change, `
			resolver DNS; ssl_preread on; log_format f "";
			server { listen PORT0 proxy_protocol; return x; }
			server { listen PORT1; proxy_pass $ssl_preread_server_name:80; }
			server { listen PORT2; proxy_pass $ssl_preread_server_name; }
			server { listen PORT3; pass $ssl_preread_server_name; }
			server { listen PORT4; access_log "DIR/$ssl_preread_server_name/x.log" f; return x; }
			server { listen PORT5; proxy_bind $ssl_preread_server_name; proxy_pass 127.0.0.1:PORT6; }
			server { listen PORT6; return x; }
			server { listen PORT7 ssl; ssl_certificate DIR/$ssl_server_name; ssl_certificate_key DIR/$ssl_server_name; return x; }`,
			"DNS", streamtest.NewDNS(t).Addr.String())
		for _, tt := range [][3]string{
			{"PORT0", "PROXY TCP4 a\x1b[2Jé\r\n", `broken header: "PROXY TCP4 a\x1B[2Jé" while`},
			{"PORT1", word, shown + " could not be resolved"},
			{"PORT1", line, `a\x0A2026/01/01 00:00:00 [alert] 1#1: forged:80", client`},
			{"PORT2", word, `no port in upstream "` + shown + `"`},
			{"PORT3", word, `no addresses in pass "` + shown + `"`},
			{"PORT4", word, `open() "` + s.dir + "/" + shown + `/x.log" failed`},
			{"PORT5", word, `invalid local address "` + shown + `"`},
			{"PORT7", forged, `cannot load certificate "` + s.dir + `/a\x0A2026/01/01 00:00:00 [alert] 1#1: forged"`},
		} {
			if tt[0] == "PORT7" {
				assert.Error(t, tls.Client(s.dial(tt[0]), &tls.Config{ServerName: tt[1], InsecureSkipVerify: true}).Handshake())
			} else {
				s.ask(tt[0], tt[1])
			}
			streamtest.Eventually(t, tt[2], func() bool { return strings.Contains(strings.Join(s.errors(), "\n"), tt[2]) })
		}
		s.shutdown()
		said, err := os.ReadFile(filepath.Join(s.dir, "error.log"))
		require.NoError(t, err)
		assert.NotRegexp(t, "[\\x00-\\x09\\x0b-\\x1f\\x7f]", string(said))
		assert.Empty(t, s.errors("alert"), "a line that is the client's")
	})
}
