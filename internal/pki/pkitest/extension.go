package pkitest

import (
	"encoding/hex"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/crypto/cryptobyte/asn1"
)

// extension makes the value of an extension.
type extension struct {
	id    string
	value func(b *builder, c, issuer *Certificate, text string) ([]byte, error)
}

// extensionWords are the words of extensions; with "!" before the "=" they are
// critical:
//
//	bc=ca            basicConstraints: "ca", "leaf" or "ca,N" with N the path length
//	ku=WORD,...      keyUsage: sign, nonrep, keyenc, dataenc, agree, certsign, crlsign, enconly, deconly
//	eku=WORD,...     extKeyUsage: server, client, code, email, stamp, ocsp, any, msgate, nsgate or an identifier
//	ns=WORD,...      nsCertType: client, server, email, object, sslca, emailca, objectca
//	nc=+dns:x,-...   nameConstraints: permitted (+) and excluded (-) names, "|min:N" or "|max:N" after one
//	san=NAME,...     subjectAltName; empty: an empty sequence
//	ian=NAME,...     issuerAltName
//	ski=auto         subjectKeyIdentifier: "auto" or bytes
//	aki=WORD,...     authorityKeyIdentifier: auto (that of the issuer), key:HEX, issuer (name and number of the issuer's
//	                 certificate), name:/CN=x, serial:N
//	cp=OID,...       certificatePolicies
//	pc=explicit:0,map:0  policyConstraints
//	any=0            inhibitAnyPolicy
//	crldp=NAME,...|...   cRLDistributionPoints (point.go), "|" between points
//	aia=URL          OCSP responder in authorityInfoAccess
//	proxy=yes        proxyCertInfo
//	ext=OID:HEX      any other
var extensionWords = map[string]extension{
	"bc":    {"2.5.29.19", basicConstraints},
	"ku":    {"2.5.29.15", func(_ *builder, _, _ *Certificate, text string) ([]byte, error) { return bits(text, keyUsages) }},
	"eku":   {"2.5.29.37", extKeyUsage},
	"ns":    {"2.16.840.1.113730.1.1", func(_ *builder, _, _ *Certificate, text string) ([]byte, error) { return bits(text, nsTypes) }},
	"nc":    {"2.5.29.30", nameConstraints},
	"san":   {"2.5.29.17", altName},
	"ian":   {"2.5.29.18", altName},
	"ski":   {"2.5.29.14", subjectKeyID},
	"aki":   {"2.5.29.35", authorityKeyID},
	"cp":    {"2.5.29.32", policies},
	"pc":    {"2.5.29.36", policyConstraints},
	"any":   {"2.5.29.54", func(_ *builder, _, _ *Certificate, text string) ([]byte, error) { return number(text) }},
	"crldp": {"2.5.29.31", distributionPoints},
	"aia":   {"1.3.6.1.5.5.7.1.1", infoAccess},
	"proxy": {"1.3.6.1.5.5.7.1.14", proxyInfo},
}

// extensions encodes those of a certificate in the order of the words.
func (b *builder) extensions(c, issuer *Certificate, w words) (all []byte, err error) {
	for _, word := range w {
		key, text, _ := strings.Cut(word, "=")
		key, critical := strings.CutSuffix(key, "!")
		e, known := extensionWords[key]
		var value []byte
		switch {
		case key == "ext":
			var digits string
			e.id, digits, _ = strings.Cut(text, ":")
			value, err = hex.DecodeString(digits)
		case known:
			value, err = e.value(b, c, issuer, text)
		default:
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", word, err)
		}
		der, err := encodeExtension(e.id, critical, value)
		if err != nil {
			return nil, err
		}
		all = append(all, der...)
	}
	return all, nil
}

func encodeExtension(dotted string, critical bool, value []byte) ([]byte, error) {
	id, err := oid(dotted)
	if err != nil {
		return nil, err
	}
	if critical {
		return sequence(object(id), boolean(true), octetString(value)), nil
	}
	return sequence(object(id), octetString(value)), nil
}

func basicConstraints(_ *builder, _, _ *Certificate, text string) ([]byte, error) {
	kind, length, limited := strings.Cut(text, ",")
	var parts [][]byte
	if kind == "ca" {
		parts = append(parts, boolean(true))
	}
	if limited {
		n, err := number(length)
		if err != nil {
			return nil, err
		}
		parts = append(parts, n)
	}
	return sequence(parts...), nil
}

func number(text string) ([]byte, error) {
	n, ok := new(big.Int).SetString(text, 0)
	if !ok {
		return nil, fmt.Errorf("no number: %q", text)
	}
	return integer(n), nil
}

var (
	keyUsages = []string{"sign", "nonrep", "keyenc", "dataenc", "agree", "certsign", "crlsign", "enconly", "deconly"}
	nsTypes   = []string{"client", "server", "email", "object", "reserved", "sslca", "emailca", "objectca"}
)

// bits encodes a bit string with named bits.
func bits(text string, names []string) ([]byte, error) {
	var set [2]byte
	last := -1
	for word := range strings.SplitSeq(text, ",") {
		i := slices.Index(names, word)
		if i < 0 && word != "" {
			return nil, fmt.Errorf("unknown bit %q", word)
		}
		if i >= 0 {
			set[i/8] |= 0x80 >> (i % 8)
		}
		last = max(last, i)
	}
	if last < 0 {
		return []byte{3, 1, 0}, nil
	}
	used := set[:last/8+1]
	return append([]byte{3, byte(len(used) + 1), byte(7 - last%8)}, used...), nil
}

var usages = map[string]string{
	"server": "1.3.6.1.5.5.7.3.1", "client": "1.3.6.1.5.5.7.3.2", "code": "1.3.6.1.5.5.7.3.3", "email": "1.3.6.1.5.5.7.3.4",
	"stamp": "1.3.6.1.5.5.7.3.8", "ocsp": "1.3.6.1.5.5.7.3.9", "any": "2.5.29.37.0",
	"msgate": "1.3.6.1.4.1.311.10.3.3", "nsgate": "2.16.840.1.113730.4.1",
}

func extKeyUsage(_ *builder, _, _ *Certificate, text string) ([]byte, error) {
	return identifiers(text, usages, func(der []byte) []byte { return der })
}

// identifiers encodes a list of object identifiers, each in a wrapping.
func identifiers(text string, names map[string]string, wrap func([]byte) []byte) ([]byte, error) {
	var parts [][]byte
	for word := range strings.SplitSeq(text, ",") {
		if word == "" {
			continue
		}
		if dotted, ok := names[word]; ok {
			word = dotted
		}
		id, err := oid(word)
		if err != nil {
			return nil, err
		}
		parts = append(parts, wrap(object(id)))
	}
	return sequence(parts...), nil
}

func policies(_ *builder, _, _ *Certificate, text string) ([]byte, error) {
	return identifiers(text, map[string]string{"any": "2.5.29.32.0"}, func(der []byte) []byte { return sequence(der) })
}

func policyConstraints(_ *builder, _, _ *Certificate, text string) ([]byte, error) {
	var parts [][]byte
	for word := range strings.SplitSeq(text, ",") {
		key, value, _ := strings.Cut(word, ":")
		n, err := strconv.Atoi(value)
		if err != nil {
			return nil, err
		}
		tag := asn1.Tag(0)
		if key == "map" {
			tag = 1
		}
		parts = append(parts, tagged(tag.ContextSpecific(), []byte{byte(n)}))
	}
	return sequence(parts...), nil
}

func nameConstraints(_ *builder, _, _ *Certificate, text string) ([]byte, error) {
	var trees [2][]byte
	for word := range strings.SplitSeq(text, ",") {
		if word == "" {
			continue
		}
		tree, err := subtree(word[1:])
		if err != nil {
			return nil, err
		}
		which := 0
		if word[0] == '-' {
			which = 1
		}
		trees[which] = append(trees[which], tree...)
	}
	var parts [][]byte
	for i, tree := range trees {
		if len(tree) > 0 {
			parts = append(parts, tagged(asn1.Tag(i).ContextSpecific().Constructed(), tree))
		}
	}
	return sequence(parts...), nil
}

// subtree encodes "dns:x", also with "|min:N" or "|max:N" after it.
func subtree(text string) ([]byte, error) {
	if several, ok := strings.CutPrefix(text, "times:"); ok {
		return severalNames(several, subtree)
	}
	text, bounds, _ := strings.Cut(text, "|")
	der, err := generalName(text)
	if err != nil {
		return nil, err
	}
	for bound := range strings.SplitSeq(bounds, "|") {
		kind, text, found := strings.Cut(bound, ":")
		if !found {
			continue
		}
		n, err := number(text)
		if err != nil {
			return nil, err
		}
		tag := asn1.Tag(0)
		if kind == "max" {
			tag = 1
		}
		der = append(der, tagged(tag.ContextSpecific(), n[2:])...)
	}
	return sequence(der), nil
}

func altName(_ *builder, _, _ *Certificate, text string) ([]byte, error) {
	if text == "" {
		return sequence(), nil
	}
	names, err := generalNames(text)
	return sequence(names), err
}

func subjectKeyID(_ *builder, c, _ *Certificate, text string) (id []byte, err error) {
	if text == "auto" {
		id, err = keyIDOf(c.Key)
	} else {
		id, err = bytesOf(text)
	}
	c.keyID = id
	return octetString(id), err
}

func authorityKeyID(_ *builder, _, issuer *Certificate, text string) ([]byte, error) {
	var parts [3][]byte
	for word := range strings.SplitSeq(text, ",") {
		key, value, _ := strings.Cut(word, ":")
		switch key {
		case "auto":
			id := issuer.keyID
			if id == nil {
				var err error
				if id, err = keyIDOf(issuer.Key); err != nil {
					return nil, err
				}
			}
			parts[0] = tagged(asn1.Tag(0).ContextSpecific(), id)
		case "key":
			id, err := bytesOf(value)
			if err != nil {
				return nil, err
			}
			parts[0] = tagged(asn1.Tag(0).ContextSpecific(), id)
		case "issuer":
			parts[1] = tagged(asn1.Tag(1).ContextSpecific().Constructed(), tagged(asn1.Tag(4).ContextSpecific().Constructed(), issuer.issuer))
			parts[2] = tagged(asn1.Tag(2).ContextSpecific(), integer(issuer.serial)[2:])
		case "name":
			dn, err := distinguishedName(value)
			if err != nil {
				return nil, err
			}
			parts[1] = tagged(asn1.Tag(1).ContextSpecific().Constructed(), tagged(asn1.Tag(4).ContextSpecific().Constructed(), dn))
		case "serial":
			n, err := number(value)
			if err != nil {
				return nil, err
			}
			parts[2] = tagged(asn1.Tag(2).ContextSpecific(), n[2:])
		}
	}
	return sequence(parts[:]...), nil
}

func infoAccess(_ *builder, _, _ *Certificate, text string) ([]byte, error) {
	id, _ := oid("1.3.6.1.5.5.7.48.1")
	url, err := generalName("uri:" + text)
	return sequence(sequence(object(id), url)), err
}

// proxyInfo lets everything be inherited.
func proxyInfo(*builder, *Certificate, *Certificate, string) ([]byte, error) {
	id, err := oid("1.3.6.1.5.5.7.21.1")
	return sequence(sequence(object(id))), err
}
