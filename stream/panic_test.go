package stream

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/streamtest"
)

// defective is a listener that panics once itself, and hands out connections that
// panic.
type defective struct {
	net.Listener
	accepted int
}

func (d *defective) Accept() (net.Conn, error) {
	conn, err := d.Listener.Accept()
	if err != nil {
		return nil, err
	}
	switch d.accepted++; d.accepted {
	case 1:
		conn.Close()
		panic("no listener")
	case 2:
		return withoutAddress{conn}, nil
	}
	return conn, nil
}

type withoutAddress struct{ net.Conn }

func (withoutAddress) RemoteAddr() net.Addr { panic("no address") }

// A listener of the program that panics, or brings connections that do, costs the
// client at hand, and nobody else.
func TestListenerPanics(t *testing.T) {
	ln, log := localListener(t), filepath.Join(t.TempDir(), "error.log")
	cfg := answering("x", &defective{Listener: ln})
	cfg.Defaults.ErrorLog = []ErrorLog{{log}}
	srv := started(t, cfg)
	for i, want := range []string{"", "", "x"} {
		assert.Equal(t, want, streamtest.Rest(t, streamtest.Dial(t, "tcp", ln.Addr().String())), i)
	}
	ctx, cancel := context.WithTimeout(t.Context(), streamtest.Patience)
	defer cancel()
	require.NoError(t, srv.Shutdown(ctx))
	text, err := os.ReadFile(log)
	require.NoError(t, err)
	assert.Contains(t, string(text), "[alert]")
	assert.Contains(t, string(text), "panic in accepting: no listener\ngoroutine ")
	assert.Contains(t, string(text), "panic in session: no address, the session is closed, client: unknown, server: "+ln.Addr().String())
}

// Servers are followed further after a panic.
func TestFollowerPanics(t *testing.T) {
	dns := streamtest.NewDNS(t)
	dns.Set("a.test", "ttl=0 A 127.0.0.1")
	log, logs := mainLog(t)
	s := startWith(t, logs, `
		resolver DNS ipv6=off; resolver_timeout 1s;
		upstream u { zone z 64k; server a.test:1 resolve; }
		server { listen 127.0.0.1:PORT0; proxy_pass u; }`, "DNS", dns.Addr.String())
	s.waitPeers("u", "127.0.0.1:1")
	memory, err := os.Create(filepath.Join(s.dir, "memory"))
	require.NoError(t, err)
	memory.Close()
	s.Remember(memory)
	m := s.gen.memory
	m.mu.Lock()
	m.err = func(error) { panic("no memory") }
	m.mu.Unlock()
	waitLine(t, log, "panic in upstream: no memory\ngoroutine ")
	m.mu.Lock()
	m.file = nil
	m.mu.Unlock()
	dns.Set("a.test", "ttl=0 A 127.0.0.2")
	s.waitPeers("u", "127.0.0.2:1")
}

// A certificate whose status could not be asked for is asked about again.
func TestStaplingPanics(t *testing.T) {
	ln, log := localListener(t), filepath.Join(t.TempDir(), "error.log")
	srv, err := New(&Config{ErrorLog: []ErrorLog{{log}}})
	require.NoError(t, err)
	defer srv.Close()
	r, _, err := parseResponder("http://"+ln.Addr().String(), unresolved)
	require.NoError(t, err)
	s := &staple{gen: srv.gen, responder: r} // without a certificate
	assert.Empty(t, s.current())
	streamtest.Eventually(t, "the end", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return !s.loading
	})
	assert.True(t, s.refresh.After(time.Now()))
	text, err := os.ReadFile(log)
	require.NoError(t, err)
	assert.Equal(t, 1, strings.Count(string(text), "[alert]"), "%s", text)
	assert.Contains(t, string(text), "panic in OCSP stapling: runtime error: ")
}
