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
	b := cryptobyte.NewBuilder(make([]byte, 0, len(raw)))
	for !name.Empty() {
		var set cryptobyte.String
		if !name.ReadASN1(&set, asn1.SET) {
			return nil, false
		}
		attributes, ok := canonicalAttributes(set)
		if !ok {
			return nil, false
		}
		if len(attributes) == 0 {
			continue
		}
		b.AddASN1(asn1.SET, func(b *cryptobyte.Builder) {
			for _, a := range attributes {
				b.AddBytes(a)
			}
		})
	}
	out, err := b.Bytes()
	return out, err == nil
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
		case asn1.SEQUENCE, asn1.BIT_STRING, asn1.Tag(18), 7, 8, 9, 11, 13, 14, 15, 29: // as they are: NumericString, and what is not a string
		default:
			if value, ok = utf8Of(tag, value); !ok {
				return nil, false
			}
			tag, value = asn1.UTF8String, canonicalText(value)
		}
		var b cryptobyte.Builder
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddBytes(id)
			b.AddASN1(tag, func(b *cryptobyte.Builder) { b.AddBytes(value) })
		})
		all = append(all, b.BytesOrPanic())
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
	case asn1.PrintableString, asn1.IA5String, asn1.T61String: // the last as Latin-1
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
	var out []byte
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
	const spaces = " \t\n\v\f\r"
	text = bytes.Trim(text, spaces)
	out := make([]byte, 0, len(text))
	for i, c := range text {
		switch {
		case bytes.IndexByte([]byte(spaces), c) < 0:
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			out = append(out, c)
		case bytes.IndexByte([]byte(spaces), text[i-1]) < 0: // i > 0: spaces around are gone
			out = append(out, ' ')
		}
	}
	return out
}
