package stream

import (
	"bytes"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// withPSS adds to a folder of tlsFiles what is of RSA-PSS only, for which
// crypto/tls has no use: pss.crt, pss.key and odd.crt, where such a certificate is in front of ca.crt.
func withPSS(t *testing.T, dir string) {
	t.Helper()
	rsa, pss := []byte("\x2A\x86\x48\x86\xF7\x0D\x01\x01\x01"), []byte("\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0A")
	for _, name := range []string{"crt", "key"} {
		b, _ := pem.Decode(madeTLS()["a."+name])
		require.Equal(t, 1, bytes.Count(b.Bytes, rsa))
		b.Bytes = bytes.Replace(b.Bytes, rsa, pss, 1)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "pss."+name), pem.EncodeToMemory(b), 0o600))
	}
	text, err := os.ReadFile(filepath.Join(dir, "pss.crt"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "odd.crt"), append(text, madeTLS()["ca.crt"]...), 0o600))
}

// What only OpenSSL can use is skipped with a warning, but not if it is all that
// there is.
func TestSSLSkipsTheUnsupported(t *testing.T) {
	dir := tlsFiles(t)
	withPSS(t, dir)
	const ec, pss = "ssl_certificate CERTS/ec.crt; ssl_certificate_key CERTS/ec.key; ", "ssl_certificate CERTS/pss.crt; ssl_certificate_key CERTS/pss.key; "
	const certificate, authority = `certificate "CERTS/pss.crt" has an RSA-PSS key, which is not supported`, `certificate in CERTS/odd.crt:1 has an RSA-PSS key, which is not supported`
	for settings, want := range map[string][]string{
		"listen 127.0.0.1:1 ssl; " + ec + pss:                                                                             {"[warn] " + certificate + ", ignored"},
		"listen 127.0.0.1:1 ssl; " + pss + ec:                                                                             {"[warn] " + certificate + ", ignored"},
		"listen 127.0.0.1:1 ssl; " + pss:                                                                                  {"[emerg] " + certificate},
		"listen 127.0.0.1:1 ssl; " + ec + "ssl_conf_command Certificate CERTS/pss.crt;":                                   {"[warn] " + certificate + ", ignored"},
		"listen 127.0.0.1:1 ssl; " + ec + "ssl_conf_command PrivateKey CERTS/pss.key;":                                    {`[warn] certificate key "CERTS/pss.key" is an RSA-PSS key, which is not supported, ignored`},
		"listen 127.0.0.1:1 ssl; " + ec + "ssl_verify_client on; ssl_client_certificate CERTS/odd.crt;":                   {"[warn] " + authority + ", ignored"},
		"listen 127.0.0.1:1 ssl; " + ec + "ssl_trusted_certificate CERTS/odd.crt;":                                        {"[warn] " + authority + ", ignored"},
		"listen 127.0.0.1:1 ssl; " + ec + "ssl_trusted_certificate CERTS/pss.crt;":                                        {"[emerg] " + strings.Replace(authority, "odd", "pss", 1)},
		"listen 127.0.0.1:1; proxy_ssl on; proxy_ssl_certificate CERTS/pss.crt; proxy_ssl_certificate_key CERTS/pss.key;": {"[emerg] " + certificate},
		"listen 127.0.0.1:1; proxy_ssl on; proxy_ssl_verify on; proxy_ssl_trusted_certificate CERTS/odd.crt;":             {"[warn] " + authority + ", ignored"},
	} {
		_, f := compileText(filepath.Join(t.TempDir(), "conf"), "stream { server { "+strings.ReplaceAll(settings, "CERTS", dir)+" return x; } }")
		for i := range want {
			want[i] = strings.ReplaceAll(want[i], "CERTS", dir)
		}
		assert.Equal(t, want, f.log, settings)
	}
}

// The rest serves.
func TestSSLServesBesideTheUnsupported(t *testing.T) {
	dir := tlsFiles(t)
	withPSS(t, dir)
	s := start(t, `map x $pss { default pss; }
		server { listen 127.0.0.1:PORT0 ssl; ssl_certificate CERTS/pss.crt; ssl_certificate_key CERTS/pss.key; ssl_certificate CERTS/ec.crt; ssl_certificate_key CERTS/ec.key;
			ssl_verify_client on; ssl_client_certificate CERTS/odd.crt; return $ssl_client_verify; }
		server { listen 127.0.0.1:PORT1 ssl; ssl_certificate CERTS/$pss.crt; ssl_certificate_key CERTS/pss.key; ssl_certificate CERTS/ec.crt; ssl_certificate_key CERTS/ec.key; return x; }
		server { listen 127.0.0.1:PORT2 ssl; ssl_certificate CERTS/$pss.crt; ssl_certificate_key CERTS/pss.key; return x; }`, "CERTS", dir)
	assert.Equal(t, "SUCCESS", s.askTLS("PORT0", showing(t, "client")))
	assert.Equal(t, "x", s.askTLS("PORT1", nil))
	assert.Error(t, s.tlsClient("PORT2", nil).Handshake())
	s.logged(`certificate "` + dir + `/pss.crt" has an RSA-PSS key, which is not supported while SSL handshaking`)
}
