package parser

import "strings"

// Unquote gives the value of a raw parameter or name: surrounding quotes are
// removed, \" \' \\ lose their backslash, \t \r \n become control characters,
// and every other backslash stays, as nginx has it.
func Unquote(raw string) string {
	if n := len(raw); n >= 2 && (raw[0] == '"' || raw[0] == '\'') && raw[n-1] == raw[0] {
		raw = raw[1 : n-1]
	}
	i := strings.IndexByte(raw, '\\')
	if i < 0 {
		return raw
	}
	return unescape(raw, i)
}

// unescape copies raw, whose first backslash is at i.
func unescape(raw string, i int) string {
	out := make([]byte, i, len(raw))
	copy(out, raw)
	for ; i < len(raw); i++ {
		c := raw[i]
		if c == '\\' && i+1 < len(raw) {
			if to := escaped(raw[i+1]); to != 0 {
				c = to
				i++
			}
		}
		out = append(out, c)
	}
	return string(out)
}

// escaped is the character that \c stands for, or 0 if \c is nothing special.
func escaped(c byte) byte {
	switch c {
	case '"', '\'', '\\':
		return c
	case 't':
		return '\t'
	case 'r':
		return '\r'
	case 'n':
		return '\n'
	}
	return 0
}
