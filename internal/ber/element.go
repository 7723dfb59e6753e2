package ber

import "math"

var errNotEnough = Error(142, "not enough data")

// Element returns the value that a file begins with, whatever it is, and no more
// than that. If there is none it returns OpenSSL's errors; about an empty file it
// has nothing to say.
func Element(text []byte) (element []byte, problems []string) {
	if len(text) == 0 {
		return nil, nil
	}
	rest := text
	for open := 0; ; {
		if problem := incomplete(rest); problem != "" {
			return nil, []string{problem}
		}
		h, problem := parseHeader(rest)
		switch {
		case problem == errTooLong:
			return nil, []string{tooLong(rest)}
		case problem != "":
			return nil, []string{problem}
		}
		rest = rest[h.size:]
		switch {
		case h.indefinite:
			open++
			continue
		case open > 0 && h.length == 0 && h.Number == 0:
			open--
		default:
			rest = rest[h.length:]
		}
		if open == 0 {
			return text[:len(text)-len(rest)], nil
		}
	}
}

// incomplete says what is wrong with a header of which a part may be missing.
func incomplete(in []byte) string {
	const mostTagBytes, mostLengthBytes = 5, 8
	if len(in) < 2 {
		return errNotEnough
	}
	rest := in[1:]
	if in[0]&longTag == longTag {
		n := 1
		for ; n < len(rest) && rest[n-1]&0x80 != 0; n++ {
			if n >= mostTagBytes {
				return errHeaderTooLong
			}
		}
		rest = rest[n:]
	}
	if len(rest) == 0 {
		return errNotEnough
	}
	switch n := int(rest[0] & 0x7f); {
	case rest[0] < 0x80:
	case n > mostLengthBytes:
		return errTooLong
	case n > len(rest)-1:
		return errNotEnough
	}
	return ""
}

// tooLong tells contents of which a part is missing from those that no file can
// have.
func tooLong(in []byte) string {
	rest := in[1:]
	for i := 1; in[0]&longTag == longTag && i < len(in); i++ {
		if rest = in[i+1:]; in[i]&0x80 == 0 {
			break
		}
	}
	if length, after, _ := parseLength(rest); length-len(after) > math.MaxInt32 {
		return errTooLong
	}
	return errNotEnough
}
