package tlsconf

// strength.go - which security level the keys and signatures of certificates
// reach. What is set as a certificate of our own must reach the level in force.

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/asn1"
	"fmt"
	"math/big"

	"github.com/gostream/gostream/internal/pki"
)

// dsaSizes are the sizes in bits from which on the prime of a DSA key, or of DHE,
// reaches the levels 1 to 5.
var dsaSizes = []int{1024, 2048, 3072, 7680, 15360}

// primeLevel is the level that the prime of a DSA key reaches.
func primeLevel(size int) int {
	level := 0
	for level < len(dsaSizes) && size >= dsaSizes[level] {
		level++
	}
	return level
}

// rsaLevel is the level that a modulus of so many bits reaches.
func rsaLevel(size int) int { return pki.LevelOf(pki.FactoringBits(size)) }

// orderLevel is the level that the order of a curve, or of a group of DSA, reaches.
func orderLevel(order int) int { return pki.LevelOf(pki.CurveBits(order)) }

// highestLevel is the last one there is.
const highestLevel = 5

// noLevel is that of what OpenSSL cannot read. Level 0 allows even this.
const noLevel = -1

// otherCurves are curves that OpenSSL has and crypto/ecdsa has not: their names
// and the sizes of their orders in bits.
var otherCurves = map[string]struct {
	name string
	size int
}{
	"1.2.156.10197.1.301":   {"SM2", 256},
	"1.2.840.10045.3.1.1":   {"prime192v1", 192},
	"1.2.840.10045.3.1.4":   {"prime239v1", 239},
	"1.3.132.0.8":           {"secp160r1", 161},
	"1.3.132.0.9":           {"secp160k1", 161},
	"1.3.132.0.10":          {"secp256k1", 256},
	"1.3.132.0.16":          {"sect283k1", 281},
	"1.3.132.0.17":          {"sect283r1", 282},
	"1.3.132.0.26":          {"sect233k1", 232},
	"1.3.132.0.27":          {"sect233r1", 233},
	"1.3.132.0.30":          {"secp160r2", 161},
	"1.3.132.0.31":          {"secp192k1", 192},
	"1.3.132.0.32":          {"secp224k1", 225},
	"1.3.132.0.36":          {"sect409k1", 407},
	"1.3.132.0.37":          {"sect409r1", 409},
	"1.3.132.0.38":          {"sect571k1", 570},
	"1.3.132.0.39":          {"sect571r1", 570},
	"1.3.36.3.3.2.8.1.1.1":  {"brainpoolP160r1", 160},
	"1.3.36.3.3.2.8.1.1.3":  {"brainpoolP192r1", 192},
	"1.3.36.3.3.2.8.1.1.5":  {"brainpoolP224r1", 224},
	"1.3.36.3.3.2.8.1.1.7":  {"brainpoolP256r1", 256},
	"1.3.36.3.3.2.8.1.1.9":  {"brainpoolP320r1", 320},
	"1.3.36.3.3.2.8.1.1.11": {"brainpoolP384r1", 384},
	"1.3.36.3.3.2.8.1.1.13": {"brainpoolP512r1", 512},
}

// keyLevel is the level that the key of a certificate reaches.
func (c *certificate) keyLevel() int {
	switch key := c.PublicKey.(type) {
	case *rsa.PublicKey:
		return rsaLevel(key.N.BitLen())
	case *ecdsa.PublicKey:
		return orderLevel(key.Params().N.BitLen())
	case ed25519.PublicKey:
		return pki.LevelOf(128)
	}
	var info publicKeyInfo
	if _, err := asn1.Unmarshal(c.keyInfo(), &info); err != nil {
		return noLevel
	}
	params, key := info.Algorithm.Parameters.FullBytes, info.Key.RightAlign()
	switch info.Algorithm.Algorithm.String() {
	case pki.OIDRSA, pki.OIDRSAPSS:
		var public struct{ N, E *big.Int }
		if _, err := asn1.Unmarshal(key, &public); err != nil {
			return noLevel
		}
		return rsaLevel(public.N.BitLen())
	case pki.OIDEC:
		return curveLevel(params)
	case pki.OIDDSA:
		var p struct{ P, Q, G *big.Int }
		if _, err := asn1.Unmarshal(params, &p); err != nil {
			return noLevel
		}
		return min(primeLevel(p.P.BitLen()), orderLevel(p.Q.BitLen()))
	case pki.OIDX25519, pki.OIDEd25519:
		return pki.LevelOf(128)
	case pki.OIDX448, pki.OIDEd448:
		return pki.LevelOf(224)
	}
	return noLevel
}

// curveLevel is the level of keys on a curve. Those of curves that are not known
// here are not judged, for they cannot be used anyway.
func curveLevel(params []byte) int {
	var oid asn1.ObjectIdentifier
	if _, err := asn1.Unmarshal(params, &oid); err == nil {
		if c, ok := otherCurves[oid.String()]; ok {
			return orderLevel(c.size)
		}
		if curveOf(params) != nil {
			return noLevel // the point is not on it
		}
		return highestLevel
	}
	if e := explicitOf(params); e != nil {
		return orderLevel(e.Order.BitLen())
	}
	return highestLevel
}

// Reasons for which OpenSSL refuses certificates.
var (
	errKeyTooSmall   = opensslQueue(sslError(0x18F, "ee key too small"))
	errCATooSmall    = opensslQueue(sslError(0x18D, "ca key too small"))
	errHashTooWeak   = opensslQueue(sslError(0x18E, "ca md too weak"))
	errUnknownKind   = opensslQueue(sslError(0xF7, "unknown certificate type"))
	errUnreadableKey = opensslQueue(sslError(0x8000B, "x509 lib"))
)

// problem is why OpenSSL refuses a certificate that is to be shown, where a
// security level is in force; empty: it takes it. authority is set for those
// behind the first of a chain.
func (c *certificate) problem(level int, authority bool) opensslQueue {
	key := c.keyLevel()
	switch {
	case level > 0 && key < level && authority:
		return errCATooSmall
	case level > 0 && key < level:
		return errKeyTooSmall
	case level > 0 && !c.selfSigned() && pki.SignatureBits(c.value.RawField("sig_alg")) < pki.LevelBits(level):
		return errHashTooWeak
	case authority:
		return ""
	case key == noLevel:
		return errUnreadableKey
	}
	switch c.keyAlgorithm() {
	case pki.OIDX25519, pki.OIDX448, pki.OIDDH:
		return errUnknownKind
	}
	return ""
}

// keyAlgorithm is the identifier of the kind of the key.
func (c *certificate) keyAlgorithm() string {
	var info publicKeyInfo
	_, _ = asn1.Unmarshal(c.keyInfo(), &info)
	return info.Algorithm.Algorithm.String()
}

// unsupportedKey describes the key of a certificate that crypto/tls cannot use.
func (c *certificate) unsupportedKey() string {
	var info publicKeyInfo
	_, _ = asn1.Unmarshal(c.keyInfo(), &info)
	text := unsupportedKey(info.Algorithm.Algorithm.String(), info.Algorithm.Parameters.FullBytes)
	if text == "" {
		return "a key that Go refuses"
	}
	return text
}

// unsupportedKey describes a key that OpenSSL can use and crypto/tls cannot.
// Empty: there is no such key.
func unsupportedKey(algorithm string, params []byte) string {
	switch algorithm {
	case pki.OIDRSAPSS:
		return "an RSA-PSS key"
	case pki.OIDDSA:
		return "a DSA key"
	case pki.OIDEd448:
		return "an Ed448 key"
	case pki.OIDEC:
		var oid asn1.ObjectIdentifier
		if _, err := asn1.Unmarshal(params, &oid); err != nil {
			return "a key on a curve without a name"
		}
		name := otherCurves[oid.String()].name
		if name == "" {
			name = oid.String()
		}
		return fmt.Sprintf("a key on the curve %s", name)
	}
	return ""
}
