package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gostream/gostream/internal/ber"
)

// keyKind is a kind of public key.
type keyKind int

const (
	kindUnknown keyKind = iota
	kindRSA
	kindPSS // a key that may only be used with RSA-PSS; as the kind of a signature: one of RSA-PSS
	kindEC
	kindEd25519
	kindEd448 // as the next one: no key here is of this kind
	kindDSA
)

// Identifiers of kinds of keys.
const (
	OIDRSA     = "1.2.840.113549.1.1.1"
	OIDRSAPSS  = "1.2.840.113549.1.1.10" // of signatures, too, as those of EdDSA
	OIDEC      = "1.2.840.10045.2.1"
	OIDDSA     = "1.2.840.10040.4.1"
	OIDDH      = "1.2.840.113549.1.3.1"
	OIDX25519  = "1.3.101.110"
	OIDX448    = "1.3.101.111"
	OIDEd25519 = "1.3.101.112"
	OIDEd448   = "1.3.101.113"
)

// keyKinds are those that sign.
var keyKinds = map[string]keyKind{
	OIDRSA: kindRSA, OIDRSAPSS: kindPSS, OIDEC: kindEC, OIDEd25519: kindEd25519, OIDEd448: kindEd448, OIDDSA: kindDSA,
}

// CanSign reports whether keys of the kind with an identifier, such as [OIDRSA],
// make the signatures that an encoded AlgorithmIdentifier names.
func CanSign(key string, algorithm []byte) bool {
	return keyKinds[key].signsWith(decodeAlgorithm(algorithm).kind)
}

// SignatureBits is how many bits of security the signatures have that an encoded
// AlgorithmIdentifier names; -1: it cannot be used.
func SignatureBits(algorithm []byte) int { return decodeAlgorithm(algorithm).bits }

// signsWith reports whether a key can make a kind of signature.
func (k keyKind) signsWith(signature keyKind) bool {
	return k != kindUnknown && (k == signature || k == kindRSA && signature == kindPSS)
}

// publicKey is the key of a certificate. Its key is nil if it cannot be used.
type publicKey struct {
	kind keyKind
	key  crypto.PublicKey
	pss  *pssParameters // what a key for RSA-PSS asks for; nil: anything
}

// HasUsableKey reports whether signatures of the key in a certificate can be
// checked. If not, it issues nothing.
func HasUsableKey(cert *x509.Certificate) bool { return keyOf(cert).key != nil }

// keyOf reads the key of a certificate; RSA-PSS keys are unknown to package x509.
func keyOf(cert *x509.Certificate) publicKey {
	switch key := cert.PublicKey.(type) {
	case *rsa.PublicKey:
		return publicKey{kind: kindRSA, key: key}
	case *ecdsa.PublicKey:
		return publicKey{kind: kindEC, key: key}
	case ed25519.PublicKey:
		return publicKey{kind: kindEd25519, key: key}
	}
	spki := cryptobyte.String(cert.RawSubjectPublicKeyInfo)
	var algorithm cryptobyte.String
	var id oidValue
	if !spki.ReadASN1(&spki, asn1.SEQUENCE) || !spki.ReadASN1(&algorithm, asn1.SEQUENCE) || !algorithm.ReadASN1ObjectIdentifier(&id) {
		return publicKey{}
	}
	if id.String() != OIDRSAPSS {
		return publicKey{}
	}
	return pssKey(spki, algorithm)
}

// pssKey reads an RSA-PSS key: the RSA key with parameters of its own (RFC 4055,
// 1.2).
func pssKey(key, parameters cryptobyte.String) publicKey {
	var bits cryptobyte.String
	k := publicKey{kind: kindPSS}
	if !parameters.Empty() {
		p, ok := readPSS(parameters)
		if !ok {
			return publicKey{}
		}
		k.pss = &p
	}
	if !key.ReadASN1BitStringAsBytes((*[]byte)(&bits)) {
		return publicKey{}
	}
	rsaKey, err := x509.ParsePKCS1PublicKey(bits)
	if err != nil {
		return publicKey{}
	}
	k.key = rsaKey
	return k
}

// signatureAlgorithm is how a certificate was signed.
type signatureAlgorithm struct {
	kind keyKind
	hash crypto.Hash // 0: none, or one that is not supported
	bits int         // of security; -1: it cannot be used
	pss  pssParameters
}

// signatureAlgorithms are those that OpenSSL knows, but for those of national
// standards. With one whose hash is 0 a certificate seems issued, but its signature
// is bad.
var signatureAlgorithms = map[string]signatureAlgorithm{
	"1.2.840.113549.1.1.2":  {kind: kindRSA, bits: -1}, // MD2
	"1.2.840.113549.1.1.3":  {kind: kindRSA, bits: 64}, // MD4
	"1.2.840.113549.1.1.4":  hashed(kindRSA, crypto.MD5),
	"1.2.840.113549.1.1.5":  hashed(kindRSA, crypto.SHA1),
	"1.3.14.3.2.29":         hashed(kindRSA, crypto.SHA1),
	"1.3.36.3.3.1.2":        {kind: kindRSA, bits: 80}, // RIPEMD-160
	"1.2.840.113549.1.1.14": hashed(kindRSA, crypto.SHA224),
	"1.2.840.113549.1.1.11": hashed(kindRSA, crypto.SHA256),
	"1.2.840.113549.1.1.12": hashed(kindRSA, crypto.SHA384),
	"1.2.840.113549.1.1.13": hashed(kindRSA, crypto.SHA512),

	"2.16.840.1.101.3.4.3.13": hashed(kindRSA, crypto.SHA3_224),
	"2.16.840.1.101.3.4.3.14": hashed(kindRSA, crypto.SHA3_256),
	"2.16.840.1.101.3.4.3.15": hashed(kindRSA, crypto.SHA3_384),
	"2.16.840.1.101.3.4.3.16": hashed(kindRSA, crypto.SHA3_512),

	"1.2.840.10045.4.2":   {kind: kindEC, hash: crypto.SHA256, bits: -1}, // with the usual hash of the key
	"1.2.840.10045.4.3":   {kind: kindEC, hash: crypto.SHA256, bits: -1}, // with one that parameters name
	"1.2.840.10045.4.1":   hashed(kindEC, crypto.SHA1),
	"1.2.840.10045.4.3.1": hashed(kindEC, crypto.SHA224),
	"1.2.840.10045.4.3.2": hashed(kindEC, crypto.SHA256),
	"1.2.840.10045.4.3.3": hashed(kindEC, crypto.SHA384),
	"1.2.840.10045.4.3.4": hashed(kindEC, crypto.SHA512),

	"1.2.840.10040.4.3":      {kind: kindDSA, bits: 63},  // SHA-1
	"1.3.14.3.2.27":          {kind: kindDSA, bits: -1},  // SHA-1, with an old kind of key
	"2.16.840.1.101.3.4.3.1": {kind: kindDSA, bits: 112}, // SHA-224
	"2.16.840.1.101.3.4.3.2": {kind: kindDSA, bits: 128}, // SHA-256
	"2.16.840.1.101.3.4.3.3": {kind: kindDSA, bits: -1},
	"2.16.840.1.101.3.4.3.4": {kind: kindDSA, bits: -1},
	"2.16.840.1.101.3.4.3.5": {kind: kindDSA, bits: -1},
	"2.16.840.1.101.3.4.3.6": {kind: kindDSA, bits: -1},
	"2.16.840.1.101.3.4.3.7": {kind: kindDSA, bits: -1},
	"2.16.840.1.101.3.4.3.8": {kind: kindDSA, bits: -1},

	OIDEd25519: {kind: kindEd25519, bits: 128},
	OIDEd448:   {kind: kindEd448, bits: 224},
}

func hashed(kind keyKind, h crypto.Hash) signatureAlgorithm {
	return signatureAlgorithm{kind: kind, hash: h, bits: hashBits(h)}
}

// decodeAlgorithm reads an encoded AlgorithmIdentifier.
func decodeAlgorithm(encoded []byte) signatureAlgorithm {
	v, _, problems := ber.Decode(encoded, ber.AlgorithmType)
	if problems != nil {
		return signatureAlgorithm{bits: -1}
	}
	return algorithmFrom(v)
}

// algorithmFrom is the algorithm that an AlgorithmIdentifier names.
func algorithmFrom(v *ber.Value) signatureAlgorithm {
	id := identifier(v.Field("algorithm"))
	if id == OIDRSAPSS {
		return pssAlgorithm(v.Field("parameter"))
	}
	if a, known := signatureAlgorithms[id]; known {
		return a
	}
	return signatureAlgorithm{bits: -1}
}

// pssAlgorithm is RSA-PSS with parameters, which say what hash is used.
func pssAlgorithm(parameters *ber.Value) signatureAlgorithm {
	if parameters == nil {
		return signatureAlgorithm{kind: kindPSS, bits: -1}
	}
	p, ok := readPSS(parameters.Encoding)
	if !ok {
		return signatureAlgorithm{kind: kindPSS, bits: -1}
	}
	return signatureAlgorithm{kind: kindPSS, hash: p.hash, bits: hashBits(p.hash), pss: p}
}

// identifier is an object identifier in dotted form.
func identifier(v *ber.Value) string {
	var id x509.OID
	if err := id.UnmarshalBinary(v.Bytes); err != nil {
		return ""
	}
	return id.String()
}
