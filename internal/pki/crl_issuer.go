package pki

import (
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// readIssuer reads the name of the issuer of a list, and makes it canonical.
func readIssuer(in []byte) (canonical, rest []byte, ok bool) {
	const longest = 1 << 20 // more than OpenSSL reads
	v, rest, ok := readTLV(in)
	if !ok || !v.isName() || len(in)-len(rest) > longest {
		return nil, nil, false
	}
	const parts = 4 // a name, a part of it, an attribute and its value
	canonical, ok = canonicalName(derOf(in[:len(in)-len(rest)], parts))
	return canonical, rest, ok
}

// isName reports whether v has the form of a distinguished name.
func (v tlv) isName() bool {
	return v.is(asn1.SEQUENCE) && allAre(v.content, func(part tlv) bool {
		return part.is(asn1.SET) && allAre(part.content, tlv.isAttribute)
	})
}

func allAre(values []byte, such func(tlv) bool) bool {
	for len(values) > 0 {
		v, rest, ok := readTLV(values)
		if !ok || !such(v) {
			return false
		}
		values = rest
	}
	return true
}

func (v tlv) isAttribute() bool {
	id, rest, ok := readTLV(v.content)
	if !ok || !v.is(asn1.SEQUENCE) || !v.constructed || !id.is(asn1.OBJECT_IDENTIFIER) || !id.valid(id.tag) {
		return false
	}
	value, end, ok := readTLV(rest)
	return ok && len(end) == 0 && !isEndOfContents(rest) && value.valid(value.tag)
}

// derOf encodes the values in DER, down to some depth of those in others.
func derOf(values []byte, depth int) (der []byte) {
	if depth == 0 {
		return values
	}
	for len(values) > 0 {
		v, rest, ok := readTLV(values)
		if !ok {
			return nil
		}
		tag := asn1.Tag(v.tag&0x1f) | asn1.Tag(v.tag>>tlvClassShift)<<6
		switch {
		case v.is(asn1.SEQUENCE), v.is(asn1.SET):
			tag, v.content = tag.Constructed(), derOf(v.content, depth-1)
		case v.constructed:
			v.content, _ = v.text()
		}
		var b cryptobyte.Builder
		b.AddASN1(tag, func(b *cryptobyte.Builder) { b.AddBytes(v.content) })
		one, err := b.Bytes()
		if err != nil {
			return nil
		}
		der, values = append(der, one...), rest
	}
	return der
}
