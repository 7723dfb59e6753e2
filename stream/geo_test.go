package stream

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestGeoVectors(t *testing.T) {
	for _, v := range recordings(t, "geo") {
		block, value := shown(v.Input.Config, "$g")
		block, _, _ = strings.Cut(block, " with set_real_ip_from") // which makes it the client's address
		g := compiled(t, block, "addr")
		got := at(g, "10.0.0.1").give("addr", v.Input.Addr)
		if !strings.Contains(block, "$addr") {
			got = at(g, v.Input.Addr)
		}
		assert.Equal(t, v.text(t), got.text(t, value), "vector %d: %q of %s", v.ID, v.Input.Addr, v.Input.Config)
	}
}

// at is a client with this address; the empty one came by a unix socket.
func at(g *generation, addr string) *Session {
	s := g.client()
	s.remote = endpoint{unix: addr == ""}
	if addr != "" {
		s.remote.ip = netip.AddrPortFrom(netip.MustParseAddr(addr), 1)
	}
	return s
}

func TestGeoOfClient(t *testing.T) {
	g := compiled(t, `
		geo $n { 10.0.0.0/8 ten; 2001:db8::/32 doc; 255.255.255.255 none; ::ffff:11.0.0.0/104 never; }
		geo $r { ranges; 10.0.0.0-10.0.0.9 ten; 255.255.0.0-255.255.255.254 high; default other; }`)
	for _, tt := range []struct{ addr, networks, ranges string }{
		{"10.0.0.1", "ten", "ten"},
		{"::ffff:10.0.0.1", "ten", "ten"},
		{"10.0.0.10", "ten", "other"},
		{"11.0.0.1", "", "other"},
		{"::ffff:11.0.0.1", "", "other"},
		{"::11.0.0.1", "", "other"}, // not what ::ffff:11.0.0.0/104 means
		{"2001:db8::1", "doc", "other"},
		{"255.255.255.254", "", "high"},
		{"", "none", "other"},
	} {
		s := at(g, tt.addr)
		assert.Equal(t, tt.networks, s.text(t, "$n"), tt.addr)
		assert.Equal(t, tt.ranges, s.text(t, "$r"), tt.addr)
	}
}

// Of two definitions of one variable the last in the file counts, whatever
// blocks they are.
func TestLastDefinitionCounts(t *testing.T) {
	g := compiled(t, `
		geo $a { default geo; }
		map x $a { default map; }
		split_clients x $b { * split; }
		geo $b { default geo; }
		map x $c { default map; }
		split_clients x $c { * split; }`)
	assert.Equal(t, "map geo split", at(g, "10.0.0.1").text(t, "$a $b $c"))
}

func TestGeoVolatile(t *testing.T) {
	g := compiled(t, "geo $key $kept { 10.0.0.1 one; 10.0.0.2 two; } geo $key $fresh { volatile; 10.0.0.1 one; 10.0.0.2 two; }", "key")
	s := g.client().give("key", "10.0.0.1")
	assert.Equal(t, "one one", s.text(t, "$kept $fresh"))
	s.give("key", "10.0.0.2")
	assert.Equal(t, "one two", s.text(t, "$kept $fresh"))
}

func TestGeoInclude(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a.inc": "10.0.0.0/8 a;\ninclude b*.inc;", "b1.inc": "11.0.0.0/8 b1;", "b2.inc": "11.0.0.0/8 b2;",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	g, f := compileText(filepath.Join(dir, "conf"),
		"stream { geo $g { include a.inc; 12.0.0.0/8 c; } server { listen unix:/none/x.sock; return x; } }")
	assert.Equal(t, []string{`[warn] duplicate network "11.0.0.0/8", value: "b2", old value: "b1" in ` + dir + "/b2.inc:1"}, f.log)
	for addr, want := range map[string]string{"10.1.1.1": "a", "11.1.1.1": "b2", "12.1.1.1": "c"} {
		assert.Equal(t, want, at(g, addr).text(t, "$g"))
	}
}

// A Config filled by hand does what one from a file does, and may be used for
// several servers.
func TestGeoByHand(t *testing.T) {
	text := "x"
	cfg := &Config{
		Geos: []*GeoConfig{
			{Variable: "n", Entries: []GeoEntry{{Network: "default", Value: "d"}, {Network: "10.0.0.0/8", Value: "ten"}, {Network: "10.0.0.0/8", Delete: true}}},
			{Source: "n_addr", Variable: "r", Ranges: true, Entries: []GeoEntry{{Network: "10.0.0.0-10.0.0.9", Value: "ten"}}},
			{Variable: "n_addr", Entries: []GeoEntry{{Network: "10.0.0.0/8", Value: "10.0.0.5"}}},
		},
		Servers: []*ServerConfig{{Listen: []Listen{{Address: "unix:/none/x.sock"}}, Return: &text}},
	}
	for range 2 {
		g, err := compileConfig(cfg, nil)
		require.NoError(t, err)
		assert.Equal(t, "d ten", at(g, "10.0.0.1").text(t, "$n $r"))
	}
	cfg.Geos[1].Entries[0].Network = "10"
	_, err := compileConfig(cfg, nil)
	assert.EqualError(t, err, `invalid range "10"`)
}

// manyNetworks is a geo block of n networks, none of which touch.
func manyNetworks(n int, ranges bool) string {
	var b strings.Builder
	b.WriteString("geo $key $g {\n")
	if ranges {
		b.WriteString("ranges;\n")
	}
	for i := range n {
		a := fmt.Sprintf("%d.%d.%d.", 1+i>>15, i>>7&255, i<<1&255)
		if ranges {
			fmt.Fprintf(&b, "%s0-%s255 v%d;\n", a, a, i%100)
		} else {
			fmt.Fprintf(&b, "%s0/24 v%d;\n", a, i%100)
		}
	}
	b.WriteString("default none;\n}\n")
	return b.String()
}

func TestManyNetworks(t *testing.T) {
	for _, ranges := range []bool{false, true} {
		g := compiled(t, manyNetworks(100_000, ranges), "key")
		for key, want := range map[string]string{"1.0.0.7": "v0", "1.0.2.255": "v1", "1.0.3.0": "none", "4.13.62.0": "v99", "4.13.64.0": "none"} {
			assert.Equal(t, want, g.client().give("key", key).text(t, "$g"), key)
		}
	}
}

func TestGeoLookupDoesNotAllocate(t *testing.T) {
	g := compiled(t, "geo $key $a { volatile; 10.0.0.0/8 x; } geo $b { volatile; 10.0.0.0/8 x; } geo $c { volatile; ranges; 10.0.0.0-10.0.0.255 x; }", "key")
	s := at(g, "10.0.0.1").give("key", "10.0.0.1")
	v, err := g.compile("$a$b$c")
	require.NoError(t, err)
	room := make([]byte, 0, 64)
	assert.Equal(t, "xxx", string(v.Append(room, s)))
	assert.Zero(t, testing.AllocsPerRun(100, func() { v.Append(room, s) }))
}

func BenchmarkGeoLoad(b *testing.B) {
	text := "stream { " + manyNetworks(100_000, false) + " server { listen unix:/none/x.sock; set $key x; return x; } }"
	for b.Loop() {
		g, f := compileText(filepath.Join(b.TempDir(), "conf"), text)
		require.NotNil(b, g, f.log)
	}
}

// nginx does not miss a network of 64 MB of addresses, or that share of IPv6,
// where nothing has been entered or deleted.
func TestGeoDeletesAbsentNetworks(t *testing.T) {
	for lines, warnings := range map[string]int{
		"delete 8.0.0.0/6;":                                        0,
		"delete fc00::/6;":                                         0,
		"delete 8.0.0.0/6; delete 8.0.0.0/6;":                      1,
		"delete 8.0.0.0/5; delete 8.0.0.0/7;":                      2,
		"10.0.0.0/8 a; delete 8.0.0.0/6;":                          1,
		"8.0.0.0/5 a; delete 8.0.0.0/6;":                           0,
		"10.0.0.0/8 a; delete 10.0.0.0/8; delete 8.0.0.0/6;":       1,
		"12.0.0.0/8 a; delete 12.0.0.0/8; delete 8.0.0.0/6;":       0,
		"8.0.0.0/6 a; delete 8.0.0.0/6; delete 8.0.0.0/6;":         1,
		"10.0.0.0/8 a; 8.0.0.0/6 b; delete 8.0.0.0/6; fc00::/6 c;": 0,
	} {
		_, f := compileText("/none/conf", "stream { geo $v { "+lines+" } }")
		log := strings.Join(f.log, "\n")
		assert.Equal(t, warnings, strings.Count(log, " to delete in /none/conf:1"), "%s: %s", lines, log)
		assert.NotContains(t, log, "[emerg]")
	}
}
