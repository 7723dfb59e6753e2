package stream

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/streamtest"
	"github.com/gostream/gostream/upstream"
)

// portOf is the port of an address.
func portOf(t *testing.T, address string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	return port
}

func TestNamesAtRunTime(t *testing.T) {
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		dns := streamtest.NewDNS(t)
		dns.Set("a.test", "A 127.0.0.1")
		dns.Set("alias.test", "CNAME a.test")
		dns.Set("broken.test", "CODE 2")
		dns.Set("silent.test", "SILENT")
		up := portOf(t, streamtest.Greeter(t, "hello"))
		s := startWith(t, change, `
			resolver DNS; resolver_timeout 100ms;
			map $server_port $name {
				PORT1 A.Test; PORT2 alias.test.; PORT3 NX.test.; PORT4 broken.test; PORT5 silent.test;
			}
			log_format f "$status $upstream_addr";
			access_log DIR/access.log f;
			server {
				listen PORT1; listen PORT2; listen PORT3; listen PORT4; listen PORT5;
				proxy_pass $name:UP;
			}`, "DNS", dns.Addr.String(), "UP", up)
		assert.Equal(t, "hello", s.ask("PORT1", ""))
		assert.Equal(t, "hello", s.ask("PORT1", ""))
		assert.Equal(t, "hello", s.ask("PORT2", ""))
		for port, text := range map[string]string{
			"PORT3": "nx.test could not be resolved (3: Host not found)",
			"PORT4": "broken.test could not be resolved (2: Server failure)",
			"PORT5": "silent.test could not be resolved (110: Operation timed out)",
		} {
			assert.Empty(t, s.ask(port, ""))
			want := text + ", client: 127.0.0.1, server: " + s.text("0.0.0.0:"+port) + ", bytes from/to client:0/0, bytes from/to upstream:0/0"
			streamtest.Eventually(t, want, func() bool { return strings.Contains(strings.Join(s.errors("error"), "\n"), want) })
		}
		addr := "127.0.0.1:" + up
		assert.Equal(t, []string{"200 " + addr, "200 " + addr, "200 " + addr, "500 -", "500 -", "500 -"}, s.lines("access.log", 6))
	})
}

// All addresses of a name are tried, as far as proxy_next_upstream allows it.
func TestTriesOfResolvedName(t *testing.T) {
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		dns := streamtest.NewDNS(t)
		dns.Set("a.test", "A 127.0.0.1", "A 127.0.0.1", "A 127.0.0.1")
		refused := streamtest.Refused(t)
		s := startWith(t, change, `
			resolver DNS ipv6=off;
			log_format f "$status $upstream_addr";
			access_log DIR/access.log f;
			map $server_port $name { default a.test:UP; }
			server { listen PORT1; proxy_pass $name; }
			server { listen PORT2; proxy_pass $name; proxy_next_upstream_tries 2; }
			server { listen PORT3; proxy_pass $name; proxy_next_upstream off; }`, "DNS", dns.Addr.String(), "UP", portOf(t, refused))
		for _, port := range []string{"PORT1", "PORT2", "PORT3"} {
			assert.Empty(t, s.ask(port, ""))
		}
		assert.Equal(t, []string{
			"502 " + refused + ", " + refused + ", " + refused, "502 " + refused + ", " + refused, "502 " + refused,
		}, s.lines("access.log", 3))
		assert.Equal(t, []string{"udp a.test A"}, dns.Asked())
	})
}

// Many sessions wait for one answer.
func TestSessionsShareQuery(t *testing.T) {
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		dns := streamtest.NewDNS(t)
		hold := make(chan struct{})
		dns.Raw(func(query []byte, _ bool) [][]byte {
			<-hold
			answer := append([]byte(nil), query...)
			answer[2], answer[3], answer[7] = 0x81, 0x80, 1
			return [][]byte{append(answer, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4, 127, 0, 0, 1)}
		})
		up := streamtest.Greeter(t, "hello")
		s := startWith(t, change, `
			resolver DNS ipv6=off;
			map $server_port $name { default a.test:UP; }
			server { listen PORT1; proxy_pass $name; }`, "DNS", dns.Addr.String(), "UP", portOf(t, up))
		var conns []net.Conn
		for range 20 {
			conns = append(conns, s.dial("PORT1"))
		}
		streamtest.Eventually(t, "the sessions", func() bool { return len(s.errors("info")) >= 20 })
		close(hold)
		for _, c := range conns {
			assert.Equal(t, "hello", streamtest.Rest(t, c))
		}
	})
}

// A session that waits for a name does not keep the server from being stopped.
func TestStopWhileResolving(t *testing.T) {
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		dns := streamtest.NewDNS(t)
		dns.Set("silent.test", "SILENT")
		s := startWith(t, change, `
			resolver DNS; resolver_timeout 0;
			log_format f "$status";
			access_log DIR/access.log f;
			map $server_port $name { default silent.test:1; }
			server { listen PORT1; proxy_pass $name; }`, "DNS", dns.Addr.String())
		c := s.dial("PORT1")
		streamtest.Eventually(t, "the query", func() bool { return len(dns.Asked()) > 0 })
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		assert.ErrorIs(t, s.Shutdown(ctx), context.Canceled)
		assert.Empty(t, streamtest.Rest(t, c))
		assert.Equal(t, "200", s.line("access.log"))
	})
}

// What is wrong with a name server is told in the main log.
func TestResolverProblems(t *testing.T) {
	dns := streamtest.NewDNS(t)
	dns.Raw(func(query []byte, _ bool) [][]byte { return [][]byte{query[:5]} })
	refused := streamtest.Refused(t)
	log := filepath.Join(t.TempDir(), "main.log")
	s := startWith(t, func(cfg *Config) { cfg.ErrorLog = []ErrorLog{{log}} }, `
		resolver_timeout 100ms;
		map $server_port $name { default a.test:1; }
		server { listen PORT1; resolver DNS; proxy_pass $name; }
		server { listen PORT2; resolver REFUSED; proxy_pass $name; }`, "DNS", dns.Addr.String(), "REFUSED", refused)
	assert.Empty(t, s.ask("PORT1", ""))
	assert.Empty(t, s.ask("PORT2", ""))
	for _, want := range []string{
		`\[error\] \d+#\d+: short DNS response\n`,
		`\[error\] \d+#\d+: (send|recv)\(\) failed \(\d+: Connection refused\) while resolving, resolver: ` + refused + `\n`,
	} {
		streamtest.Eventually(t, want, func() bool {
			text, err := os.ReadFile(log)
			return err == nil && regexp.MustCompile(want).Match(text)
		})
	}
}

// A program gives the name servers as a struct.
func TestResolverByHand(t *testing.T) {
	dns := streamtest.NewDNS(t)
	dns.Set("a.test", "A 127.0.0.1")
	up := streamtest.Greeter(t, "hello")
	shared := &upstream.Resolver{Servers: []string{dns.Addr.String()}, Valid: time.Hour, NoIPv6: true}
	server := func() *ServerConfig {
		return &ServerConfig{
			Listen: []Listen{{Address: "127.0.0.1:0"}}, Set: []SetVariable{{Name: "to", Value: "a.test:" + portOf(t, up)}},
			Proxy: ProxyConfig{Pass: "$to"},
		}
	}
	cfg := &Config{Servers: []*ServerConfig{server(), server()}}
	cfg.Servers[0].Core.Resolver, cfg.Servers[1].Core.Resolver = shared, shared
	srv, err := New(cfg)
	require.NoError(t, err)
	require.NoError(t, srv.Listen())
	require.NoError(t, srv.Start())
	defer srv.Close()
	for _, a := range srv.Addrs() {
		assert.Equal(t, "hello", streamtest.Rest(t, streamtest.Dial(t, "tcp", a.String())))
	}
	assert.Equal(t, []string{"udp a.test A"}, dns.Asked(), "what one has found out, the other knows")

	cfg.Servers[0].Core.Resolver = &upstream.Resolver{Servers: []string{"127.0.0.1:x"}}
	_, err = New(cfg)
	assert.EqualError(t, err, `invalid port in resolver "127.0.0.1:x"`)
	cfg.Servers[0].Core.Resolver = &upstream.Resolver{}
	_, err = New(cfg)
	assert.EqualError(t, err, "no name servers defined")
}
