package pki

import (
	"crypto/x509"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/pki/pkitest"
)

// TestCases compares verdicts with those that nginx gave: see package pkitest for
// the form of the files, and TestVerdicts of package conformance for how they
// are recorded.
func TestCases(t *testing.T) {
	files, err := filepath.Glob("testdata/cases/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			cases, err := pkitest.Parse(string(text))
			require.NoError(t, err)
			for _, c := range cases {
				client, server, leaf := judged(t, c)
				if leaf == nil {
					continue
				}
				assert.Equal(t, c.Client, client, "as a client\n%s", c)
				assert.Equal(t, c.Server, server, "as a server\n%s", c)
				if c.Texts != "" {
					texts := []string{DN(leaf.RawSubject), DN(leaf.RawIssuer), Serial(leaf.SerialNumber), Time(leaf.NotBefore), Time(leaf.NotAfter)}
					assert.Equal(t, c.Texts, strings.Join(texts, "|"), "%s", c)
				}
			}
		})
	}
}

// verifierOf has the authorities and the lists of a case.
func verifierOf(t *testing.T, c *pkitest.Case, m *pkitest.Material) *Verifier {
	t.Helper()
	v := &Verifier{Depth: c.Depth, Level: c.Level, Trust: map[*x509.Certificate]*TrustSettings{}}
	for _, root := range m.Trust {
		if cert, err := x509.ParseCertificate(root.DER); err == nil { // others are left out with a warning
			v.Roots = append(v.Roots, cert)
			settings, queue := ParseTrustSettings(root.Aux)
			require.Empty(t, queue, c)
			if settings != nil {
				v.Trust[cert] = settings
			}
		}
	}
	for _, der := range m.Lists {
		list, err := ParseCRL(der)
		require.NoError(t, err, c)
		v.CRLs = append(v.CRLs, list)
	}
	return v
}

// judged returns our verdicts on a case and the peer's certificate; nil: Go cannot
// read what the peer shows.
func judged(t *testing.T, c *pkitest.Case) (client, server string, leaf *x509.Certificate) {
	t.Helper()
	m, err := c.Build()
	require.NoError(t, err, c)
	v := verifierOf(t, c, m)
	var peer []*x509.Certificate
	for _, shown := range m.Send {
		cert, err := x509.ParseCertificate(shown.DER)
		if err != nil {
			return "", "", nil
		}
		peer = append(peer, cert)
	}
	v.Purpose = Client
	_, result := v.Verify(peer, m.Now)
	client = strconv.Itoa(int(result))
	v.Purpose = Server
	_, result = v.Verify(peer, m.Now)
	server = strconv.Itoa(int(result))
	if result == OK && !MatchesHost(peer[0], c.HostName()) {
		server = "name"
	}
	return client, server, peer[0]
}
