package stream

// config_vectors_test.go - what `nginx -t` of 1.31.5 said to pieces of
// configuration.

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/geoip/geoiptest"
)

// laterRecordings are those that cannot be replayed yet, by what is not there.
var laterRecordings = map[string][]int{
	// There are no engines, and it is not pretended that a library for them was
	// looked for.
	"engine: keys": {1257},
}

// TestConfigVectors checks what is said to recorded pieces of configuration.
// What stands outside the stream block is replayed by the tests of
// cmd/gostream.
func TestConfigVectors(t *testing.T) {
	replayed := 0
	for _, v := range recordings(t, "config test") {
		text, ok := wrapped(&v)
		if !ok {
			continue
		}
		want, got := v.messages(t), whatIsSaid(t, text)
		if reason := later(&v); reason != "" {
			assert.NotEqual(t, want, got, "vector %d passes: it can be taken off the list (%s): %s", v.ID, reason, v.Input.Snippet)
			continue
		}
		replayed++
		assert.Equal(t, want, got, "vector %d: %s", v.ID, v.Input.Snippet)
	}
	assert.Greater(t, replayed, 200)
}

// categoriesElsewhere are the kinds of recordings that no test of this package
// asks for, and why.
var categoriesElsewhere = map[string]string{
	"round robin": "upstream", "least_conn": "upstream", "hash": "upstream", "hash consistent": "upstream",
	"fail_timeout timing": "upstream", "time s": "internal/conf", "time ms": "internal/conf",
	"size": "internal/conf", "offset": "internal/conf", "fixed point percent": "internal/conf", "ssl_preread variables": "preread",
}

// Every kind of recording is asked for by a test of this package, or has a
// reason not to be.
func TestEveryCategoryIsReplayed(t *testing.T) {
	paths, err := filepath.Glob("*_test.go")
	require.NoError(t, err)
	var tests strings.Builder
	for _, path := range paths {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		tests.Write(text)
	}
	for category := range categories(t) {
		asked := strings.Contains(tests.String(), `ecordings(t, "`+category+`")`)
		assert.NotEqual(t, asked, categoriesElsewhere[category] != "", category)
	}
}

// later is the reason for which a recording cannot be replayed yet.
func later(v *recorded) string {
	for reason, ids := range laterRecordings {
		if slices.Contains(ids, v.ID) {
			return reason
		}
	}
	return ""
}

// messages are what nginx said.
func (v *recorded) messages(t *testing.T) []string {
	var out struct{ Messages []string }
	require.NoError(t, json.Unmarshal(v.Output, &out))
	if len(out.Messages) == 0 {
		return nil
	}
	return out.Messages
}

// geoipDatabase was there when the recordings were made.
const geoipDatabase = "/usr/share/GeoIP/GeoIP.dat"

// whatIsSaid are the messages about a file, in which PREFIX is a folder with
// logs in it.
func whatIsSaid(t *testing.T, text string) (said []string) {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "logs"), 0o755))
	certs := recordedCerts(t)
	data := geoiptest.DAT(1, 3, geoiptest.Entry{Net: netip.MustParsePrefix("10.0.0.0/8"), Data: []byte{1}})
	require.NoError(t, os.WriteFile(dir+"/dat", data, 0o600))
	g, f := compileText(dir+"/conf", strings.NewReplacer("PREFIX", dir, "CERTS", certs, geoipDatabase, dir+"/dat").Replace(text))
	if g != nil {
		g.files.Close()
	}
	for _, m := range f.log {
		// What libGeoIP prints has no level.
		said = append(said, strings.NewReplacer(dir+"/conf", "CONF", dir+"/dat", geoipDatabase, dir, "PREFIX", certs, "CERTS", "[] ", "").Replace(m))
	}
	return said
}

// certFiles are like those that were in CERTS: a with an RSA key, b
// with another kind of key, enc with a key that a password goes with.
var certFiles = sync.OnceValue(func() map[string][]byte {
	block := func(kind string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}) }
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	_, other, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a"}, NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	otherDER, err := x509.MarshalPKCS8PrivateKey(other)
	if err != nil {
		panic(err)
	}
	enc, err := os.ReadFile("../internal/tlsconf/testdata/pbkdf2-aes256.key")
	if err != nil {
		panic(err)
	}
	encCert, err := os.ReadFile("../internal/tlsconf/testdata/plain.crt")
	if err != nil {
		panic(err)
	}
	crt := block("CERTIFICATE", cert)
	return map[string][]byte{
		"a.crt": crt, "ca.crt": crt, "enc.crt": encCert, "a.key": block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key)),
		"b.key": block("PRIVATE KEY", otherDER), "enc.key": enc,
		"pass": []byte("secret\n"), "emptypass": []byte("\n"), "tk50": make([]byte, 50), "tk80": make([]byte, 80),
	}
})

func recordedCerts(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range certFiles() {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), text, 0o600))
	}
	return dir
}

// wrapped puts a snippet where it was when it was recorded. It is false for
// places outside the stream block.
func wrapped(v *recorded) (text string, ok bool) {
	const head, listen, end = "pid x; error_log x;\n\nevents { }\nstream {\n", "listen 127.0.0.1:12999; ", " return x;"
	snippet := v.Input.Snippet
	switch v.Input.Context {
	case "stream":
	case "upstream":
		snippet = "\nupstream u { " + snippet + " } server { " + listen + "proxy_pass u; }"
	case "server":
		snippet = "\nserver { " + listen + snippet + end + " }"
		if v.Input.Directive == "server_name" {
			// There was a second server: names are of no importance to one alone.
			snippet += " server { " + listen + "server_name second; return x; }"
		}
	case "serverh":
		snippet = "\nserver { " + listen + snippet + " }"
		if strings.Contains(snippet, "proxy_pass u:") {
			snippet = "upstream u { server 127.0.0.1:1; }" + snippet
		}
	case "servernl":
		snippet = "\nserver { " + snippet + end + " }"
	default:
		return "", false
	}
	return head + snippet + "\n}\n", true
}
