package tlsconf

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/pki"
)

// issued makes a certificate for a key, signed by another. Without issuer it is
// self-signed.
func issued(t *testing.T, key crypto.Signer, issuer *pair, algorithm x509.SignatureAlgorithm) []byte {
	t.Helper()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "x"}, SignatureAlgorithm: algorithm,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	parent, signer := c, key
	if issuer != nil {
		parent, signer = issuer.cert, issuer.key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signer)
	require.NoError(t, err)
	return der
}

func keyPEM(t *testing.T, key crypto.Signer) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func curveKey(t *testing.T, curve elliptic.Curve) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	require.NoError(t, err)
	return key
}

func rsaKey(t *testing.T, bits int) crypto.Signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	require.NoError(t, err)
	return key
}

// TestLevels has the last level at which OpenSSL 3.0 takes a certificate, and
// what it says at the next one.
func TestLevels(t *testing.T) {
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	ca := selfSigned(t, "ca")
	small, strong := rsaKey(t, 1024), curveKey(t, elliptic.P521())
	const ee, md = "error:0A00018F:SSL routines::ee key too small", "error:0A00018E:SSL routines::ca md too weak"
	for _, tt := range []struct {
		what  string
		key   crypto.Signer
		der   []byte
		level int
		then  string
	}{
		{"RSA 1024", small, issued(t, small, nil, 0), 1, ee},
		{"RSA 2048", nil, nil, 2, ee},
		{"P-224", curveKey(t, elliptic.P224()), nil, 2, ee},
		{"P-256", curveKey(t, elliptic.P256()), nil, 3, ee},
		{"P-384", curveKey(t, elliptic.P384()), nil, 4, ee},
		{"P-521", strong, nil, 5, ""},
		{"Ed25519", ed, nil, 3, ee},
		{"self-signed with SHA-1", strong, issued(t, strong, nil, x509.ECDSAWithSHA1), 5, ""},
		{"signed with SHA-1", strong, issued(t, strong, ca, x509.ECDSAWithSHA1), 0, md},
		{"signed with SHA-256", strong, issued(t, strong, ca, x509.ECDSAWithSHA256), 3, md},
		{"signed with SHA-384", strong, issued(t, strong, ca, x509.ECDSAWithSHA384), 4, md},
		{"signed with SHA-512", strong, issued(t, strong, ca, x509.ECDSAWithSHA512), 5, ""},
	} {
		if tt.key == nil {
			tt.key = rsaKey(t, 2048)
		}
		if tt.der == nil {
			tt.der = issued(t, tt.key, nil, 0)
		}
		cert, key := "data:"+certificatePEM(tt.der), "data:"+keyPEM(t, tt.key)
		own := issued(t, strong, nil, 0)
		chain, chainKey := "data:"+certificatePEM(own, tt.der), "data:"+keyPEM(t, strong)
		for level := range 6 {
			err := new(Identity).Load(cert, key, Loader{Level: level})
			inChain := new(Identity).Load(chain, chainKey, Loader{Level: level, Once: true})
			if level <= tt.level {
				assert.NoError(t, err, "%s at level %d", tt.what, level)
				assert.NoError(t, inChain, "%s at level %d", tt.what, level)
				continue
			}
			assert.EqualError(t, err, `SSL_CTX_use_certificate("`+cert+`") failed (SSL: `+tt.then+`)`, "%s at level %d", tt.what, level)
			then := tt.then
			if then == ee {
				then = string(errCATooSmall)
			}
			assert.EqualError(t, inChain, `SSL_set0_chain("`+chain+`") failed (SSL: `+then+`)`, "%s at level %d", tt.what, level)
		}
	}
}

// The sizes from which on OpenSSL gives more bits of security.
func TestSizesOfLevels(t *testing.T) {
	for bits, want := range map[int]int{919: 0, 920: 1, 1962: 1, 1963: 2, 2670: 2, 2671: 3, 6946: 3, 6947: 4, 13913: 4, 13914: 5, 16384: 5} {
		assert.Equal(t, want, rsaLevel(bits), bits)
	}
	for bits, want := range map[int]int{63: 0, 80: 1, 112: 2, 128: 3, 192: 4, 256: 5} {
		assert.Equal(t, want, pki.LevelOf(bits), bits)
	}
	assert.Equal(t, 3, curveLevel([]byte{6, 5, 0x2B, 0x81, 0x04, 0x00, 0x0A}), "secp256k1")
	assert.Equal(t, 4, curveLevel(unnamed(t, elliptic.P384(), false)))
}

// What crypto/tls cannot use does not hinder the rest.
func TestUnsupportedCertificates(t *testing.T) {
	a, b := selfSigned(t, "a"), selfSigned(t, "b")
	modulus, err := asn1.Marshal(struct{ N, E *big.Int }{new(big.Int).Lsh(big.NewInt(1), 2047), big.NewInt(65537)})
	require.NoError(t, err)
	pss := writeText(t, certificatePEM(altered(t, b, map[string][]byte{"key": publicKey(t, idPSS, nil, modulus)})))
	weak := writeText(t, certificatePEM(altered(t, b, map[string][]byte{"key": publicKey(t, idPSS, nil, []byte{0x30, 6, 2, 1, 77, 2, 1, 3})})))
	cert, key := writeText(t, certificatePEM(a.cert.Raw)), writeText(t, keyPEM(t, a.key))
	unsupported := `certificate "` + pss + `" has an RSA-PSS key, which is not supported`
	l := Loader{Level: DefaultLevel}

	var id Identity
	skipped, err := id.LoadAll([][2]string{{cert, key}, {pss, key}}, l)
	require.NoError(t, err)
	assert.Equal(t, []string{unsupported}, skipped)
	assert.Len(t, id.Certificates(), 1)

	_, err = new(Identity).LoadAll([][2]string{{pss, key}}, l)
	assert.EqualError(t, err, unsupported)
	_, err = new(Identity).LoadAll([][2]string{{cert, key}, {pss, "missing"}}, l)
	assert.ErrorContains(t, err, `cannot load certificate key "missing"`, "nginx minds, too")
	_, err = new(Identity).LoadAll([][2]string{{cert, key}, {weak, key}}, l)
	assert.EqualError(t, err, `SSL_CTX_use_certificate("`+weak+`") failed (SSL: error:0A00018F:SSL routines::ee key too small)`, "nginx minds, too")
	x25519 := writeText(t, certificatePEM(altered(t, b, map[string][]byte{"key": publicKey(t, asn1.ObjectIdentifier{1, 3, 101, 110}, nil, make([]byte, 32))})))
	_, err = new(Identity).LoadAll([][2]string{{cert, key}, {x25519, key}}, l)
	assert.EqualError(t, err, `SSL_CTX_use_certificate("`+x25519+`") failed (SSL: error:0A0000F7:SSL routines::unknown certificate type)`, "nginx minds, too")
}
