package tlsconf

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const wrongTag = "error:068000A8:asn1 encoding routines::wrong tag error:0688010A:asn1 encoding routines::nested asn1 error:Type="

// TestLoadErrors has files as they can be broken, and what nginx 1.31.5 with
// OpenSSL 3.0 says about them.
func TestLoadErrors(t *testing.T) {
	good, err := os.ReadFile("testdata/plain.crt")
	require.NoError(t, err)
	key, err := os.ReadFile("testdata/plain.key")
	require.NoError(t, err)
	block := func(kind, body string) string {
		return "-----BEGIN " + kind + "-----\n" + body + "\n-----END " + kind + "-----\n"
	}
	const fopen = `error:80000002:system library::No such file or directory:calling fopen(NAME, r) error:10000080:BIO routines::no such file)`
	for _, tt := range []struct{ as, text, want string }{
		{"cert", "", `cannot load certificate "NAME": PEM_read_bio_X509_AUX() failed (SSL: error:0480006C:PEM routines::no start line:Expecting: TRUSTED CERTIFICATE)`},
		{"cert", string(key), `cannot load certificate "NAME": PEM_read_bio_X509_AUX() failed (SSL: error:0480006C:PEM routines::no start line:Expecting: TRUSTED CERTIFICATE)`},
		{"cert", block("CERTIFICATE", "AAAA"), `cannot load certificate "NAME": PEM_read_bio_X509_AUX() failed (SSL: ` + wrongTag + `X509 error:0488000D:PEM routines::ASN1 lib)`},
		{"cert", block("CERTIFICATE", "!!!!"), `cannot load certificate "NAME": PEM_read_bio_X509_AUX() failed (SSL: error:04800064:PEM routines::bad base64 decode)`},
		{"cert", string(good[:100]), `cannot load certificate "NAME": PEM_read_bio_X509_AUX() failed (SSL: error:04800066:PEM routines::bad end line)`},
		{"cert", string(good) + block("CERTIFICATE", "AAAA"), `cannot load certificate "NAME": PEM_read_bio_X509() failed (SSL: ` + wrongTag + `X509 error:0488000D:PEM routines::ASN1 lib)`},
		{"cert", "missing", `cannot load certificate "NAME": BIO_new_file() failed (SSL: ` + fopen},
		{"ca", "missing", `cannot load certificate "NAME": BIO_new_file() failed (SSL: ` + fopen},
		{"ca", string(good) + block("CERTIFICATE", "AAAA"), `cannot load certificate "NAME": PEM_read_bio_X509_AUX() failed (SSL: ` + wrongTag + `X509 error:0488000D:PEM routines::ASN1 lib)`},
		{"crl", "missing", `cannot load CRL "NAME": BIO_new_file() failed (SSL: ` + fopen},
		{"crl", string(good), `cannot load CRL "NAME": PEM_read_bio_X509_CRL() failed (SSL: error:0480006C:PEM routines::no start line:Expecting: X509 CRL)`},
		{"crl", block("X509 CRL", "AAAA"), `cannot load CRL "NAME": PEM_read_bio_X509_CRL() failed (SSL: ` + wrongTag + `X509_CRL error:0488000D:PEM routines::ASN1 lib)`},
		{"key", "missing", `cannot load certificate key "NAME": BIO_new_file() failed (SSL: ` + fopen},
		{"key", "", `cannot load certificate key "NAME": PEM_read_bio_PrivateKey() failed (SSL: error:1E08010C:DECODER routines::unsupported:No supported data to decode. Input type: PEM)`},
		{"key", string(good), `cannot load certificate key "NAME": PEM_read_bio_PrivateKey() failed (SSL: error:1E08010C:DECODER routines::unsupported:No supported data to decode. Input type: PEM)`},
		{"key", block("PRIVATE KEY", "AAAA"), `cannot load certificate key "NAME": PEM_read_bio_PrivateKey() failed (SSL: error:1E08010C:DECODER routines::unsupported:No supported data to decode. Input type: PEM ` + wrongTag + `PKCS8_PRIV_KEY_INFO)`},
		{"key", string(key[:50]), `cannot load certificate key "NAME": PEM_read_bio_PrivateKey() failed (SSL: error:1E08010C:DECODER routines::unsupported:No supported data to decode. Input type: PEM)`},
	} {
		name := filepath.Join(t.TempDir(), "file")
		if tt.text != "missing" {
			require.NoError(t, os.WriteFile(name, []byte(tt.text), 0o600))
		}
		var err error
		switch tt.as {
		case "cert":
			_, err = loadChain(name)
		case "ca":
			_, err = CAs(name, nil)
		case "crl":
			_, err = CRLs(name)
		case "key":
			_, _, err = Key(name, nil)
		}
		assert.EqualError(t, err, strings.ReplaceAll(tt.want, "NAME", name), "%s %q", tt.as, tt.text)
	}
}

func TestFolderAndFileInTheWay(t *testing.T) {
	_, err := loadChain(t.TempDir())
	assert.ErrorContains(t, err, "no start line", "a folder reads as an empty file")
	_, err = loadChain("testdata/plain.crt/x")
	assert.EqualError(t, err, `cannot load certificate "testdata/plain.crt/x": BIO_new_file() failed (SSL: error:80000014:system library::Not a directory:calling fopen(testdata/plain.crt/x, r) error:10080002:BIO routines::system lib)`)
}

func TestKeyNamesThatAreNoFiles(t *testing.T) {
	for name, want := range map[string]string{
		"engine:foo":     `invalid syntax`,
		"engine:foo:bar": `ENGINE_by_id() failed (SSL: error:13000074:engine routines::no such engine:id=foo)`,
		"data:xxx":       `PEM_read_bio_PrivateKey() failed (SSL: error:1E08010C:DECODER routines::unsupported:No supported data to decode. Input type: PEM)`,
	} {
		_, _, err := Key(name, nil)
		assert.EqualError(t, err, `cannot load certificate key "`+name+`": `+want)
	}
	key, err := os.ReadFile("testdata/plain.key")
	require.NoError(t, err)
	_, encrypted, err := Key("data:"+string(key), nil)
	assert.NoError(t, err)
	assert.False(t, encrypted)
}

func TestEncryptedKeys(t *testing.T) {
	plain, _, err := Key("testdata/plain.key", nil)
	require.NoError(t, err)
	const wrong = `(SSL: error:1C800064:Provider routines::bad decrypt error:11800074:PKCS12 routines::pkcs12 cipherfinal error:`
	for _, name := range []string{"pbkdf2-aes256", "pbkdf2-aes128-sha512", "pbkdf2-des3", "scrypt"} {
		name := "testdata/" + name + ".key"
		key, encrypted, err := Key(name, []string{"wrong", "secret"})
		require.NoError(t, err, name)
		assert.True(t, encrypted)
		assert.True(t, samePublic(key.Public(), plain.Public()), name)
		_, _, err = Key(name, []string{"wrong"})
		assert.ErrorContains(t, err, wrong+"maybe wrong password", name)
		_, _, err = Key(name, []string{""})
		assert.ErrorContains(t, err, wrong+"empty password", name)
		_, _, err = Key(name, nil)
		assert.ErrorContains(t, err, "problems getting password", name)
	}
	_, encrypted, err := Key("testdata/traditional.key", []string{"wrong", "secret"})
	assert.NoError(t, err)
	assert.True(t, encrypted)
	_, _, err = Key("testdata/traditional.key", []string{"wrong"})
	assert.ErrorContains(t, err, "(SSL: error:1C800064:Provider routines::bad decrypt error:04800065:PEM routines::bad decrypt)")
	_, _, err = Key("testdata/pkcs12.key", []string{"secret"})
	assert.ErrorContains(t, err, "unsupported:key encryption 1.2.840.113549.1.12.1.3")
}

// A file of "openssl ecparam -genkey" has the parameters of the curve in front
// of the key.
func TestKeyBehindParameters(t *testing.T) {
	_, _, err := Key("testdata/ec-params.key", nil)
	assert.NoError(t, err)
}

func TestPasswords(t *testing.T) {
	longest := strings.Repeat("x", 4095)
	for text, want := range map[string][]string{
		"":                    {""},
		"\n\n":                {""},
		"one":                 {"one"},
		"one\r\n\ntwo three ": {"one", "two three "},
		longest + "\nshort":   {longest, "short"},
	} {
		name := filepath.Join(t.TempDir(), "p")
		require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
		got, err := Passwords(name)
		assert.NoError(t, err)
		assert.Equal(t, want, got, "%q", text)
	}
	name := filepath.Join(t.TempDir(), "p")
	require.NoError(t, os.WriteFile(name, []byte("a\n"+longest+"x\nb"), 0o600))
	_, err := Passwords(name)
	assert.EqualError(t, err, `too long line in "`+name+`"`)
	_, err = Passwords(name + "x")
	assert.ErrorIs(t, err, os.ErrNotExist)
}
