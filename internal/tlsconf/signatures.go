package tlsconf

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"slices"

	"github.com/gostream/gostream/internal/pki"
)

// family is a way to sign.
type family uint8

const (
	pkcs1 family = iota
	pss
	ec
	edwards
	dsa
)

// scheme is a way to sign with a hash, as TLS numbers them.
type scheme struct {
	id     tls.SignatureScheme
	family family
	hash   crypto.Hash // 0: one of its own
	bits   int         // of security

	key   int            // the kind of key that has it; -1: one that is not supported
	curve elliptic.Curve // of that key, for TLS 1.3; nil: any
	tls   bool           // crypto/tls has it
}

// schemes are those that OpenSSL knows, in its order of preference.
var schemes = []scheme{
	{tls.ECDSAWithP256AndSHA256, ec, crypto.SHA256, 128, kindECDSA, elliptic.P256(), true},
	{tls.ECDSAWithP384AndSHA384, ec, crypto.SHA384, 192, kindECDSA, elliptic.P384(), true},
	{tls.ECDSAWithP521AndSHA512, ec, crypto.SHA512, 256, kindECDSA, elliptic.P521(), true},
	{tls.Ed25519, edwards, 0, 128, kindEd25519, nil, true},
	{0x0808, edwards, 0, 224, -1, nil, false},         // Ed448
	{0x0809, pss, crypto.SHA256, 128, -1, nil, false}, // with a key for PSS only, as the next two
	{0x080a, pss, crypto.SHA384, 192, -1, nil, false},
	{0x080b, pss, crypto.SHA512, 256, -1, nil, false},
	{tls.PSSWithSHA256, pss, crypto.SHA256, 128, kindRSA, nil, true},
	{tls.PSSWithSHA384, pss, crypto.SHA384, 192, kindRSA, nil, true},
	{tls.PSSWithSHA512, pss, crypto.SHA512, 256, kindRSA, nil, true},
	{tls.PKCS1WithSHA256, pkcs1, crypto.SHA256, 128, kindRSA, nil, true},
	{tls.PKCS1WithSHA384, pkcs1, crypto.SHA384, 192, kindRSA, nil, true},
	{tls.PKCS1WithSHA512, pkcs1, crypto.SHA512, 256, kindRSA, nil, true},
	{0x0303, ec, crypto.SHA224, 112, kindECDSA, nil, false},
	{tls.ECDSAWithSHA1, ec, crypto.SHA1, 64, kindECDSA, nil, false},
	{0x0301, pkcs1, crypto.SHA224, 112, kindRSA, nil, false},
	{tls.PKCS1WithSHA1, pkcs1, crypto.SHA1, 64, kindRSA, nil, false},
	{0x0302, dsa, crypto.SHA224, 112, -1, nil, false},
	{0x0202, dsa, crypto.SHA1, 64, -1, nil, false},
	{0x0402, dsa, crypto.SHA256, 128, -1, nil, false},
	{0x0502, dsa, crypto.SHA384, 192, -1, nil, false},
	{0x0602, dsa, crypto.SHA512, 256, -1, nil, false},
}

func schemeOf(id tls.SignatureScheme) *scheme {
	for i := range schemes {
		if schemes[i].id == id {
			return &schemes[i]
		}
	}
	return nil
}

// oldBits is the security of signatures before TLS 1.2, with MD5 and SHA-1
// or SHA-1 alone. It is less than what level 1 asks for.
const oldBits = 67

// signedWith says how certificates are signed, by families and hashes of schemes.
var signedWith = map[x509.SignatureAlgorithm]scheme{
	x509.SHA1WithRSA: {family: pkcs1, hash: crypto.SHA1}, x509.SHA256WithRSA: {family: pkcs1, hash: crypto.SHA256},
	x509.SHA384WithRSA: {family: pkcs1, hash: crypto.SHA384}, x509.SHA512WithRSA: {family: pkcs1, hash: crypto.SHA512},
	x509.SHA256WithRSAPSS: {family: pss, hash: crypto.SHA256}, x509.SHA384WithRSAPSS: {family: pss, hash: crypto.SHA384},
	x509.SHA512WithRSAPSS: {family: pss, hash: crypto.SHA512}, x509.PureEd25519: {family: edwards},
	x509.ECDSAWithSHA1: {family: ec, hash: crypto.SHA1}, x509.ECDSAWithSHA256: {family: ec, hash: crypto.SHA256},
	x509.ECDSAWithSHA384: {family: ec, hash: crypto.SHA384}, x509.ECDSAWithSHA512: {family: ec, hash: crypto.SHA512},
}

// sharedSchemes are those that both sides have and the level allows, in the
// order of the side that decides.
func (n *negotiation) sharedSchemes() (found []*scheme) {
	own := make([]tls.SignatureScheme, len(schemes))
	for i := range schemes {
		own[i] = schemes[i].id
	}
	order, other := n.hello.Signatures, own
	if n.own.ServerOrder {
		order, other = other, order
	}
	for _, id := range order {
		s := schemeOf(id)
		if s == nil || s.bits < pki.LevelBits(n.own.Level) || n.tls13() && s.family == dsa || !slices.Contains(other, id) {
			continue
		}
		found = append(found, s)
	}
	return found
}

// canSign reports whether a certificate can be shown with a signature of the
// scheme: signature_algorithms_cert also says who may have signed the certificate.
func (n *negotiation) canSign(c *tls.Certificate, s *scheme) bool {
	if key, ok := c.Leaf.PublicKey.(*rsa.PublicKey); ok && s.family == pss && key.Size() < 2*s.hash.Size()+2 {
		return false
	}
	if !n.hello.certSigsGiven {
		return true
	}
	by, known := signedWith[c.Leaf.SignatureAlgorithm]
	return known && slices.ContainsFunc(n.hello.certSignatures, func(id tls.SignatureScheme) bool {
		s := schemeOf(id)
		return s != nil && s.family == by.family && s.hash == by.hash
	})
}

// chooseSignature chooses a certificate and the scheme that its key signs with.
func (n *negotiation) chooseSignature() *Refusal {
	switch {
	case n.hello.Version < tls.VersionTLS12:
		return n.chooseOldSignature(refuseOldSigAlg)
	case !n.tls13() && !n.hello.signaturesGiven:
		return n.chooseOldSignature(refuseSigAlg)
	}
	for _, s := range n.shared {
		c := n.certificate(s.key)
		switch {
		case c == nil || !n.canSign(c, s):
		case !s.tls && n.signs(): // so that crypto/tls can
		case n.tls13() && (s.family == pkcs1 || s.hash == crypto.SHA1 || s.hash == crypto.SHA224 || !fits(c, s.curve)):
		case !n.tls13() && !n.suits(s.key):
		default:
			n.choice.certificate(c, s)
			return nil
		}
	}
	return refuseSigAlg
}

// chooseOldSignature is for clients that do not say which schemes they know.
func (n *negotiation) chooseOldSignature(refusal *Refusal) *Refusal {
	kind := kindRSA
	if n.suite.ECDSA {
		kind = kindECDSA
	}
	if oldBits < pki.LevelBits(n.own.Level) {
		return refusal
	}
	c := n.certificate(kind)
	if c == nil {
		return refuseSigType
	}
	n.choice.certificate(c, nil)
	return nil
}

// signs reports whether the key exchange has a signature of the server.
func (n *negotiation) signs() bool { return n.tls13() || n.suite.ECDHE }

// suits reports whether keys of a kind go with the suite that was chosen.
func (n *negotiation) suits(kind int) bool {
	return n.suite.ECDSA == (kind != kindRSA) && (kind != kindECDSA || n.usableEC)
}

// fits reports whether the key of a certificate is on the curve that TLS 1.3 ties
// to the scheme.
func fits(c *tls.Certificate, curve elliptic.Curve) bool {
	key, ok := c.Leaf.PublicKey.(*ecdsa.PublicKey)
	return curve == nil || ok && key.Curve == curve
}
