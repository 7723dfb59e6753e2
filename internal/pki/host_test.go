package pki

import (
	"crypto/x509"
	"encoding/pem"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// hostNames are pairs of a name in a certificate and one that is asked for.
var hostNames = [][2]string{
	{"a.example", "a.example"}, {"a.example", "A.Example"}, {"a.example", "b.example"}, {"a.example", "a.example."},
	{"*.a.example", "x.a.example"}, {"*.a.example", "a.example"}, {"*.a.example", ".a.example"}, {"*.a.example", "x.y.a.example"},
	{"*.a.example", "*.a.example"}, {"*.a.example", "x_y.a.example"}, {"*.example", "a.example"}, {"*", "x"}, {"*.*.example", "a.b.example"},
	{"x*.a.example", "x.a.example"}, {"x*.a.example", "xyz.a.example"}, {"*x.a.example", "yx.a.example"}, {"*x.a.example", "x.a.example"},
	{"x*y.a.example", "xzy.a.example"}, {"*-x.a.example", "y-x.a.example"}, {"x-*.a.example", "x-y.a.example"}, {"-*.a.example", "-y.a.example"},
	{"xn--*.a.example", "xn--x.a.example"}, {"*.a.example", "xn--x.a.example"}, {"x*.a.example", "xn--x.a.example"},
	{"*xn--.a.example", "yxn--.a.example"}, {"*.a-.example", "x.a-.example"}, {"*..example", "x..example"}, {"*.a.example", "X.A.EXAMPLE"},
	{"www.a.example", ".a.example"}, {"www.a.example", ".example"}, {"www.a.example", "."}, {"a.example", ".a.example"},
	{"a_b.example", "A_B.example"}, {"x.*.example", "x.y.example"}, {"127.0.0.1", "127.0.0.1"}, {"*.0.0.1", "127.0.0.1"},
}

// TestMatchesHost compares with OpenSSL, for names in either place.
func TestMatchesHost(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip(err)
	}
	none := func(c *x509.Certificate) {}
	for _, pair := range hostNames {
		compareHost(t, issue(t, nil, pair[0], none).cert, pair[1])
		named := issue(t, nil, "cn.example", func(c *x509.Certificate) { c.DNSNames = []string{"other.example", pair[0]} })
		compareHost(t, named.cert, pair[1])
		compareHost(t, named.cert, "cn.example")
	}
	address := issue(t, nil, "foo", func(c *x509.Certificate) { c.IPAddresses = []net.IP{{127, 0, 0, 1}} }).cert
	compareHost(t, address, "foo")
	compareHost(t, address, "127.0.0.1")
	assert.False(t, MatchesHost(address, ""))
	assert.False(t, MatchesHost(issue(t, nil, "", none).cert, ""))
}

func compareHost(t *testing.T, cert *x509.Certificate, host string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "c.pem")
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}), 0o600))
	out, err := exec.Command("openssl", "x509", "-noout", "-in", file, "-checkhost", host).CombinedOutput()
	require.NoError(t, err, "%s", out)
	want := strings.Contains(string(out), "does match")
	require.True(t, want || strings.Contains(string(out), "does NOT match"), "%s", out)
	assert.Equal(t, want, MatchesHost(cert, host), "%s %s %s", cert.Subject.CommonName, cert.DNSNames, host)
}

// FuzzMatchesHost looks for names that are taken for others without a wildcard.
func FuzzMatchesHost(f *testing.F) {
	for _, pair := range hostNames {
		f.Add(pair[0], pair[1])
	}
	f.Fuzz(func(t *testing.T, pattern, host string) {
		cert := &x509.Certificate{DNSNames: []string{pattern}}
		if MatchesHost(cert, host) && !strings.Contains(pattern, "*") && !strings.HasPrefix(host, ".") && len(pattern) != len(host) {
			t.Errorf("%q is no %q", pattern, host)
		}
	})
}
