package pki

// crl_ber.go - reading encodings as OpenSSL does, which takes BER where RFC 5280
// asks for DER: lengths that are longer than they need be or indefinite, and
// strings in pieces.

import (
	"math"

	"golang.org/x/crypto/cryptobyte/asn1"
)

// tlv is an encoded value: its tag, and the contents.
type tlv struct {
	tag         tlvTag
	constructed bool
	content     []byte // without the octets that end an indefinite length
}

// tlvTag is the number of a tag, with its class above. Numbers of package asn1
// are those of universal tags.
type tlvTag uint64

const (
	tlvClassShift        = 32
	tlvContext    tlvTag = 2 << tlvClassShift // [0], if nothing is added
)

// readTLV reads the value that in begins with.
func readTLV(in []byte) (v tlv, rest []byte, ok bool) {
	if len(in) < 2 {
		return v, nil, false
	}
	v.tag = tlvTag(in[0]>>6)<<tlvClassShift | tlvTag(in[0]&0x1f)
	v.constructed = in[0]&0x20 != 0
	rest = in[1:]
	if in[0]&0x1f == 0x1f {
		var number tlvTag
		if number, rest, ok = readLongTag(rest); !ok {
			return v, nil, false
		}
		v.tag = v.tag>>tlvClassShift<<tlvClassShift | number
	}
	if len(rest) == 0 {
		return v, nil, false
	}
	length, rest := int(rest[0]), rest[1:]
	switch {
	case length == 0x80:
		return v.toItsEnd(rest)
	case length > 0x80:
		if length, rest, ok = readLongLength(length&0x7f, rest); !ok {
			return v, nil, false
		}
	}
	if length > len(rest) {
		return v, nil, false
	}
	v.content = rest[:length]
	return v, rest[length:], true
}

func readLongTag(in []byte) (number tlvTag, rest []byte, ok bool) {
	for i, b := range in {
		number = number<<7 | tlvTag(b&0x7f)
		switch {
		case b < 0x80:
			return number, in[i+1:], true
		case number > math.MaxInt32>>7:
			return 0, nil, false
		}
	}
	return 0, nil, false
}

func readLongLength(size int, in []byte) (length int, rest []byte, ok bool) {
	if size > len(in) {
		return 0, nil, false
	}
	for _, b := range in[:size] {
		if length > math.MaxInt>>8 {
			return 0, nil, false
		}
		length = length<<8 | int(b)
	}
	return length, in[size:], true
}

// toItsEnd completes a value of indefinite length, of which in are the contents
// and what follows.
func (v tlv) toItsEnd(in []byte) (tlv, []byte, bool) {
	if !v.constructed {
		return v, nil, false
	}
	rest := in
	for open := 1; ; {
		if isEndOfContents(rest) {
			if open--; open == 0 {
				v.content = in[:len(in)-len(rest)]
				return v, rest[2:], true
			}
			rest = rest[2:]
			continue
		}
		size, indefinite, ok := skipHeader(rest)
		if !ok {
			return v, nil, false
		}
		if indefinite {
			open++
		}
		rest = rest[size:]
	}
}

// skipHeader returns the size of a value, or that of its header if its length is
// indefinite.
func skipHeader(in []byte) (size int, indefinite, ok bool) {
	header := 1
	if len(in) > 0 && in[0]&0x1f == 0x1f {
		_, rest, ok := readLongTag(in[1:])
		if !ok {
			return 0, false, false
		}
		header = len(in) - len(rest)
	}
	if header < len(in) && in[header] == 0x80 {
		return header + 1, true, in[0]&0x20 != 0
	}
	_, rest, ok := readTLV(in)
	return len(in) - len(rest), false, ok
}

func isEndOfContents(in []byte) bool { return len(in) >= 2 && in[0] == 0 && in[1] == 0 }

// maxPieces is how deep the pieces of a string may be in one another.
const maxPieces = 5

// text is the contents of a string, which may be in pieces.
func (v tlv) text() ([]byte, bool) {
	if !v.constructed {
		return v.content, true
	}
	return joinPieces(nil, v.content, 0)
}

func joinPieces(text, in []byte, depth int) ([]byte, bool) {
	for len(in) > 0 {
		piece, rest, ok := readTLV(in)
		switch {
		case !ok || isEndOfContents(in) || piece.constructed && depth == maxPieces:
			return nil, false
		case !piece.constructed:
			text = append(text, piece.content...)
		default:
			if text, ok = joinPieces(text, piece.content, depth+1); !ok {
				return nil, false
			}
		}
		in = rest
	}
	return text, true
}

// is reports whether v has a universal tag.
func (v tlv) is(tag asn1.Tag) bool { return v.tag == tlvTag(tag&0x1f) }

// Tags that package asn1 does not name.
const (
	tlvUniversalString = 28
	tlvBMPString       = 30
)

// valid reports whether the contents may be those of a value with the universal
// tag number.
func (v tlv) valid(number tlvTag) bool {
	switch asn1.Tag(number) {
	case asn1.BOOLEAN:
		return !v.constructed && len(v.content) == 1
	case asn1.NULL:
		return !v.constructed && len(v.content) == 0
	case asn1.INTEGER, asn1.ENUM:
		return !v.constructed && isInteger(v.content)
	case asn1.OBJECT_IDENTIFIER:
		return !v.constructed && validID(v.content)
	case asn1.SEQUENCE & 0x1f, asn1.SET & 0x1f:
		return v.constructed
	}
	text, ok := v.text()
	switch asn1.Tag(number) {
	case asn1.BIT_STRING:
		return ok && len(text) > 0 && text[0] < 8
	case tlvBMPString:
		return ok && len(text)%2 == 0
	case tlvUniversalString:
		return ok && len(text)%4 == 0
	}
	return ok
}

// isInteger reports whether an integer has a byte, and none too many.
func isInteger(b []byte) bool {
	if len(b) < 2 {
		return len(b) == 1
	}
	return (b[0] != 0 || b[1] >= 0x80) && (b[0] != 0xff || b[1] < 0x80)
}
