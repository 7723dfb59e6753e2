package pki

import (
	"bytes"
	"slices"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// canonicalName encodes a distinguished name anew such that names which OpenSSL
// takes for equal have equal bytes: strings are UTF-8 in small letters, with
// single spaces between words and none around them. There is no outer SEQUENCE,
// so that a name begins with the bytes of another if it is below that in the
// tree. False: raw cannot be read as a name.
func canonicalName(raw []byte) ([]byte, bool) {
	in := cryptobyte.String(raw)
	var name cryptobyte.String
	if !in.ReadASN1(&name, asn1.SEQUENCE) {
		return nil, false
	}
	out := make([]byte, 0, len(raw))
	for !name.Empty() {
		var set cryptobyte.String
		if !name.ReadASN1(&set, asn1.SET) {
			return nil, false
		}
		attributes, ok := canonicalAttributes(set)
		if !ok {
			return nil, false
		}
		if len(attributes) > 0 {
			out = appendElement(out, asn1.SET, attributes...)
		}
	}
	return out, true
}

// appendElement encodes an element of several parts.
func appendElement(to []byte, tag asn1.Tag, parts ...[]byte) []byte {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	to = append(to, byte(tag))
	switch {
	case n < 0x80:
		to = append(to, byte(n))
	case n < 0x10000:
		to = append(to, 0x82, byte(n>>8), byte(n))
	default:
		to = append(to, 0x84, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	for _, p := range parts {
		to = append(to, p...)
	}
	return to
}

// canonicalAttributes encodes what is in a relative distinguished name, in the
// order that DER wants of a set.
func canonicalAttributes(set cryptobyte.String) (all [][]byte, ok bool) {
	for !set.Empty() {
		var attribute, id, value cryptobyte.String
		var tag asn1.Tag
		if !set.ReadASN1(&attribute, asn1.SEQUENCE) || !attribute.ReadASN1Element(&id, asn1.OBJECT_IDENTIFIER) ||
			!attribute.ReadAnyASN1(&value, &tag) || !attribute.Empty() {
			return nil, false
		}
		switch tag {
		case asn1.SEQUENCE, asn1.BIT_STRING, asn1.Tag(18): // and NumericString: as they are
		default:
			if value, ok = utf8Of(tag, value); !ok {
				return nil, false
			}
			tag, value = asn1.UTF8String, canonicalText(value)
		}
		value = appendElement(make([]byte, 0, len(value)+6), tag, value)
		all = append(all, appendElement(make([]byte, 0, len(id)+len(value)+6), asn1.SEQUENCE, id, value))
	}
	slices.SortFunc(all, bytes.Compare)
	return all, true
}

// utf8Of is the value of a string type in UTF-8.
func utf8Of(tag asn1.Tag, value []byte) ([]byte, bool) {
	width := 1
	switch tag {
	case asn1.UTF8String:
		return value, utf8.Valid(value)
	case asn1.PrintableString, asn1.IA5String, asn1.T61String: // as Latin-1
	case tagBMPString:
		width = 2
	case tagUniversalString:
		width = 4
	default:
		return nil, false
	}
	if len(value)%width != 0 {
		return nil, false
	}
	out := make([]byte, 0, len(value)+8)
	for part := range slices.Chunk(value, width) {
		var r rune
		for _, b := range part {
			r = r<<8 | rune(b)
		}
		if !utf8.ValidRune(r) {
			return nil, false
		}
		out = utf8.AppendRune(out, r)
	}
	return out, true
}

// tagBMPString is a tag that package cryptobyte does not name.
const tagBMPString = 30

// canonicalText makes letters of ASCII small and spaces single.
func canonicalText(text []byte) []byte {
	text = bytes.Trim(text, " \t\n\v\f\r")
	out := make([]byte, 0, len(text))
	for i, c := range text {
		switch {
		case !isSpace(c):
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			out = append(out, c)
		case !isSpace(text[i-1]): // i > 0: spaces around are gone
			out = append(out, ' ')
		}
	}
	return out
}

func isSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }
