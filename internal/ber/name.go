package ber

import (
	"slices"
	"unicode/utf8"
)

// longestName is how many bytes OpenSSL looks at for a distinguished name.
const longestName = 1 << 20

// name reads a distinguished name. Its strings must be what they say they are.
func (d *decoder) name(in []byte, w want) (*Value, []byte, state) {
	discard := d.discard
	d.discard = false
	v, _, s := d.field(in[:min(len(in), longestName)], &w.of.Fields[0], w.optional, 1)
	d.discard = discard
	if s != found {
		return nil, nil, s
	}
	for _, set := range v.Parts {
		for _, attribute := range set.Parts {
			if problem := textProblem(attribute.Parts[1]); problem != "" {
				d.raise(problem)
				return nil, nil, d.raise(errNested)
			}
		}
	}
	v.Encoding = v.Raw
	return v, in[len(v.Raw):], found
}

// textProblem says why a part of a name cannot be compared with others.
func textProblem(v *Value) string {
	if _, ok := Text(v.Tag, v.Bytes); ok {
		return ""
	}
	switch v.Tag {
	case UTF8String:
		return errInvalidUTF8
	case BMPString, UniversalString:
		return errCharacters
	}
	return ""
}

// Text is the value of a string in UTF-8. Like OpenSSL it takes the bytes of
// IA5String and the like for characters of ISO 8859-1. False: it is none.
func Text(number int, contents []byte) (string, bool) {
	width := 1
	switch number {
	case UTF8String:
		return string(contents), utf8.Valid(contents)
	case NumericString, PrintableString, T61String, IA5String, VisibleString:
	case BMPString:
		width = 2
	case UniversalString:
		width = 4
	default:
		return "", false
	}
	b := make([]byte, 0, len(contents))
	for char := range slices.Chunk(contents, width) {
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
