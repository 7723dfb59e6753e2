package cidrtree

import (
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func rangeOf(t testing.TB, text string) Range {
	t.Helper()
	first, last, _ := strings.Cut(text, "-")
	r, ok := ParseRange(first, last)
	require.True(t, ok, text)
	return r
}

func TestParseRange(t *testing.T) {
	for _, tt := range []struct {
		first, last string
		want        string
	}{
		{"1.2.3.4", "1.2.3.9", "1.2.3.4-1.2.3.9"},
		{"1.2.3.4", "1.2.3.4", "1.2.3.4-1.2.3.4"},
		{"01.2..4", "255.255.255.254", "1.2.0.4-255.255.255.254"},
		{"1.2.3.4", "1.2.3.3", ""},
		{"1.2.3.4", "255.255.255.255", ""},
		{"1.2.3.4", "", ""},
		{"", "1.2.3.4", ""},
		{"::1", "::2", ""},
	} {
		r, ok := ParseRange(tt.first, tt.last)
		assert.Equal(t, tt.want != "", ok, "%s-%s", tt.first, tt.last)
		if ok {
			assert.Equal(t, tt.want, r.String())
		}
	}
}

func TestRangesSplitAround(t *testing.T) {
	var b RangeBuilder[string]
	add := func(text, v string) []string {
		replaced, err := b.Add(rangeOf(t, text), v)
		require.NoError(t, err, text)
		return replaced
	}
	add("10.0.0.10-10.0.0.19", "middle")
	add("10.0.0.14-10.0.0.15", "inner")
	add("10.0.0.10-10.0.0.10", "first")
	add("10.0.0.19-10.0.0.19", "last")
	add("10.0.0.0-10.0.0.9", "before")
	add("10.0.0.20-10.0.0.29", "after")
	assert.Equal(t, []string{"inner"}, add("10.0.0.14-10.0.0.15", "other"))

	_, err := b.Add(rangeOf(t, "10.0.0.15-10.0.0.16"), "x")
	assert.EqualError(t, err, `overlaps "10.0.0.16-10.0.0.18"`)
	_, err = b.Add(rangeOf(t, "10.0.0.25-10.0.0.30"), "x")
	assert.EqualError(t, err, `overlaps "10.0.0.20-10.0.0.29"`)
	assert.False(t, b.Delete(rangeOf(t, "10.0.0.20-10.0.0.28")))
	assert.True(t, b.Delete(rangeOf(t, "10.0.0.20-10.0.0.29")))

	table := b.Build()
	for a, want := range map[string]string{
		"9.255.255.255": "", "10.0.0.0": "before", "10.0.0.9": "before", "10.0.0.10": "first", "10.0.0.11": "middle", "10.0.0.13": "middle",
		"10.0.0.14": "other", "10.0.0.15": "other", "10.0.0.16": "middle", "10.0.0.19": "last", "10.0.0.20": "", "::ffff:10.0.0.19": "last",
	} {
		got, ok := table.Lookup(addr(a))
		assert.Equal(t, want, got, a)
		assert.Equal(t, want != "", ok, a)
	}
}

// A range over several blocks of 65536 addresses is one entry of the table, and
// several to whoever asks for it again.
func TestRangesAcrossBlocks(t *testing.T) {
	var b RangeBuilder[string]
	long := rangeOf(t, "10.0.255.255-10.3.0.0")
	_, err := b.Add(long, "long")
	require.NoError(t, err)
	replaced, err := b.Add(long, "again")
	require.NoError(t, err)
	assert.Equal(t, []string{"long", "long", "long", "long"}, replaced)
	assert.Len(t, b.Build().spans, 1)
	assert.True(t, b.Delete(rangeOf(t, "10.1.0.0-10.1.255.255")))
	assert.False(t, b.Delete(long), "one block is gone already")
	assert.Empty(t, b.Build().spans, "but so are the others then")
}

// Random ranges of a small region, which lies across two blocks, against a
// search that tries all of them.
func TestRangesAgainstScan(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	const base = 0x0a00ffe0
	for range 500 {
		var b RangeBuilder[int]
		var accepted []span[int]
		for i := range rng.IntN(20) {
			first := base + uint32(rng.IntN(64))
			r := Range{first, first + uint32(rng.IntN(12))}
			if first>>16 != r.Last>>16 {
				continue // may be refused when half of it is in
			}
			if _, err := b.Add(r, i); err == nil {
				accepted = append(accepted, span[int]{r, i})
			}
		}
		table := b.Build()
		for n := uint32(base); n < base+80; n++ {
			want, found := 0, false
			for _, s := range accepted {
				if s.First <= n && n <= s.Last {
					want, found = s.value, true // later ones lie inside, or are the same
				}
			}
			got, ok := table.Lookup(v4(n))
			require.Equal(t, found, ok, "%v in %v", v4(n), accepted)
			require.Equal(t, want, got, "%v in %v", v4(n), accepted)
		}
	}
}

func FuzzParseRange(f *testing.F) {
	f.Add("1.2.3.4", "1.2.3.9")
	f.Add("", ".1.2.3")
	f.Fuzz(func(t *testing.T, first, last string) {
		r, ok := ParseRange(first, last)
		if !ok {
			return
		}
		if r.First > r.Last {
			t.Fatalf("%q-%q: %v", first, last, r)
		}
		if again := rangeOf(t, r.String()); again != r {
			t.Fatalf("%v reads back as %v", r, again)
		}
	})
}

// Networks of IPv4 addresses mapped into IPv6 are there, but never found: such
// addresses are looked up as IPv4.
func TestMappedNetworkIsNeverFound(t *testing.T) {
	var b Builder[int]
	b.Set(netip.MustParsePrefix("::ffff:10.0.0.0/104"), 1)
	for _, a := range []string{"10.0.0.1", "::ffff:10.0.0.1", "::10.0.0.1"} {
		_, ok := b.Build().Lookup(addr(a))
		assert.False(t, ok, a)
	}
	assert.True(t, b.Delete(netip.MustParsePrefix("::ffff:10.0.0.0/104")))
}
