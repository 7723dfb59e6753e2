package pki

import (
	"bytes"
	"crypto/x509/pkix"
	"slices"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gostream/gostream/internal/ber"
)

// reasonSet are reasons for a revocation, in the order of ReasonFlags (RFC 5280,
// section 4.2.1.13).
type reasonSet usage

// allReasons are the nine that there are.
const allReasons reasonSet = 0x807f

// crlScope says which certificates a list is about: the extension
// issuingDistributionPoint. The zero value is all of an issuer.
type crlScope struct {
	point     pointNames // where the list comes from; nil: the extension says nothing of it
	only      crlKinds
	indirect  bool // certificates of other issuers, too
	someOf    bool // only some reasons
	ambiguous bool // more than one kind of certificates only
}

// crlKinds are kinds of certificates.
type crlKinds struct{ users, authorities, attributes bool }

// read reads the value of the extension. If that is malformed, the scope stays
// as it is. The issuer of the list is in canonical form.
func (s *crlScope) read(value []byte, issuer string) {
	v, _, ok := ber.ReadTLV(value)
	if !ok || !v.Is(ber.SequenceTag) || !v.Constructed {
		return
	}
	var read crlScope
	next := 0
	for in := v.Content; len(in) > 0; {
		part, rest, ok := ber.ReadTLV(in)
		if !ok || part.Class != ber.ContextClass || part.Number < next || !read.readPart(part, issuer) {
			return
		}
		next, in = part.Number+1, rest
	}
	kinds := 0
	for _, only := range []bool{read.only.users, read.only.authorities, read.only.attributes} {
		if only {
			kinds++
		}
	}
	read.ambiguous = kinds > 1
	*s = read
}

func (s *crlScope) readPart(part ber.TLV, issuer string) (ok bool) {
	isTrue := len(part.Content) == 1 && part.Content[0] != 0
	switch part.Number {
	case 0:
		s.point, ok = readPoint(part, issuer)
		return ok
	case 1:
		s.only.users = isTrue
	case 2:
		s.only.authorities = isTrue
	case 3:
		s.someOf = true
		return part.Valid(ber.BitString)
	case 4:
		s.indirect = isTrue
	case 5:
		s.only.attributes = isTrue
	default:
		return false
	}
	return part.Valid(ber.Boolean)
}

// pointNames are general names in a form in which equal ones are equal. Directory
// names are in canonical form and begin with directoryPrefix, as no other does.
type pointNames []string

const directoryPrefix = "\xa4"

// directories are the directory names among the names.
func (n pointNames) directories() (all []string) {
	for _, name := range n {
		if dn, ok := strings.CutPrefix(name, directoryPrefix); ok {
			all = append(all, dn)
		}
	}
	return all
}

// meets reports whether n has a name in common with others.
func (n pointNames) meets(others pointNames) bool {
	return slices.ContainsFunc(n, func(name string) bool { return slices.Contains(others, name) })
}

// readPointNames reads the value of an extension that is GeneralNames.
func readPointNames(value []byte) (pointNames, bool) {
	v, _, ok := ber.ReadTLV(value)
	if !ok || !v.Is(ber.SequenceTag) {
		return nil, false
	}
	return readNames(v.Content)
}

// readNames reads the contents of GeneralNames.
func readNames(list cryptobyte.String) (pointNames, bool) {
	names := pointNames{}
	for !list.Empty() {
		before := list
		name, ok := readGeneralName(&list)
		if !ok {
			return nil, false
		}
		text := string(before[:len(before)-len(list)])
		if name.kind == nameDirectory {
			text = directoryPrefix + string(name.value)
		}
		names = append(names, text)
	}
	return names, true
}

// readPoint reads a DistributionPointName with its explicit tag. A name that is
// relative to the issuer is completed.
func readPoint(v ber.TLV, issuer string) (names pointNames, ok bool) {
	inner, end, ok := ber.ReadTLV(v.Content)
	if !ok || !v.Constructed || len(end) > 0 {
		return nil, false
	}
	switch inner.Tag {
	case contextTag:
		return readNames(inner.Content)
	case ber.Tag{Class: ber.ContextClass, Number: 1}:
		attributes, ok := readSet(inner.Content)
		slices.SortFunc(attributes, func(a, b attribute) int { return bytes.Compare(a.canon, b.canon) })
		var b cryptobyte.Builder
		for _, a := range attributes { // each becomes a part of the name by itself
			b.AddASN1(asn1.SET, func(b *cryptobyte.Builder) { b.AddBytes(a.canon) })
		}
		return pointNames{directoryPrefix + issuer + string(b.BytesOrPanic())}, ok
	}
	return nil, false
}

// distributionPoint is where a certificate says that a list is.
type distributionPoint struct {
	names   pointNames // of the list; nil: none are said
	issuers pointNames // of the list; nil: that of the certificate
	reasons reasonSet  // that the list has
}

// distributionPoints are those of a certificate (RFC 5280, section 4.2.1.13).
// From one on that is at no place and of no issuer they have no reasons, for
// there OpenSSL stops to look at them.
func distributionPoints(cert *certificate) (all []distributionPoint) {
	i := slices.IndexFunc(cert.Extensions, func(e pkix.Extension) bool { return e.Id.String() == oidDistributionPoints })
	if i < 0 {
		return nil
	}
	list := cryptobyte.String(cert.Extensions[i].Value)
	if !list.ReadASN1(&list, asn1.SEQUENCE) {
		return nil
	}
	broken := false
	for !list.Empty() {
		var point cryptobyte.String
		if !list.ReadASN1(&point, asn1.SEQUENCE) {
			return nil
		}
		p, ok := readDistributionPoint(point, string(cert.issuer))
		if !ok {
			return nil
		}
		if broken = broken || p.names == nil && len(p.issuers) == 0; broken {
			p.reasons = 0
		}
		all = append(all, p)
	}
	return all
}

func readDistributionPoint(in cryptobyte.String, issuer string) (p distributionPoint, ok bool) {
	p.reasons, ok = allReasons, true
	part := func(tag asn1.Tag) (content cryptobyte.String, present bool) {
		ok = ok && in.ReadOptionalASN1(&content, &present, tag.ContextSpecific())
		return content, present && ok
	}
	point, hasPoint := part(asn1.Tag(0).Constructed())
	if bits, present := part(1); present {
		set, valid := bitsOf(bits)
		p.reasons, ok = reasonSet(set)&allReasons, valid
	}
	if list, present := part(asn1.Tag(2).Constructed()); present {
		p.issuers, ok = readNames(list)
	}
	if named := p.issuers.directories(); len(named) > 0 {
		issuer = named[0]
	}
	if ok && hasPoint {
		p.names, ok = readPoint(ber.TLV{Constructed: true, Content: point}, issuer)
	}
	return p, ok && in.Empty()
}
