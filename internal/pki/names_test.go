package pki

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/pki/pkitest"
)

// TestUnicodeHost has names of hosts from RFC 3492, section 7.1, and malformed
// ones.
func TestUnicodeHost(t *testing.T) {
	long := strings.Repeat("a", punyRunes)
	for host, want := range map[string]string{
		"":                                "",
		"a.example":                       "a.example",
		"xn--bcher-kva.example":           "bücher.example",
		"a.xn--ihqwcrb4cv8a8dqg056pqjye.": "a.他们为什么不说中文.",
		"xn--3B-ww4c5e180e575a65lsy2b":    "3年B組金八先生",
		"xn--maana-pta":                   "mañana",
		"xn--":                            "",
		"xn--a-":                          "a",
		"XN--bcher-kva":                   "XN--bcher-kva",
		"xn--" + long + "-":               long,
	} {
		got, ok := unicodeHost(host)
		assert.True(t, ok, host)
		assert.Equal(t, want, got, host)
	}
	for _, host := range []string{"xn---", "xn--a_", "xn--9", "xn--99999999", "xn--é-", "xn--" + long + "a-", "xn--" + long + "-a"} {
		_, ok := unicodeHost(host)
		assert.False(t, ok, host)
	}
}

// FuzzNameConstraints reads names and constraints, and checks the ones against the others.
func FuzzNameConstraints(f *testing.F) {
	cases, err := pkitest.Parse("case a\n" +
		"cert root bc!=ca nc=+dns:a.test,-email:xn--bcher-kva.test,+ip:10.0.0.0%2F8,-uri:.a.test|min:1,+dir:;O=T,+rid:1.2.3\n" +
		"cert leaf by=root dn=/O=T+CN.bmp=a.test/email=x@y san=dns:b.a.test,email:x@y,mailbox:é@x,ip:10.0.0.1,uri:x://b.a.test:1/,dir:;O=t,edi:x,x400:,rid:1.2.4,other:1.2.3:x\n" +
		"trust root\nsend leaf")
	require.NoError(f, err)
	material, err := cases[0].Build()
	require.NoError(f, err)
	root, err := x509.ParseCertificate(material.Trust[0].DER)
	require.NoError(f, err)
	leaf, err := x509.ParseCertificate(material.Send[0].DER)
	require.NoError(f, err)
	value := func(cert *x509.Certificate, id string) []byte {
		i := slices.IndexFunc(cert.Extensions, func(e pkix.Extension) bool { return e.Id.String() == id })
		return cert.Extensions[i].Value
	}
	f.Add(value(root, "2.5.29.30"), value(leaf, oidSubjectAltName), leaf.RawSubject)
	f.Fuzz(func(t *testing.T, limits, alternatives, subject []byte) {
		cert := &certificate{Certificate: &x509.Certificate{RawSubject: subject}}
		if !cert.readNameConstraints(limits) || !cert.readAlternativeNames(alternatives) {
			return
		}
		cert.subject, _ = canonicalName(subject)
		names := namesOf(cert, true)
		known := []Result{OK, unspecified, forbiddenName, excludedName, boundedSubtree, unknownConstraint, badNameSyntax}
		if r := names.check(cert.limits); !slices.Contains(known, r) {
			t.Errorf("%d", r)
		}
		for _, n := range names.list {
			if n.kind == nameDirectory && n.flaw == OK && n.within(n) != OK {
				t.Errorf("a directory name is not below itself: %s", hex.EncodeToString(n.value))
			}
		}
	})
}
