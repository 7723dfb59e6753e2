package pki

import (
	"bytes"
	"crypto/x509"
	"math/big"
	"sync"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// certificate is a certificate as OpenSSL reads it. Package x509 leaves out
// extensions that matter to OpenSSL, and all of those of version 1.
type certificate struct {
	*x509.Certificate
	subject, issuer []byte // canonical
	key             publicKey
	algorithm       signatureAlgorithm
	signatureBits   bool // the signature is a number of whole bytes
	badNotBefore    bool // in a form that RFC 5280 does not allow
	badNotAfter     bool
	extensions
	selfIssued bool // in name
	selfSigned bool // and by its key identifiers, and by the kind of its key
}

// extensions are what the extensions of a certificate say. Without one, its
// fields are zero but for the limits.
type extensions struct {
	invalid     bool // one cannot be read, so that it has neither issuer nor subject
	unhandled   bool // a critical one is not supported
	noCheck     bool // of its revocation, if it signs OCSP responses
	constraints bool // basicConstraints is there
	authority   bool // it says that this is an authority
	pathLength  int  // -1: none
	proxy       bool
	proxyLength int // -1: none
	keyUsage    *usage
	extKeyUsage *usage
	netscape    *usage
	keyID       []byte // nil: none
	issuerKeyID authorityKeyID

	alternatives []generalName // of the subject
	limits       *constraints  // on names below; nil: none
}

// usage is a set of bits. Nil allows everything.
type usage uint16

// allows reports whether one of the bits is set.
func (u *usage) allows(bits usage) bool { return u == nil || *u&bits != 0 }

// authorityKeyID is what a certificate says about its issuer's.
type authorityKeyID struct {
	keyID  []byte   // nil: nothing
	serial *big.Int // nil: nothing
	issuer []byte   // canonical; nil: nothing
}

// read reads a certificate. What cannot be read is not valid; it never fails.
func read(cert *x509.Certificate) *certificate {
	c := &certificate{Certificate: cert, extensions: extensions{pathLength: -1, proxyLength: -1}}
	var subjectRead, issuerRead bool
	c.subject, subjectRead = canonicalName(cert.RawSubject)
	c.issuer, issuerRead = canonicalName(cert.RawIssuer)
	c.key = keyOf(cert)
	extensions, ok := c.readFields()
	c.readExtensions(extensions)
	c.invalid = c.invalid || !ok || !subjectRead || !issuerRead
	c.selfIssued = bytes.Equal(c.subject, c.issuer)
	c.selfSigned = likelyIssued(c, c)
	return c
}

// readFields reads the parts of a certificate of which package x509 keeps too
// little. It returns the contents of the list of extensions.
func (c *certificate) readFields() (extensions cryptobyte.String, ok bool) {
	tbs := cryptobyte.String(c.RawTBSCertificate)
	var algorithm, validity cryptobyte.String
	if !tbs.ReadASN1(&tbs, asn1.SEQUENCE) || !tbs.SkipOptionalASN1(asn1.Tag(0).ContextSpecific().Constructed()) ||
		!tbs.SkipASN1(asn1.INTEGER) || !tbs.ReadASN1Element(&algorithm, asn1.SEQUENCE) || !tbs.SkipASN1(asn1.SEQUENCE) ||
		!tbs.ReadASN1(&validity, asn1.SEQUENCE) || !tbs.SkipASN1(asn1.SEQUENCE) || !tbs.SkipASN1(asn1.SEQUENCE) ||
		!tbs.SkipOptionalASN1(asn1.Tag(1).ContextSpecific()) || !tbs.SkipOptionalASN1(asn1.Tag(2).ContextSpecific()) {
		return nil, false
	}
	c.algorithm = decodeAlgorithm(algorithm)
	c.badNotBefore = !wellFormedTime(&validity)
	c.badNotAfter = !wellFormedTime(&validity)
	c.signatureBits = wholeBytes(c.Raw)
	var present bool
	if !tbs.ReadOptionalASN1(&extensions, &present, asn1.Tag(3).Constructed().ContextSpecific()) {
		return nil, false
	}
	ok = !present || extensions.ReadASN1(&extensions, asn1.SEQUENCE)
	return extensions, ok
}

// wellFormedTime reads a time and reports whether it has seconds and no offset
// from UTC (RFC 5280, 4.1.2.5). Package x509 reads others, too.
func wellFormedTime(s *cryptobyte.String) bool {
	var value cryptobyte.String
	var tag asn1.Tag
	if !s.ReadAnyASN1(&value, &tag) {
		return false
	}
	switch tag {
	case asn1.UTCTime:
		return len(value) == len("YYMMDDHHMMSSZ")
	case asn1.GeneralizedTime:
		return len(value) == len("YYYYMMDDHHMMSSZ")
	}
	return false
}

// wholeBytes reports whether no bits of the signature at the end are unused.
func wholeBytes(raw cryptobyte.String) bool {
	var signature cryptobyte.String
	return raw.ReadASN1(&raw, asn1.SEQUENCE) && raw.SkipASN1(asn1.SEQUENCE) && raw.SkipASN1(asn1.SEQUENCE) &&
		raw.ReadASN1(&signature, asn1.BIT_STRING) && len(signature) > 0 && signature[0] == 0
}

// likelyIssued reports whether a certificate seems to have been issued by
// another: by name, by key identifiers and by the kind of key that it was signed
// with. The signature is not looked at.
func likelyIssued(issuer, cert *certificate) bool {
	return bytes.Equal(issuer.subject, cert.issuer) && !issuer.invalid && !cert.invalid &&
		cert.issuerKeyID.fits(issuer) && issuer.key.kind.signsWith(cert.algorithm.kind)
}

// fits reports whether an identifier can be that of a certificate. Of an
// identifier that the certificate lacks there is nothing to compare.
func (id *authorityKeyID) fits(cert *certificate) bool {
	return (id.keyID == nil || cert.keyID == nil || bytes.Equal(id.keyID, cert.keyID)) &&
		(id.serial == nil || id.serial.Cmp(cert.SerialNumber) == 0) &&
		(id.issuer == nil || bytes.Equal(id.issuer, cert.issuer))
}

// Issued reports whether a certificate may have been issued by another: by name,
// key identifiers, kind of key and key usage. The signature is not looked at.
func Issued(issuer, cert *x509.Certificate) bool {
	i, c := read(issuer), read(cert)
	return likelyIssued(i, c) && mayHaveSigned(i, c) == OK
}

// roots are the certificates that a verifier trusts, by their subjects.
type roots struct {
	once      sync.Once
	bySubject map[string][]*certificate
}

// of finds those with a subject, in their order. Of equal ones there is only the
// first.
func (r *roots) of(subject []byte, all []*x509.Certificate) []*certificate {
	r.once.Do(func() {
		r.bySubject = make(map[string][]*certificate, len(all))
		seen := make(map[string]bool, len(all))
		for _, cert := range all {
			if !seen[string(cert.Raw)] {
				seen[string(cert.Raw)] = true
				c := read(cert)
				r.bySubject[string(c.subject)] = append(r.bySubject[string(c.subject)], c)
			}
		}
	})
	return r.bySubject[string(subject)]
}
