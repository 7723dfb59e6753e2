package ber

import "slices"

// stringTags are those that a part of a name may have: some are not strings.
var stringTags = []int{
	BitString, 7, 8, 9, 11, UTF8String, 13, 14, 15, SequenceTag, NumericString, PrintableString, T61String, IA5String,
	UniversalString, 29, BMPString,
}

var timeTags = []int{UTCTime, GeneralizedTime}

// anyOf reads a value that may have one of several tags.
func (d *decoder) anyOf(in []byte, w want, tags []int) (*Value, []byte, state) {
	h, s := d.header(in, Tag{Class: anyClass}, false)
	universal := h.Class == UniversalClass
	switch {
	case s == failed:
		d.raise(errNested)
	case universal && slices.Contains(tags, h.Number):
		return d.primitive(in, want{of: &Type{Name: w.of.Name, Tag: h.Number}})
	case w.optional:
		return nil, nil, absent
	case !universal:
		d.raise(errNotUniversal)
	default:
		d.raise(errStringTag)
	}
	return nil, nil, d.note("Type=" + w.of.Name)
}

// primitive reads a value of a type without fields.
func (d *decoder) primitive(in []byte, w want) (*Value, []byte, state) {
	number := w.of.Tag
	expected := Tag{UniversalClass, number}
	switch {
	case number == AnyTag:
		expected.Class = anyClass
	case w.implicit:
		expected = Tag{ContextClass, w.tag}
	}
	h, s := d.header(in, expected, w.optional)
	switch s {
	case absent:
		return nil, nil, absent
	case failed:
		return nil, nil, d.raise(errNested)
	}
	other := number == AnyTag && h.Class != UniversalClass
	if number == AnyTag {
		number = h.Number
	}
	if other || number == SequenceTag || number == SetTag {
		return d.raw(in, h, other)
	}
	contents, rest, s := d.contents(in, h, number)
	if s == failed {
		return nil, nil, failed
	}
	if problem := contentsProblem(number, contents); problem != "" && !w.of.Unchecked {
		return nil, nil, d.raise(problem)
	}
	if number == BitString && len(contents) > 1 && contents[0] > 0 {
		contents = slices.Clone(contents)
		contents[len(contents)-1] &= 0xff << contents[0]
	}
	v := &Value{Tag: number, Bytes: contents, Encoding: in[:len(in)-len(rest)]}
	if h.Number < longTag {
		v.Encoding = h.Tag.encode(false, contents)
	}
	return v, rest, found
}

// raw takes a value as it is.
func (d *decoder) raw(in []byte, h header, other bool) (*Value, []byte, state) {
	if !other && !h.constructed {
		return nil, nil, d.raise(errNotConstructed)
	}
	end := h.size + h.length
	if h.indefinite {
		rest, s := d.findEnd(in[h.size:])
		if s == failed {
			return nil, nil, failed
		}
		end = len(in) - len(rest)
	}
	return &Value{Tag: h.Number, Bytes: in[:end], Encoding: in[:end]}, in[end:], found
}

// findEnd looks for the end of contents of an indefinite length.
func (d *decoder) findEnd(in []byte) (rest []byte, s state) {
	for open := 1; len(in) > 0; {
		if isEnd(in) {
			in = in[endSize:]
			if open--; open == 0 {
				return in, found
			}
			continue
		}
		h, s := d.header(in, Tag{Class: anyClass}, false)
		if s == failed {
			return nil, d.raise(errNested)
		}
		in = in[h.size:]
		if h.indefinite {
			open++
		} else {
			in = in[h.length:]
		}
	}
	return nil, d.raise(errMissingEnd)
}

// contents are those of a simple type, the pieces of a string put together.
func (d *decoder) contents(in []byte, h header, number int) (contents, rest []byte, s state) {
	if !h.constructed {
		return in[h.size : h.size+h.length], in[h.size+h.length:], found
	}
	if !mayBeInPieces(number) {
		return nil, nil, d.raise(errNotPrimitive)
	}
	b := h.body(in)
	contents, s = d.pieces(b, nil, 0)
	return contents, b.rest(), s
}

// mayBeInPieces reports whether a type is one of strings, or one that is not
// known.
func mayBeInPieces(number int) bool {
	switch number {
	case Null, Boolean, Object, Integer, Enumerated:
		return false
	}
	return true
}

// maxPieces is how deep strings may be nested in strings.
const maxPieces = 5

func (d *decoder) pieces(b *body, all []byte, depth int) ([]byte, state) {
	for len(b.in) > 0 {
		if end, s := b.end(d); s == failed {
			return nil, failed
		} else if end {
			return all, found
		}
		h, s := d.header(b.in, Tag{Class: anyClass}, false)
		switch {
		case s == failed:
			return nil, d.raise(errNested)
		case h.constructed && depth >= maxPieces:
			return nil, d.raise(errNestedString)
		}
		inner := h.body(b.in)
		if !h.constructed {
			all = append(all, inner.in...)
		} else if all, s = d.pieces(inner, all, depth+1); s == failed {
			return nil, failed
		}
		b.in = inner.rest()
	}
	if b.indefinite {
		return nil, d.raise(errMissingEnd)
	}
	return all, found
}

// ValidContents reports whether bytes may be the contents of a value with a
// universal tag.
func ValidContents(number int, c []byte) bool { return contentsProblem(number, c) == "" }

// contentsProblem says what is wrong with the contents of a type.
func contentsProblem(number int, c []byte) string {
	switch {
	case number == Object:
		return objectProblem(c)
	case number == Integer, number == Enumerated:
		return integerProblem(c)
	case number == Null && len(c) > 0:
		return errNullLength
	case number == Boolean && len(c) != 1:
		return errBooleanLength
	case number == BitString && len(c) == 0:
		return errStringTooShort
	case number == BitString && c[0] > 7:
		return errBitsLeft
	case number == BMPString && len(c)%2 != 0:
		return errBMPLength
	case number == UniversalString && len(c)%4 != 0:
		return errUniversalLength
	}
	return ""
}

func objectProblem(c []byte) string {
	if len(c) == 0 || c[len(c)-1]&0x80 != 0 {
		return errObject
	}
	for i, b := range c { // no number may begin with zeros
		if b == 0x80 && (i == 0 || c[i-1]&0x80 == 0) {
			return errObject
		}
	}
	return ""
}

// integerProblem says what is wrong with an integer. It must not be longer than
// it needs to be.
func integerProblem(c []byte) string {
	switch {
	case len(c) == 0:
		return errZeroContent
	case len(c) > 1 && (c[0] == 0 && c[1] < 0x80 || c[0] == 0xff && c[1] >= 0x80):
		return errPadding
	}
	return ""
}
