//go:build unix

package conformance

import (
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

// ocspFiles are the cases that package pki is tested with, too.
const ocspFiles = "../internal/pki/testdata/ocsp/*.txt"

// ocspSince is the first nginx that has ssl_ocsp in a stream block.
const ocspSince = "1.27.2"

// TestOCSP has the binary judge all recorded responses. With -nginx it asks nginx
// as well, and with -update it records what that says.
func TestOCSP(t *testing.T) {
	files, err := filepath.Glob(ocspFiles)
	require.NoError(t, err)
	require.NotEmpty(t, files)
	reference := verdictReference(t)
	if reference != nil && !reference.knows(ocspSince) {
		t.Logf("leaving nginx out: it is older than %s", ocspSince)
		reference = nil
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			cases, err := pkitest.Parse(string(text))
			require.NoError(t, err)
			if reference != nil {
				for i, v := range ocspInTurn(t, reference, cases) {
					if !*updateFlag {
						assert.Equal(t, recorded(cases[i]), v, "nginx, %s", cases[i].Name)
					}
					cases[i].Asked, cases[i].Stapled, cases[i].Loose = v.asked, v.stapled, v.loose
				}
				if *updateFlag {
					require.NoError(t, os.WriteFile(file, []byte(pkitest.Format(cases)), 0o644))
				}
			}
			for i, v := range ocspInTurn(t, &subject{binary: binary(t)}, cases) {
				assert.Equal(t, recorded(cases[i]), v, "%s", cases[i])
			}
		})
	}
}

func recorded(c *pkitest.Case) ocspVerdicts { return ocspVerdicts{c.Asked, c.Stapled, c.Loose} }

func ocspInTurn(t *testing.T, s *subject, cases []*pkitest.Case) (all []ocspVerdicts) {
	t.Helper()
	for part := range slices.Chunk(cases, atOnce) {
		dir, err := os.MkdirTemp("", "o")
		require.NoError(t, err)
		defer os.RemoveAll(dir)
		judged, err := s.judgeOCSP(dir, part)
		require.NoError(t, err)
		all = append(all, judged...)
	}
	return all
}

// TestFuzzOCSP compares what is said of random responses with what nginx says.
func TestFuzzOCSP(t *testing.T) {
	reference := verdictReference(t)
	if reference == nil || !reference.knows(ocspSince) {
		t.Skip("needs -nginx path:BINARY, an nginx of " + ocspSince + " or later with OpenSSL 3.0")
	}
	ours := &subject{binary: binary(t)}
	const batch = 100
	fuzz(t, func(r *rand.Rand) (*difference, func() *difference) {
		cases := make([]*pkitest.Case, batch)
		for i := range cases {
			cases[i] = pkitest.RandomOCSP(r)
		}
		d := compareOCSP(t, reference, ours, cases)
		return d, func() *difference { return smallestOCSP(t, reference, ours, d) }
	})
}

// compareOCSP returns the first case that the servers judge differently.
func compareOCSP(t *testing.T, reference, ours *subject, cases []*pkitest.Case) *difference {
	want, got := ocspInTurn(t, reference, cases), ocspInTurn(t, ours, cases)
	for i, c := range cases {
		if want[i] != got[i] {
			return &difference{input: c.String(), want: want[i].String(), got: got[i].String()}
		}
	}
	return nil
}

// smallestOCSP finds as little of a case as still differs.
func smallestOCSP(t *testing.T, reference, ours *subject, d *difference) *difference {
	for smaller := true; smaller; {
		smaller = false
		found, err := pkitest.Parse(d.input)
		require.NoError(t, err)
		for _, less := range found[0].Smaller() {
			if now := compareOCSP(t, reference, ours, []*pkitest.Case{less}); now != nil && now.kind() == d.kind() {
				d, smaller = now, true
				break
			}
		}
	}
	return d
}
