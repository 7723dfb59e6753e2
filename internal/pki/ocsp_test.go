package pki

import (
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ocsp"

	"github.com/gostream/gostream/internal/ber"
	"github.com/gostream/gostream/internal/pki/pkitest"
)

// TestOCSPCases compares what is said of responses with what nginx said: see
// package pkitest for the form of the files, and TestOCSP of package conformance
// for how they are recorded.
func TestOCSPCases(t *testing.T) {
	files, err := filepath.Glob("testdata/ocsp*/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			cases, err := pkitest.Parse(string(text))
			require.NoError(t, err)
			for _, c := range cases {
				j := newOCSPJudge(t, c)
				assert.Equal(t, c.Asked, j.asked(), "as a client's\n%s", c)
				assert.Equal(t, c.Stapled, j.stapled(j.verifier), "our own\n%s", c)
				assert.Equal(t, c.Loose, j.stapled(nil), "our own, by anybody\n%s", c)
			}
		})
	}
}

// ocspJudge judges the responses of a case.
type ocspJudge struct {
	*pkitest.Material
	verifier *Verifier
	peer     []*x509.Certificate
}

func newOCSPJudge(t *testing.T, c *pkitest.Case) *ocspJudge {
	t.Helper()
	m, err := c.Build()
	require.NoError(t, err, c)
	j := &ocspJudge{Material: m, verifier: verifierOf(t, c, m)}
	for _, shown := range m.Send {
		cert, err := x509.ParseCertificate(shown.DER)
		require.NoError(t, err, c)
		j.peer = append(j.peer, cert)
	}
	return j
}

// asked is what comes of asking about the certificates of a client, one after
// the other if there are several responses.
func (j *ocspJudge) asked() string {
	chain, result := j.verifier.Verify(j.peer, j.Now)
	if result != OK {
		return result.String()
	}
	for i := range len(chain) - 1 {
		q := &OCSPQuestion{Cert: chain[i], Issuer: chain[i+1], Chain: chain, Verifier: j.verifier}
		answer, err := q.Check(j.OCSP[min(i, len(j.OCSP)-1)], j.Now)
		switch {
		case err != nil:
			return err.Error()
		case answer.Status == OCSPRevoked:
			return "certificate revoked"
		case answer.Status == OCSPUnknown:
			return "certificate status unknown"
		case len(j.OCSP) == 1:
			return "good"
		}
	}
	return "good"
}

// stapled is what comes of asking about our own.
func (j *ocspJudge) stapled(v *Verifier) string {
	issuer := j.verifier.IssuerOf(j.peer[0], j.peer[1:], j.Now)
	if issuer == nil {
		return "ignored, issuer certificate not found for certificate"
	}
	q := &OCSPQuestion{Cert: j.peer[0], Issuer: issuer, Chain: j.peer[1:], Verifier: v, TrustChain: true}
	answer, err := q.Check(j.OCSP[0], j.Now)
	switch {
	case err != nil:
		return err.Error()
	case answer.Status != OCSPGood:
		return "certificate status \"" + answer.Status.String() + "\" in the OCSP response"
	case !answer.Valid.IsZero() && answer.Valid.Before(j.Now):
		return "nothing" // nobody is shown it
	}
	return "good"
}

func TestIssuerOf(t *testing.T) {
	when := func(from, to time.Duration) func(*x509.Certificate) {
		return func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter, c.SubjectKeyId = time.Now().Add(from), time.Now().Add(to), []byte{1}
		}
	}
	now := issue(t, nil, "root", when(-time.Hour, time.Hour))
	leaf := issue(t, now, "leaf", nil).cert
	old := issue(t, nil, "root", when(-3*time.Hour, -2*time.Hour)).cert
	newer := issue(t, nil, "root", when(-3*time.Hour, -time.Hour)).cert
	stranger := issue(t, nil, "other", nil).cert
	find := func(chain []*x509.Certificate, roots ...*x509.Certificate) *x509.Certificate {
		return (&Verifier{Roots: roots}).IssuerOf(leaf, chain, time.Now())
	}
	assert.Nil(t, find(nil, stranger))
	assert.Same(t, now.cert, find(nil, stranger, old, now.cert, newer))
	assert.Same(t, newer, find(nil, old, newer))
	assert.Same(t, old, find([]*x509.Certificate{stranger, old}, now.cert))
}

// The request is as OpenSSL makes it.
func TestOCSPRequest(t *testing.T) {
	root := issue(t, nil, "root", nil)
	leaf := issue(t, root, "leaf", nil).cert
	der, err := OCSPRequest(leaf, root.cert)
	require.NoError(t, err)
	request, err := ocsp.ParseRequest(der)
	require.NoError(t, err)
	assert.Equal(t, crypto.SHA1, request.HashAlgorithm)
	assert.Equal(t, leaf.SerialNumber, request.SerialNumber)
	assert.Equal(t, hashOf(crypto.SHA1, root.cert.RawSubject), request.IssuerNameHash)
	assert.Equal(t, hashOf(crypto.SHA1, keyBits(root.cert)), request.IssuerKeyHash)
}

// FuzzOCSPCheck looks for panics, and for responses that package ocsp reads
// differently.
func FuzzOCSPCheck(f *testing.F) {
	var cert, issuer *x509.Certificate
	for _, name := range []string{"identifiers", "status", "times", "encoding"} {
		text, err := os.ReadFile("testdata/ocsp/" + name + ".txt")
		require.NoError(f, err)
		cases, err := pkitest.Parse(string(text))
		require.NoError(f, err)
		for _, c := range cases {
			m, err := c.Build()
			require.NoError(f, err, c)
			f.Add(m.OCSP[0])
			cert, err = x509.ParseCertificate(m.Send[0].DER)
			require.NoError(f, err, c)
			issuer, err = x509.ParseCertificate(m.Trust[0].DER)
			require.NoError(f, err, c)
		}
	}
	v := &Verifier{Roots: []*x509.Certificate{issuer}}
	f.Fuzz(func(t *testing.T, der []byte) {
		q := &OCSPQuestion{Cert: cert, Issuer: issuer, Chain: []*x509.Certificate{issuer}, Verifier: v}
		_, _ = q.Check(der, time.Unix(1e9, 0))
		theirs, err := ocsp.ParseResponse(der, nil)
		if err != nil {
			return
		}
		ours, err := parseOCSP(der)
		if err != nil {
			return // contents of a NULL, and the like
		}
		assert.Len(t, ours.singles, 1)
		assert.Equal(t, theirs.SerialNumber.String(), ours.singles[0].id.serial.String())
		assert.Equal(t, OCSPStatus(theirs.Status), ours.singles[0].status)
		recoded, queue := RecodeOCSP(der)
		assert.Empty(t, queue)
		assert.NotEmpty(t, recoded)
	})
}

func TestSigned(t *testing.T) {
	for _, n := range []int64{0, 1, 127, 128, 255, 256, -1, -128, -129, -32768} {
		der, err := asn1.Marshal(big.NewInt(n))
		require.NoError(t, err)
		assert.Equal(t, big.NewInt(n).String(), ber.BigInt(der[2:]).String())
	}
}
