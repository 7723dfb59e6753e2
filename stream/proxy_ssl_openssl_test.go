package stream

import (
	"bufio"
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/streamtest"
)

// opensslServer runs `openssl s_server`, which sends lines back reversed, and
// returns its address.
func opensslServer(t *testing.T, args ...string) (address string) {
	t.Helper()
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip(err)
	}
	cmd := exec.Command(openssl, append([]string{"s_server", "-rev", "-accept", "127.0.0.1:0"}, args...)...)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	require.NoError(t, cmd.Start())
	drained := make(chan struct{})
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-drained
		_ = cmd.Wait()
	})
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			close(drained)
			require.NoError(t, err, errs.String())
		}
		if address, ok := strings.CutPrefix(line, "ACCEPT "); ok {
			go func() {
				_, _ = io.Copy(io.Discard, lines)
				close(drained)
			}()
			return strings.TrimSpace(address)
		}
	}
}

// TestProxySSLToOpenSSL has servers that want what nginx can give: versions,
// ciphers and a client certificate, with a key that a password goes with. They
// give a certificate that has to be good.
func TestProxySSLToOpenSSL(t *testing.T) {
	dir := tlsFiles(t)
	crl := filepath.Join(dir, "ca.crl")
	for name, test := range map[string]struct {
		server   string // options
		settings string
		revoked  int64
		want     string // the answer, or the error
	}{
		"TLS 1.3":              {"-tls1_3", "", 0, "olleh\n"},
		"TLS 1.2, one suite":   {"-tls1_2 -cipher ECDHE-ECDSA-AES256-GCM-SHA384", "proxy_ssl_ciphers ECDHE-ECDSA-AES256-GCM-SHA384;", 0, "olleh\n"},
		"another suite":        {"-tls1_2 -cipher ECDHE-ECDSA-AES256-GCM-SHA384", "proxy_ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256;", 0, "sslv3 alert handshake failure:SSL alert number 40"},
		"TLS 1.2 of a command": {"-tls1_2", "proxy_ssl_protocols TLSv1.3; proxy_ssl_conf_command Protocol TLSv1.2;", 0, "olleh\n"},
		"no common version":    {"-tls1_2", "proxy_ssl_protocols TLSv1.3;", 0, "tlsv1 alert protocol version:SSL alert number 70"},
		"client certificate":   {"-Verify 1 -verify_return_error -CAfile DIR/plain.crt", "proxy_ssl_certificate DIR/plain.crt; proxy_ssl_certificate_key DIR/enc.key; proxy_ssl_password_file DIR/pass;", 0, "olleh\n"},
		"none, but wanted":     {"-tls1_2 -Verify 1 -verify_return_error -CAfile DIR/plain.crt", "", 0, "sslv3 alert handshake failure:SSL alert number 40"},
		"list of others":       {"", "proxy_ssl_crl DIR/ca.crl;", 4711, "olleh\n"},
		"revoked":              {"", "proxy_ssl_crl DIR/ca.crl;", 5, "upstream SSL certificate verify error: (23:certificate revoked)"},
	} {
		t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
			for to, from := range map[string]string{"enc.key": "pbkdf2-aes256.key", "plain.crt": "plain.crt"} {
				text, err := os.ReadFile("../internal/tlsconf/testdata/" + from)
				require.NoError(t, err)
				require.NoError(t, os.WriteFile(filepath.Join(dir, to), text, 0o600))
			}
			require.NoError(t, os.WriteFile(filepath.Join(dir, "pass"), []byte("wrong\nsecret\n"), 0o600))
			require.NoError(t, os.WriteFile(crl, revoking(t, test.revoked), 0o600))
			options := strings.Fields(strings.ReplaceAll(test.server, "DIR", dir))
			up := opensslServer(t, append(options, "-cert", dir+"/signed.crt", "-key", dir+"/signed.key")...)
			s := startProxy(t, `proxy_ssl_verify on; proxy_ssl_name signed.example.com; proxy_ssl_trusted_certificate CERTS/ca.crt;
				server { listen 127.0.0.1:PORT0; proxy_pass UP; `+strings.ReplaceAll(test.settings, "DIR", dir)+` }`, "UP", up)
			c := s.dial("PORT0")
			if strings.HasSuffix(test.want, "\n") {
				streamtest.Send(t, c, "hello\n")
				streamtest.Expect(t, c, test.want)
				return
			}
			assert.Empty(t, streamtest.Rest(t, c))
			assert.Contains(t, strings.Join(s.errors("error"), ""), test.want)
		})
	}
}

// revoking is a list of the authority of the kit with one number in it.
func revoking(t *testing.T, serial int64) []byte {
	t.Helper()
	ca := tlsPair(t, "ca")
	issuer := *ca.Leaf
	issuer.KeyUsage |= x509.KeyUsageCRLSign
	list := &x509.RevocationList{
		Number: big.NewInt(1), ThisUpdate: time.Now().Add(-time.Hour), NextUpdate: time.Now().Add(time.Hour),
		RevokedCertificateEntries: []x509.RevocationListEntry{{SerialNumber: big.NewInt(serial), RevocationTime: time.Now()}},
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, &issuer, ca.PrivateKey.(crypto.Signer))
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})
}
