package tlsconf

import (
	"encoding/asn1"
	"math/big"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestDHParams has what nginx 1.31.5 with OpenSSL 3.0 says to parameters.
func TestDHParams(t *testing.T) {
	prime := func(bits int) *big.Int {
		return new(big.Int).SetBit(big.NewInt(1), bits-1, 1) // only the size counts
	}
	encode := func(numbers ...*big.Int) []byte {
		der, err := asn1.Marshal(numbers)
		require.NoError(t, err)
		return der
	}
	two := big.NewInt(2)
	for _, tt := range []struct {
		what, text string
		level      int // the last one that takes them
	}{
		{"512", block("DH PARAMETERS", encode(prime(512), two)), -1},
		{"1023", block("DH PARAMETERS", encode(prime(1023), two)), -1},
		{"1024", block("DH PARAMETERS", encode(prime(1024), two)), 1},
		{"2048", block("DH PARAMETERS", encode(prime(2048), two)), 2},
		{"3072", block("DH PARAMETERS", encode(prime(3072), two)), 3},
		{"with a short exponent", block("DH PARAMETERS", encode(prime(3072), two, big.NewInt(224))), 2},
		{"X9.42", block("X9.42 DH PARAMETERS", encode(prime(2048), two, prime(256))), 2},
		{"X9.42 with a small order", block("X9.42 DH PARAMETERS", encode(prime(2048), two, prime(160))), 1},
		{"behind a byte order mark", "\xEF\xBB\xBF" + block("DH PARAMETERS", encode(prime(2048), two)), 2},
	} {
		name := writeText(t, tt.text)
		for level := range 6 {
			err := CheckDHParams(name, level)
			if level <= tt.level {
				assert.NoError(t, err, "%s at level %d", tt.what, level)
				continue
			}
			assert.EqualError(t, err, `SSL_CTX_set_tmp_dh("`+name+`") failed (SSL: error:0A00018A:SSL routines::dh key too small)`, "%s at level %d", tt.what, level)
		}
	}
	name := writeText(t, block("DH PARAMETERS", encode(prime(2048))))
	assert.EqualError(t, CheckDHParams(name, 0), `PEM_read_bio_DHparams("`+name+`") failed (SSL: error:06800079:asn1 encoding routines::field missing:`+
		`Field=params.g, Type=DHparams error:0488000D:PEM routines::ASN1 lib)`)
}

// What nginx 1.31.5 says to files of ssl_stapling_file was recorded.
func TestStaplingFile(t *testing.T) {
	const (
		errNotEnough = "error:0680008E:asn1 encoding routines::not enough data"
		errTooLong   = "error:0680009B:asn1 encoding routines::too long"

		full   = "\x30\x18\x0A\x01\x00\xA0\x13\x30\x11\x06\x09\x2B\x06\x01\x05\x05\x07\x30\x01\x01\x04\x04\x30\x02\x05\x00"
		nested = "error:0688010A:asn1 encoding routines::nested asn1 error:"
		wrong  = "error:068000A8:asn1 encoding routines::wrong tag "
	)
	for der, want := range map[string]string{
		full:                                   "",
		full + "xx":                            "",
		"\x30\x03\x0A\x01\x03":                 "",
		"\x30\x80\x0A\x01\x03\x00\x00":         "",
		"":                                     "",
		full[:len(full)-1]:                     errNotEnough,
		"\x30":                                 errNotEnough,
		"hello":                                errNotEnough,
		"\x30\x80\x0A\x01\x03":                 errNotEnough,
		"\xEF\xBB\xBF" + full:                  errTooLong,
		"\x30\x84\xFF\xFF\xFF\xFF\x0A\x01\x00": errTooLong,
		"\x30\x00":                             "error:06800079:asn1 encoding routines::field missing:Field=responseStatus, Type=OCSP_RESPONSE",
		"\x31\x03\x0A\x01\x03":                 wrong + nested + "Type=OCSP_RESPONSE",
		"\x30\x06\x0A\x01\x03\x02\x01\x00":     wrong + nested + "Field=responseBytes, Type=OCSP_RESPONSE",
	} {
		name := writeText(t, der)
		got, err := ReadOCSPFile(name)
		switch {
		case want != "":
			assert.EqualError(t, err, `d2i_OCSP_RESPONSE_bio("`+name+`") failed (SSL: `+want+`)`, "%x", der)
		case der == "":
			assert.EqualError(t, err, `d2i_OCSP_RESPONSE_bio("`+name+`") failed`)
		case assert.NoError(t, err, "%x", der):
			assert.Contains(t, []string{full, "\x30\x03\x0A\x01\x03"}, string(got), "%x", der) // in DER
		}
	}
	dir := t.TempDir()
	_, err := ReadOCSPFile(dir)
	assert.EqualError(t, err, `d2i_OCSP_RESPONSE_bio("`+dir+`") failed (SSL: error:80000015:system library::Is a directory:calling fread() `+errSystemLib+" "+errNotEnough+`)`)
}
