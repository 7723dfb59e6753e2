package pki

import (
	"bytes"
	"errors"
	"sync/atomic"

	"golang.org/x/crypto/cryptobyte/asn1"
)

// CRL is a certificate revocation list. It refers to its encoding, and may be
// used from several goroutines.
type CRL struct {
	issuer                 []byte // canonical
	thisUpdate, nextUpdate listTime
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

// errEncoding says that a list cannot be read.
var errEncoding = errors.New("malformed revocation list")

// ParseCRL reads a list in DER, or in BER. What follows it is not looked at. The
// list keeps der. There is an error if OpenSSL could not read it either: neither
// an unknown version nor a malformed extension is one.
func ParseCRL(der []byte) (*CRL, error) {
	outer, _, ok := readTLV(der)
	if !ok || !outer.is(asn1.SEQUENCE) || !outer.constructed {
		return nil, errEncoding
	}
	info, rest, ok := readTLV(outer.content)
	if !ok || !info.is(asn1.SEQUENCE) || !info.constructed {
		return nil, errEncoding
	}
	crl := &CRL{signed: outer.content[:len(outer.content)-len(rest)]}
	said, ok := crl.parseInfo(info.content)
	if !ok || !crl.parseSignature(rest, said) {
		return nil, errEncoding
	}
	return crl, nil
}

// parseInfo reads the fields of the TBSCertList (RFC 5280, section 5.1). It
// returns which algorithm the signature is said to have.
func (crl *CRL) parseInfo(in []byte) (algorithm []byte, ok bool) {
	v, rest, ok := readTLV(in)
	if ok && v.is(asn1.INTEGER) { // the version, whichever it is
		if !v.valid(v.tag) {
			return nil, false
		}
		v, rest, ok = readTLV(rest)
	}
	if !ok || !v.isAlgorithm() {
		return nil, false
	}
	algorithm = v.content
	if crl.issuer, rest, ok = readIssuer(rest); !ok {
		return nil, false
	}
	if v, rest, ok = readTLV(rest); !ok || !v.isTime() {
		return nil, false
	}
	crl.thisUpdate, crl.endless = readTime(v), true
	if v, after, ok := readTLV(rest); ok && v.isTime() {
		crl.nextUpdate, crl.endless, rest = readTime(v), false, after
	}
	return algorithm, crl.parseLists(rest)
}

// parseLists reads the entries and the extensions of the list, both optional.
func (crl *CRL) parseLists(in []byte) bool {
	v, rest, ok := readTLV(in)
	if ok && v.is(asn1.SEQUENCE) {
		if !crl.entries.parse(v.content) {
			return false
		}
		crl.critical = crl.entries.critical
		in = rest
	}
	if len(in) == 0 {
		return true
	}
	v, rest, ok = readTLV(in)
	if !ok || len(rest) > 0 || v.tag != tlvContext || !v.constructed {
		return false
	}
	v, rest, ok = readTLV(v.content)
	if !ok || len(rest) > 0 || !v.is(asn1.SEQUENCE) {
		return false
	}
	extensions, ok := readCRLExtensions(nil, v.content)
	if ok {
		crl.readOwn(extensions)
	}
	return ok
}

// isTime reports whether v is a UTCTime or GeneralizedTime, whatever its digits.
func (v tlv) isTime() bool {
	if !v.is(asn1.UTCTime) && !v.is(asn1.GeneralizedTime) {
		return false
	}
	_, ok := v.text()
	return ok
}

// isAlgorithm reports whether v is an AlgorithmIdentifier.
func (v tlv) isAlgorithm() bool {
	id, rest, ok := readTLV(v.content)
	if !ok || !v.is(asn1.SEQUENCE) || !v.constructed || !id.is(asn1.OBJECT_IDENTIFIER) || !id.valid(id.tag) {
		return false
	}
	if len(rest) == 0 {
		return true
	}
	parameters, end, ok := readTLV(rest)
	return ok && len(end) == 0 && !isEndOfContents(rest) && (parameters.tag >= 1<<tlvClassShift || parameters.valid(parameters.tag))
}

// parseSignature reads what follows the signed part of a list, in which another
// algorithm may be said to be that of the signature.
func (crl *CRL) parseSignature(in, said []byte) bool {
	v, rest, ok := readTLV(in)
	if !ok || !v.isAlgorithm() {
		return false
	}
	crl.algorithm = algorithmOf(v.content)
	consistent := bytes.Equal(v.content, said)
	if v, rest, ok = readTLV(rest); !ok || len(rest) > 0 || !v.is(asn1.BIT_STRING) || !v.valid(v.tag) {
		return false
	}
	if bits, _ := v.text(); bits[0] == 0 && consistent {
		crl.signature = bits[1:]
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
	tbs, _, _ := readTLV(cert.RawTBSCertificate)
	v, rest, _ := readTLV(tbs.content)
	if v.tag == tlvContext {
		v, _, _ = readTLV(rest)
	}
	return v.content
}
