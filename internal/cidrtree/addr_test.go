package cidrtree

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The verdicts are those of nginx 1.31.5 for `allow TEXT;`.
func TestParseCIDR(t *testing.T) {
	tests := []struct {
		text    string
		want    string // "" for an error
		lowBits bool
	}{
		{"1.2.3.4", "1.2.3.4/32", false},
		{"1.2.3.4/8", "1.0.0.0/8", true},
		{"1.0.0.0/08", "1.0.0.0/8", false},
		{"1.2.3.4/0", "0.0.0.0/0", true},
		{"0.0.0.0/0", "0.0.0.0/0", false},
		{"1.2.3.4/33", "", false},
		{"1.2.3.4/", "", false},
		{"1.2.3.4/-1", "", false},
		{"1.2.3.4/8/9", "", false},
		{"1.2.3.4/255.255.255.0", "", false},
		{"1.2.3.4/99999999999999999999", "", false},
		{"01.002.0003.4", "1.2.3.4/32", false},
		{"...", "0.0.0.0/32", false},
		{"1..2.3", "1.0.2.3/32", false},
		{"1.2.3", "", false},
		{"1.2.3.4.5", "", false},
		{"256.1.1.1", "", false},
		{"255.255.255.255", "", false},
		{"255.255.255.254", "255.255.255.254/32", false},
		{"::", "::/128", false},
		{"::/0", "::/0", false},
		{"::1", "::1/128", false},
		{"::1/129", "", false},
		{"2001:db8::1/32", "2001:db8::/32", true},
		{"A:B::C:dEf", "a:b::c:def/128", false},
		{"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8/128", false},
		{":1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8/128", false},
		{"1:2:3:4:5:6::", "1:2:3:4:5:6::/128", false},
		{"1:2:3:4:5:6:7::", "", false},
		{"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8/128", false},
		{"::1:2:3:4:5:6:7:8", "", false},
		{"1:2:3:4:5:6:7:", "", false},
		{"1::2:", "1::2:0/128", false},
		{"1::2::3", "", false},
		{":::", "", false},
		{":", "", false},
		{"", "", false},
		{"/8", "", false},
		{"::1.2.3.4", "::102:304/128", false},
		{"::ffff:1.2.3.4/112", "::ffff:1.2.0.0/112", true},
		{"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304/128", false},
		{"1:2:3:4:5:6::1.2.3.4", "", false},
		{"1.2.3.4::", "", false},
		{"1:1.2.3.4::", "", false},
		{":1.2.3.4", "", false},
		{"::.1.2.3", "", false},
		{"::00001.2.3.4", "", false},
		{"::255.255.255.255", "", false},
		{"::12345", "", false},
		{"::g", "", false},
		{"fe80::1%lo", "", false},
		{"localhost", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			p, lowBits, err := ParseCIDR(tt.text)
			if tt.want == "" {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, netip.MustParsePrefix(tt.want), p)
			assert.Equal(t, tt.lowBits, lowBits)
		})
	}
}

// What netip understands must mean the same here, and the other way round for
// anything that is not one of nginx's liberties.
func FuzzParseAddr(f *testing.F) {
	for _, s := range []string{"1.2.3.4", "::1", "1::2:", "::ffff:1.2.3.4", ":1::", "1:2:3:4:5:6:7:8", "fe80::1%lo"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := ParseAddr(text)
		want, err := netip.ParseAddr(text)
		if ok && err == nil && got != want {
			t.Fatalf("%q: %v, netip says %v", text, got, want)
		}
		if ok && got.String() != "255.255.255.255" {
			again, ok := ParseAddr(got.String())
			if !ok || again != got {
				t.Fatalf("%q: %v reads back as %v, %v", text, got, again, ok)
			}
		}
	})
}

func FuzzParseCIDR(f *testing.F) {
	for _, s := range []string{"1.2.3.4/8", "::1/64", "::/0", "1.2.3.4/", "/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, lowBits, err := ParseCIDR(text)
		if err != nil {
			return
		}
		if !p.IsValid() || p.Masked() != p {
			t.Fatalf("%q: %v", text, p)
		}
		if lowBits && p.IsSingleIP() {
			t.Fatalf("%q: no bits were cleared", text)
		}
	})
}
