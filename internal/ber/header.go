package ber

import "math"

// Universal tags.
const (
	Boolean         = 1
	Integer         = 2
	BitString       = 3
	OctetString     = 4
	Null            = 5
	Object          = 6
	Enumerated      = 10
	UTF8String      = 12
	SequenceTag     = 16
	SetTag          = 17
	NumericString   = 18
	PrintableString = 19
	T61String       = 20
	IA5String       = 22
	UTCTime         = 23
	GeneralizedTime = 24
	VisibleString   = 26
	UniversalString = 28
	BMPString       = 30
)

// Classes of tags, as the first byte of an encoding has them.
const (
	UniversalClass byte = 0x00
	ContextClass   byte = 0x80
	anyClass       byte = 0xff
)

const (
	classBits      = 0xc0
	constructedBit = 0x20
	longTag        = 0x1f
	indefiniteByte = 0x80
)

// Tag says what a value is.
type Tag struct {
	Class  byte // the first two bits of an encoding
	Number int
}

// encode puts contents into an encoding with this tag, which has one byte.
func (t Tag) encode(constructed bool, contents []byte) []byte {
	first := t.Class | byte(t.Number)
	if constructed {
		first |= constructedBit
	}
	n := len(contents)
	out := make([]byte, 0, n+6)
	out = append(out, first)
	switch {
	case n < 0x80:
		out = append(out, byte(n))
	case n < 0x100:
		out = append(out, 0x81, byte(n))
	case n < 0x10000:
		out = append(out, 0x82, byte(n>>8), byte(n))
	default:
		out = append(out, 0x84, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
		if n < 0x1000000 {
			out = append(out[:1], 0x83, byte(n>>16), byte(n>>8), byte(n))
		}
	}
	return append(out, contents...)
}

// Encode encodes a value of a universal type in DER.
func Encode(number int, contents ...[]byte) []byte {
	var all []byte
	for _, c := range contents {
		all = append(all, c...)
	}
	return Tag{UniversalClass, number}.encode(number == SequenceTag || number == SetTag, all)
}

// header is what an encoding begins with.
type header struct {
	Tag
	constructed, indefinite bool
	size                    int // of the header
	length                  int // of the contents; if it is indefinite, the most there may be
}

// header reads one. If the tag is not the expected one, an optional value is
// absent.
func (d *decoder) header(in []byte, expected Tag, optional bool) (header, state) {
	if len(in) == 0 {
		return header{}, d.raise(errTooSmall)
	}
	h, problem := parseHeader(in)
	if problem != "" {
		d.raise(problem)
		return h, d.raise(errBadHeader)
	}
	if expected.Class != anyClass && h.Tag != expected {
		if optional {
			return h, absent
		}
		return h, d.raise(errWrongTag)
	}
	return h, found
}

// parseHeader reads a header. A length may have more bytes than it needs.
func parseHeader(in []byte) (h header, problem string) {
	h.Class, h.constructed = in[0]&classBits, in[0]&constructedBit != 0
	h.Number = int(in[0] & longTag)
	rest := in[1:]
	if h.Number == longTag {
		h.Number = 0
		for more := true; more; {
			if len(rest) == 0 || h.Number > math.MaxInt32>>7 {
				return h, errHeaderTooLong
			}
			more = rest[0]&0x80 != 0
			h.Number, rest = h.Number<<7|int(rest[0]&0x7f), rest[1:]
		}
	}
	length, rest, ok := parseLength(rest)
	if !ok || length < 0 && !h.constructed {
		return h, errHeaderTooLong
	}
	h.size = len(in) - len(rest)
	switch {
	case length < 0:
		h.indefinite, h.length = true, len(rest)
	case length > len(rest):
		return h, errTooLong
	default:
		h.length = length
	}
	return h, ""
}

// parseLength reads a length; -1 is the indefinite one.
func parseLength(in []byte) (length int, rest []byte, ok bool) {
	if len(in) == 0 {
		return 0, nil, false
	}
	first := in[0]
	in = in[1:]
	if first == indefiniteByte {
		return -1, in, true
	}
	if first < 0x80 {
		return int(first), in, true
	}
	n := int(first & 0x7f)
	if n > len(in) {
		return 0, nil, false
	}
	for _, b := range in[:n] {
		if length > math.MaxInt>>8 {
			return 0, nil, false
		}
		length = length<<8 | int(b)
	}
	return length, in[n:], true
}

// body is the inside of a constructed value that is being read.
type body struct {
	in         []byte // what is left
	after      []byte // what follows it, if its length is known
	indefinite bool
	ended      bool // an end of contents has come
}

func (h header) body(in []byte) *body {
	contents := in[h.size:]
	if h.indefinite {
		return &body{in: contents, indefinite: true}
	}
	return &body{in: contents[:h.length], after: contents[h.length:]}
}

// endSize is the size of an end of contents.
const endSize = 2

func isEnd(in []byte) bool { return len(in) >= 2 && in[0] == 0 && in[1] == 0 }

// end takes an end of contents.
func (b *body) end(d *decoder) (ended bool, s state) {
	switch {
	case !isEnd(b.in):
		return false, found
	case !b.indefinite:
		return false, d.raise(errUnexpectedEnd)
	}
	b.in, b.ended = b.in[endSize:], true
	return true, found
}

// close looks whether all was read. What is left over is a mismatch.
func (b *body) close(d *decoder, mismatch string) state {
	switch {
	case b.ended:
	case b.indefinite && !isEnd(b.in):
		return d.raise(errMissingEnd)
	case b.indefinite:
		b.in, b.ended = b.in[endSize:], true
	case len(b.in) > 0:
		return d.raise(mismatch)
	}
	return found
}

// rest is what follows the value.
func (b *body) rest() []byte {
	if b.indefinite {
		return b.in
	}
	return b.after
}
