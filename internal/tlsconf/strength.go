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
)

// Sizes in bits from which on keys reach the levels 1 to 5: of the modulus of
// RSA, of the order of a curve, and of the two primes of DSA.
var (
	rsaSizes      = []int{920, 1963, 2671, 6947, 13914}
	curveSizes    = []int{160, 224, 256, 384, 512}
	dsaSizes      = []int{1024, 2048, 3072, 7680, 15360}
	dsaOrderSizes = []int{160, 224, 256, 384, 512}
)

// levelOf is the last level that a size reaches.
func levelOf(size int, sizes []int) int {
	level := 0
	for level < len(sizes) && size >= sizes[level] {
		level++
	}
	return level
}

// levelOfBits is the last level for which so many bits of security are enough.
func levelOfBits(bits int) int { return levelOf(bits, levelBits[1:]) }

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
		return levelOf(key.N.BitLen(), rsaSizes)
	case *ecdsa.PublicKey:
		return levelOf(key.Params().N.BitLen(), curveSizes)
	case ed25519.PublicKey:
		return levelOfBits(128)
	}
	var info publicKeyInfo
	if _, err := asn1.Unmarshal(c.keyInfo(), &info); err != nil {
		return noLevel
	}
	params, key := info.Algorithm.Parameters.FullBytes, info.Key.RightAlign()
	switch info.Algorithm.Algorithm.String() {
	case oidRSA, oidRSAPSS:
		var public struct{ N, E *big.Int }
		if _, err := asn1.Unmarshal(key, &public); err != nil {
			return noLevel
		}
		return levelOf(public.N.BitLen(), rsaSizes)
	case oidEC:
		return curveLevel(params)
	case oidDSA:
		var p struct{ P, Q, G *big.Int }
		if _, err := asn1.Unmarshal(params, &p); err != nil {
			return noLevel
		}
		return min(levelOf(p.P.BitLen(), dsaSizes), levelOf(p.Q.BitLen(), dsaOrderSizes))
	case oidX25519, oidEd25519:
		return levelOfBits(128)
	case oidX448, oidEd448:
		return levelOfBits(224)
	}
	return noLevel
}

// curveLevel is the level of keys on a curve. Those of curves that are not known
// here are not judged, for they cannot be used anyway.
func curveLevel(params []byte) int {
	var oid asn1.ObjectIdentifier
	if _, err := asn1.Unmarshal(params, &oid); err == nil {
		if c, ok := otherCurves[oid.String()]; ok {
			return levelOf(c.size, curveSizes)
		}
		if curveOf(params) != nil {
			return noLevel // the point is not on it
		}
		return len(curveSizes)
	}
	if e := explicitOf(params); e != nil {
		return levelOf(e.Order.BitLen(), curveSizes)
	}
	return len(curveSizes)
}

// signatures are algorithms by their identifiers: the bits of security, and the
// kind of key. RSA-PSS is as good as the hash among its parameters.
var signatures = map[string]struct {
	bits int
	key  string
}{
	"1.2.840.113549.1.1.3":    {64, oidRSA}, // with MD4
	"1.2.840.113549.1.1.4":    {39, oidRSA}, // with MD5
	"1.2.840.113549.1.1.5":    {63, oidRSA}, // with SHA-1
	"1.3.14.3.2.29":           {63, oidRSA}, // the same
	"1.3.36.3.3.1.2":          {80, oidRSA}, // with RIPEMD-160
	"1.2.840.113549.1.1.14":   {112, oidRSA},
	"1.2.840.113549.1.1.11":   {128, oidRSA},
	"1.2.840.113549.1.1.12":   {192, oidRSA},
	"1.2.840.113549.1.1.13":   {256, oidRSA},
	"2.16.840.1.101.3.4.3.13": {112, oidRSA}, // with SHA-3
	"2.16.840.1.101.3.4.3.14": {128, oidRSA},
	"2.16.840.1.101.3.4.3.15": {192, oidRSA},
	"2.16.840.1.101.3.4.3.16": {256, oidRSA},
	oidRSAPSS:                 {0, oidRSAPSS},
	"1.2.840.10045.4.1":       {63, oidEC},
	"1.2.840.10045.4.3.1":     {112, oidEC},
	"1.2.840.10045.4.3.2":     {128, oidEC},
	"1.2.840.10045.4.3.3":     {192, oidEC},
	"1.2.840.10045.4.3.4":     {256, oidEC},
	"1.2.840.10040.4.3":       {63, oidDSA},
	"2.16.840.1.101.3.4.3.1":  {112, oidDSA},
	"2.16.840.1.101.3.4.3.2":  {128, oidDSA},
	oidEd25519:                {128, oidEd25519},
	oidEd448:                  {224, oidEd448},
}

// hashBits are the bits of security of the hashes of RSA-PSS.
var hashBits = map[string]int{
	"1.2.840.113549.2.5": 39, "1.3.14.3.2.26": 64, "2.16.840.1.101.3.4.2.4": 112, "2.16.840.1.101.3.4.2.1": 128,
	"2.16.840.1.101.3.4.2.2": 192, "2.16.840.1.101.3.4.2.3": 256, "2.16.840.1.101.3.4.2.5": 112, "2.16.840.1.101.3.4.2.6": 128,
}

// pssParams are the parameters of RSA-PSS (RFC 8017).
type pssParams struct {
	Hash    algorithm     `asn1:"optional,explicit,tag:0"`
	Mask    asn1.RawValue `asn1:"optional,explicit,tag:1"`
	Salt    int           `asn1:"optional,explicit,tag:2,default:20"`
	Trailer int           `asn1:"optional,explicit,tag:3,default:1"`
}

// algorithm is an AlgorithmIdentifier of RFC 5280.
type algorithm struct {
	Algorithm  asn1.ObjectIdentifier
	Parameters asn1.RawValue `asn1:"optional"`
}

// signatureLevel is the level that the signature of a certificate reaches.
func (c *certificate) signatureLevel() int {
	var a algorithm
	if _, err := asn1.Unmarshal(c.value.RawField("sig_alg"), &a); err != nil {
		return noLevel
	}
	oid := a.Algorithm.String()
	known, ok := signatures[oid]
	if oid != oidRSAPSS && ok {
		return levelOfBits(known.bits)
	}
	var params pssParams
	if _, err := asn1.Unmarshal(a.Parameters.FullBytes, &params); err != nil || !ok {
		return noLevel
	}
	hash := "1.3.14.3.2.26" // SHA-1, the default
	if params.Hash.Algorithm != nil {
		hash = params.Hash.Algorithm.String()
	}
	bits, ok := hashBits[hash]
	if !ok {
		return noLevel
	}
	return levelOfBits(bits)
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
	case level > 0 && !c.selfSigned() && c.signatureLevel() < level:
		return errHashTooWeak
	case authority:
		return ""
	case key == noLevel:
		return errUnreadableKey
	}
	switch c.keyAlgorithm() {
	case oidX25519, oidX448, oidDH:
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
	case oidRSAPSS:
		return "an RSA-PSS key"
	case oidDSA:
		return "a DSA key"
	case oidEd448:
		return "an Ed448 key"
	case oidEC:
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
