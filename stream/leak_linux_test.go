package stream

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// openFiles counts the descriptors of the process.
func openFiles(t *testing.T) int {
	t.Helper()
	names, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	return len(names)
}

// Clients that are reset, in whatever stage, leave nothing behind.
func TestResetAtEachStage(t *testing.T) {
	up := blackHole(t)
	onTransports(t, func(t *testing.T, workers int) {
		l := serve(t, workers, withPorts(t, `
			proxy_connect_timeout 100ms;
			server { listen 127.0.0.1:%1% proxy_protocol; return x; }
			server { listen 127.0.0.1:%2%; ssl_preread on; return x; }
			server { listen 127.0.0.1:%3%; proxy_pass `+up+`; }
			server { listen 127.0.0.1:%4%; proxy_pass unix:%DIR%/echo; }
			server { listen 127.0.0.1:%5%; return x; }`))
		backend(t, filepath.Join(l.dir, "echo"), echo)
		addrs := l.Addrs()
		round := func() {
			for i, a := range addrs {
				for _, text := range []string{"", "x"} {
					conn := dial(t, a)
					if text != "" {
						_, _ = conn.Write([]byte(text))
					}
					if i == 3 && text != "" {
						_, err := conn.Read(make([]byte, 1))
						require.NoError(t, err)
					}
					resetClient(conn)
				}
			}
			l.waitIdle()
		}
		round()
		before := openFiles(t)
		for range 20 {
			round()
		}
		require.Eventually(t, func() bool { return openFiles(t) <= before }, patience, tick)
		// A session gives its place back as the last thing.
		for _, w := range l.workers.all {
			assert.Eventually(t, func() bool { return w.slots.used.Load() == 0 }, patience, tick)
		}
		assert.Eventually(t, func() bool { return l.slots.used.Load() == 0 }, patience, tick)
		l.onGoroutines.mu.Lock()
		defer l.onGoroutines.mu.Unlock()
		assert.Empty(t, l.onGoroutines.running)
	})
}

// blackHole is an address that does not answer: a listener whose queue is full.
func blackHole(t *testing.T) string {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	t.Cleanup(func() { unix.Close(fd) })
	require.NoError(t, unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	require.NoError(t, unix.Listen(fd, 0))
	addr := socket(fd).addr().String()
	for range 3 {
		if conn, err := net.DialTimeout("tcp4", addr, 50*time.Millisecond); err == nil {
			t.Cleanup(func() { conn.Close() })
		}
	}
	return addr
}

// Many short sessions: descriptors and memory come back to what they were.
func TestShortSessionsLeaveNothing(t *testing.T) {
	sessions := 4000
	if n, err := strconv.Atoi(os.Getenv("GOSTREAM_TEST_SESSIONS")); err == nil {
		sessions = n // more, for a longer look
	}
	l := serve(t, 2, `server { access_log off; error_log %DIR%/crit.log crit; listen unix:%DIR%/in; proxy_pass unix:%DIR%/echo; }`)
	backend(t, filepath.Join(l.dir, "echo"), echo)
	addr := l.Addrs()[0]
	run := func(n int) {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				buf := make([]byte, 4)
				for range n / 8 {
					conn, err := net.Dial(addr.Network(), addr.String())
					if !assert.NoError(t, err) {
						return
					}
					_, _ = conn.Write([]byte("ping"))
					_, err = io.ReadFull(conn, buf)
					assert.NoError(t, err)
					conn.Close()
				}
			})
		}
		wg.Wait()
		l.waitIdle()
	}
	run(1000)
	files, memory := openFiles(t), heap()
	run(sessions)
	require.Eventually(t, func() bool { return openFiles(t) <= files }, patience, tick)
	const slack = 4 << 20
	assert.Less(t, heap(), memory+slack)
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
