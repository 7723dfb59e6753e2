package tlsconf

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/ber"
	"github.com/gostream/gostream/internal/pki"
)

// altered is a certificate with fields of its inner part in other encodings,
// signed anew.
func altered(t *testing.T, a *pair, fields map[string][]byte) []byte {
	t.Helper()
	v, _, problems := ber.Decode(a.cert.Raw, ber.CertificateType)
	require.Empty(t, problems)
	var inner []byte
	for _, f := range ber.CertificateInfoType.Fields {
		part, ok := fields[f.Name]
		if !ok {
			part = v.RawField("cert_info", f.Name)
		}
		inner = append(inner, part...)
	}
	info := sequence(t, inner)
	sum := sha256.Sum256(info)
	signature, err := ecdsa.SignASN1(rand.Reader, a.key, sum[:])
	require.NoError(t, err)
	bits, err := asn1.Marshal(asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)})
	require.NoError(t, err)
	return sequence(t, info, v.RawField("sig_alg"), bits)
}

func sequence(t *testing.T, parts ...[]byte) []byte {
	t.Helper()
	der, err := asn1.Marshal(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: bytes.Join(parts, nil)})
	require.NoError(t, err)
	return der
}

func certificatePEM(ders ...[]byte) string {
	var text bytes.Buffer
	for _, der := range ders {
		_ = pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: der})
	}
	return text.String()
}

// publicKey is a SubjectPublicKeyInfo.
func publicKey(t *testing.T, oid asn1.ObjectIdentifier, params, key []byte) []byte {
	t.Helper()
	der, err := asn1.Marshal(publicKeyInfo{
		Algorithm: pkix.AlgorithmIdentifier{Algorithm: oid, Parameters: asn1.RawValue{FullBytes: params}},
		Key:       asn1.BitString{Bytes: key, BitLength: 8 * len(key)},
	})
	require.NoError(t, err)
	return der
}

// unnamed is the parameters of a curve without its name.
func unnamed(t *testing.T, curve elliptic.Curve, compressed bool) []byte {
	t.Helper()
	p := curve.Params()
	size := (p.BitSize + 7) / 8
	prime, err := asn1.Marshal(p.P)
	require.NoError(t, err)
	var e explicitCurve
	e.Version = 1
	e.Field.Kind, e.Field.Value = asn1.ObjectIdentifier{1, 2, 840, 10045, 1, 1}, asn1.RawValue{FullBytes: prime}
	e.Curve.A = new(big.Int).Sub(p.P, big.NewInt(3)).FillBytes(make([]byte, size))
	e.Curve.B = p.B.FillBytes(make([]byte, size))
	e.Base = append([]byte{4}, append(p.Gx.FillBytes(make([]byte, size)), p.Gy.FillBytes(make([]byte, size))...)...)
	if compressed {
		e.Base = elliptic.MarshalCompressed(curve, p.Gx, p.Gy)
	}
	e.Order, e.Cofactor = p.N, big.NewInt(1)
	der, err := asn1.Marshal(e)
	require.NoError(t, err)
	return der
}

var (
	idEC  = asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}
	idPSS = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}
)

// Certificates that package x509 refuses and nginx serves.
func TestUnusualCertificates(t *testing.T) {
	a := selfSigned(t, "a")
	point, err := a.key.PublicKey.Bytes()
	require.NoError(t, err)
	short := elliptic.MarshalCompressed(elliptic.P256(), a.key.X, a.key.Y)
	hybrid := append([]byte{6 | point[64]&1}, point[1:]...)
	p256 := namedCurves[1].oid
	for what, fields := range map[string]map[string][]byte{
		"usual":             nil,
		"unnamed curve":     {"key": publicKey(t, idEC, unnamed(t, elliptic.P256(), false), point)},
		"compressed base":   {"key": publicKey(t, idEC, unnamed(t, elliptic.P256(), true), point)},
		"compressed point":  {"key": publicKey(t, idEC, p256, short)},
		"hybrid point":      {"key": publicKey(t, idEC, p256, hybrid)},
		"negative number":   {"serialNumber": {2, 1, 0x85}},
		"version 9":         {"version": {0xA0, 3, 2, 1, 9}},
		"time of no form":   {"validity": append([]byte{0x30, 8, 0x17, 1, 'x', 0x18, 3}, "now"...)},
		"empty extension":   {"extensions": {0xA3, 9, 0x30, 7, 0x30, 5, 6, 3, 0x55, 0x1D, 0x11}},
		"value of no use":   {"extensions": {0xA3, 13, 0x30, 11, 0x30, 9, 6, 3, 0x55, 0x1D, 0x11, 4, 2, 5, 0}},
		"version 1 of late": {"version": nil, "extensions": {0xA3, 13, 0x30, 11, 0x30, 9, 6, 3, 0x55, 0x1D, 0x11, 4, 2, 5, 0}},
	} {
		der := altered(t, a, fields)
		var id Identity
		key, err := x509.MarshalPKCS8PrivateKey(a.key)
		require.NoError(t, err)
		text := "data:" + string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
		err = id.Load("data:"+certificatePEM(der), text, Loader{Level: DefaultLevel})
		if what == "empty extension" {
			assert.ErrorContains(t, err, "error:06800079:asn1 encoding routines::field missing:Field=value, Type=X509_EXTENSION", what)
			continue
		}
		require.NoError(t, err, what)
		got := id.Certificates()
		require.Len(t, got, 1, what)
		assert.Equal(t, der, got[0].Certificate[0], what)
		assert.True(t, a.key.PublicKey.Equal(got[0].Leaf.PublicKey), what)
		if number, ok := fields["serialNumber"]; ok {
			assert.EqualValues(t, int8(number[2]), got[0].Leaf.SerialNumber.Int64())
		}
	}
}

// What has an unnamed curve is as good an authority as any.
func TestUnnamedCurveOfAuthority(t *testing.T) {
	a := selfSigned(t, "a")
	point, err := a.key.PublicKey.Bytes()
	require.NoError(t, err)
	der := altered(t, a, map[string][]byte{"key": publicKey(t, idEC, unnamed(t, elliptic.P256(), false), point)})
	found, err := CAs(writeText(t, certificatePEM(der)), func(text string) { t.Error(text) })
	require.NoError(t, err)
	require.Len(t, found.Trusted, 1)
	ca := found.Trusted[0]
	assert.Equal(t, der, ca.Raw)
	assert.NoError(t, ca.CheckSignature(ca.SignatureAlgorithm, ca.RawTBSCertificate, ca.Signature))
	assert.Error(t, ca.CheckSignature(ca.SignatureAlgorithm, a.cert.RawTBSCertificate, ca.Signature))
}

func TestAuthoritiesThatCannotBeUsed(t *testing.T) {
	a, b := selfSigned(t, "a"), selfSigned(t, "b")
	secp256k1 := []byte{6, 5, 0x2B, 0x81, 0x04, 0x00, 0x0A}
	odd := altered(t, b, map[string][]byte{"key": publicKey(t, idEC, secp256k1, make([]byte, 65))})
	ed448 := altered(t, b, map[string][]byte{"key": publicKey(t, asn1.ObjectIdentifier{1, 3, 101, 113}, nil, make([]byte, 57))})
	name := writeText(t, "text\n"+certificatePEM(odd, a.cert.Raw)+"\n"+certificatePEM(ed448, a.cert.Raw))
	var warnings []string
	found, err := CAs(name, func(text string) { warnings = append(warnings, text) })
	require.NoError(t, err)
	lines := strings.Count(certificatePEM(odd, a.cert.Raw), "\n")
	assert.Equal(t, []string{
		"certificate in " + name + ":2 is not supported (x509: unsupported elliptic curve), ignored",
		"certificate in " + name + ":" + strconv.Itoa(lines+3) + " has an Ed448 key, which is not supported, ignored",
	}, warnings)
	assert.Len(t, found.Trusted, 2)
	var names []string
	for _, cert := range found.Named {
		names = append(names, string(cert.RawSubject))
	}
	assert.Equal(t, []string{string(b.cert.RawSubject), string(a.cert.RawSubject)}, names)
	name = writeText(t, certificatePEM(odd))
	_, err = CAs(name, nil)
	assert.EqualError(t, err, "certificate in "+name+":1 is not supported (x509: unsupported elliptic curve)")
}

// A certificate may be trusted for some uses only: package pki minds it.
func TestTrustSettings(t *testing.T) {
	a := selfSigned(t, "a")
	clients, any := asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 2}, asn1.ObjectIdentifier{2, 5, 29, 37, 0}
	list := func(tag byte, oids ...asn1.ObjectIdentifier) []byte {
		var all []byte
		for _, oid := range oids {
			der, err := asn1.Marshal(oid)
			require.NoError(t, err)
			all = append(all, der...)
		}
		return append([]byte{tag, byte(len(all))}, all...)
	}
	for _, tt := range []struct {
		aux  []byte
		want *pki.TrustSettings
	}{
		{nil, nil},
		{sequence(t), &pki.TrustSettings{}},
		{sequence(t, list(0x30)), &pki.TrustSettings{Accepted: []asn1.ObjectIdentifier{}}},
		{sequence(t, list(0x30, clients, any)), &pki.TrustSettings{Accepted: []asn1.ObjectIdentifier{clients, any}}},
		{sequence(t, list(0xA0, clients)), &pki.TrustSettings{Rejected: []asn1.ObjectIdentifier{clients}}},
		{sequence(t, list(0x30, any), list(0xA0, clients)), &pki.TrustSettings{Accepted: []asn1.ObjectIdentifier{any}, Rejected: []asn1.ObjectIdentifier{clients}}},
	} {
		text := pem.EncodeToMemory(&pem.Block{Type: "TRUSTED CERTIFICATE", Bytes: append(bytes.Clone(a.cert.Raw), tt.aux...)})
		found, err := CAs(writeText(t, string(text)), nil)
		require.NoError(t, err)
		v := &pki.Verifier{}
		found.AddTo(v)
		require.Len(t, v.Roots, 1)
		assert.Equal(t, tt.want, v.Trust[v.Roots[0]], "%x", tt.aux)
		assert.Len(t, found.Named, 1)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: append(bytes.Clone(a.cert.Raw), "junk"...)})
	_, err := CAs(writeText(t, string(text)), nil)
	assert.ErrorContains(t, err, "asn1 encoding routines::nested asn1 error:Type=X509_CERT_AUX error:0488000D")
}
