package pki

import (
	"crypto/x509"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/cryptobyte"
)

// DN writes an encoded distinguished name in the form of RFC 2253, as OpenSSL
// does: the last part first. What is not a name gives the empty text.
func DN(raw []byte) string {
	name, _ := readName(raw)
	var b strings.Builder
	for i, a := range slices.Backward(name) {
		switch {
		case i == len(name)-1:
		case a.set == name[i+1].set:
			b.WriteByte('+')
		default:
			b.WriteByte(',')
		}
		b.WriteString(a.String())
	}
	return b.String()
}

// longestID is where OpenSSL cuts an object identifier off.
const longestID = 79

// String is the attribute as it stands in a [DN].
func (a attribute) String() string {
	var id x509.OID
	_ = id.UnmarshalBinary([]byte(a.id)) // package ber has looked
	key := id.String()
	name, known := attributeNames[key]
	text, ok := a.text()
	if !known {
		name = key[:min(len(key), longestID)]
	}
	if known && ok {
		return name + "=" + escapeDN(text)
	}
	var value cryptobyte.Builder
	value.AddASN1(a.tag, func(b *cryptobyte.Builder) { b.AddBytes(a.value) })
	return fmt.Sprintf("%s=#%X", name, value.BytesOrPanic())
}

// escapeDN escapes a value as RFC 2253 has it, and all that is not ASCII. Like
// OpenSSL it leaves "#" alone where that is all of the value.
func escapeDN(text string) string {
	var b strings.Builder
	last := len(text) - 1
	for i := range len(text) {
		c := text[i]
		switch {
		case strings.IndexByte(",+\"\\<>;", c) >= 0, i == 0 && i < last && c == '#', (i == 0 || i == last) && c == ' ':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c > '~':
			fmt.Fprintf(&b, "\\%02X", c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// serialLine is after how many bytes of a number OpenSSL begins a new line.
const serialLine = 35

// Serial writes the serial number of a certificate as OpenSSL does: whole bytes
// in hexadecimal digits, and a backslash at the end of all lines but the last.
func Serial(n *big.Int) string {
	digits := n.Bytes()
	if len(digits) == 0 {
		digits = []byte{0}
	}
	var lines []string
	for line := range slices.Chunk(digits, serialLine) {
		lines = append(lines, fmt.Sprintf("%X", line))
	}
	text := strings.Join(lines, "\\\n")
	if n.Sign() < 0 {
		return "-" + text
	}
	return text
}

// Time writes a time in a certificate as OpenSSL does.
func Time(t time.Time) string {
	t = t.UTC()
	return fmt.Sprintf("%s %d GMT", t.Format("Jan _2 15:04:05"), t.Year())
}
