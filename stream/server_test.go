package stream

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/streamtest"
	"github.com/gostream/gostream/upstream"
)

// Sessions keep the configuration they began with; new ones get the new one.
func TestReloadKeepsSessions(t *testing.T) {
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		echo := streamtest.Echo(t, "")
		s := startWith(t, change, `
			log_format l "old $status"; access_log DIR/old.log l;
			server { listen 127.0.0.1:PORT0; proxy_pass ECHO; }
			server { listen unix:DIR/gone.sock; return x; }`, "ECHO", echo)
		running := s.dial("PORT0")
		streamtest.Send(t, running, "a")
		streamtest.Expect(t, running, "a")

		next := s.config(`
			log_format l "new $status"; access_log DIR/new.log l;
			server { listen 127.0.0.1:PORT0; return new; }
			server { listen unix:DIR/fresh.sock; return fresh; }`)
		if change != nil {
			change(next)
		}
		require.NoError(t, s.Reload(next))
		assert.Equal(t, "new", s.ask("PORT0", ""))
		assert.Equal(t, "fresh", s.ask("DIR/fresh.sock", ""))
		assert.Equal(t, []string{"new 200", "new 200"}, s.lines("new.log", 2))
		assert.NoFileExists(t, filepath.Join(s.dir, "gone.sock"))

		streamtest.Send(t, running, "b")
		streamtest.Expect(t, running, "b")
		require.NoError(t, running.Close())
		assert.Equal(t, "old 200", s.line("old.log"))
	})
}

// A configuration that fails somewhere changes nothing at all.
func TestReloadAllOrNothing(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	s := start(t, `server { listen 127.0.0.1:PORT0; return old; }`)
	for _, tt := range []struct{ block, want string }{
		{`server { listen unix:DIR/fresh.sock; listen ` + taken.Addr().String() + `; return new; }`, "98: Address already in use"},
		{`server { listen 127.0.0.1:PORT0; return "$nosuch"; }`, `unknown "nosuch" variable`},
		{`log_format l x; server { listen 127.0.0.1:PORT0; return new; access_log /nonexistent/a.log l; }`, "2: No such file or directory"},
		{`limit_conn none 1; server { listen 127.0.0.1:PORT0; return new; }`, "zero size shared memory zone"},
	} {
		_, f := compileText(filepath.Join(s.dir, "conf"), s.text("stream { "+tt.block+" }"))
		require.NotNil(t, f.stream)
		err := s.Reload(f.stream)
		assert.ErrorContains(t, err, tt.want)
		assert.Equal(t, "old", s.ask("PORT0", ""))
		assert.Equal(t, 1, s.Listeners())
		assert.NoFileExists(t, filepath.Join(s.dir, "fresh.sock"))
	}
}

// Shutdown waits for sessions as long as it may, and no longer.
func TestShutdown(t *testing.T) {
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		s := startWith(t, change, `log_format l "$status"; access_log DIR/access.log l;
			server { listen 127.0.0.1:PORT0; proxy_pass ECHO; }`, "ECHO", streamtest.Echo(t, ""))
		c := s.dial("PORT0")
		streamtest.Send(t, c, "a")
		streamtest.Expect(t, c, "a")
		ended := make(chan error, 1)
		ctx, cancel := context.WithCancel(context.Background())
		go func() { ended <- s.Shutdown(ctx) }()
		streamtest.Eventually(t, "no more listening", func() bool {
			late, err := net.Dial("tcp", s.text("127.0.0.1:PORT0"))
			if err == nil {
				late.Close()
			}
			return err != nil
		})
		streamtest.Send(t, c, "b")
		streamtest.Expect(t, c, "b")
		cancel()
		assert.ErrorIs(t, streamtest.Receive(t, ended), context.Canceled)
		assert.Empty(t, streamtest.Rest(t, c))
		assert.Contains(t, s.lines("access.log", 1), "200") // beside those that found out
		assert.EqualError(t, s.Reload(s.config(`server { listen unix:DIR/s; return x; }`)), "stream: server closed")
	})
}

// Shutdown of a server without sessions returns at once; it may be repeated, and
// come before Start.
func TestShutdownIdle(t *testing.T) {
	s := start(t, `server { listen unix:DIR/s; return x; }`)
	s.shutdown()
	s.shutdown()
	cfg := s.config(`server { listen unix:DIR/s; return x; }`)
	srv, err := New(cfg)
	require.NoError(t, err)
	require.NoError(t, srv.Listen())
	require.NoError(t, srv.Close())
	assert.NoFileExists(t, filepath.Join(s.dir, "s"))
}

// After a rotation, Reopen makes the files anew.
func TestReopen(t *testing.T) {
	s := start(t, `log_format l "$status"; access_log DIR/access.log l; server { listen unix:DIR/s; return x; }`)
	s.ask("DIR/s", "")
	s.lines("access.log", 1)
	for _, name := range []string{"access.log", "error.log"} {
		require.NoError(t, os.Rename(filepath.Join(s.dir, name), filepath.Join(s.dir, name+".1")))
	}
	require.NoError(t, s.Reopen())
	s.ask("DIR/s", "")
	assert.Equal(t, "200", s.line("access.log"))
	assert.Equal(t, "200", s.line("access.log.1"))
	assert.Equal(t, []string{"[info] *2 client unix: connected to unix:" + s.dir + "/s"}, s.errors())
}

// A program may fill the structs itself, and bring listener and dialer.
func TestByHand(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	greeter, logs := streamtest.Greeter(t, "hi"), t.TempDir()
	dialed := make(chan string, 1)
	cfg := &Config{
		Defaults: ServerConfig{
			AccessLog: []AccessLog{{Path: "access.log", Format: "L"}},
			ErrorLog:  []ErrorLog{{"error.log", "info"}},
		},
		Prefix:     logs,
		LogFormats: []*LogFormat{{Name: "l", Parts: []string{"$status $who ", "$upstream_addr"}}},
		Maps:       []*MapConfig{{Source: "$remote_addr", Variable: "who", Entries: []MapEntry{{"~^127", "local"}, {"default", "other"}}}},
		Upstreams:  []*upstream.Config{{Name: "backend", Servers: []upstream.Server{{Address: greeter}}}},
		Servers: []*ServerConfig{{
			Listener: ln,
			Proxy: ProxyConfig{Pass: "backend", Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
				dialed <- network + " " + address
				return (&net.Dialer{}).DialContext(ctx, network, address)
			}},
		}},
	}
	srv, err := New(cfg)
	require.NoError(t, err)
	require.NoError(t, srv.Listen())
	require.NoError(t, srv.Start())
	c := streamtest.Dial(t, "tcp", ln.Addr().String())
	assert.Equal(t, "hi", streamtest.Rest(t, c))
	assert.Equal(t, "tcp "+greeter, streamtest.Receive(t, dialed))
	require.NoError(t, c.Close())
	require.NoError(t, srv.Shutdown(t.Context()))
	log, err := os.ReadFile(filepath.Join(logs, "access.log"))
	require.NoError(t, err)
	assert.Equal(t, "200 local "+greeter+"\n", string(log))
	_, err = net.Dial("tcp", ln.Addr().String())
	assert.Error(t, err, "Shutdown closes the listener")
}

// What is wrong with structs filled by hand is told as it would be of a file.
func TestByHandRefused(t *testing.T) {
	text := "x"
	for want, srv := range map[string]*ServerConfig{
		`invalid port in "1:x" of the "listen" directive`: {Listen: []Listen{{Address: "1:x"}}, Return: &text},
		`unknown log format "l"`:                          {Return: &text, AccessLog: []AccessLog{{Path: "a", Format: "l"}}},
		`no port in upstream "a"`:                         {Proxy: ProxyConfig{Pass: "a"}},
		`unknown "nosuch" variable`:                       {Proxy: ProxyConfig{Pass: "$nosuch"}},
		`zero size shared memory zone "z"`:                {Return: &text, LimitConn: LimitConnConfig{Limits: []ConnLimit{{"z", 1}}}},
		`the closing bracket in "x" variable is missing`:  {Return: &text, Set: []SetVariable{{"v", "${x"}}},
	} {
		if srv.Listen == nil {
			srv.Listen = []Listen{{Address: "127.0.0.1:0"}}
		}
		_, err := New(&Config{Servers: []*ServerConfig{srv}})
		assert.EqualError(t, err, want)
	}
}

// A listener that fails for a while is asked again.
func TestListenerRecovers(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	text, dir := "x", t.TempDir()
	ln := &failing{Listener: inner, left: 3}
	srv, err := New(&Config{
		Defaults: ServerConfig{ErrorLog: []ErrorLog{{filepath.Join(dir, "error.log")}}},
		Servers:  []*ServerConfig{{Listener: ln, Return: &text}},
	})
	require.NoError(t, err)
	require.NoError(t, srv.Start())
	defer srv.Close()
	assert.Equal(t, "x", streamtest.Rest(t, streamtest.Dial(t, "tcp", inner.Addr().String())))
	log, err := os.ReadFile(filepath.Join(dir, "error.log"))
	require.NoError(t, err)
	assert.Equal(t, 1, strings.Count(string(log), "accept4() failed"), "%s", log)
}

type failing struct {
	net.Listener
	left int
}

func (f *failing) Accept() (net.Conn, error) {
	if f.left--; f.left >= 0 {
		return nil, errors.New("out of luck")
	}
	return f.Listener.Accept()
}
