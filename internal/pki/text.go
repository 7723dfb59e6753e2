package pki

import (
	"encoding/asn1"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// rdnSET is a relative distinguished name; package asn1 wants this ending.
type rdnSET []attribute

type attribute struct {
	Type  asn1.ObjectIdentifier
	Value asn1.RawValue
}

// attributeNames are OpenSSL's short names.
var attributeNames = map[string]string{
	"2.5.4.3": "CN", "2.5.4.4": "SN", "2.5.4.5": "serialNumber", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST",
	"2.5.4.9": "street", "2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.12": "title", "2.5.4.13": "description",
	"2.5.4.15": "businessCategory", "2.5.4.17": "postalCode", "2.5.4.41": "name", "2.5.4.42": "GN", "2.5.4.43": "initials",
	"2.5.4.44": "generationQualifier", "2.5.4.46": "dnQualifier", "2.5.4.65": "pseudonym", "2.5.4.97": "organizationIdentifier",
	"1.2.840.113549.1.9.1": "emailAddress", "1.2.840.113549.1.9.2": "unstructuredName",
	"0.9.2342.19200300.100.1.1": "UID", "0.9.2342.19200300.100.1.25": "DC",
	"1.3.6.1.4.1.311.60.2.1.1": "jurisdictionL", "1.3.6.1.4.1.311.60.2.1.2": "jurisdictionST", "1.3.6.1.4.1.311.60.2.1.3": "jurisdictionC",
}

// DN writes an encoded distinguished name in the form of RFC 2253, as OpenSSL
// does: the last part first. What is no name gives the empty text.
func DN(raw []byte) string {
	var name []rdnSET
	if rest, err := asn1.Unmarshal(raw, &name); err != nil || len(rest) > 0 {
		return ""
	}
	var parts []string
	for _, set := range slices.Backward(name) {
		var values []string
		for _, a := range slices.Backward(set) {
			values = append(values, a.String())
		}
		parts = append(parts, strings.Join(values, "+"))
	}
	return strings.Join(parts, ",")
}

func (a attribute) String() string {
	name, known := attributeNames[a.Type.String()]
	text, ok := stringOf(a.Value)
	if !known {
		name = a.Type.String()
	}
	if !known || !ok {
		return fmt.Sprintf("%s=#%X", name, a.Value.FullBytes)
	}
	return name + "=" + escapeDN(text)
}

// Tags that package asn1 does not name.
const tagUniversalString = 28

// stringOf is the value of a string type in UTF-8.
func stringOf(v asn1.RawValue) (string, bool) {
	if v.Class != asn1.ClassUniversal {
		return "", false
	}
	switch v.Tag {
	case asn1.TagUTF8String, asn1.TagPrintableString, asn1.TagIA5String, asn1.TagNumericString:
		return string(v.Bytes), true
	case asn1.TagT61String:
		runes := make([]rune, len(v.Bytes))
		for i, b := range v.Bytes {
			runes[i] = rune(b)
		}
		return string(runes), true
	case asn1.TagBMPString:
		if len(v.Bytes)%2 != 0 {
			return "", false
		}
		var units []uint16
		for i := 0; i < len(v.Bytes); i += 2 {
			units = append(units, uint16(v.Bytes[i])<<8|uint16(v.Bytes[i+1]))
		}
		return string(utf16.Decode(units)), true
	case tagUniversalString:
		var b []byte
		for rest := v.Bytes; len(rest) >= 4; rest = rest[4:] {
			b = utf8.AppendRune(b, rune(rest[0])<<24|rune(rest[1])<<16|rune(rest[2])<<8|rune(rest[3]))
		}
		return string(b), len(v.Bytes)%4 == 0
	}
	return "", false
}

// escapeDN escapes a value as RFC 2253 has it, and all that is not ASCII.
func escapeDN(text string) string {
	var b strings.Builder
	for i := range len(text) {
		c := text[i]
		switch {
		case strings.IndexByte(",+\"\\<>;", c) >= 0, i == 0 && (c == '#' || c == ' '), i == len(text)-1 && c == ' ':
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

// Serial writes the serial number of a certificate as OpenSSL does: whole bytes
// in hexadecimal digits.
func Serial(n *big.Int) string {
	sign := ""
	if n.Sign() < 0 {
		sign = "-"
	}
	b := n.Bytes()
	if len(b) == 0 {
		b = []byte{0}
	}
	return fmt.Sprintf("%s%X", sign, b)
}

// Time writes a time in a certificate as OpenSSL does.
func Time(t time.Time) string { return t.UTC().Format("Jan _2 15:04:05 2006 GMT") }
