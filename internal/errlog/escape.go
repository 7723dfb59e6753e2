package errlog

import (
	"bytes"
	"encoding/binary"
)

// escapeControls writes the control bytes of b[from:] as \xHH, as the access log
// does: what a client sends must not make a line of its own, nor steer the
// terminal of who reads it. Nearly always there are none.
func escapeControls(b []byte, from int) []byte {
	if !hasControls(b[from:]) {
		return b
	}
	return appendEscaped(b[:from], bytes.Clone(b[from:]))
}

func isControl(c byte) bool { return c < ' ' || c == 0x7f }

// hasControls looks at eight bytes at a time.
func hasControls(b []byte) bool {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for ; len(b) >= 8; b = b[8:] {
		// Subtracting n from a byte below it borrows, which sets the top bit; the
		// byte itself had it clear.
		x := binary.NativeEndian.Uint64(b)
		del := x ^ ones*0x7f
		if ((x-ones*' ')&^x|(del-ones)&^del)&tops != 0 {
			return true
		}
	}
	for _, c := range b {
		if isControl(c) {
			return true
		}
	}
	return false
}

func appendEscaped(dst, text []byte) []byte {
	const hex = "0123456789ABCDEF"
	for _, c := range text {
		if isControl(c) {
			dst = append(dst, '\\', 'x', hex[c>>4], hex[c&15])
		} else {
			dst = append(dst, c)
		}
	}
	return dst
}
