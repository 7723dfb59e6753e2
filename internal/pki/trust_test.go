package pki

import (
	"encoding/asn1"
	"errors"

	"golang.org/x/crypto/cryptobyte"
	cryptobyteasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// trust_test.go - reading settings of trust, which tlsconf does with files.

// parseTrustSettings reads what follows a certificate in DER in a "TRUSTED
// CERTIFICATE": OpenSSL's X509_CERT_AUX. Nil: it is empty.
func parseTrustSettings(der []byte) (*TrustSettings, error) {
	if len(der) == 0 {
		return nil, nil
	}
	s := cryptobyte.String(der)
	t := &TrustSettings{}
	var ok bool
	if s.ReadASN1(&s, cryptobyteasn1.SEQUENCE) {
		if t.Accepted, ok = readPurposes(&s, cryptobyteasn1.SEQUENCE); ok {
			t.Rejected, ok = readPurposes(&s, cryptobyteasn1.Tag(0).ContextSpecific().Constructed())
		}
	}
	if !ok || !s.SkipOptionalASN1(cryptobyteasn1.UTF8String) || !s.SkipOptionalASN1(cryptobyteasn1.OCTET_STRING) ||
		!s.SkipOptionalASN1(cryptobyteasn1.Tag(1).ContextSpecific().Constructed()) || !s.Empty() {
		return nil, errors.New("malformed trust settings")
	}
	return t, nil
}

// readPurposes reads a list that may be left out, and then is nil.
func readPurposes(s *cryptobyte.String, tag cryptobyteasn1.Tag) (ids []asn1.ObjectIdentifier, ok bool) {
	var list cryptobyte.String
	var present bool
	if !s.ReadOptionalASN1(&list, &present, tag) || !present {
		return nil, !present
	}
	ids = []asn1.ObjectIdentifier{}
	for !list.Empty() {
		var id asn1.ObjectIdentifier
		if !list.ReadASN1ObjectIdentifier(&id) {
			return nil, false
		}
		ids = append(ids, id)
	}
	return ids, true
}
