package pki

import (
	"encoding/asn1"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/ber"
)

// rdnSET is a relative distinguished name; package asn1 wants this ending.
type rdnSET []pair

type pair struct {
	Type  asn1.ObjectIdentifier
	Value asn1.RawValue
}

func rdn(oid string, tag int, value string) rdnSET {
	ids := map[string]asn1.ObjectIdentifier{"CN": {2, 5, 4, 3}, "O": {2, 5, 4, 10}, "OU": {2, 5, 4, 11}, "?": {1, 2, 3}}
	return rdnSET{{ids[oid], asn1.RawValue{Tag: tag, Bytes: []byte(value)}}}
}

// The expected texts are what `openssl x509 -nameopt RFC2253` prints.
func TestDN(t *testing.T) {
	for _, tt := range []struct {
		want string
		name []rdnSET
	}{
		{"", nil},
		{`CN=a,O=b`, []rdnSET{rdn("O", asn1.TagUTF8String, "b"), rdn("CN", asn1.TagUTF8String, "a")}},
		{`OU=y+OU=x`, []rdnSET{append(rdn("OU", asn1.TagUTF8String, "x"), rdn("OU", asn1.TagUTF8String, "y")...)}},
		{`O=Cl\, \"Org\"\+\<\>\;\\=#`, []rdnSET{rdn("O", asn1.TagPrintableString, `Cl, "Org"+<>;\=#`)}},
		{`CN=\#a`, []rdnSET{rdn("CN", asn1.TagUTF8String, "#a")}},
		{`CN=\ a b\ `, []rdnSET{rdn("CN", asn1.TagUTF8String, " a b ")}},
		{`CN=\C3\A9\0A`, []rdnSET{rdn("CN", asn1.TagUTF8String, "é\n")}},
		{`CN=\C3\A9`, []rdnSET{rdn("CN", asn1.TagT61String, "\xe9")}},
		{`CN=\C3\A9`, []rdnSET{rdn("CN", asn1.TagBMPString, "\x00\xe9")}},
		{`CN=\C3\A9`, []rdnSET{rdn("CN", ber.UniversalString, "\x00\x00\x00\xe9")}},
		{`1.2.3=#0C0161`, []rdnSET{rdn("?", asn1.TagUTF8String, "a")}},
	} {
		raw, err := asn1.Marshal(tt.name)
		require.NoError(t, err)
		assert.Equal(t, tt.want, DN(raw))
	}
	assert.Empty(t, DN([]byte("nonsense")))
}

func TestSerialAndTime(t *testing.T) {
	assert.Equal(t, "0A1B2C", Serial(big.NewInt(0x0a1b2c)))
	assert.Equal(t, "00", Serial(big.NewInt(0)))
	assert.Equal(t, "-01", Serial(big.NewInt(-1)))
	assert.Equal(t, "Mar  1 02:46:31 2027 GMT", Time(time.Date(2027, 3, 1, 2, 46, 31, 0, time.UTC)))
}

func FuzzDN(f *testing.F) {
	raw, err := asn1.Marshal([]rdnSET{rdn("CN", asn1.TagBMPString, "\x00\xe9"), rdn("O", asn1.TagUTF8String, "x")})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, c := range DN(raw) {
			if c < ' ' || c > '~' {
				t.Errorf("%q", DN(raw))
			}
		}
	})
}
