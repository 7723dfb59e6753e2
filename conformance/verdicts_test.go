//go:build unix

package conformance

import (
	"crypto/x509"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/pki/pkitest"
)

// verdictFiles are the cases that package pki is tested with, too.
const verdictFiles = "../internal/pki/testdata/cases/*.txt"

// atOnce is how many cases one server judges.
const atOnce = 200

// TestVerdicts has the binary judge the certificates of all recorded cases. With
// -nginx it asks nginx as well, and with -update it records what that says.
func TestVerdicts(t *testing.T) {
	files, err := filepath.Glob(verdictFiles)
	require.NoError(t, err)
	require.NotEmpty(t, files)
	reference := verdictReference(t)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			cases, err := pkitest.Parse(string(text))
			require.NoError(t, err)
			if reference != nil && reference.judges(cases) {
				judged := judgeInTurn(t, reference, cases)
				for i, v := range judged {
					if !*updateFlag {
						assertVerdicts(t, cases[i], v, "nginx")
					}
					cases[i].Client, cases[i].Server = v.client, v.server
					if cases[i].Texts != "" {
						cases[i].Texts = v.texts
					}
				}
				if *updateFlag {
					require.NoError(t, os.WriteFile(file, []byte(pkitest.Format(cases)), 0o644))
				}
			}
			for i, v := range judgeInTurn(t, &subject{binary: binary(t)}, cases) {
				if !readable(cases[i]) {
					continue // crypto/tls ends such a handshake itself
				}
				assertVerdicts(t, cases[i], v, "gostream")
			}
		})
	}
}

// assertVerdicts compares what a server says of a case with what is recorded.
func assertVerdicts(t *testing.T, c *pkitest.Case, v verdicts, server string) {
	t.Helper()
	if c.Texts == "" {
		v.texts = ""
	}
	assert.Equal(t, verdicts{c.Client, c.Server, c.Texts}, v, "%s\n%s", server, c)
}

// verdictReference is an nginx whose verdicts are those that gostream has: of
// OpenSSL 3.0, with Debian's security level. Nil: there is none.
func verdictReference(t *testing.T) *subject {
	reference := referenceServer(t)
	if reference != nil && !strings.HasPrefix(reference.openSSL, "3.0.") {
		t.Logf("leaving nginx out: it has OpenSSL %s, and 3.0 is what counts", reference.openSSL)
		return nil
	}
	return reference
}

func judgeInTurn(t *testing.T, s *subject, cases []*pkitest.Case) (all []verdicts) {
	t.Helper()
	for part := range slices.Chunk(cases, atOnce) {
		dir, err := os.MkdirTemp("", "v")
		require.NoError(t, err)
		defer os.RemoveAll(dir)
		judged, err := s.judgeAll(dir, part)
		require.NoError(t, err)
		all = append(all, judged...)
	}
	return all
}

// judges reports whether the server can be asked about all of the cases: older
// nginx reads no settings of trust.
func (s *subject) judges(cases []*pkitest.Case) bool {
	return s.knows("1.29") || !slices.ContainsFunc(cases, (*pkitest.Case).HasSettings)
}

// usable reports whether a random case can be made, and has an authority that Go can
// read: without one the server does not start.
func usable(c *pkitest.Case) bool {
	m, err := c.Build()
	return err == nil && slices.ContainsFunc(m.Trust, func(root *pkitest.Certificate) bool {
		_, err := x509.ParseCertificate(root.DER)
		return err == nil
	})
}

// readable reports whether Go can read the certificates that a peer shows.
func readable(c *pkitest.Case) bool {
	return !slices.ContainsFunc(c.Send, func(name string) bool {
		_, err := x509.ParseCertificate(c.Certificate(name).DER)
		return err != nil
	})
}

// TestFuzzVerdicts compares the verdicts on random certificates with nginx's.
func TestFuzzVerdicts(t *testing.T) {
	reference := verdictReference(t)
	if reference == nil {
		t.Skip("needs -nginx path:BINARY, an nginx with OpenSSL 3.0")
	}
	ours := &subject{binary: binary(t)}
	const batch = 100
	fuzz(t, func(r *rand.Rand) (*difference, func() *difference) {
		cases := make([]*pkitest.Case, batch)
		for i := range cases {
			cases[i] = pkitest.Random(r)
		}
		cases = slices.DeleteFunc(cases, func(c *pkitest.Case) bool {
			return !usable(c) || c.HasSettings() && !reference.knows("1.29")
		})
		d := compareVerdicts(t, reference, ours, cases)
		if d == nil {
			return nil, nil
		}
		return d, func() *difference { return d }
	})
}

// compareVerdicts returns the first case that the servers judge differently, and
// as little of it as still differs.
func compareVerdicts(t *testing.T, reference, ours *subject, cases []*pkitest.Case) *difference {
	differs := func(cases []*pkitest.Case) *difference {
		want, got := judgeInTurn(t, reference, cases), judgeInTurn(t, ours, cases)
		for i, c := range cases {
			if want[i] != got[i] && readable(c) {
				return &difference{input: c.String(), want: want[i].String(), got: got[i].String()}
			}
		}
		return nil
	}
	d := differs(cases)
	if d == nil {
		return nil
	}
	found, err := pkitest.Parse(d.input)
	require.NoError(t, err)
	c := found[0]
	for smaller := true; smaller; {
		smaller = false
		for _, less := range c.Smaller() {
			if now := differs([]*pkitest.Case{less}); now != nil && now.want == d.want && now.got == d.got {
				c, d, smaller = less, now, true
				break
			}
		}
	}
	return d
}

func (v verdicts) String() string {
	return "client " + v.client + "\nserver " + v.server + "\ntexts " + v.texts
}
