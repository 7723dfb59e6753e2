package stream

import (
	"context"
	"io"
	"net"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The same sessions on every transport: the recipe must not tell them apart.

func onTransports(t *testing.T, test func(t *testing.T, workers int)) {
	for name, workers := range transports {
		t.Run(name, func(t *testing.T) { test(t, workers) })
	}
}

func TestProxyEchoes(t *testing.T) {
	onTransports(t, func(t *testing.T, workers int) {
		l := serve(t, workers, `upstream u { server unix:%DIR%/echo; }
			server { listen unix:%DIR%/in; proxy_pass u; }`)
		backend(t, filepath.Join(l.dir, "echo"), echo)
		for range 20 {
			conn := l.dial(0)
			exchange(t, conn, "one", "one")
			exchange(t, conn, "and another", "and another")
			conn.Close()
		}
		l.waitFor("a.log", "200 14 14 unix:"+l.dir+"/echo")
		l.waitIdle()
	})
}

func TestReturnAndProxyHeader(t *testing.T) {
	onTransports(t, func(t *testing.T, workers int) {
		l := serve(t, workers, `server { listen unix:%DIR%/in proxy_protocol; return "$proxy_protocol_addr $proxy_protocol_port"; }`)
		conn := l.dial(0)
		_, err := conn.Write([]byte("PROXY TCP4 192.0.2.7 192.0.2.8 1234 80\r\n"))
		require.NoError(t, err)
		got, err := io.ReadAll(conn)
		require.NoError(t, err)
		assert.Equal(t, "192.0.2.7 1234", string(got))
	})
}

func TestRefusedUpstream(t *testing.T) {
	onTransports(t, func(t *testing.T, workers int) {
		l := serve(t, workers, `server { listen unix:%DIR%/in; proxy_pass unix:%DIR%/nobody; }`)
		_, err := l.dial(0).Read(make([]byte, 1))
		assert.Equal(t, io.EOF, err)
		l.waitFor("a.log", "502 0 0 unix:"+l.dir+"/nobody")
		l.waitFor("e.log", "[crit]")
	})
}

// Sessions in each stage end when the time of a shutdown is up.
func TestShutdownEndsSessions(t *testing.T) {
	onTransports(t, func(t *testing.T, workers int) {
		l := serve(t, workers, `
			server { listen unix:%DIR%/header proxy_protocol; return x; }
			server { listen unix:%DIR%/preread; ssl_preread on; return x; }
			server { listen unix:%DIR%/relay; proxy_pass unix:%DIR%/echo; }`)
		backend(t, filepath.Join(l.dir, "echo"), echo)
		conns := []net.Conn{l.dial(0), l.dial(1), l.dial(2)}
		exchange(t, conns[2], "x", "x")
		require.Eventually(t, func() bool { return l.gen.sessions.Load() == 4 }, patience, tick)

		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		assert.ErrorIs(t, l.Shutdown(ctx), context.Canceled)
		for _, conn := range conns {
			_, err := conn.Read(make([]byte, 1))
			assert.Error(t, err)
		}
		assert.Zero(t, l.gen.counters.sessions)
		assert.Contains(t, l.file("e.log"), "shutdown timeout")
	})
}

func TestReloadAddsListener(t *testing.T) {
	onTransports(t, func(t *testing.T, workers int) {
		l := serve(t, workers, `server { listen unix:%DIR%/a; return a; }`)
		require.NoError(t, l.Reload(newConfig(t, l.dir, `server { listen unix:%DIR%/a; return A; } server { listen unix:%DIR%/b; return b; }`)))
		for i, want := range []string{"A", "b"} {
			got, err := io.ReadAll(l.dial(i))
			require.NoError(t, err)
			assert.Equal(t, want, string(got))
		}
		assert.Equal(t, 2, l.Listeners())
	})
}
