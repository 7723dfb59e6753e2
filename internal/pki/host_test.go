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

// TestMatchesHostOddBytes is about bytes that neither a configuration nor
// package x509 lets pass.
func TestMatchesHostOddBytes(t *testing.T) {
	for _, tt := range []struct {
		pattern, host string
		want          bool
	}{
		{"a.example", "a.example\x00", true},
		{"a.example", "a.example\x00\x00", false},
		{"a.example\x00", "a.example\x00", false},
		{"a.example", "a\x00.example", false},
		{"a\x00.example", "a\x00.example", false},
		{"x\x00.a.example", ".a.example", false},
		{"", "\x00", false},
		{"\xff.example", "\xff.Example", true},
		{"\xff.example", "\xfe.example", false},
	} {
		assert.Equal(t, tt.want, matchesHost(certificateFor(tt.pattern), tt.host), "%q for %q", tt.pattern, tt.host)
	}
}

// certificateFor has nothing but an alternative name.
func certificateFor(host string) *certificate {
	cert := &certificate{Certificate: &x509.Certificate{}}
	cert.alternatives = []generalName{{kind: nameDNS, value: []byte(host)}}
	return cert
}

// FuzzMatchesHost looks for names that are taken for others without a wildcard.
func FuzzMatchesHost(f *testing.F) {
	for _, pair := range hostNames {
		f.Add(pair[0], pair[1])
	}
	f.Fuzz(func(t *testing.T, pattern, host string) {
		if strings.Contains(pattern, "*") || strings.HasPrefix(host, ".") {
			return
		}
		want := pattern != "" && lowerASCII(pattern) == lowerASCII(host) && !strings.Contains(host, "\x00")
		host, ended := strings.CutSuffix(host, "\x00")
		if got := matchesHost(certificateFor(pattern), host); got != want && !ended {
			t.Errorf("%q for %q: %t", pattern, host, got)
		}
	})
}
