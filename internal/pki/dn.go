package pki

// dn.go - distinguished names: their attributes, the texts of these, and
// whether two names are the same.

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// attribute is a part of a distinguished name.
type attribute struct {
	set   int    // which relative distinguished name it stands in
	id    string // its object identifier, as it is encoded
	tag   asn1.Tag
	value []byte
	canon []byte // what counts in a comparison, see canonical
}

// Identifiers of attributes, as they are encoded.
const (
	idCommonName   = "\x55\x04\x03"
	idEmailAddress = "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01"
)

// Tags that package asn1 does not name.
const (
	tagNumericString   asn1.Tag = 18
	tagVisibleString   asn1.Tag = 26
	tagUniversalString asn1.Tag = 28
	tagBMPString       asn1.Tag = 30
)

// readName reads an encoded distinguished name. False: it is malformed.
func readName(der []byte) (name []attribute, ok bool) {
	input := cryptobyte.String(der)
	var sets, set cryptobyte.String
	if !input.ReadASN1(&sets, asn1.SEQUENCE) || !input.Empty() {
		return nil, false
	}
	for n := 0; !sets.Empty(); n++ {
		if !sets.ReadASN1(&set, asn1.SET) {
			return nil, false
		}
		attributes, ok := readSet(set, n)
		if !ok {
			return nil, false
		}
		name = append(name, attributes...)
	}
	return name, true
}

// readSet reads the attributes of the n-th relative distinguished name.
func readSet(set cryptobyte.String, n int) (all []attribute, ok bool) {
	for !set.Empty() {
		a := attribute{set: n}
		var pair, id, value cryptobyte.String
		if !set.ReadASN1(&pair, asn1.SEQUENCE) || !pair.ReadASN1(&id, asn1.OBJECT_IDENTIFIER) || !validID(id) ||
			!pair.ReadAnyASN1(&value, &a.tag) || !pair.Empty() || !mayBeAttribute(a.tag) || !validValue(a.tag, value) {
			return nil, false
		}
		a.id, a.value = string(id), value
		if a.canon, ok = a.canonical(); !ok {
			return nil, false
		}
		all = append(all, a)
	}
	return all, true
}

// mayBeAttribute reports whether OpenSSL takes a type for that of an attribute:
// strings other than those of octets, and types that it does not know.
func mayBeAttribute(tag asn1.Tag) bool {
	switch tag {
	case asn1.UTF8String, tagNumericString, asn1.PrintableString, asn1.T61String, asn1.IA5String, tagUniversalString, tagBMPString,
		asn1.BIT_STRING, asn1.SEQUENCE, 7, 8, 9, 11, 13, 14, 15, 29:
		return true
	}
	return false
}

// text is the value of a string in UTF-8. Like OpenSSL it takes the bytes of
// IA5String and the like for characters of ISO 8859-1. False: it is none.
func (a *attribute) text() (string, bool) {
	width := 1
	switch a.tag {
	case asn1.UTF8String:
		return string(a.value), utf8.Valid(a.value)
	case tagNumericString, asn1.PrintableString, asn1.T61String, asn1.IA5String, tagVisibleString:
	case tagBMPString:
		width = 2
	case tagUniversalString:
		width = 4
	default:
		return "", false
	}
	var b []byte
	for char := range slices.Chunk(a.value, width) {
		var r rune
		for _, c := range char {
			r = r<<8 | rune(c)
		}
		if len(char) < width || !utf8.ValidRune(r) {
			return "", false
		}
		b = utf8.AppendRune(b, r)
	}
	return string(b), true
}

// canonical encodes the attribute so that two of them are the same if their
// encodings are: texts in UTF-8, with small letters and single spaces (RFC 5280,
// section 7.1, as far as OpenSSL goes).
func (a *attribute) canonical() ([]byte, bool) {
	tag, value := a.tag, a.value
	switch tag {
	case asn1.UTF8String, asn1.PrintableString, asn1.T61String, asn1.IA5String, tagVisibleString, tagBMPString, tagUniversalString:
		text, ok := a.text()
		if !ok {
			return nil, false
		}
		words := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r >= '\t' && r <= '\r' })
		tag, value = asn1.UTF8String, []byte(lowerASCII(strings.Join(words, " ")))
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.OBJECT_IDENTIFIER, func(b *cryptobyte.Builder) { b.AddBytes([]byte(a.id)) })
		b.AddASN1(tag, func(b *cryptobyte.Builder) { b.AddBytes(value) })
	})
	return b.BytesOrPanic(), true
}

// canonicalOf joins the canonical parts of a name, so that a name which begins
// with another is below it in the directory.
func canonicalOf(name []attribute) []byte {
	var b cryptobyte.Builder
	for len(name) > 0 {
		n := 1
		for n < len(name) && name[n].set == name[0].set {
			n++
		}
		var parts [][]byte
		for _, a := range name[:n] {
			parts = append(parts, a.canon)
		}
		slices.SortFunc(parts, bytes.Compare)
		b.AddASN1(asn1.SET, func(b *cryptobyte.Builder) { b.AddBytes(bytes.Join(parts, nil)) })
		name = name[n:]
	}
	return b.BytesOrPanic()
}

// canonicalName reads an encoded distinguished name; two are the same for OpenSSL
// if the results are. False: it is malformed.
func canonicalName(der []byte) ([]byte, bool) {
	name, ok := readName(der)
	return canonicalOf(name), ok
}
