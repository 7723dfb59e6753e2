package proxyproto

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func tlv(typ byte, value string) string {
	return string(binary.BigEndian.AppendUint16([]byte{typ}, uint16(len(value)))) + value
}

// fullTLVs is the list behind the vector "PROXY TLV variables".
var fullTLVs = tlv(1, "h2") + tlv(2, "host.example") + tlv(5, "uid") + tlv(0x30, "ns1") +
	tlv(0x20, "\x01\x00\x00\x00\x02"+tlv(0x21, "TLSv1.3")+tlv(0x22, "cn1")+tlv(0x23, "CIPH")+tlv(0x24, "SHA256")+tlv(0x25, "RSA2048")) +
	tlv(0xee, "custom") + tlv(1, "second")

func TestVectorTLVs(t *testing.T) {
	v := vectors(t, "PROXY TLV variables")[0]
	names := strings.Split(decode[struct{ Format string }](t, v.Input).Format, "|")
	want := decode[[]string](t, v.Output)

	for i, list := range []string{fullTLVs, ""} { // the second session came without TLVs
		h, _, err := Parse([]byte(v2(0x21, 0x11, v4Body+list)))
		require.NoError(t, err)
		var got []string
		for _, name := range names {
			value, found, err := h.TLVs.Append(nil, strings.ToLower(name))
			require.NoError(t, err)
			if !found {
				value = []byte("-")
			}
			got = append(got, string(value))
		}
		assert.Equal(t, want[i], strings.Join(got, "|"))
	}
}

func TestTLVs(t *testing.T) {
	const broken = "broken PROXY protocol TLV"
	ssl := func(s string) string { return tlv(0x20, "\x07\xff\xff\xff\xff"+s) }
	tests := []struct {
		desc, list, name string
		want             string // "-" if not found
		err              string
	}{
		{"first wins", tlv(1, "a") + tlv(1, "b"), "alpn", "a", ""},
		{"empty value", tlv(1, ""), "alpn", "", ""},
		{"whole ssl", ssl(""), "ssl", "\x07\xff\xff\xff\xff", ""},
		{"number", tlv(0xe0, "x"), "0xe0", "x", ""},
		{"short number", tlv(5, "x"), "0x5", "x", ""},
		{"long number", tlv(5, "x"), "0x00000005", "x", ""},
		{"number above 255", tlv(5, "x"), "0x105", "-", ""},
		{"number above 255, broken", "\x01", "0x105", "-", broken},
		{"P10 before the break", tlv(1, "a") + "\x02\xff", "alpn", "a", ""},
		{"P10 behind the break", tlv(1, "a") + "\x02\xff", "authority", "-", broken},
		{"P10 value cut", tlv(1, "a") + "\x02\x00\x02b", "authority", "-", broken},
		{"P11 noop", tlv(4, "noop!"), "0x04", "noop!", ""},
		{"P11 ssl without version", ssl(tlv(0x22, "cn")), "ssl_cn", "cn", ""},
		{"P11 ssl with empty CN", ssl(tlv(0x22, "") + tlv(0x23, "c")), "ssl_cipher", "c", ""},
		{"ssl number", ssl(tlv(0x77, "x")), "ssl_0x77", "x", ""},
		{"ssl verify", ssl(""), "ssl_verify", "4294967295", ""},
		{"ssl broken inside", ssl("\x21\x00"), "ssl_version", "-", broken},
		{"ssl cut", "\x20\x00\x09", "ssl_version", "-", broken},
		{"ssl too short", tlv(0x20, "\x01\x00\x00\x00"), "ssl_verify", "-", ""},
		{"unknown", tlv(1, "a"), "foo", "-", `unknown PROXY protocol TLV "foo"`},
		{"unknown without TLVs", "", "foo", "-", `unknown PROXY protocol TLV "foo"`},
		{"no name", tlv(1, "a"), "", "-", `unknown PROXY protocol TLV ""`},
		{"unknown in ssl", ssl(""), "ssl_foo", "-", `unknown PROXY protocol TLV "ssl_foo"`},
		{"unknown in missing ssl", tlv(1, "a"), "ssl_foo", "-", ""},
		{"bad number", tlv(1, "a"), "0xzz", "-", `invalid PROXY protocol TLV "0xzz"`},
		{"no digits", tlv(1, "a"), "0x", "-", `invalid PROXY protocol TLV "0x"`},
		{"huge number", tlv(1, "a"), "0x123456789012345678", "-", `invalid PROXY protocol TLV "0x123456789012345678"`},
		{"bad number in ssl", ssl(""), "ssl_0x-1", "-", `invalid PROXY protocol TLV "ssl_0x-1"`},
	}
	for _, tt := range tests {
		t.Run(tt.desc, func(t *testing.T) {
			got, found, err := TLVs(tt.list).Append([]byte("x"), tt.name)
			if tt.err != "" {
				assert.EqualError(t, err, "proxyproto: "+tt.err)
			} else {
				assert.NoError(t, err)
			}
			assert.Equal(t, tt.want != "-", found)
			assert.Equal(t, "x"+strings.TrimSuffix(tt.want, "-"), string(got))
		})
	}
}

func TestTLVAllocations(t *testing.T) {
	buf := make([]byte, 0, 64)
	list := TLVs(fullTLVs)
	for _, name := range []string{"alpn", "ssl_cn", "ssl_verify", "0xee"} {
		assert.Zero(t, testing.AllocsPerRun(100, func() { buf, _, _ = list.Append(buf[:0], name) }), name)
	}
}
