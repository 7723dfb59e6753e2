package stream

import (
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// slowness of the server that least_time is to avoid; the others answer at once.
const slowness = 400 * time.Millisecond

// least_time learns from sessions how long the servers take.
func TestLeastTimeIsFedByTheProxy(t *testing.T) {
	for _, what := range []string{"first_byte", "last_byte", "first_byte inflight", "last_byte inflight"} {
		onTransports(t, func(t *testing.T, workers int) {
			t.Parallel()
			l := serve(t, workers, `upstream u { least_time `+what+`; server unix:%DIR%/slow; server unix:%DIR%/fast; }
				server { listen unix:%DIR%/in; proxy_pass u; }`)
			backend(t, filepath.Join(l.dir, "slow"), func(conn net.Conn) {
				time.Sleep(slowness) // the server's nature, not a wait
				_, _ = conn.Write([]byte("slow"))
			})
			backend(t, filepath.Join(l.dir, "fast"), func(conn net.Conn) { _, _ = conn.Write([]byte("fast")) })
			var got []string
			for range 6 {
				got = append(got, readAll(t, l.dial(0)))
				l.waitIdle()
			}
			assert.Equal(t, "slow fast fast fast fast fast", strings.Join(got, " "), what)
		})
	}
}

// What was measured is also shown.
func TestUpstreamTimes(t *testing.T) {
	onTransports(t, func(t *testing.T, workers int) {
		t.Parallel()
		l := serve(t, workers, `log_format times '$upstream_connect_time|$upstream_first_byte_time|$upstream_session_time|$session_time';
			access_log %DIR%/t.log times;
			upstream u { server unix:%DIR%/none; server unix:%DIR%/slow; }
			server { listen unix:%DIR%/in; proxy_pass u; }
			server { listen unix:%DIR%/refused; proxy_pass unix:%DIR%/none; }`)
		backend(t, filepath.Join(l.dir, "slow"), func(conn net.Conn) {
			time.Sleep(slowness) // the server's nature, not a wait
			_, _ = conn.Write([]byte("slow"))
		})
		assert.Equal(t, "slow", readAll(t, l.dial(0)))
		line := strings.TrimSuffix(l.waitFor("t.log", "\n"), "\n")
		times := strings.Split(line, "|")
		require.Len(t, times, 4, line)
		connect, first, session := strings.Split(times[0], ", "), strings.Split(times[1], ", "), strings.Split(times[2], ", ")
		require.Equal(t, []int{2, 2, 2}, []int{len(connect), len(first), len(session)}, line)
		assert.Equal(t, []string{"-", "-"}, []string{connect[0], first[0]}, "the first server was not reached")
		assert.GreaterOrEqual(t, first[1], "0.400")
		assert.GreaterOrEqual(t, session[1], first[1])
		assert.GreaterOrEqual(t, times[3], session[1])
		assert.Less(t, connect[1], first[1])

		assert.Empty(t, readAll(t, l.dial(1)))
		assert.Contains(t, l.waitFor("t.log", "-|-|"), "\n-|-|0.0")
	})
}

// A host name in a variable takes a resolver.
func TestProxyPassNeedsResolver(t *testing.T) {
	onTransports(t, func(t *testing.T, workers int) {
		l := serve(t, workers, `server { listen unix:%DIR%/in; set $to example.test:80; proxy_pass $to; }`)
		assert.Empty(t, readAll(t, l.dial(0)))
		assert.Contains(t, l.waitFor("e.log", "resolver"), `*1 no resolver defined to resolve example.test, client: unix:, server: unix:`+l.dir+`/in, bytes from/to client:0/0, bytes from/to upstream:0/0`)
		l.waitFor("a.log", "500 0 0 -")
	})
}

func readAll(t *testing.T, conn net.Conn) string {
	t.Helper()
	got, err := io.ReadAll(conn)
	require.NoError(t, err)
	return string(got)
}
