package upstream

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/addr"
	"github.com/gostream/gostream/internal/conf"
	"github.com/gostream/gostream/parser"
)

func parse(t *testing.T, text string) *Config {
	t.Helper()
	var w world
	tree, err := parser.ParseString("CONF", text, parser.Options{})
	require.NoError(t, err)
	require.NoError(t, conf.Apply(tree, conf.NewSchema(append(Tables(), worldTable)...), conf.Main, nil, &w))
	return w.groups[0]
}

func TestParse(t *testing.T) {
	c := parse(t, `upstream Pool {
		zone a 64k;
		least_time last_byte inflight;
		server 127.0.0.1:1 weight=5 max_conns=6 max_fails=7 fail_timeout=1m30 down weight=2;
		server [::1]:2 max_conns=0 max_fails=0 fail_timeout=0 backup;
		server unix:/run/x;
		resolver 127.0.0.1 valid=5s;
		resolver_timeout 0;
	}`)
	ip := func(text string) []addr.Addr { return []addr.Addr{addr.IP(netip.MustParseAddrPort(text))} }
	assert.Equal(t, []Server{
		{
			Address: "127.0.0.1:1", Weight: 2, MaxConns: 6, MaxFails: 7, FailTimeout: 90 * time.Second, Down: true,
			addrs: ip("127.0.0.1:1"),
		},
		{Address: "[::1]:2", MaxFails: -1, FailTimeout: -1, Backup: true, addrs: ip("[::1]:2")},
		{Address: "unix:/run/x", addrs: []addr.Addr{addr.Unix("/run/x")}},
	}, c.Servers)
	c.Servers, c.zones = nil, nil
	assert.Equal(t, &Config{
		Name: "Pool", Zone: "a", Method: LeastTime, Metric: LastByteTime, Inflight: true,
		Resolver:        &Resolver{Servers: []string{"127.0.0.1"}, Valid: 5 * time.Second, addrs: ip("127.0.0.1:53")},
		ResolverTimeout: -1, file: "CONF", line: 1,
	}, c)
}

func TestMethodDirectives(t *testing.T) {
	for text, want := range map[string]Config{
		"":                       {},
		"least_conn;":            {Method: LeastConn},
		"least_time connect;":    {Method: LeastTime, Metric: ConnectTime},
		"least_time First_Byte;": {Method: LeastTime, Metric: FirstByteTime},
		"hash $a$b;":             {Method: Hash, HashKey: "$a$b"},
		"hash x consistent;":     {Method: ConsistentHash, HashKey: "x"},
		"random;":                {Method: Random},
		"random two;":            {Method: RandomTwo},
		"random two least_conn;": {Method: RandomTwo},
		"hash x; least_conn;":    {Method: LeastConn, HashKey: "x"},
	} {
		c := parse(t, "upstream u { server 127.0.0.1:1; "+text+"}")
		assert.Equal(t, want, Config{Method: c.Method, Metric: c.Metric, HashKey: c.HashKey}, text)
	}
}

// Messages beyond the recorded ones; all are nginx's unless noted.
func TestConfigErrors(t *testing.T) {
	page := os.Getpagesize()
	for text, want := range map[string]string{
		"server 127.0.0.1:1 weight=;":                          `invalid parameter "weight=" in CONF:1`,
		"server 127.0.0.1:1 weight;":                           `invalid parameter "weight" in CONF:1`,
		"server 127.0.0.1:1 backup=;":                          `invalid parameter "backup=" in CONF:1`,
		"server 127.0.0.1:1 fail_timeout=1ms;":                 `invalid parameter "fail_timeout=1ms" in CONF:1`,
		"server 127.0.0.1:1 weight=2147483648;":                `invalid parameter "weight=2147483648" in CONF:1`, // nginx has more room
		"server 127.0.0.1;":                                    `no port in upstream "127.0.0.1" in CONF:1`,
		"server x bogus;":                                      `invalid parameter "bogus" in CONF:1`,
		`server "";`:                                           `no host in upstream "" in CONF:1`,
		"server a.b.c service=x;":                              `service upstream "a.b.c" requires "resolve" parameter in CONF:1`,
		"server a.b.c:80 service=x resolve;":                   `service upstream "a.b.c:80" may not have port in CONF:1`,
		"server a.b.c resolve;":                                `no port in upstream "a.b.c" in CONF:1`,
		"random; server 127.0.0.1:1 weight=1 backup weight=x;": `balancing method does not support parameter "backup" in CONF:1`,
		"random three;":                                        `invalid parameter "three" in CONF:1`,
		"least_time header;":                                   `invalid value "header" in CONF:1`,
		"hash $;":                                              `invalid variable name in CONF:1`,
		"hash ${a;":                                            `the closing bracket in "a" variable is missing in CONF:1`,
		`zone "" 64k;`:                                         `invalid zone name "" in CONF:1`,
		fmt.Sprintf("zone z %d;", 8*page-1):                    `zone "z" is too small in CONF:1`,
		"zone z 64k; zone z 65k;":                              `the size 66560 of shared memory zone "z" conflicts with already declared size 65536 in CONF:1`,
		"server 127.0.0.1:1; zone z; zone y 1m;":               `zero size shared memory zone "z"`,
		// Ours.
		"hash $k consistent; server 127.0.0.1:1 weight=2000000000;": `too large weights in upstream "u" in CONF:1`,
	} {
		_, _, err := load("upstream u {" + text + "}")
		assert.EqualError(t, err, want, text)
	}
	for _, text := range []string{
		fmt.Sprintf("server 127.0.0.1:1; zone z %d;", 8*page),
		"server 127.0.0.1:1; zone z; zone z 64k; zone z; zone z 64k;",
		"server 127.0.0.1:1 weight=2147483647; server 127.0.0.1:2 weight=2147483647; hash $k;",
		"server 127.0.0.1:1 backup; server 127.0.0.1:2; hash $k;",
		"zone z 64k; server unix:/x resolve;",
		"server [::1]:80 resolve;",
	} {
		_, _, err := load("upstream u {" + text + "}")
		assert.NoError(t, err, text)
	}
}

func TestZones(t *testing.T) {
	_, _, err := load("upstream a { zone z; server 127.0.0.1:1; } upstream b { zone z 64k; server 127.0.0.1:1; }")
	assert.NoError(t, err)
	_, _, err = load("upstream a { zone z 64k; server 127.0.0.1:1; }\nupstream b { zone z 1m; server 127.0.0.1:1; }")
	assert.EqualError(t, err, `the size 1048576 of shared memory zone "z" conflicts with already declared size 65536 in CONF:2`)
	var z Zones
	require.NoError(t, z.Check())
	require.NoError(t, z.Declare("z", 1, "limit_conn"))
	assert.EqualError(t, z.Declare("z", 1, "upstream"), `the shared memory zone "z" is already declared for a different use`)
	// Without the zones of others there is nothing to compare with.
	text := "upstream u { zone z 64k; zone z 65k; server 127.0.0.1:1; }"
	tree, err := parser.ParseString("CONF", text, parser.Options{})
	require.NoError(t, err)
	table := &conf.Table[int]{Commands: []conf.Command[int]{
		{Name: "upstream", In: conf.Main, Block: true, Set: conf.Func(func(_ *int, d *conf.Directive) error {
			_, err := Parse(d, nil)
			return err
		})},
	}}
	assert.NoError(t, conf.Apply(tree, conf.NewSchema(append(Tables(), table)...), conf.Main, nil, new(int)))
}

// A Config made by hand.
func TestNew(t *testing.T) {
	lookup := func(host string) ([]netip.Addr, error) {
		if host != "db" {
			return nil, errors.New("no such host")
		}
		return []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")}, nil
	}
	cfg := &Config{Name: "u", Lookup: lookup, Servers: []Server{
		{Address: "db:5432", Weight: 3},
		{Address: "unix:/run/db", Down: true, Backup: true},
	}}
	for range 2 { // it may be used again
		g, err := New(cfg)
		require.NoError(t, err)
		assert.Equal(t, []Status{
			{Name: "192.0.2.1:5432", Server: "db:5432", Weight: 3, Effective: 3},
			{Name: "[2001:db8::1]:5432", Server: "db:5432", Weight: 3, Effective: 3},
			{Name: "unix:/run/db", Server: "unix:/run/db", Backup: true, Down: true, Weight: 1, Effective: 1},
		}, g.Status(nil, noon))
		p := g.backup.list[0]
		assert.Equal(t, "unix /run/db", p.Network()+" "+p.HostPort())
		p = g.primary.list[1]
		assert.Equal(t, "tcp [2001:db8::1]:5432", p.Network()+" "+p.HostPort())
		assert.Equal(t, int64(10), p.failTimeout)
		assert.Equal(t, 1, p.maxFails)
	}
	for _, tt := range []struct {
		cfg  Config
		want string
	}{
		{Config{Name: "u"}, `no servers in upstream "u"`},
		{Config{Name: "u", Servers: []Server{{Address: "nosuch:80"}}}, `host not found in upstream "nosuch:80"`},
		{Config{Name: "u", Servers: []Server{{Address: "db"}}}, `no port in upstream "db"`},
		{Config{Name: "u", Servers: []Server{{Address: "db", Service: "x"}}}, `service upstream "db" requires "resolve" parameter`},
		{
			Config{Name: "u", Servers: []Server{{Address: "db:1", Resolve: true}}},
			`resolving names at run time requires upstream "u" to be in shared memory`,
		},
		{
			Config{Name: "u", Zone: "z", Servers: []Server{{Address: "db:1", Resolve: true}}},
			`no resolver defined to resolve names at run time in upstream "u"`,
		},
	} {
		tt.cfg.Lookup = lookup
		_, err := New(&tt.cfg)
		assert.EqualError(t, err, tt.want)
	}
}
