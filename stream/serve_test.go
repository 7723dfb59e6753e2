package stream

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// patience is how long a test waits for what must happen.
const (
	patience = 20 * time.Second
	tick     = 2 * time.Millisecond // between two looks at what is to change
)

// onGoroutines as the number of workers makes sessions run on goroutines.
const onGoroutines = -1

// transports are the ways to run a session, by the number of workers.
var transports = map[string]int{"loop": 1, "two loops": 2, "goroutine": onGoroutines}

// live is a server that runs during a test, with its files in a folder of its
// own.
type live struct {
	*Server
	t   *testing.T
	dir string
}

// newConfig reads a stream block. %DIR% in it is dir. The logs are e.log, at
// level info, and a.log there.
func newConfig(t *testing.T, dir, block string) *Config {
	t.Helper()
	path := filepath.Join(dir, "nginx.conf")
	block = strings.ReplaceAll(block, "%DIR%", dir)
	text := "stream { error_log " + dir + "/e.log info; log_format main '$status $bytes_received $bytes_sent $upstream_addr'; access_log " + dir + "/a.log main;\n" + block + "\n}"
	g, f := compileText(path, text)
	require.NotNil(t, g, "%s: %s", block, f.log)
	g.files.Close()
	return f.stream
}

// serve runs a stream block.
func serve(t *testing.T, workers int, block string) *live {
	t.Helper()
	dir := shortTempDir(t)
	cfg := newConfig(t, dir, block)
	cfg.Workers = workers
	return serveConfig(t, dir, cfg)
}

func serveConfig(t *testing.T, dir string, cfg *Config) *live {
	t.Helper()
	srv, err := New(cfg)
	require.NoError(t, err)
	require.NoError(t, srv.Listen())
	require.NoError(t, srv.Start())
	t.Cleanup(func() { _ = srv.Close() })
	return &live{Server: srv, t: t, dir: dir}
}

// shortTempDir is a folder whose name leaves room for that of a unix socket.
func shortTempDir(t *testing.T) string {
	dir, err := os.MkdirTemp("", "gs")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// dial connects to the i-th address of the server.
func (l *live) dial(i int) net.Conn {
	l.t.Helper()
	return dial(l.t, l.Addrs()[i])
}

func dial(t *testing.T, a net.Addr) net.Conn {
	t.Helper()
	conn, err := net.Dial(a.Network(), a.String())
	require.NoError(t, err)
	require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
	t.Cleanup(func() { conn.Close() })
	return conn
}

// file is what a file in the folder holds now.
func (l *live) file(name string) string {
	text, _ := os.ReadFile(filepath.Join(l.dir, name))
	return string(text)
}

// waitFor waits until a file holds a text, and returns the file.
func (l *live) waitFor(name, text string) string {
	l.t.Helper()
	require.Eventually(l.t, func() bool { return strings.Contains(l.file(name), text) }, patience, tick,
		"%s in %s", text, name)
	return l.file(name)
}

// waitIdle waits until there is no session.
func (l *live) waitIdle() {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	require.NoError(l.t, l.gen.counters.wait(ctx))
}

// backend runs serve with each connection to a socket in dir.
func backend(t *testing.T, path string, serve func(net.Conn)) {
	t.Helper()
	l, err := net.Listen("unix", path)
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				serve(conn)
			}()
		}
	}()
}

func echo(conn net.Conn) { _, _ = io.Copy(conn, conn) }

// exchange sends a text and expects another.
func exchange(t *testing.T, conn net.Conn, send, want string) {
	t.Helper()
	_, err := conn.Write([]byte(send))
	require.NoError(t, err)
	got := make([]byte, len(want))
	_, err = io.ReadFull(conn, got)
	require.NoError(t, err)
	assert.Equal(t, want, string(got))
}

// sessions is how many there are.
func (l *live) sessions() int {
	c := l.gen.counters
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sessions
}
