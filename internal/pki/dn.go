package pki

// dn.go - distinguished names: their attributes, the texts of these, and
// whether two names are the same.

import (
	"bytes"
	"slices"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gostream/gostream/internal/ber"
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

// readName reads an encoded distinguished name. False: it is malformed.
func readName(der []byte) (name []attribute, ok bool) {
	v, rest, problems := ber.Decode(der, ber.NameType)
	if problems != nil || len(rest) > 0 {
		return nil, false
	}
	return attributesOf(v), true
}

// attributesOf are the attributes of a distinguished name.
func attributesOf(name *ber.Value) (all []attribute) {
	for n, set := range name.Parts {
		all = append(all, attributesIn(set, n)...)
	}
	return all
}

// attributesIn are those of the n-th relative distinguished name.
func attributesIn(set *ber.Value, n int) (all []attribute) {
	for _, pair := range set.Parts {
		value := pair.Field("value")
		a := attribute{set: n, id: string(pair.Field("object").Bytes), tag: asn1.Tag(value.Tag), value: value.Bytes}
		if value.Tag == ber.SequenceTag {
			inner, _, _ := ber.ReadTLV(value.Bytes)
			a.tag, a.value = asn1.SEQUENCE, inner.Content
		}
		a.canon = a.canonical()
		all = append(all, a)
	}
	return all
}

// readSet reads the contents of a relative distinguished name.
func readSet(contents []byte) (all []attribute, ok bool) {
	v, _, problems := ber.Decode(ber.Encode(ber.SetTag, contents), ber.RelativeNameType)
	if problems != nil {
		return nil, false
	}
	return attributesIn(v, 0), true
}

// text is the value of a string in UTF-8. False: it is none.
func (a *attribute) text() (string, bool) { return ber.Text(int(a.tag), a.value) }

// canonical encodes the attribute so that two of them are the same if their
// encodings are: texts in UTF-8, with small letters and single spaces (RFC 5280,
// section 7.1, as far as OpenSSL goes).
func (a *attribute) canonical() []byte {
	tag, value := a.tag, a.value
	if text, ok := a.text(); ok && tag != ber.NumericString {
		words := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r >= '\t' && r <= '\r' })
		tag, value = asn1.UTF8String, []byte(lowerASCII(strings.Join(words, " ")))
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.OBJECT_IDENTIFIER, func(b *cryptobyte.Builder) { b.AddBytes([]byte(a.id)) })
		b.AddASN1(tag, func(b *cryptobyte.Builder) { b.AddBytes(value) })
	})
	return b.BytesOrPanic()
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
