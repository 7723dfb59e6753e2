package pki

// generalname.go - the GeneralName of RFC 5280, section 4.2.1.6: package x509
// leaves kinds of names out that OpenSSL looks at.

import (
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gostream/gostream/internal/ber"
)

// The kinds of a name: the tags of the choice.
const (
	nameOther asn1.Tag = iota
	nameEmail
	nameDNS
	nameX400
	nameDirectory
	nameEDIParty
	nameURI
	nameAddress
	nameRegistered
)

// generalName is one of the names of a certificate, or one in a constraint.
type generalName struct {
	kind  asn1.Tag
	value []byte // that of another kind of name with its header; the canonical form of a distinguished name
	id    string // which other kind of name, an encoded object identifier
	flaw  Result // why it cannot be compared; OK: it can
}

// idMailbox is the kind of name of mailboxes in UTF-8 (RFC 8398), encoded.
const idMailbox = "\x2b\x06\x01\x05\x05\x07\x08\x09"

// isMailbox reports whether the name is a mailbox in UTF-8.
func (n *generalName) isMailbox() bool { return n.kind == nameOther && n.id == idMailbox }

// readGeneralName reads a name. False: it is malformed.
func readGeneralName(input *cryptobyte.String) (n generalName, ok bool) {
	var value cryptobyte.String
	var tag asn1.Tag
	if !input.ReadAnyASN1(&value, &tag) {
		return n, false
	}
	n.kind, n.value = tag&0x1f, value
	switch tag {
	case nameEmail.ContextSpecific(), nameDNS.ContextSpecific(), nameURI.ContextSpecific(), nameAddress.ContextSpecific(),
		nameX400.ContextSpecific().Constructed():
		return n, true
	case nameRegistered.ContextSpecific():
		return n, validID(value)
	case nameDirectory.ContextSpecific().Constructed():
		n.value, ok = canonicalName(value)
		return n, ok
	case nameEDIParty.ContextSpecific().Constructed():
		return n, validParty(value)
	case nameOther.ContextSpecific().Constructed():
		return n, n.readOther(value)
	}
	return n, false
}

// readOther reads an otherName: an identifier and a value of any type.
func (n *generalName) readOther(input cryptobyte.String) bool {
	var id, wrapped, value cryptobyte.String
	var tag asn1.Tag
	if !input.ReadASN1(&id, asn1.OBJECT_IDENTIFIER) || !validID(id) ||
		!input.ReadASN1(&wrapped, asn1.Tag(0).ContextSpecific().Constructed()) || !input.Empty() {
		return false
	}
	n.id, n.value = string(id), wrapped
	return wrapped.ReadAnyASN1(&value, &tag) && wrapped.Empty() && validValue(tag, value)
}

// validParty reports whether an ediPartyName is well-formed: two names, the first
// of which may be missing.
func validParty(input cryptobyte.String) bool {
	var assigner, party cryptobyte.String
	var assigned bool
	if !input.ReadOptionalASN1(&assigner, &assigned, asn1.Tag(0).ContextSpecific().Constructed()) ||
		!input.ReadASN1(&party, asn1.Tag(1).ContextSpecific().Constructed()) || !input.Empty() {
		return false
	}
	return (!assigned || isDirectoryString(assigner)) && isDirectoryString(party)
}

func isDirectoryString(input cryptobyte.String) bool {
	var value cryptobyte.String
	var tag asn1.Tag
	if !input.ReadAnyASN1(&value, &tag) || !input.Empty() {
		return false
	}
	switch tag {
	case asn1.PrintableString, asn1.T61String, asn1.UTF8String, ber.BMPString, ber.UniversalString:
		return validValue(tag, value)
	}
	return false
}

// validValue reports whether bytes can be the contents of a value of a type.
func validValue(tag asn1.Tag, value []byte) bool {
	const notUniversal = 0x20 // or constructed
	return tag >= notUniversal || ber.ValidContents(int(tag), value)
}

func validID(value []byte) bool { return ber.ValidContents(ber.Object, value) }

// readGeneralNames reads a list of names with a tag. False: it is malformed.
func readGeneralNames(input *cryptobyte.String, tag asn1.Tag) (names []generalName, ok bool) {
	var list cryptobyte.String
	if !input.ReadASN1(&list, tag) {
		return nil, false
	}
	for !list.Empty() {
		name, ok := readGeneralName(&list)
		if !ok {
			return nil, false
		}
		names = append(names, name)
	}
	return names, true
}

// readAlternativeNames reads subjectAltName.
func (e *extensions) readAlternativeNames(value cryptobyte.String) (ok bool) {
	e.alternatives, ok = readGeneralNames(&value, asn1.SEQUENCE)
	return ok
}
