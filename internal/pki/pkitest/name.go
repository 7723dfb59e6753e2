package pkitest

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf16"

	"golang.org/x/crypto/cryptobyte/asn1"
)

var attributes = map[string]string{
	"CN": "2.5.4.3", "SN": "2.5.4.4", "C": "2.5.4.6", "L": "2.5.4.7", "ST": "2.5.4.8", "O": "2.5.4.10", "OU": "2.5.4.11",
	"title": "2.5.4.12", "serial": "2.5.4.5", "email": "1.2.840.113549.1.9.1", "UID": "0.9.2342.19200300.100.1.1",
	"DC": "0.9.2342.19200300.100.1.25",
}

var stringTags = map[string]asn1.Tag{
	"utf8": asn1.UTF8String, "printable": asn1.PrintableString, "ia5": asn1.IA5String, "t61": asn1.T61String,
	"numeric": 18, "visible": 26, "universal": 28, "bmp": 30, "octet": asn1.OCTET_STRING, "bit": asn1.BIT_STRING,
}

// distinguishedName encodes "/O=T/CN=x", in which "+" joins the parts of one
// RDN and a kind of string may follow the attribute: "/CN.bmp=x". An attribute
// may be an identifier, too: "/1.2.3=x".
func distinguishedName(text string) ([]byte, error) {
	var sets [][]byte
	for part := range strings.SplitSeq(strings.TrimPrefix(text, "/"), "/") {
		if part == "" {
			continue
		}
		var set [][]byte
		for attribute := range strings.SplitSeq(part, "+") {
			der, err := attributeOf(attribute)
			if err != nil {
				return nil, err
			}
			set = append(set, der)
		}
		sets = append(sets, tagged(asn1.SET, set...))
	}
	return sequence(sets...), nil
}

func attributeOf(text string) ([]byte, error) {
	key, value, ok := strings.Cut(text, "=")
	name, kind, _ := strings.Cut(key, ".")
	dotted, known := attributes[name]
	if !known {
		dotted, kind = strings.TrimRight(key, "abcdefghijklmnopqrstuvwxyz."), key[strings.LastIndexByte(key, '.')+1:]
	}
	id, err := oid(dotted)
	if !ok || err != nil {
		return nil, fmt.Errorf("no attribute: %q", text)
	}
	if value, err = url.PathUnescape(value); err != nil {
		return nil, err
	}
	tag := asn1.UTF8String
	if name == "email" || name == "DC" {
		tag = asn1.IA5String
	}
	if t, ok := stringTags[kind]; ok {
		tag = t
	}
	return sequence(object(id), stringOf(tag, value)), nil
}

// stringOf encodes a text in UTF-8 as a string of a type.
func stringOf(tag asn1.Tag, text string) []byte {
	value := []byte(text)
	switch tag {
	case stringTags["bmp"]:
		value = nil
		for _, u := range utf16.Encode([]rune(text)) {
			value = append(value, byte(u>>8), byte(u))
		}
	case stringTags["universal"]:
		value = nil
		for _, r := range text {
			value = append(value, byte(r>>24), byte(r>>16), byte(r>>8), byte(r))
		}
	case asn1.BIT_STRING:
		return bitString(value)
	}
	return tagged(tag, value)
}

// generalName encodes "dns:a.test", "email:a@b", "uri:http://x", "ip:10.0.0.1",
// "ip:10.0.0.0%2F8" (a range, as constraints have it), "ip:HEX" for any bytes,
// "dir:/O=T", "rid:1.2.3", "other:1.2.3:text" or "other.ia5:1.2.3:text" (a kind
// of string), "mailbox:x@y" (in UTF-8), "edi:text", "x400:" or "raw:HEX";
// "times:9:NAME" is NAME nine times.
func generalName(text string) ([]byte, error) {
	kind, value, _ := strings.Cut(text, ":")
	switch kind {
	case "times":
		return severalNames(value, generalName)
	case "dir":
		dn, err := distinguishedName(strings.ReplaceAll(value, ";", "/"))
		return tagged(asn1.Tag(4).ContextSpecific().Constructed(), dn), err
	}
	value, err := url.PathUnescape(value)
	if err != nil {
		return nil, err
	}
	context := func(n asn1.Tag, bytes []byte) []byte { return tagged(n.ContextSpecific(), bytes) }
	kind, inside, _ := strings.Cut(kind, ".")
	switch kind {
	case "email":
		return context(1, []byte(value)), nil
	case "dns":
		return context(2, []byte(value)), nil
	case "uri":
		return context(6, []byte(value)), nil
	case "rid":
		id, err := oid(value)
		if err != nil {
			return nil, err
		}
		return context(8, object(id)[2:]), nil
	case "other":
		return otherName(value, inside)
	case "mailbox":
		return otherName("1.3.6.1.5.5.7.8.9:"+value, inside)
	case "edi":
		party := tagged(asn1.Tag(1).ContextSpecific().Constructed(), stringOf(asn1.UTF8String, value))
		return tagged(asn1.Tag(5).ContextSpecific().Constructed(), party), nil
	case "x400":
		return tagged(asn1.Tag(3).ContextSpecific().Constructed()), nil
	case "ip":
		bytes, err := ipBytes(value)
		return context(7, bytes), err
	case "raw":
		return hex.DecodeString(value)
	}
	return nil, fmt.Errorf("unknown kind of name: %q", text)
}

// otherName encodes "1.2.3:text" with a kind of string; "": utf8.
func otherName(text, kind string) ([]byte, error) {
	dotted, value, _ := strings.Cut(text, ":")
	id, err := oid(dotted)
	if err != nil {
		return nil, err
	}
	tag := asn1.UTF8String
	if t, ok := stringTags[kind]; ok {
		tag = t
	}
	wrapped := tagged(asn1.Tag(0).ContextSpecific().Constructed(), stringOf(tag, value))
	return tagged(asn1.Tag(0).ContextSpecific().Constructed(), object(id), wrapped), nil
}

// severalNames encodes "9:NAME".
func severalNames(text string, encode func(string) ([]byte, error)) ([]byte, error) {
	times, name, _ := strings.Cut(text, ":")
	n, err := strconv.Atoi(times)
	if err != nil {
		return nil, err
	}
	der, err := encode(name)
	return bytes.Repeat(der, n), err
}

func ipBytes(text string) ([]byte, error) {
	if p, err := netip.ParsePrefix(text); err == nil {
		mask := make([]byte, len(p.Addr().AsSlice()))
		for i := range p.Bits() {
			mask[i/8] |= 0x80 >> (i % 8)
		}
		return append(p.Addr().AsSlice(), mask...), nil
	}
	if a, err := netip.ParseAddr(text); err == nil {
		return a.AsSlice(), nil
	}
	return hex.DecodeString(text)
}

// generalNames encodes several with "," between them.
func generalNames(text string) (der []byte, err error) {
	for name := range strings.SplitSeq(text, ",") {
		one, err := generalName(name)
		if err != nil {
			return nil, err
		}
		der = append(der, one...)
	}
	return der, nil
}
