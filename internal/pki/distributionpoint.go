package pki

import (
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// validDistributionPoints reports whether value is a CRLDistributionPoints
// (RFC 5280, 4.2.1.13) in which each one has a name or an issuer.
func validDistributionPoints(value cryptobyte.String) bool {
	var list cryptobyte.String
	if !value.ReadASN1(&list, asn1.SEQUENCE) {
		return false
	}
	for !list.Empty() {
		var point cryptobyte.String
		if !list.ReadASN1(&point, asn1.SEQUENCE) || !validDistributionPoint(point) {
			return false
		}
	}
	return true
}

func validDistributionPoint(point cryptobyte.String) bool {
	var name, reasons cryptobyte.String
	var named, limited bool
	if !point.ReadOptionalASN1(&name, &named, asn1.Tag(0).ContextSpecific().Constructed()) || named && !validPointName(name) ||
		!point.ReadOptionalASN1(&reasons, &limited, asn1.Tag(1).ContextSpecific()) || limited && (len(reasons) == 0 || reasons[0] > 7) {
		return false
	}
	tag := asn1.Tag(2).ContextSpecific().Constructed()
	if !point.PeekASN1Tag(tag) {
		return named && point.Empty()
	}
	issuers, ok := readGeneralNames(&point, tag)
	return ok && (named || len(issuers) > 0) && point.Empty()
}

// validPointName reports whether content is a list of names or a name relative
// to the issuer's.
func validPointName(content cryptobyte.String) bool {
	full, relative := asn1.Tag(0).ContextSpecific().Constructed(), asn1.Tag(1).ContextSpecific().Constructed()
	if content.PeekASN1Tag(full) {
		_, ok := readGeneralNames(&content, full)
		return ok && content.Empty()
	}
	var set cryptobyte.String
	if !content.ReadASN1(&set, relative) || !content.Empty() {
		return false
	}
	_, ok := readSet(set)
	return ok
}
