package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// keyKind is a kind of public key.
type keyKind int

const (
	kindUnknown keyKind = iota
	kindRSA
	kindPSS // a key that may only be used with RSA-PSS; as the kind of a signature: one of RSA-PSS
	kindEC
	kindEd25519
)

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
	if id.String() != oidPSS {
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

const oidPSS = "1.2.840.113549.1.1.10"

// signatureAlgorithms are those that OpenSSL knows, but for those of DSA, Ed448
// and of national standards, which package x509 has no keys for. With one whose
// hash is 0 a certificate seems issued, but its signature is bad.
var signatureAlgorithms = map[string]signatureAlgorithm{
	"1.2.840.113549.1.1.2":  {kind: kindRSA, bits: -1}, // MD2
	"1.2.840.113549.1.1.3":  {kind: kindRSA, bits: 64}, // MD4
	"1.2.840.113549.1.1.4":  hashed(kindRSA, crypto.MD5),
	"1.2.840.113549.1.1.5":  hashed(kindRSA, crypto.SHA1),
	"1.3.14.3.2.29":         hashed(kindRSA, crypto.SHA1),
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

	"1.3.101.112": {kind: kindEd25519, bits: 128},
}

func hashed(kind keyKind, h crypto.Hash) signatureAlgorithm {
	return signatureAlgorithm{kind: kind, hash: h, bits: hashBits(h)}
}

// algorithmOf reads the contents of an AlgorithmIdentifier.
func algorithmOf(content cryptobyte.String) signatureAlgorithm {
	var id oidValue
	if !content.ReadASN1ObjectIdentifier(&id) {
		return signatureAlgorithm{bits: -1}
	}
	if id.String() == oidPSS {
		return pssAlgorithm(content)
	}
	if a, known := signatureAlgorithms[id.String()]; known {
		return a
	}
	return signatureAlgorithm{bits: -1}
}

// pssAlgorithm is RSA-PSS with parameters, which say what hash is used.
func pssAlgorithm(parameters cryptobyte.String) signatureAlgorithm {
	p, ok := readPSS(parameters)
	if !ok {
		return signatureAlgorithm{kind: kindPSS, bits: -1}
	}
	return signatureAlgorithm{kind: kindPSS, hash: p.hash, bits: hashBits(p.hash), pss: p}
}
