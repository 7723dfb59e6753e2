package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/pki/pkitest"
)

// authority is a certificate with its key.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

var serial int64

// issue makes a certificate; a nil parent makes it a self-signed one. change, if
// any, alters it before it is signed.
func issue(t *testing.T, parent *authority, name string, change func(*x509.Certificate)) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	serial++
	c := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature,
	}
	if change != nil {
		change(c)
	}
	from, signer := c, key
	if parent != nil {
		from, signer = parent.cert, parent.key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, from, &key.PublicKey, signer)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return &authority{cert, key}
}

func (a *authority) crl(t *testing.T, change func(*x509.RevocationList)) *CRL {
	t.Helper()
	list := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: time.Now().Add(-time.Hour), NextUpdate: time.Now().Add(time.Hour)}
	if change != nil {
		change(list)
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, a.cert, a.key)
	require.NoError(t, err)
	crl, err := ParseCRL(der)
	require.NoError(t, err)
	return crl
}

func TestVerify(t *testing.T) {
	root := issue(t, nil, "root", nil)
	inter := issue(t, root, "inter", nil)
	leaf := issue(t, inter, "leaf", nil)
	alone := issue(t, nil, "alone", nil)
	noCA := issue(t, root, "no CA", func(c *x509.Certificate) { c.IsCA = false })
	short := issue(t, root, "short", func(c *x509.Certificate) { c.MaxPathLenZero = true })
	narrow := issue(t, root, "narrow", func(c *x509.Certificate) {
		c.PermittedDNSDomains, c.PermittedDNSDomainsCritical = []string{"example.com"}, true
	})
	old := func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }
	young := func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) }
	usage := func(u x509.ExtKeyUsage) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{u} }
	}
	name := func(name string) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.DNSNames = []string{name} }
	}
	forged := issue(t, nil, "inter", func(c *x509.Certificate) { c.SubjectKeyId = inter.cert.SubjectKeyId })
	sealed := issue(t, forged, "sealed", nil)
	sealed.cert.RawIssuer, sealed.cert.AuthorityKeyId = inter.cert.RawSubject, nil

	for _, tt := range []struct {
		what  string
		roots []*authority
		peer  []*authority
		depth int
		want  Result
	}{
		{"itself trusted", []*authority{alone}, []*authority{alone}, 1, OK},
		{"self-signed", []*authority{root}, []*authority{alone}, 1, selfSigned},
		{"chain", []*authority{root}, []*authority{leaf, inter}, 1, OK},
		{"intermediate trusted too", []*authority{root, inter}, []*authority{leaf}, 1, OK},
		{"only the intermediate trusted", []*authority{inter}, []*authority{leaf}, 1, noIssuer},
		{"intermediate missing", []*authority{root}, []*authority{leaf}, 1, unableToVerifyLeaf},
		{"root missing", nil, []*authority{leaf, inter}, 1, noLocalIssuer},
		{"root not trusted", []*authority{alone}, []*authority{leaf, inter, root}, 3, selfSignedInChain},
		{"too long", []*authority{root}, []*authority{leaf, inter}, 0, noLocalIssuer},
		{"expired", []*authority{root}, []*authority{issue(t, root, "old", old)}, 1, expired},
		{"expired and self-signed", nil, []*authority{issue(t, nil, "old", old)}, 1, expired},
		{"not yet valid", []*authority{root}, []*authority{issue(t, root, "young", young)}, 1, notYetValid},
		{"no authority", []*authority{root}, []*authority{issue(t, noCA, "leaf", nil), noCA}, 1, unsuitablePurpose},
		{"for servers", []*authority{root}, []*authority{issue(t, root, "s", usage(x509.ExtKeyUsageServerAuth))}, 1, unsuitablePurpose},
		{"for clients", []*authority{root}, []*authority{issue(t, root, "c", usage(x509.ExtKeyUsageClientAuth))}, 1, OK},
		{"path length", []*authority{root}, []*authority{issue(t, issue(t, short, "below", nil), "leaf", nil)}, 3, unableToVerifyLeaf},
		{"name permitted", []*authority{root}, []*authority{issue(t, narrow, "leaf", name("a.example.com")), narrow}, 1, OK},
		{"name not permitted", []*authority{root}, []*authority{issue(t, narrow, "leaf", name("a.example.org")), narrow}, 1, forbiddenName},
		{"forged", []*authority{root}, []*authority{sealed, inter}, 1, badSignature},
	} {
		v := Verifier{Depth: tt.depth, Purpose: Client}
		for _, a := range tt.roots {
			v.Roots = append(v.Roots, a.cert)
		}
		var peer []*x509.Certificate
		for _, a := range tt.peer {
			peer = append(peer, a.cert)
		}
		chain, got := v.Verify(peer, time.Now())
		assert.Equal(t, tt.want, got, "%s: %s", tt.what, got)
		assert.Same(t, peer[0], chain[0])
		assert.NotEmpty(t, got.String())
	}
	below := issue(t, short, "below", nil)
	v := Verifier{Roots: []*x509.Certificate{root.cert}, Depth: 3, Purpose: Client}
	_, got := v.Verify([]*x509.Certificate{issue(t, below, "leaf", nil).cert, below.cert, short.cert}, time.Now())
	assert.Equal(t, pathLengthExceeded, got)
}

func TestVerifySigner(t *testing.T) {
	root := issue(t, nil, "root", nil)
	inter := issue(t, root, "inter", nil)
	email := func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection} }
	noCA := issue(t, root, "no CA", func(c *x509.Certificate) { c.IsCA = false })
	for _, tt := range []struct {
		what   string
		signer *authority
		others []*authority
		want   Result
		length int
	}{
		{"of any purpose", issue(t, root, "signer", email), nil, OK, 2},
		{"issuers of any purpose", issue(t, issue(t, root, "inter", email), "signer", nil), nil, noLocalIssuer, 1},
		{"with an intermediate", issue(t, inter, "signer", nil), []*authority{noCA, inter}, OK, 3},
		{"the root itself", root, nil, OK, 1},
		{"below no authority", issue(t, noCA, "signer", nil), []*authority{noCA}, invalidCA, 3},
	} {
		v := Verifier{Roots: []*x509.Certificate{root.cert}, Level: 5, Purpose: Server}
		var others []*x509.Certificate
		for _, a := range tt.others {
			others = append(others, a.cert)
		}
		chain, got := v.VerifySigner(tt.signer.cert, others, time.Now())
		assert.Equal(t, tt.want, got, "%s: %s", tt.what, got)
		assert.Len(t, chain, tt.length, tt.what)
	}
}

// FuzzVerify has a peer and an authority send anything.
func FuzzVerify(f *testing.F) {
	files, err := filepath.Glob("testdata/cases/*.txt")
	require.NoError(f, err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(f, err)
		cases, err := pkitest.Parse(string(text))
		require.NoError(f, err)
		for i := 0; i < len(cases); i += 20 {
			m, err := cases[i].Build()
			require.NoError(f, err)
			f.Add(m.Send[0].DER, m.Send[len(m.Send)-1].DER, m.Trust[0].DER, uint8(cases[i].Level))
		}
	}
	f.Fuzz(func(t *testing.T, first, second, root []byte, level uint8) {
		var peer []*x509.Certificate
		for _, der := range [][]byte{first, second} {
			if cert, err := x509.ParseCertificate(der); err == nil {
				peer = append(peer, cert)
			}
		}
		if len(peer) == 0 {
			return
		}
		v := &Verifier{Depth: 3, Level: int(level), Purpose: Server}
		if cert, err := x509.ParseCertificate(root); err == nil {
			v.Roots = append(v.Roots, cert)
		}
		chain, result := v.Verify(peer, time.Now())
		assert.NotEmpty(t, result.String())
		assert.True(t, chain[0].Equal(peer[0]))
		_, _ = v.VerifySigner(peer[0], peer, time.Now())
	})
}

// FuzzReadExtensions has a certificate of version 3 whose list of extensions is
// anything: package x509 lets less of that pass.
func FuzzReadExtensions(f *testing.F) {
	for _, seed := range []string{"", "300a0603551d130403300000", "300c06036000000000000000", "3009060360000404023000"} {
		der, err := hex.DecodeString(seed)
		require.NoError(f, err)
		f.Add(der)
	}
	f.Fuzz(func(_ *testing.T, list []byte) {
		e := extensions{pathLength: -1, proxyLength: -1}
		e.readExtensions(list)
		for _, read := range extensionReaders {
			read(&e, list)
		}
		_ = decodeAlgorithm(list)
		_, _ = ParseTrustSettings(list)
		_, _ = canonicalName(list)
	})
}

func BenchmarkVerify(b *testing.B) {
	text := "case c\ncert root bc!=ca ski=auto\ncert int by=root bc!=ca ski=auto aki=auto\ncert leaf by=int aki=auto san=dns:a.test\n"
	names := "root"
	for i := range 150 {
		text += fmt.Sprintf("cert x%d bc!=ca ski=auto\n", i)
		names = fmt.Sprintf("x%d %s", i, names)
	}
	cases, err := pkitest.Parse(text + "trust " + names + "\nsend leaf int\n")
	require.NoError(b, err)
	m, err := cases[0].Build()
	require.NoError(b, err)
	v := &Verifier{Depth: 3, Level: 2}
	var peer []*x509.Certificate
	for _, c := range m.Trust {
		cert, err := x509.ParseCertificate(c.DER)
		require.NoError(b, err)
		v.Roots = append(v.Roots, cert)
	}
	for _, c := range m.Send {
		cert, err := x509.ParseCertificate(c.DER)
		require.NoError(b, err)
		peer = append(peer, cert)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, result := v.Verify(peer, m.Now); result != OK {
			b.Fatal(result)
		}
	}
}

func TestVerifyWithLists(t *testing.T) {
	root := issue(t, nil, "root", nil)
	leaf := issue(t, root, "leaf", nil)
	revokes := func(l *x509.RevocationList) {
		l.RevokedCertificateEntries = []x509.RevocationListEntry{{SerialNumber: leaf.cert.SerialNumber, RevocationTime: time.Now()}}
	}
	stranger := issue(t, nil, "root", func(c *x509.Certificate) { c.SubjectKeyId = root.cert.SubjectKeyId })
	for want, lists := range map[Result][]*CRL{
		OK:              {root.crl(t, nil)},
		revoked:         {root.crl(t, revokes)},
		noCRL:           {leaf.crl(t, nil)},
		badCRLSignature: {stranger.crl(t, nil)},
		crlExpired:      {root.crl(t, func(l *x509.RevocationList) { l.NextUpdate = time.Now().Add(-time.Minute) })},
		crlNotYetValid:  {root.crl(t, func(l *x509.RevocationList) { l.ThisUpdate = time.Now().Add(time.Minute) })},
	} {
		v := Verifier{Roots: []*x509.Certificate{root.cert}, CRLs: lists, Depth: 1, Purpose: Client}
		_, got := v.Verify([]*x509.Certificate{leaf.cert}, time.Now())
		assert.Equal(t, want, got, "%s", got)
	}
}

func TestOptional(t *testing.T) {
	for r := range verifyTexts {
		assert.Equal(t, r >= 18 && r <= 21 || r == 27, r.Optional(), "%d", r)
	}
}
