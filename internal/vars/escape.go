package vars

import (
	"fmt"
	"slices"
)

// Escape says how variables are written into a log line (the escape parameter
// of log_format). The literal text of a format is never escaped.
type Escape uint8

const (
	// EscapeDefault writes '"', '\', control bytes and bytes from 0x7f on as
	// \xHH, and "-" for a variable that is not found.
	EscapeDefault Escape = iota

	// EscapeJSON writes what may stand inside a JSON string, and nothing for a
	// variable that is not found. Bytes from 0x7f on are left alone.
	EscapeJSON

	// EscapeNone writes values as they are.
	EscapeNone
)

// ParseEscape reads the value of escape=. The error is nginx's.
func ParseEscape(text string) (Escape, error) {
	switch text {
	case "default":
		return EscapeDefault, nil
	case "json":
		return EscapeJSON, nil
	case "none":
		return EscapeNone, nil
	}
	return 0, fmt.Errorf("unknown log format escaping \"%s\"", text)
}

// AppendEscaped appends value to dst, escaped for mode.
func AppendEscaped(dst, value []byte, mode Escape) []byte {
	return escapeTail(append(dst, value...), len(dst), mode)
}

// escapeTail escapes b[from:] where it stands. Working in place spares the
// getters a second buffer, and most values need no change at all.
func escapeTail(b []byte, from int, mode Escape) []byte {
	if mode == EscapeNone {
		return b
	}
	width := &defaultWidth
	if mode == EscapeJSON {
		width = &jsonWidth
	}
	end := len(b)
	grow := 0
	for _, c := range b[from:] {
		grow += int(width[c]) - 1
	}
	if grow == 0 {
		return b
	}
	b = slices.Grow(b, grow)[:end+grow]
	// From the last byte to the first, so that nothing is overwritten unread.
	to := len(b)
	for i := end - 1; i >= from; i-- {
		c := b[i]
		to -= int(width[c])
		putEscaped(b[to:], c, width[c])
	}
	return b
}

// putEscaped writes c in the form that has the given width.
func putEscaped(b []byte, c, width byte) {
	const hex = "0123456789ABCDEF"
	switch width {
	case 1:
		b[0] = c
	case 2:
		b[0], b[1] = '\\', jsonLetter(c)
	case 4:
		b[0], b[1], b[2], b[3] = '\\', 'x', hex[c>>4], hex[c&15]
	case 6:
		copy(b, `\u00`)
		b[4], b[5] = hex[c>>4], hex[c&15]
	}
}

// jsonLetter is what follows the backslash in JSON's short escapes.
func jsonLetter(c byte) byte {
	switch c {
	case '\n':
		return 'n'
	case '\r':
		return 'r'
	case '\t':
		return 't'
	case '\b':
		return 'b'
	case '\f':
		return 'f'
	}
	return c // '"' and '\'
}

// The number of bytes that each byte takes when escaped.
var (
	defaultWidth = widths(func(c byte) byte {
		if c < 0x20 || c >= 0x7f || c == '"' || c == '\\' {
			return 4
		}
		return 1
	})
	jsonWidth = widths(func(c byte) byte {
		switch {
		case c == '"' || c == '\\' || c < 0x20 && jsonLetter(c) != c:
			return 2
		case c < 0x20:
			return 6
		}
		return 1
	})
)

func widths(of func(c byte) byte) (w [256]byte) {
	for c := range w {
		w[c] = of(byte(c))
	}
	return w
}
