package tlsconf

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func block(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// pkcs8 is a key of PKCS #8.
func pkcs8(t *testing.T, oid asn1.ObjectIdentifier, params, key []byte) []byte {
	t.Helper()
	der, err := asn1.Marshal(privateKeyInfo{
		Algorithm:  pkix.AlgorithmIdentifier{Algorithm: oid, Parameters: asn1.RawValue{FullBytes: params}},
		PrivateKey: key,
	})
	require.NoError(t, err)
	return der
}

// sec1 is a key on a curve, with as much as is given.
func sec1(t *testing.T, key, params, public []byte) []byte {
	t.Helper()
	around := asn1.RawValue{}
	if params != nil {
		around = asn1.RawValue{Class: asn1.ClassContextSpecific, IsCompound: true, Bytes: params}
	}
	der, err := asn1.Marshal(struct {
		Version int
		Key     []byte
		Params  asn1.RawValue  `asn1:"optional"`
		Public  asn1.BitString `asn1:"optional,explicit,tag:1"`
	}{1, key, around, asn1.BitString{Bytes: public, BitLength: 8 * len(public)}})
	require.NoError(t, err)
	return der
}

// Encodings of the same key, all of which OpenSSL reads.
func TestFormsOfKeys(t *testing.T) {
	key := curveKey(t, elliptic.P256()).(*ecdsa.PrivateKey)
	plain, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	number, err := key.Bytes()
	require.NoError(t, err)
	point, err := key.PublicKey.Bytes()
	require.NoError(t, err)
	short := elliptic.MarshalCompressed(elliptic.P256(), key.X, key.Y) //nolint:staticcheck // as encoded
	curve := unnamed(t, elliptic.P256(), true)
	broken := block("PRIVATE KEY", []byte{0, 0, 0})
	for what, text := range map[string]string{
		"usual":                      block("PRIVATE KEY", plain),
		"with bytes behind":          block("PRIVATE KEY", append(plain, "xx"...)),
		"PKCS #8 by another name":    block("EC PRIVATE KEY", plain),
		"encrypted by name only":     block("ENCRYPTED PRIVATE KEY", plain),
		"SEC 1":                      block("EC PRIVATE KEY", sec1(t, number, namedCurves[1].oid, point)),
		"without point":              block("EC PRIVATE KEY", sec1(t, number, namedCurves[1].oid, nil)),
		"with zeros in front":        block("EC PRIVATE KEY", sec1(t, append([]byte{0, 0}, number...), namedCurves[1].oid, nil)),
		"unnamed curve":              block("EC PRIVATE KEY", sec1(t, number, curve, point)),
		"compressed point":           block("EC PRIVATE KEY", sec1(t, number, curve, short)),
		"unnamed curve in PKCS #8":   block("PRIVATE KEY", pkcs8(t, idEC, curve, sec1(t, number, nil, point))),
		"unnamed curve at both":      block("PRIVATE KEY", pkcs8(t, idEC, curve, sec1(t, number, curve, point))),
		"behind a broken key":        broken + block("PRIVATE KEY", plain),
		"behind a key of no kind":    block("FOO PRIVATE KEY", plain[:4]) + block("PRIVATE KEY", plain),
		"behind a public key":        block("PUBLIC KEY", []byte{0}) + block("PRIVATE KEY", plain),
		"behind a wrong text":        "-----BEGIN PRIVATE KEY-----\n!\n-----END PRIVATE KEY-----\n" + block("PRIVATE KEY", plain),
		"with a short header":        strings.Replace(block("PRIVATE KEY", plain), "-----\n", "-----\na: b\n\n", 1),
		"behind a byte order mark":   "\xEF\xBB\xBF" + block("PRIVATE KEY", plain),
		"behind a block with header": strings.Replace(block("CERTIFICATE", plain), "-----\n", "-----\nComment: no key\n\n", 1) + block("PRIVATE KEY", plain),
	} {
		got, encrypted, err := parseKey([]byte(text), nil)
		require.NoError(t, err, what)
		assert.False(t, encrypted, what)
		assert.True(t, samePublic(key.Public(), got.Public()), what)
	}
}

// What OpenSSL 3.0 says to these was recorded.
func TestProblemsOfKeys(t *testing.T) {
	key := curveKey(t, elliptic.P256())
	plain, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	withHeader := func(header string) string {
		return strings.Replace(block("EC PRIVATE KEY", plain), "-----\n", "-----\n"+header+"\n\n", 1)
	}
	const nested, algorithm = " error:0688010A:asn1 encoding routines::nested asn1 error:", " error:068000A8:asn1 encoding routines::wrong tag error:0688010A:asn1 encoding routines::nested asn1 error:Type=X509_ALGOR"
	wrong := func(kind string) string {
		return " error:068000A8:asn1 encoding routines::wrong tag" + nested + "Type=" + kind
	}
	for text, want := range map[string]string{
		block("RSA PRIVATE KEY", []byte{0, 0, 0}):               errNoKey + wrong("RSAPrivateKey") + wrong("PKCS8_PRIV_KEY_INFO"),
		block("EC PRIVATE KEY", []byte{0, 0, 0}):                errNoKey + wrong("EC_PRIVATEKEY") + wrong("PKCS8_PRIV_KEY_INFO"),
		block("DSA PRIVATE KEY", []byte{0, 0, 0}):               errNoKey + wrong("DSA") + " error:0508000A:dsa routines::DSA lib" + wrong("PKCS8_PRIV_KEY_INFO"),
		block("ENCRYPTED PRIVATE KEY", []byte{0, 0, 0}):         errNoKey + wrong("X509_SIG"),
		block("FOO PRIVATE KEY", plain):                         errNoKey,
		block("RSA PRIVATE KEY", plain):                         errNoKey,
		block("PRIVATE KEY", []byte{0x30, 6, 2, 1, 1, 4, 1, 0}): errNoKey + algorithm + nested + "Field=pkeyalg, Type=PKCS8_PRIV_KEY_INFO",
		block("PRIVATE KEY", plain[:9]): errNoKey + " error:0680009B:asn1 encoding routines::too long error:06800066:asn1 encoding routines::bad object header" +
			nested + "Type=PKCS8_PRIV_KEY_INFO",
		block("PRIVATE KEY", pkcs8(t, asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 9}, nil, []byte{1})): errNoKey + " error:0300009C:digital envelope routines::unsupported algorithm" +
			" error:03000076:digital envelope routines::unsupported private key algorithm:TYPE=1.2.840.10045.2.9",
		withHeader("Comment: x"):                                       "error:0480006B:PEM routines::not proc type",
		withHeader("Proc-Type: 4,ENCRYPTED\nDEK-Info: FOO,00"):         "error:04800072:PEM routines::unsupported encryption",
		withHeader("Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00"): "error:04800067:PEM routines::bad iv chars",
		withHeader("Proc-Type: xxxxxxx"):                               errNoKey,
	} {
		_, _, err := parseKey([]byte(text), []string{"x"})
		assert.EqualError(t, err, want, text)
	}
}

// Keys that OpenSSL has a use for are told from what is no key.
func TestUnsupportedKeys(t *testing.T) {
	number := make([]byte, 32)
	dsaKey, err := asn1.Marshal(struct{ Version, P, Q, G, Y, X int }{0, 7, 3, 2, 4, 2})
	require.NoError(t, err)
	secp256k1 := []byte{6, 5, 0x2B, 0x81, 0x04, 0x00, 0x0A}
	e := *explicitOf(unnamed(t, elliptic.P256(), false))
	e.Curve.B[31]++
	other, err := asn1.Marshal(e)
	require.NoError(t, err)
	for what, text := range map[string]string{
		"an RSA-PSS key":                                     block("PRIVATE KEY", pkcs8(t, idPSS, nil, []byte{0x30, 0})),
		"an Ed448 key":                                       block("PRIVATE KEY", pkcs8(t, asn1.ObjectIdentifier{1, 3, 101, 113}, nil, []byte{4, 1, 0})),
		"a DSA key":                                          block("DSA PRIVATE KEY", dsaKey),
		"a key on the curve secp256k1":                       block("EC PRIVATE KEY", sec1(t, number, secp256k1, nil)),
		"a key on the curve 1.2.3":                           block("EC PRIVATE KEY", sec1(t, number, []byte{6, 2, 0x2A, 3}, nil)),
		"a key on a curve without a name":                    block("PRIVATE KEY", pkcs8(t, idEC, other, sec1(t, number, nil, nil))),
		"an EC key that Go refuses (":                        block("EC PRIVATE KEY", sec1(t, number, namedCurves[1].oid, nil)),
		"an RSA key that Go refuses (crypto/rsa: p * q != n": block("RSA PRIVATE KEY", []byte{0x30, 27, 2, 1, 0, 2, 1, 77, 2, 1, 3, 2, 1, 5, 2, 1, 11, 2, 1, 5, 2, 1, 1, 2, 1, 1, 2, 1, 1}),
	} {
		_, _, err := Key("data:"+text, nil)
		require.ErrorAs(t, err, new(*UnsupportedError), what)
		assert.ErrorContains(t, err, `certificate key "data:`+text+`" is `+what, what)
		assert.ErrorContains(t, err, ", which is not supported")
	}
	x25519 := block("PRIVATE KEY", pkcs8(t, asn1.ObjectIdentifier{1, 3, 101, 110}, nil, append([]byte{4, 32}, number...)))
	cert := "data:" + certificatePEM(selfSigned(t, "a").cert.Raw)
	err = new(Identity).Load(cert, "data:"+x25519, Loader{})
	assert.EqualError(t, err, `SSL_CTX_use_PrivateKey("data:`+x25519+`") failed (SSL: error:0A0000F7:SSL routines::unknown certificate type)`)
}

// Parameters are those of a curve only if all are.
func TestCurveOf(t *testing.T) {
	for _, curve := range []elliptic.Curve{elliptic.P224(), elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		assert.Equal(t, curve, curveOf(unnamed(t, curve, true)).Curve)
		for what, change := range map[string]func(*explicitCurve){
			"A":          func(e *explicitCurve) { e.Curve.A[0]++ },
			"B":          func(e *explicitCurve) { e.Curve.B[9]++ },
			"order":      func(e *explicitCurve) { e.Order.Add(e.Order, big.NewInt(2)) },
			"cofactor":   func(e *explicitCurve) { e.Cofactor = big.NewInt(2) },
			"short base": func(e *explicitCurve) { e.Base = e.Base[:3] },
			"no base":    func(e *explicitCurve) { e.Base = []byte{} },
			"base":       func(e *explicitCurve) { e.Base[20]++ },
			"field":      func(e *explicitCurve) { e.Field.Value.FullBytes = []byte{2, 1, 5} },
		} {
			e := explicitOf(unnamed(t, curve, false))
			change(e)
			der, err := asn1.Marshal(*e)
			require.NoError(t, err)
			assert.Nil(t, curveOf(der), "%s of %s", what, curve.Params().Name)
		}
	}
}

// A store of OpenSSL may be a file.
func TestStores(t *testing.T) {
	text, err := os.ReadFile("testdata/plain.key")
	require.NoError(t, err)
	name := writeText(t, string(text))
	for _, uri := range []string{name, "file:" + name, "file://" + name, "FILE://localhost" + name} {
		_, _, err := Key("store:"+uri, nil)
		assert.NoError(t, err, uri)
	}
	const file = "error:16000069:STORE routines::unregistered scheme:scheme=file"
	stat := func(name string) string {
		return " error:80000002:system library::No such file or directory:calling stat(" + name + ")"
	}
	for uri, want := range map[string]string{
		"":              file + stat(""),
		"none":          file + stat("none"),
		"file:none":     file + stat("file:none") + " " + errNotAbsolute + "none",
		"file:/none":    file + stat("file:/none") + stat("/none"),
		"file:///none":  file + stat("/none"),
		"file://a/none": file + " " + errAuthority,
		"foo:bar":       file + stat("foo:bar") + " " + errNoScheme + "foo " + errNoLoader + "foo : 0), Properties (<null>)",
		"foo://bar":     errNoScheme + "foo " + errNoLoader + "foo : 0), Properties (<null>)",
	} {
		_, _, err := Key("store:"+uri, nil)
		assert.EqualError(t, err, `cannot load certificate key "store:`+uri+`": OSSL_STORE_open() failed (SSL: `+want+`)`)
	}
	empty := writeText(t, "")
	_, _, err = Key("store:"+empty, nil)
	assert.EqualError(t, err, `cannot load certificate key "store:`+empty+`": OSSL_STORE_load() failed`)
}
