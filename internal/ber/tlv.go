package ber

import "math/big"

// TLV is an encoded value: its tag, and the contents. Where there are very many
// of them, reading one after the other takes less than [Decode].
type TLV struct {
	Tag
	Constructed bool
	Content     []byte // without the octets that end an indefinite length
}

// ReadTLV reads the value that in begins with.
func ReadTLV(in []byte) (v TLV, rest []byte, ok bool) {
	if len(in) == 0 {
		return v, nil, false
	}
	if len(in) > 1 && in[0]&longTag < longTag && in[1] < 0x80 && int(in[1]) <= len(in)-2 { // as most are
		end := 2 + int(in[1])
		return TLV{Tag{in[0] & classBits, int(in[0] & longTag)}, in[0]&constructedBit != 0, in[2:end]}, in[end:], true
	}
	h, problem := parseHeader(in)
	if problem != "" {
		return v, nil, false
	}
	v.Tag, v.Constructed, rest = h.Tag, h.constructed, in[h.size:]
	if !h.indefinite {
		v.Content = rest[:h.length]
		return v, rest[h.length:], true
	}
	after, s := new(decoder).findEnd(rest)
	if s == failed {
		return v, nil, false
	}
	v.Content = rest[:len(rest)-len(after)-endSize]
	return v, after, true
}

// Is reports whether v has a universal tag.
func (v TLV) Is(number int) bool { return v.Class == UniversalClass && v.Number == number }

// Text is the contents of a string, which may be in pieces. False: it is
// malformed.
func (v TLV) Text() ([]byte, bool) {
	if !v.Constructed {
		return v.Content, true
	}
	all, s := new(decoder).pieces(&body{in: v.Content}, nil, 0)
	return all, s == found
}

// Valid reports whether the contents may be those of a value with a universal
// tag, whichever v has.
func (v TLV) Valid(number int) bool {
	switch {
	case number == SequenceTag || number == SetTag:
		return v.Constructed
	case v.Constructed && !mayBeInPieces(number):
		return false
	}
	contents, ok := v.Text()
	return ok && ValidContents(number, contents)
}

// BigInt is the number that the contents of an INTEGER are; 0 if there are none.
func BigInt(contents []byte) *big.Int {
	n := new(big.Int).SetBytes(contents)
	if len(contents) > 0 && contents[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(contents))))
	}
	return n
}
