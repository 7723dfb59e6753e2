package stream

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/streamtest"
	"github.com/gostream/gostream/upstream"
)

// peers lists the addresses of a group.
func (s *site) peers(group string) string {
	s.mu.Lock()
	g := s.gen.groups.named[group]
	s.mu.Unlock()
	var list []string
	for _, p := range g.Status(nil, time.Now()) {
		text := p.Name
		if p.Backup {
			text += " backup"
		}
		list = append(list, text)
	}
	return strings.Join(list, ", ")
}

func (s *site) waitPeers(group, want string) {
	s.t.Helper()
	streamtest.Eventually(s.t, group+" has "+want, func() bool { return s.peers(group) == want })
}

// mainLog makes the error log of the main context a file, and returns its name.
func mainLog(t *testing.T) (name string, change func(*Config)) {
	name = filepath.Join(t.TempDir(), "main.log")
	return name, func(cfg *Config) { cfg.ErrorLog = []ErrorLog{{name}} }
}

// waitLine waits for a text in a file.
func waitLine(t *testing.T, name, text string) {
	t.Helper()
	streamtest.Eventually(t, text, func() bool {
		b, err := os.ReadFile(name)
		return err == nil && strings.Contains(string(b), text)
	})
}

func TestServersAreFollowed(t *testing.T) {
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		dns := streamtest.NewDNS(t)
		dns.Set("a.test", "ttl=0 A 127.0.0.1")
		up := portOf(t, streamtest.Echo(t, "hello "))
		log, logs := mainLog(t)
		s := startWith(t, func(cfg *Config) { change(cfg); logs(cfg) }, `
			resolver DNS; resolver_timeout 1s;
			upstream u { zone z 64k; server a.test:UP resolve; }
			server { listen PORT1; proxy_pass u; }`, "DNS", dns.Addr.String(), "UP", up)
		s.waitPeers("u", "127.0.0.1:"+up)
		c := s.dial("PORT1")
		streamtest.Send(t, c, "x")
		streamtest.Expect(t, c, "hello x")

		dns.Set("a.test", "CODE 2")
		waitLine(t, log, "[error] ")
		waitLine(t, log, ": a.test could not be resolved (2: Server failure)\n")
		assert.Equal(t, "127.0.0.1:"+up, s.peers("u"), "after a failure they stay")

		dns.Set("a.test", "ttl=0 A 127.0.0.2")
		s.waitPeers("u", "127.0.0.2:"+up)
		streamtest.Send(t, c, "x")
		streamtest.Expect(t, c, "x")

		dns.Set("a.test", "CODE 3")
		waitLine(t, log, ": a.test could not be resolved (3: Host not found)\n")
		s.waitPeers("u", "")
		assert.Empty(t, s.ask("PORT1", ""))
		assert.Contains(t, strings.Join(s.errors("error"), "\n"), `no live upstreams while connecting to upstream, client: 127.0.0.1, server: `+s.text("0.0.0.0:PORT1")+`, upstream: "u"`)
		streamtest.Send(t, c, "y")
		streamtest.Expect(t, c, "y")
	})
}

func TestServicesAreFollowed(t *testing.T) {
	dns := streamtest.NewDNS(t)
	up := portOf(t, streamtest.Greeter(t, "hello"))
	dns.Set("_http._tcp.test", "ttl=0 SRV 1 1 "+up+" a.test", "ttl=0 SRV 2 1 81 b.test", "ttl=0 SRV 3 1 82 nx.test")
	dns.Set("a.test", "ttl=0 A 127.0.0.1")
	dns.Set("b.test", "ttl=0 A 127.0.0.2")
	log, logs := mainLog(t)
	s := startWith(t, logs, `
		upstream u { zone z 64k; server Test resolve service=http; resolver DNS; resolver_timeout 1s; }
		server { listen PORT1; proxy_pass u; }`, "DNS", dns.Addr.String())
	s.waitPeers("u", "127.0.0.1:"+up+", 127.0.0.2:81 backup")
	waitLine(t, log, ": nx.test could not be resolved (3: Host not found) while resolving service http of Test\n")
	assert.Equal(t, "hello", s.ask("PORT1", ""))
	dns.Set("_http._tcp.test")
	waitLine(t, log, ": service http of Test could not be resolved (3: Host not found)\n")
	s.waitPeers("u", "")
}

// A reload keeps the addresses, with the port and parameters of the new
// configuration; so does another process.
func TestReloadKeepsAddresses(t *testing.T) {
	dns := streamtest.NewDNS(t)
	dns.Set("a.test", "ttl=1000 A 127.0.0.1", "ttl=1000 AAAA ::1")
	block := func(group, port string) string {
		return `resolver DNS;
			upstream ` + group + ` { zone z 64k; server a.test:` + port + ` resolve; server 127.0.0.9:1 backup; }
			server { listen PORT1; proxy_pass ` + group + `; }`
	}
	s := start(t, block("u", "1"), "DNS", dns.Addr.String())
	file, err := os.CreateTemp(t.TempDir(), "")
	require.NoError(t, err)
	defer file.Close()
	s.Remember(file) // nothing there, or not yet
	s.waitPeers("u", "127.0.0.1:1, [::1]:1, 127.0.0.9:1 backup")
	asked := len(dns.Asked())

	require.NoError(t, s.Reload(s.config(block("u", "2"))))
	assert.Equal(t, "127.0.0.1:2, [::1]:2, 127.0.0.9:1 backup", s.peers("u"))
	assert.Len(t, dns.Asked(), asked, "they are good for a while")
	s.gen.memory.set(s.gen.followers[0].key, s.gen.memory.get(s.gen.followers[0].key))

	dns.Set("a.test", "SILENT")
	next := start(t, block("u", "3"), "DNS", dns.Addr.String())
	next.Remember(file)
	assert.Equal(t, "127.0.0.1:3, [::1]:3, 127.0.0.9:1 backup", next.peers("u"))

	require.NoError(t, file.Truncate(20))
	broken := start(t, block("u", "3"), "DNS", dns.Addr.String())
	broken.Remember(file)
	assert.Equal(t, "127.0.0.9:1 backup", broken.peers("u"))

	require.NoError(t, s.Reload(s.config(block("v", "4"))))
	assert.Equal(t, "127.0.0.9:1 backup", s.peers("v"), "of another group")
	require.NoError(t, s.Reload(s.config(block("u", "5"))))
	assert.Equal(t, "127.0.0.9:1 backup", s.peers("u"), "it was gone in between")
}

// A program may do it, too.
func TestFollowByHand(t *testing.T) {
	dns := streamtest.NewDNS(t)
	dns.Set("a.test", "A 127.0.0.1")
	up := streamtest.Greeter(t, "hello")
	cfg := &Config{
		Upstreams: []*upstream.Config{{
			Name: "u", Zone: "z", Resolver: &upstream.Resolver{Servers: []string{dns.Addr.String()}},
			Servers: []upstream.Server{{Address: "a.test:" + portOf(t, up), Resolve: true}},
		}},
		Servers: []*ServerConfig{{Listen: []Listen{{Address: "127.0.0.1:0"}}, Proxy: ProxyConfig{Pass: "u"}}},
	}
	srv, err := New(cfg)
	require.NoError(t, err)
	require.NoError(t, srv.Listen())
	assert.Empty(t, dns.Asked(), "not before it serves")
	require.NoError(t, srv.Start())
	defer srv.Close()
	streamtest.Eventually(t, "hello", func() bool {
		return streamtest.Rest(t, streamtest.Dial(t, "tcp", srv.Addrs()[0].String())) == "hello"
	})

	cfg.Upstreams[0].Resolver = &upstream.Resolver{Servers: []string{"127.0.0.1:0"}}
	_, err = New(cfg)
	assert.EqualError(t, err, `invalid port in resolver "127.0.0.1:0"`)
}

func TestPauseUntil(t *testing.T) {
	now := time.Now().Unix()
	assert.LessOrEqual(t, pauseUntil(now-5), time.Second)
	assert.Positive(t, pauseUntil(now-5))
	assert.InDelta(t, 101, pauseUntil(now+100).Seconds(), 1)
}
