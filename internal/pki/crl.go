package pki

import (
	"bytes"
	"errors"
	"sync/atomic"

	"github.com/gostream/gostream/internal/ber"
)

// CRL is a certificate revocation list. It refers to its encoding, and may be
// used from several goroutines.
type CRL struct {
	issuer                 []byte // canonical
	thisUpdate, nextUpdate encodedTime
	endless                bool // there is no nextUpdate
	entries                crlEntries

	scope    crlScope
	key      authorityKeyID // of who has signed it
	delta    bool           // it only has what changed
	critical bool           // there are critical extensions that OpenSSL does not know

	signed    []byte
	algorithm signatureAlgorithm
	signature []byte                 // nil: it is of nobody
	signedBy  atomic.Pointer[string] // an encoded public key that the signature is known to be of
}

// contextTag is [0].
var contextTag = ber.Tag{Class: ber.ContextClass}

// errEncoding says that a list cannot be read.
var errEncoding = errors.New("malformed revocation list")

// ParseCRL reads a list in DER, or in BER. What follows it is not looked at. The
// list keeps der. There is an error if OpenSSL could not read it either: neither
// an unknown version nor a malformed extension is one.
func ParseCRL(der []byte) (*CRL, error) {
	outer, _, ok := ber.ReadTLV(der)
	if !ok || !outer.Is(ber.SequenceTag) || !outer.Constructed {
		return nil, errEncoding
	}
	info, rest, ok := ber.ReadTLV(outer.Content)
	if !ok || !info.Is(ber.SequenceTag) || !info.Constructed {
		return nil, errEncoding
	}
	crl := &CRL{signed: outer.Content[:len(outer.Content)-len(rest)]}
	said := crl.parseInfo(info.Content)
	if said == nil || !crl.parseSignature(rest, said) {
		return nil, errEncoding
	}
	return crl, nil
}

// parseInfo reads the fields of the TBSCertList (RFC 5280, section 5.1). It
// returns which algorithm the signature is said to have. Nil: it is malformed.
func (crl *CRL) parseInfo(in []byte) (algorithm *ber.Value) {
	if v, rest, ok := ber.ReadTLV(in); ok && v.Is(ber.Integer) { // the version, whichever it is
		if !v.Valid(ber.Integer) {
			return nil
		}
		in = rest
	}
	algorithm, rest, problems := ber.Decode(in, ber.AlgorithmType)
	if problems != nil {
		return nil
	}
	name, rest, problems := ber.Decode(rest, ber.NameType)
	if problems != nil {
		return nil
	}
	crl.issuer = canonicalOf(attributesOf(name))
	v, rest, ok := ber.ReadTLV(rest)
	if !ok || !isTime(v) {
		return nil
	}
	crl.thisUpdate, crl.endless = readTime(v), true
	if v, after, ok := ber.ReadTLV(rest); ok && isTime(v) {
		crl.nextUpdate, crl.endless, rest = readTime(v), false, after
	}
	if !crl.parseLists(rest) {
		return nil
	}
	return algorithm
}

// parseLists reads the entries and the extensions of the list, both optional.
func (crl *CRL) parseLists(in []byte) bool {
	v, rest, ok := ber.ReadTLV(in)
	if ok && v.Is(ber.SequenceTag) {
		if !crl.entries.parse(v.Content) {
			return false
		}
		crl.critical = crl.entries.critical
		in = rest
	}
	if len(in) == 0 {
		return true
	}
	v, rest, ok = ber.ReadTLV(in)
	if !ok || len(rest) > 0 || v.Tag != contextTag || !v.Constructed {
		return false
	}
	v, rest, ok = ber.ReadTLV(v.Content)
	if !ok || len(rest) > 0 || !v.Is(ber.SequenceTag) {
		return false
	}
	extensions, ok := readCRLExtensions(nil, v.Content)
	if ok {
		crl.readOwn(extensions)
	}
	return ok
}

// isTime reports whether v is a UTCTime or GeneralizedTime, whatever its digits.
func isTime(v ber.TLV) bool {
	if !v.Is(ber.UTCTime) && !v.Is(ber.GeneralizedTime) {
		return false
	}
	_, ok := v.Text()
	return ok
}

// parseSignature reads what follows the signed part of a list, in which another
// algorithm may be said to be that of the signature.
func (crl *CRL) parseSignature(in []byte, said *ber.Value) bool {
	algorithm, rest, problems := ber.Decode(in, ber.AlgorithmType)
	if problems != nil {
		return false
	}
	crl.algorithm = algorithmFrom(algorithm)
	bits, rest, problems := ber.Decode(rest, ber.BitStringType)
	if problems != nil || len(rest) > 0 {
		return false
	}
	if bits.Bytes[0] == 0 && bytes.Equal(algorithm.Encoding, said.Encoding) {
		crl.signature = bits.Bytes[1:]
	}
	return true
}

// isSignedBy reports whether a certificate's key has signed the list. It remembers
// the last one that has, since lists can be large. The security level is nothing
// to it: OpenSSL takes MD5 and SHA-1 in lists whatever the level.
func (crl *CRL) isSignedBy(signer *certificate) bool {
	key := string(signer.RawSubjectPublicKeyInfo)
	if known := crl.signedBy.Load(); known != nil && *known == key {
		return true
	}
	if crl.signature == nil || !crl.algorithm.verify(signer.key, crl.signed, crl.signature) {
		return false
	}
	crl.signedBy.Store(&key)
	return true
}

// serialOf is the number of a certificate, as it is encoded.
func serialOf(cert *certificate) []byte {
	tbs, _, _ := ber.ReadTLV(cert.RawTBSCertificate)
	v, rest, _ := ber.ReadTLV(tbs.Content)
	if v.Tag == contextTag {
		v, _, _ = ber.ReadTLV(rest)
	}
	return v.Content
}
