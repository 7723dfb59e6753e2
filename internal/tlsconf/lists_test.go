package tlsconf

import (
	"crypto/tls"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestCiphers compares with what `openssl ciphers` prints, less what crypto/tls
// does not have.
func TestCiphers(t *testing.T) {
	for list, want := range map[string]string{
		"AES128-SHA": "AES128-SHA",
		"ECDHE+AESGCM:RSA+AESGCM": "ECDHE-ECDSA-AES256-GCM-SHA384 ECDHE-RSA-AES256-GCM-SHA384 ECDHE-ECDSA-AES128-GCM-SHA256 ECDHE-RSA-AES128-GCM-SHA256 " +
			"AES256-GCM-SHA384 AES128-GCM-SHA256",
		"HIGH:!aNULL:!MD5:!SHA:!SHA256:!kRSA": "ECDHE-ECDSA-AES256-GCM-SHA384 ECDHE-RSA-AES256-GCM-SHA384 ECDHE-ECDSA-CHACHA20-POLY1305 " +
			"ECDHE-RSA-CHACHA20-POLY1305 ECDHE-ECDSA-AES128-GCM-SHA256 ECDHE-RSA-AES128-GCM-SHA256",
		"foo:AES128-SHA256,AES256-SHA;!x":  "AES128-SHA256 AES256-SHA",
		"AES128-SHA AES256-SHA:+AES128":    "AES256-SHA AES128-SHA",
		"AES128-SHA:AES256-SHA:@STRENGTH":  "AES256-SHA AES128-SHA",
		"kRSA+SHA:-AES256:AES256-SHA":      "AES128-SHA AES256-SHA",
		"kRSA+SHA:!AES256:AES256-SHA":      "AES128-SHA",
		"DEFAULT:!ECDHE:!AESGCM:!SHA256":   "AES256-SHA AES128-SHA",
		"CHACHA20:@SECLEVEL=2":             "ECDHE-ECDSA-CHACHA20-POLY1305 ECDHE-RSA-CHACHA20-POLY1305",
		"ECDHE-RSA-AES256-SHA:TLSv1.3:NO?": "ECDHE-RSA-AES256-SHA",
		"AES128-SHA!aNULL":                 "AES128-SHA",
		"kRSA+SHA@STRENGTH":                "AES256-SHA AES128-SHA",
		"AES128-SHA:@STRENGTH+x?":          "AES128-SHA",
		"AES128-SHA:foo*,AES256-SHA":       "AES128-SHA AES256-SHA",
		"AES128-SHA:foo+":                  "AES128-SHA",
		"DHE-RSA-AES128-SHA":               "",
		"PSK":                              "",
	} {
		var got []string
		ids, _, err := Ciphers(list)
		for _, id := range ids {
			got = append(got, CipherName(id))
		}
		assert.NoError(t, err, list)
		assert.Equal(t, want, strings.Join(got, " "), list)
	}
	_, missing, err := Ciphers("DHE-RSA-AES128-SHA:AES128-SHA:ECDHE-RSA-AES256-SHA384:HIGH")
	assert.NoError(t, err)
	assert.Equal(t, []string{"DHE-RSA-AES128-SHA", "ECDHE-RSA-AES256-SHA384"}, missing)
}

// What nginx says was recorded.
func TestCipherErrors(t *testing.T) {
	const noMatch, command = "(SSL: error:0A0000B9:SSL routines::no cipher match)", "(SSL: error:0A000118:SSL routines::invalid command)"
	for list, want := range map[string]string{
		"": noMatch, "foo": noMatch, "HIGH:!HIGH": noMatch, "@STRENGTH": noMatch, "TLS_AES_128_GCM_SHA256": noMatch,
		"AES128-SHA+foo": noMatch, "PROFILE=SYSTEM": noMatch, "RC4-SHA": noMatch,
		"HIGH:@FOO": command, "HIGH:@SECLEVEL=9": command, "HIGH:(x)": command, "AES128-SHA:!aNULL:*": command, "!": command,
		"AES128-SHA+": command, "AES128-SHA*": command, "AES128-SHA++AES": command, "HIGH:@": command, "HIGH:@SECLEVEL=12": command,
		"AES128-SHA-AES256-SHA": noMatch, "+AES128-SHA": noMatch,
	} {
		_, _, err := Ciphers(list)
		assert.EqualError(t, err, want, list)
	}
}

func TestCipherNames(t *testing.T) {
	assert.Equal(t, "TLS_AES_128_GCM_SHA256", CipherName(tls.TLS_AES_128_GCM_SHA256))
	assert.Equal(t, "ECDHE-RSA-AES128-GCM-SHA256", CipherName(tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256))
	assert.Equal(t, "TLS_EMPTY_RENEGOTIATION_INFO_SCSV", CipherName(0xff))
	assert.Equal(t, "0x1a1a", CipherName(0x1a1a))
}

func TestCurves(t *testing.T) {
	found, missing, err := Curves("X25519:X448:P-256:secp384r1:ffdhe2048")
	assert.NoError(t, err)
	assert.Equal(t, []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384}, found)
	assert.Equal(t, []string{"X448", "ffdhe2048"}, missing)
	found, missing, err = Curves("sect571r1:B-163:P-192:X25519")
	assert.NoError(t, err)
	assert.Equal(t, []tls.CurveID{tls.X25519}, found)
	assert.Equal(t, []string{"sect571r1", "B-163", "P-192"}, missing)
	found, _, err = Curves("auto")
	assert.NoError(t, err)
	assert.Empty(t, found)
	for list, want := range map[string]string{
		"secp384r1:foo": " (SSL: error:0A080106:SSL routines::passed invalid argument:group 'foo' cannot be set)",
		"x25519:p-256":  " (SSL: error:0A080106:SSL routines::passed invalid argument:group 'p-256' cannot be set)",
		"":              "", "X25519:X25519": "", "P-256:prime256v1": "",
	} {
		_, _, err := Curves(list)
		assert.EqualError(t, err, want, list)
	}
	assert.Equal(t, "prime256v1", CurveName(tls.CurveP256))
	assert.Equal(t, "X448", CurveName(30))
	assert.Equal(t, "sect571r1", CurveName(14))
	assert.Equal(t, "prime192v1", CurveName(19))
	assert.Equal(t, "0x1a1a", CurveName(0x1a1a))
}

func TestProtocols(t *testing.T) {
	for _, tt := range []struct {
		set            Protocols
		oldest, newest uint16
	}{
		{TLSv12 | TLSv13, tls.VersionTLS12, tls.VersionTLS13},
		{TLSv1 | TLSv11 | TLSv13, tls.VersionTLS10, tls.VersionTLS11},
		{TLSv13, tls.VersionTLS13, tls.VersionTLS13},
		{SSLv2 | SSLv3, 0, 0},
	} {
		oldest, newest, ok := tt.set.Range()
		assert.Equal(t, [2]uint16{tt.oldest, tt.newest}, [2]uint16{oldest, newest}, "%b", tt.set)
		assert.Equal(t, tt.oldest != 0, ok)
	}
	assert.EqualValues(t, tls.VersionTLS11, (TLSv11 | TLSv13).Newest(tls.VersionTLS12))
	assert.EqualValues(t, 0, TLSv13.Newest(tls.VersionTLS12))
	assert.True(t, TLSv11.Has(tls.VersionTLS11))
	assert.False(t, TLSv11.Has(0x7a7a))
	assert.Equal(t, "TLSv1.2", VersionName(tls.VersionTLS12))
}

func FuzzLists(f *testing.F) {
	for _, list := range []string{"HIGH:!aNULL:!MD5", "DEFAULT:+RSA@STRENGTH", "-:!:+", "X25519:P-256", "auto"} {
		f.Add(list)
	}
	f.Fuzz(func(t *testing.T, list string) {
		found, missing, err := Ciphers(list)
		if err == nil && len(found)+len(missing) > len(allSuites()) {
			t.Errorf("%d and %d suites of %q", len(found), len(missing), list)
		}
		_, _, _ = Curves(list)
	})
}
