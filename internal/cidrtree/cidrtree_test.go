package cidrtree

import (
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func addr(s string) netip.Addr     { return netip.MustParseAddr(s) }
func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }

func TestTableLongestPrefix(t *testing.T) {
	var b Builder[string]
	for _, s := range []string{
		"0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "10.1.2.3/32", "10.255.0.0/16",
		"255.255.255.255/32", "2001:db8::/32", "2001:db8::1/128", "ffff::/16",
	} {
		b.Set(prefix(s), s)
	}
	table := b.Build()
	tests := []struct{ addr, want string }{
		{"0.0.0.0", "0.0.0.0/0"},
		{"9.255.255.255", "0.0.0.0/0"},
		{"10.0.0.0", "10.0.0.0/8"},
		{"10.1.0.0", "10.1.0.0/16"},
		{"10.1.2.2", "10.1.2.0/24"},
		{"10.1.2.3", "10.1.2.3/32"},
		{"10.1.2.4", "10.1.2.0/24"},
		{"10.1.3.0", "10.1.0.0/16"},
		{"10.2.0.0", "10.0.0.0/8"},
		{"10.255.255.255", "10.255.0.0/16"},
		{"11.0.0.0", "0.0.0.0/0"},
		{"255.255.255.254", "0.0.0.0/0"},
		{"255.255.255.255", "255.255.255.255/32"},
		{"::ffff:10.1.2.3", "10.1.2.3/32"},
		{"::", ""},
		{"2001:db8::", "2001:db8::/32"},
		{"2001:db8::1", "2001:db8::1/128"},
		{"2001:db8::1%eth0", "2001:db8::1/128"},
		{"2001:db8::2", "2001:db8::/32"},
		{"2001:db9::", ""},
		{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff::/16"},
	}
	for _, tt := range tests {
		got, ok := table.Lookup(addr(tt.addr))
		assert.Equal(t, tt.want, got, tt.addr)
		assert.Equal(t, tt.want != "", ok, tt.addr)
	}
	_, ok := table.Lookup(netip.Addr{})
	assert.False(t, ok, "no address")
	_, ok = new(Table[int]).Lookup(addr("1.2.3.4"))
	assert.False(t, ok, "the empty table")
}

func TestBuilderReplacesAndDeletes(t *testing.T) {
	var b Builder[string]
	_, replaced := b.Set(prefix("10.0.0.0/8"), "a")
	require.False(t, replaced)
	old, replaced := b.Set(prefix("10.1.2.3/8"), "b")
	require.True(t, replaced, "low bits do not make another network")
	require.Equal(t, "a", old)

	// nginx looks the network's address up for its warning, and so names the
	// value of a longer network, if there is one.
	b.Set(prefix("10.0.0.0/16"), "long")
	old, _ = b.Set(prefix("10.0.0.0/8"), "c")
	require.Equal(t, "long", old)

	require.True(t, b.Delete(prefix("10.0.0.0/16")))
	require.False(t, b.Delete(prefix("10.0.0.0/16")))
	v, _ := b.Build().Lookup(addr("10.0.0.1"))
	require.Equal(t, "c", v)
}

// Random networks of one small region, so that many are nested, against a
// search that tries all of them.
func TestTableAgainstScan(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, base := range []string{"10.1.2.0", "255.255.255.0", "0.0.0.0", "2001:db8::ff00", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ff00", "0:0:0:1::"} {
		first := addr(base)
		random := func() netip.Addr {
			raw := first.AsSlice()
			raw[len(raw)-1] = byte(rng.IntN(256))
			a, _ := netip.AddrFromSlice(raw)
			return a
		}
		for range 200 {
			var b Builder[int]
			nets := map[netip.Prefix]int{}
			for i := range rng.IntN(30) {
				p, _ := random().Prefix(first.BitLen() - rng.IntN(10))
				b.Set(p, i)
				nets[p] = i
			}
			table := b.Build()
			for range 100 {
				a := random()
				want, bits := 0, -1
				for p, v := range nets {
					if p.Contains(a) && p.Bits() > bits {
						want, bits = v, p.Bits()
					}
				}
				got, ok := table.Lookup(a)
				require.Equal(t, bits >= 0, ok, "%v in %v", a, nets)
				require.Equal(t, want, got, "%v in %v", a, nets)
			}
		}
	}
}

func TestListFirstMatch(t *testing.T) {
	var l List[string]
	l.Add(prefix("10.1.0.0/16"), "deny")
	l.Add(prefix("10.0.0.0/8"), "allow")
	l.Add(prefix("10.1.1.0/24"), "never")
	l.Add(prefix("fe80::/10"), "link")
	require.Equal(t, 4, l.Len())
	for a, want := range map[string]string{
		"10.1.1.1": "deny", "10.2.0.0": "allow", "::ffff:10.2.0.0": "allow", "11.0.0.0": "", "fe80::1%eth0": "link", "::": "",
	} {
		got, ok := l.Lookup(addr(a))
		assert.Equal(t, want, got, a)
		assert.Equal(t, want != "", ok, a)
	}
}

func TestLookupDoesNotAllocate(t *testing.T) {
	table, list := manyNetworks(1000).Build(), &List[int]{}
	list.Add(prefix("10.0.0.0/8"), 1)
	for _, a := range []netip.Addr{addr("10.0.1.2"), addr("::ffff:10.0.1.2"), addr("2001:db8::1")} {
		assert.Zero(t, testing.AllocsPerRun(100, func() { table.Lookup(a) }))
		assert.Zero(t, testing.AllocsPerRun(100, func() { list.Lookup(a) }))
	}
}

// manyNetworks makes n networks, every tenth inside another one.
func manyNetworks(n int) *Builder[int] {
	b := &Builder[int]{}
	for i := range n {
		a := netip.AddrFrom4([4]byte{byte(i >> 16), byte(i >> 8), byte(i), 0})
		b.Set(netip.PrefixFrom(a, 24), i)
		if i%10 == 0 {
			b.Set(netip.PrefixFrom(a, 28), i)
		}
	}
	return b
}

func BenchmarkBuild100000(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		manyNetworks(100_000).Build()
	}
}

func BenchmarkLookup(b *testing.B) {
	table := manyNetworks(100_000).Build()
	a := netip.AddrFrom4([4]byte{0, 77, 3, 9})
	b.ReportAllocs()
	for b.Loop() {
		table.Lookup(a)
	}
}
