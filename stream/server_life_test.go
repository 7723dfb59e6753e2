package stream

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gostream/gostream/internal/streamtest"
)

// answering is a configuration of a server that says a text to those who come by
// a listener.
func answering(text string, listeners ...net.Listener) *Config {
	cfg := &Config{}
	for _, l := range listeners {
		cfg.Servers = append(cfg.Servers, &ServerConfig{Listener: l, Return: &text})
	}
	return cfg
}

func localListener(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { ln.Close() })
	return ln
}

func started(t *testing.T, cfg *Config) *Server {
	t.Helper()
	srv, err := New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, srv.Close()) })
	require.NoError(t, srv.Listen())
	require.NoError(t, srv.Start())
	return srv
}

// A listener of the program that both configurations have accepts all the time. One
// that only the old has is closed.
func TestReloadKeepsListener(t *testing.T) {
	stays, goes, comes := localListener(t), localListener(t), localListener(t)
	ask := func(l net.Listener) string { return streamtest.Rest(t, streamtest.Dial(t, "tcp", l.Addr().String())) }
	srv := started(t, answering("old", stays, goes))
	assert.Equal(t, "old", ask(stays))
	asking, asked := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(asked)
		for done := false; !done; {
			select {
			case <-asking:
				done = true
			default:
			}
			conn, err := net.Dial("tcp", stays.Addr().String())
			if assert.NoError(t, err) {
				assert.NotEmpty(t, streamtest.Rest(t, conn))
			}
		}
	}()
	for range 20 {
		require.NoError(t, srv.Reload(answering("new", stays, comes)))
		assert.Equal(t, "new", ask(stays))
		require.NoError(t, srv.Reload(answering("newer", stays, comes)))
		assert.Equal(t, "newer", ask(stays))
	}
	close(asking)
	<-asked
	assert.Equal(t, "newer", ask(comes))
	_, err := goes.Accept()
	assert.ErrorIs(t, err, net.ErrClosed)
	assert.Error(t, srv.Reload(answering("$nosuch", goes)))
	assert.Equal(t, "newer", ask(stays), "a configuration that is refused changes nothing")
}

// A listener serves one server only, and has to be told from others.
func TestListenerRefused(t *testing.T) {
	ln := localListener(t)
	_, err := New(answering("x", ln, ln))
	assert.EqualError(t, err, "a duplicate Listener "+ln.Addr().String())
	_, err = New(answering("x", struct {
		net.Listener
		names []string
	}{ln, nil}))
	assert.ErrorContains(t, err, "cannot be told from others")
	started(t, answering("x", ln))
	assert.Equal(t, "x", streamtest.Rest(t, streamtest.Dial(t, "tcp", ln.Addr().String())), "it has stayed open")
}

// A Server closes its listeners even if it never served.
func TestCloseBeforeStart(t *testing.T) {
	ln := localListener(t)
	srv, err := New(answering("x", ln))
	require.NoError(t, err)
	require.NoError(t, srv.Close())
	_, err = ln.Accept()
	assert.ErrorIs(t, err, net.ErrClosed)
}

// vague has errors of its own, even for a listener that is closed.
type vague struct{ net.Listener }

func (w vague) Accept() (net.Conn, error) {
	conn, err := w.Listener.Accept()
	if err != nil {
		return nil, errors.New("not a word of what it is")
	}
	return conn, nil
}

// Nothing is left of a Server that was shut down.
func TestShutdownLeavesNothing(t *testing.T) {
	leftBefore := goleak.IgnoreCurrent()
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		ln := localListener(t)
		cfg := answering("x", vague{ln})
		text := "x"
		cfg.Servers = append(cfg.Servers, &ServerConfig{Listen: []Listen{{Address: "127.0.0.1:0"}, {Address: "127.0.0.1:0", UDP: true}}, Return: &text})
		change(cfg)
		srv := started(t, cfg)
		for _, a := range append(srv.Addrs(), ln.Addr()) {
			conn := streamtest.Dial(t, a.Network(), a.String())
			_, err := conn.Write([]byte("?"))
			require.NoError(t, err)
			_, err = conn.Read(make([]byte, 1))
			require.NoError(t, err)
		}
		require.NoError(t, srv.Shutdown(t.Context()))
	})
	assert.NoError(t, goleak.Find(leftBefore))
}

// The order of the methods: what cannot be is an error, what is done already is
// done.
func TestOrder(t *testing.T) {
	text := "x"
	cfg := &Config{Servers: []*ServerConfig{{Listen: []Listen{{Address: "127.0.0.1:0"}}, Return: &text}}}
	srv, err := New(cfg)
	require.NoError(t, err)
	assert.EqualError(t, srv.Start(), "stream: Start before Listen")
	for range 2 {
		require.NoError(t, srv.Listen())
	}
	for range 2 {
		require.NoError(t, srv.Start())
	}
	address := srv.Addrs()[0]
	assert.Equal(t, "x", streamtest.Rest(t, streamtest.Dial(t, "tcp", address.String())))
	change, err := srv.Prepare(cfg)
	require.NoError(t, err)
	for range 2 {
		require.NoError(t, srv.Close())
	}
	assert.Equal(t, ErrServerClosed, change.Commit())
	change.Abort()
	assert.Equal(t, ErrServerClosed, srv.Listen())
	assert.Equal(t, ErrServerClosed, srv.Start())
	assert.Equal(t, ErrServerClosed, srv.Reload(cfg))
	assert.Empty(t, srv.Addrs())
	_, err = net.Dial("tcp", address.String())
	assert.Error(t, err)
}

// A Change ends once.
func TestChangeEndsOnce(t *testing.T) {
	ln := localListener(t)
	srv := started(t, answering("old", ln))
	change, err := srv.Prepare(answering("dropped", ln))
	require.NoError(t, err)
	change.Abort()
	change.Abort()
	require.NoError(t, change.Commit())
	assert.Equal(t, "old", streamtest.Rest(t, streamtest.Dial(t, "tcp", ln.Addr().String())))
	change, err = srv.Prepare(answering("new", ln))
	require.NoError(t, err)
	require.NoError(t, change.Commit())
	change.Abort()
	assert.Equal(t, "new", streamtest.Rest(t, streamtest.Dial(t, "tcp", ln.Addr().String())))
}

// All methods may be called by anybody at any time.
func TestConcurrentUse(t *testing.T) {
	leftBefore := goleak.IgnoreCurrent()
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		dir, text := t.TempDir(), "x"
		config := func() *Config {
			cfg := &Config{
				Defaults: ServerConfig{ErrorLog: []ErrorLog{{filepath.Join(dir, "error.log"), "info"}}},
				Servers:  []*ServerConfig{{Listen: []Listen{{Address: "unix:" + dir + "/s"}}, Return: &text}},
			}
			change(cfg)
			return cfg
		}
		for range 10 {
			srv, err := New(config())
			require.NoError(t, err)
			var all sync.WaitGroup
			begin := make(chan struct{})
			for _, method := range []func() error{
				srv.Listen, srv.Listen, srv.Start, srv.Start, srv.Close, srv.Reopen,
				func() error { return srv.Shutdown(context.Background()) },
				func() error { return srv.Reload(config()) },
				func() error { return srv.Reload(config()) },
				func() error { srv.Addrs(); srv.Sockets(); return nil },
				func() error {
					if conn, err := net.Dial("unix", dir+"/s"); err == nil {
						conn.Close()
					}
					return nil
				},
			} {
				all.Go(func() {
					<-begin
					_ = method() // some come too late
				})
			}
			close(begin)
			all.Wait()
			assert.NoFileExists(t, dir+"/s")
		}
	})
	assert.NoError(t, goleak.Find(leftBefore))
}

// While a reload waits for a name server, everything else goes on.
func TestReloadLooksUpWithoutLock(t *testing.T) {
	ln := localListener(t)
	srv := started(t, answering("x", ln))
	asked, answer := make(chan struct{}, 10), make(chan struct{})
	defer func(before *net.Resolver) { net.DefaultResolver = before }(net.DefaultResolver)
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		asked <- struct{}{}
		<-answer
		return nil, errors.New("there is no name server")
	}}
	reloaded := make(chan error, 1)
	go func() {
		reloaded <- srv.Reload(&Config{Servers: []*ServerConfig{{Listener: ln, Proxy: ProxyConfig{Pass: "name.invalid:1"}}}})
	}()
	streamtest.Receive(t, asked)
	assert.Empty(t, srv.Addrs())
	assert.NoError(t, srv.Reopen())
	ctx, cancel := context.WithTimeout(t.Context(), streamtest.Patience)
	defer cancel()
	assert.NoError(t, srv.Shutdown(ctx))
	close(answer)
	assert.Error(t, streamtest.Receive(t, reloaded))
}

// Addrs tells datagram sockets from others.
func TestAddrs(t *testing.T) {
	dir, text := shortTempDir(t), "x"
	srv := started(t, &Config{Servers: []*ServerConfig{{Return: &text, Listen: []Listen{
		{Address: "127.0.0.1:0"}, {Address: "127.0.0.1:0", UDP: true},
		{Address: "unix:" + dir + "/s"}, {Address: "unix:" + dir + "/d", UDP: true},
	}}}})
	var networks []string
	for _, a := range srv.Addrs() {
		networks = append(networks, a.Network())
	}
	assert.Equal(t, []string{"tcp", "udp", "unix", "unixgram"}, networks)
	assert.IsType(t, &net.UDPAddr{}, srv.Addrs()[1])
}

// Those who wait for the end of sessions see it when another ends them.
func TestCloseEndsShutdown(t *testing.T) {
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		s := startWith(t, change, `server { listen 127.0.0.1:PORT0; proxy_pass ECHO; }`, "ECHO", streamtest.Echo(t, ""))
		c := s.dial("PORT0")
		streamtest.Send(t, c, "a")
		streamtest.Expect(t, c, "a")
		ended := make(chan error, 2)
		for range 2 {
			go func() { ended <- s.Shutdown(context.Background()) }()
		}
		streamtest.Eventually(t, "no more listening", func() bool { return s.Listeners() == 0 })
		require.NoError(t, s.Close())
		assert.NoError(t, streamtest.Receive(t, ended))
		assert.NoError(t, streamtest.Receive(t, ended))
	})
}
