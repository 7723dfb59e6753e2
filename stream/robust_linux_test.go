package stream

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// Each session has a slot for the client and one for the upstream; listening
// sockets, and one more, are counted too. As in nginx the client that is one
// too many is closed with an alert, and so is the session whose upstream is.
func TestWorkerConnections(t *testing.T) {
	for name, workers := range map[string]int{"loop": 1, "goroutine": onGoroutines} {
		for connections, want := range map[int]string{
			6: "[alert] %: 6 worker_connections are not enough\n",
			7: `[alert] %: *5 7 worker_connections are not enough while connecting to upstream, client: unix:, server: unix:`, // the one before has number 4
		} {
			t.Run(fmt.Sprint(name, " ", connections), func(t *testing.T) {
				dir := shortTempDir(t)
				cfg := newConfig(t, dir, `server { error_log %DIR%/s.log info; listen unix:%DIR%/in; proxy_pass unix:%DIR%/echo; }`)
				cfg.Workers, cfg.Connections = workers, connections
				l := serveConfig(t, dir, cfg)
				backend(t, filepath.Join(dir, "echo"), echo)
				first, second := l.dial(0), l.dial(0)
				exchange(t, first, "x", "x")
				exchange(t, second, "x", "x")
				_, err := l.dial(0).Read(make([]byte, 1))
				assert.Error(t, err, "refused")
				want := strings.Replace(want, "%", fmt.Sprint(os.Getpid(), "#", os.Getpid()), 1)
				l.waitFor("s.log", want)
				first.Close()
				l.waitFor("s.log", "client disconnected")
				require.Eventually(t, func() bool { return l.sessions() == 1 }, patience, tick)
				exchange(t, l.dial(0), "x", "x") // there is room again
			})
		}
	}
}

// panics is a content handler with a defect.
func panics(*Session) Status { panic("defect") }

// A panic ends its own session and is logged with its number.
func TestPanicIsLoggedAndIsolated(t *testing.T) {
	onTransports(t, func(t *testing.T, workers int) {
		dir := shortTempDir(t)
		cfg := newConfig(t, dir, `server { listen unix:%DIR%/good; proxy_pass unix:%DIR%/echo; } server { listen unix:%DIR%/bad; return x; }`)
		cfg.Workers = workers
		srv, err := New(cfg)
		require.NoError(t, err)
		srv.gen.servers[cfg.Servers[1]].content = panics
		require.NoError(t, srv.Listen())
		require.NoError(t, srv.Start())
		t.Cleanup(func() { _ = srv.Close() })
		l := &live{Server: srv, t: t, dir: dir}
		backend(t, filepath.Join(dir, "echo"), echo)
		good := l.dial(0)
		exchange(t, good, "x", "x")
		_, err = l.dial(1).Read(make([]byte, 1))
		assert.Equal(t, io.EOF, err)
		log := l.waitFor("e.log", "panic in session: defect")
		assert.Contains(t, log, "*3 panic in session: defect", "with its number")
		assert.Contains(t, log, "robust_linux_test.go", "with the stack")
		assert.Regexp(t, `defect, the session is closed[^\n]*, client: unix:[^\n]*\ngoroutine \d+ \[running\]:\n`, log)
		l.waitFor("a.log", "500 0 0 ")
		exchange(t, good, "still", "still")
		require.Eventually(t, func() bool { return l.sessions() == 1 }, patience, tick)
	})
}

// A peer that never reads stops the other: what the server holds for it is
// bounded.
func TestPeerThatNeverReads(t *testing.T) {
	onTransports(t, func(t *testing.T, workers int) {
		l := serve(t, workers, `server { listen unix:%DIR%/in; proxy_pass unix:%DIR%/source; }`)
		sent := make(chan int64, 1)
		backend(t, filepath.Join(l.dir, "source"), func(conn net.Conn) {
			const much = 1 << 30
			chunk := make([]byte, 1<<20)
			var n int64
			for n < much {
				_ = conn.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
				m, err := conn.Write(chunk)
				n += int64(m)
				if err != nil {
					break
				}
			}
			sent <- n
		})
		l.dial(0)
		// Socket buffers on both ends, a pipe or a buffer in between.
		const most = 4 << 20
		n := <-sent
		assert.Positive(t, n)
		assert.Less(t, n, int64(most))
	})
}

// With several loops all take part.
func TestAcceptIsSpread(t *testing.T) {
	const loops, clients = 2, 400
	for _, option := range []string{"", "reuseport"} {
		l := serve(t, loops, withPorts(t, "server { listen 127.0.0.1:%1% "+option+"; ssl_preread on; return x; }"))
		var wg sync.WaitGroup
		addr := l.Addrs()[0]
		var mu sync.Mutex
		var conns []net.Conn
		for range 8 {
			wg.Go(func() {
				for range clients / 8 {
					conn, err := net.Dial("tcp4", addr.String())
					if assert.NoError(t, err) {
						mu.Lock()
						conns = append(conns, conn)
						mu.Unlock()
					}
				}
			})
		}
		wg.Wait()
		require.Eventually(t, func() bool { return l.sessions() == clients }, patience, tick)
		for _, w := range l.workers.all {
			assert.Positive(t, w.slots.used.Load(), option)
		}
		for _, conn := range conns {
			conn.Close()
		}
		l.waitIdle()
	}
}

// roleVariable makes the test binary another program.
const roleVariable = "GOSTREAM_TEST_ROLE"

// Without descriptors the server waits and says so once; then it goes on.
func TestAcceptWithoutDescriptors(t *testing.T) {
	for _, workers := range []int{1, onGoroutines} {
		c := exec.Command(os.Args[0], "-test.run=^TestStarved$", "-test.v")
		c.Env = append(os.Environ(), fmt.Sprint(roleVariable, "=", workers))
		out, err := c.CombinedOutput()
		assert.NoError(t, err, "%s", out)
		assert.Contains(t, string(out), "--- PASS: TestStarved")
	}
}

// TestStarved is the other program: limits are those of a process.
func TestStarved(t *testing.T) {
	workers := 0
	if n, _ := fmt.Sscan(os.Getenv(roleVariable), &workers); n == 0 {
		t.Skip("run by TestAcceptWithoutDescriptors")
	}
	dir := shortTempDir(t)
	cfg := newConfig(t, dir, `server { error_log %DIR%/s.log; listen unix:%DIR%/in; return x; }`)
	cfg.Workers, cfg.AcceptPause = workers, 20*time.Millisecond
	l := serveConfig(t, dir, cfg)
	_, err := io.ReadAll(l.dial(0)) // the log files are open
	require.NoError(t, err)
	l.waitIdle()
	ln := l.listeners[l.gen.plan[0].key]
	var before unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &before))
	for burst := 1; burst <= 2; burst++ {
		client, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		require.NoError(t, err)
		fillers := fillBelow(t, client)
		// The client has the last descriptor: none is left to accept it with.
		limit := before
		limit.Cur = uint64(client) + 1
		require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &limit))
		require.NoError(t, unix.Connect(client, &unix.SockaddrUnix{Name: dir + "/in"}))
		require.Eventually(t, ln.stuck.Load, patience, tick)
		for range 3 {
			ln.acceptFailed(unix.EMFILE) // as further tries would
		}
		require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &before))
		for _, fd := range fillers {
			unix.Close(fd)
		}
		buf := make([]byte, 1)
		n, err := unix.Read(client, buf)
		require.NoError(t, err)
		assert.Equal(t, "x", string(buf[:n]))
		unix.Close(client)
		l.waitIdle()
		text := l.file("s.log")
		assert.Equal(t, burst, strings.Count(text, "[crit] "), text)
		assert.Equal(t, burst, strings.Count(text, "accept4() failed (24: Too many open files)\n"), text)
	}
}

// fillBelow takes all descriptors that are free below one.
func fillBelow(t *testing.T, top int) (fds []int) {
	for {
		fd, err := unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		require.NoError(t, err)
		if fd > top {
			unix.Close(fd)
			return fds
		}
		fds = append(fds, fd)
	}
}
