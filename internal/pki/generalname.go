package pki

import (
	encoding "encoding/asn1"
	"strconv"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

type oidValue = encoding.ObjectIdentifier

// oidOf is the identifier in dotted form.
func oidOf(text string) (id oidValue) {
	for part := range strings.SplitSeq(text, ".") {
		n, _ := strconv.Atoi(part)
		id = append(id, n)
	}
	return id
}

// generalNames is what is known of a list of names.
type generalNames struct {
	count     int
	directory []byte // the first distinguished name, in canonical form; nil: there is none
}

// readGeneralNames reads a list of GeneralName (RFC 5280, 4.2.1.6) with a tag.
// Nil: OpenSSL could not read it.
func readGeneralNames(s *cryptobyte.String, tag asn1.Tag) *generalNames {
	var list cryptobyte.String
	if !s.ReadASN1(&list, tag) {
		return nil
	}
	names := &generalNames{}
	for !list.Empty() {
		directory, ok := readGeneralName(&list)
		if !ok {
			return nil
		}
		if names.directory == nil {
			names.directory = directory
		}
		names.count++
	}
	return names
}

// readGeneralName reads one name, and returns it if it is a distinguished name.
func readGeneralName(s *cryptobyte.String) (directory []byte, ok bool) {
	var tag asn1.Tag
	var content cryptobyte.String
	if !s.ReadAnyASN1(&content, &tag) {
		return nil, false
	}
	constructed := func(n asn1.Tag) asn1.Tag { return n.ContextSpecific().Constructed() }
	switch tag {
	case asn1.Tag(1).ContextSpecific(), asn1.Tag(2).ContextSpecific(), asn1.Tag(6).ContextSpecific(), asn1.Tag(7).ContextSpecific():
		return nil, true
	case asn1.Tag(8).ContextSpecific():
		return nil, validOID(content)
	case constructed(0): // otherName
		var value cryptobyte.String
		return nil, content.SkipASN1(asn1.OBJECT_IDENTIFIER) && content.ReadASN1(&value, constructed(0)) && content.Empty() && isOneValue(value)
	case constructed(3): // x400Address
		return nil, true
	case constructed(4):
		var name cryptobyte.String
		if !content.ReadASN1Element(&name, asn1.SEQUENCE) || !content.Empty() {
			return nil, false
		}
		directory, ok = canonicalName(name)
		return notNil(directory), ok
	case constructed(5):
		return nil, validParty(content)
	}
	return nil, false
}

// validOID reports whether content is that of an OBJECT IDENTIFIER.
func validOID(content []byte) bool {
	for i, b := range content {
		if b == 0x80 && (i == 0 || content[i-1] < 0x80) {
			return false // a number with zeros before it
		}
	}
	return len(content) > 0 && content[len(content)-1] < 0x80
}

func isOneValue(s cryptobyte.String) bool {
	var any cryptobyte.String
	var tag asn1.Tag
	return s.ReadAnyASN1(&any, &tag) && s.Empty()
}

// validParty reports whether content is that of an EDIPartyName.
func validParty(content cryptobyte.String) bool {
	var assigner, party cryptobyte.String
	var present bool
	return content.ReadOptionalASN1(&assigner, &present, asn1.Tag(0).ContextSpecific().Constructed()) &&
		(!present || isDirectoryString(assigner)) &&
		content.ReadASN1(&party, asn1.Tag(1).ContextSpecific().Constructed()) && isDirectoryString(party) && content.Empty()
}

func isDirectoryString(s cryptobyte.String) bool {
	var value cryptobyte.String
	var tag asn1.Tag
	if !s.ReadAnyASN1(&value, &tag) || !s.Empty() || tag == asn1.IA5String {
		return false
	}
	_, ok := utf8Of(tag, value)
	return ok
}

// validNameConstraints reports whether value is a NameConstraints (RFC 5280,
// 4.2.1.10).
func validNameConstraints(value cryptobyte.String) bool {
	var trees cryptobyte.String
	if !value.ReadASN1(&trees, asn1.SEQUENCE) {
		return false
	}
	for n := range asn1.Tag(2) {
		var list cryptobyte.String
		var present bool
		if !trees.ReadOptionalASN1(&list, &present, n.ContextSpecific().Constructed()) {
			return false
		}
		for !list.Empty() {
			var tree cryptobyte.String
			if !list.ReadASN1(&tree, asn1.SEQUENCE) || !validSubtree(tree) {
				return false
			}
		}
	}
	return trees.Empty()
}

// validSubtree reports whether content is a name with its two limits.
func validSubtree(content cryptobyte.String) bool {
	if _, ok := readGeneralName(&content); !ok {
		return false
	}
	for n := range asn1.Tag(2) {
		var limit cryptobyte.String
		var present bool
		if !content.ReadOptionalASN1(&limit, &present, n.ContextSpecific()) {
			return false
		}
		if _, ok := readInteger(limit); present && !ok {
			return false
		}
	}
	return content.Empty()
}

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
	issuers := readGeneralNames(&point, tag)
	return issuers != nil && (named || issuers.count > 0) && point.Empty()
}

// validPointName reports whether content is a list of names or a name relative
// to the issuer's.
func validPointName(content cryptobyte.String) bool {
	full, relative := asn1.Tag(0).ContextSpecific().Constructed(), asn1.Tag(1).ContextSpecific().Constructed()
	if content.PeekASN1Tag(full) {
		return readGeneralNames(&content, full) != nil && content.Empty()
	}
	var set cryptobyte.String
	if !content.ReadASN1(&set, relative) || !content.Empty() {
		return false
	}
	_, ok := canonicalAttributes(set)
	return ok
}
