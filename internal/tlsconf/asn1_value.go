package tlsconf

import (
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

// asn1Header is what an encoding begins with.
type asn1Header struct {
	asn1Tag
	constructed bool
	indefinite  bool   // the end is marked in the contents
	content     []byte // if indefinite, with all that follows
	rest        []byte // what follows, unless indefinite
}

func isEndOfContents(in []byte) bool { return len(in) >= 2 && in[0] == 0 && in[1] == 0 }

// header reads the tag and length of an encoding with a certain tag.
func (d *asn1Decoder) header(in []byte, want asn1Tag, optional bool) (*asn1Header, asn1Result) {
	if len(in) == 0 {
		d.fail(0xE0, "too small")
		return nil, asn1Failed
	}
	h := &asn1Header{constructed: in[0]&0x20 != 0}
	h.class, h.tag = int(in[0]>>6), int(in[0]&0x1f)
	rest := in[1:]
	ok := true
	if h.tag == 0x1f {
		h.tag, rest, ok = longTag(rest)
	}
	length := 0
	if ok {
		length, rest, ok = h.length(rest)
	}
	switch {
	case !ok || h.indefinite && !h.constructed:
		d.fail(0x7B, "header too long")
		d.fail(0x66, "bad object header")
		return nil, asn1Failed
	case length > len(rest):
		d.fail(0x9B, "too long")
		d.fail(0x66, "bad object header")
		return nil, asn1Failed
	case want.tag >= 0 && want != h.asn1Tag && optional:
		return nil, asn1Absent
	case want.tag >= 0 && want != h.asn1Tag:
		d.fail(0xA8, "wrong tag")
		return nil, asn1Failed
	}
	h.content = rest
	if !h.indefinite {
		h.content, h.rest = rest[:length], rest[length:]
	}
	return h, asn1OK
}

// longTag reads a tag above 30.
func longTag(in []byte) (tag int, rest []byte, ok bool) {
	for i, b := range in {
		if tag > 1<<24 {
			break
		}
		tag = tag<<7 | int(b&0x7f)
		if b < 0x80 {
			return tag, in[i+1:], true
		}
	}
	return 0, nil, false
}

// length reads the length of an encoding.
func (h *asn1Header) length(in []byte) (length int, rest []byte, ok bool) {
	switch {
	case len(in) == 0:
		return 0, nil, false
	case in[0] == 0x80:
		h.indefinite = true
		return 0, in[1:], true
	case in[0] < 0x80:
		return int(in[0]), in[1:], true
	}
	size := int(in[0] & 0x7f)
	if len(in)-1 < size {
		return 0, nil, false
	}
	digits, rest := in[1:1+size], in[1+size:]
	for len(digits) > 0 && digits[0] == 0 {
		digits = digits[1:]
	}
	if len(digits) > 8 || len(digits) == 8 && digits[0] >= 0x80 {
		return 0, nil, false
	}
	for _, b := range digits {
		length = length<<8 | int(b)
	}
	return length, rest, true
}

// value reads what is no sequence of fields.
func (d *asn1Decoder) value(in []byte, it *asn1Item, tag asn1Tag, optional bool) ([]byte, asn1Result) {
	kind := 0
	switch it.kind {
	case asn1Any:
		h, result := d.header(in, asn1Tag{tag: -1}, false)
		if result == asn1Failed {
			return d.nested()
		}
		tag = h.asn1Tag
		kind = tag.tag
		if tag.class != classUniversal {
			kind, tag = -1, asn1Tag{tag: -1}
		}
	case asn1Choice:
		kind = tag.tag
	default:
		kind = it.tags[0]
		if tag.tag < 0 {
			tag = asn1Tag{classUniversal, kind}
		}
	}
	h, result := d.header(in, tag, optional)
	switch result {
	case asn1Failed:
		return d.nested()
	case asn1Absent:
		return nil, asn1Absent
	}
	return d.content(h, it, kind)
}

// content reads the contents of a value of a universal type; -1: of another.
func (d *asn1Decoder) content(h *asn1Header, it *asn1Item, kind int) ([]byte, asn1Result) {
	primitive := []int{tagNull, tagBoolean, tagObject, tagInteger, tagEnumerated}
	switch {
	case kind == -1 || kind == tagSequence || kind == tagSet:
		if kind != -1 && !h.constructed {
			return d.fail(0x9C, "type not constructed")
		}
		if h.indefinite {
			return d.findEnd(h.content)
		}
		return h.rest, asn1OK
	case h.constructed && slices.Contains(primitive, kind):
		return d.fail(0xC3, "type not primitive")
	}
	content, rest := h.content, h.rest
	if h.constructed {
		var after []byte
		var ok bool
		if content, after, ok = d.collect(nil, h, 0); !ok {
			return nil, asn1Failed
		}
		if h.indefinite {
			rest = after
		}
	}
	if it.name == "ASN1_PRINTABLE" && d.text == "" {
		d.text = problemOfString(kind, content)
	}
	if reason, words := problemOfValue(kind, content); words != "" && !it.lax {
		return d.fail(reason, words)
	}
	return rest, asn1OK
}

// findEnd returns what follows the end of contents of an indefinite length.
func (d *asn1Decoder) findEnd(in []byte) ([]byte, asn1Result) {
	for open := 1; len(in) > 0; {
		if isEndOfContents(in) {
			in = in[2:]
			if open--; open == 0 {
				return in, asn1OK
			}
			continue
		}
		h, result := d.header(in, asn1Tag{tag: -1}, false)
		switch {
		case result == asn1Failed:
			return d.nested()
		case h.indefinite:
			open++
			in = h.content
		default:
			in = h.rest
		}
	}
	return d.fail(0x89, "missing eoc")
}

// maxStringNest is how deep the parts of a string may be in one another.
const maxStringNest = 5

// collect puts the parts of a string together.
func (d *asn1Decoder) collect(text []byte, h *asn1Header, depth int) (all, rest []byte, ok bool) {
	in := h.content
	for len(in) > 0 {
		if isEndOfContents(in) {
			if !h.indefinite {
				d.fail(0x9F, "unexpected eoc")
				return nil, nil, false
			}
			return text, in[2:], true
		}
		part, result := d.header(in, asn1Tag{tag: -1}, false)
		if result == asn1Failed {
			d.nested()
			return nil, nil, false
		}
		in = part.rest
		if !part.constructed {
			text = append(text, part.content...)
			continue
		}
		if depth >= maxStringNest {
			d.fail(0xC5, "nested asn1 string")
			return nil, nil, false
		}
		var after []byte
		if text, after, ok = d.collect(text, part, depth+1); !ok {
			return nil, nil, false
		}
		if part.indefinite {
			in = after
		}
	}
	if h.indefinite {
		d.fail(0x89, "missing eoc")
		return nil, nil, false
	}
	return text, h.rest, true
}

// problemOfValue is what OpenSSL has against the contents of a value; no words:
// nothing.
func problemOfValue(kind int, b []byte) (reason int, words string) {
	switch {
	case kind == tagObject && !isObject(b):
		return 0xD8, "invalid object encoding"
	case kind == tagNull && len(b) > 0:
		return 0x90, "null is wrong length"
	case kind == tagBoolean && len(b) != 1:
		return 0x6A, "boolean is wrong length"
	case kind == tagBitString && len(b) == 0:
		return 0x98, "string too short"
	case kind == tagBitString && b[0] > 7:
		return 0xDC, "invalid bit string bits left"
	case (kind == tagInteger || kind == tagEnumerated) && len(b) == 0:
		return 0xDE, "illegal zero content"
	case (kind == tagInteger || kind == tagEnumerated) && isPadded(b):
		return 0xDD, "illegal padding"
	case kind == tagBMPString && len(b)%2 != 0:
		return 0xD6, "bmpstring is wrong length"
	case kind == tagUniversalString && len(b)%4 != 0:
		return 0xD7, "universalstring is wrong length"
	}
	return 0, ""
}

// isObject reports whether b encodes an object identifier.
func isObject(b []byte) bool {
	if len(b) == 0 || b[len(b)-1] >= 0x80 {
		return false
	}
	for i := range b {
		if b[i] == 0x80 && (i == 0 || b[i-1] < 0x80) {
			return false
		}
	}
	return true
}

// isPadded reports whether an integer has a byte more than it needs.
func isPadded(b []byte) bool {
	return len(b) > 1 && (b[0] == 0 && b[1] < 0x80 || b[0] == 0xff && b[1] >= 0x80)
}

// problemOfString is why a string of a name cannot be compared with others;
// empty: it can.
func problemOfString(kind int, b []byte) string {
	const utf8Error, characterError = "error:06800086:asn1 encoding routines::invalid utf8string", "error:0680007C:asn1 encoding routines::illegal characters"
	switch kind {
	case tagUTF8String:
		if !utf8.Valid(b) {
			return utf8Error
		}
	case tagBMPString:
		for i := 0; i+1 < len(b); i += 2 {
			if utf16.IsSurrogate(rune(b[i])<<8 | rune(b[i+1])) {
				return characterError
			}
		}
	case tagUniversalString:
		for i := 0; i+3 < len(b); i += 4 {
			r := uint32(b[i])<<24 | uint32(b[i+1])<<16 | uint32(b[i+2])<<8 | uint32(b[i+3])
			if r > utf8.MaxRune || !utf8.ValidRune(rune(r)) {
				return characterError
			}
		}
	}
	return ""
}
