package pkitest

import (
	"encoding/hex"
	"fmt"
	"strings"

	"golang.org/x/crypto/cryptobyte/asn1"
)

func contextual(n asn1.Tag, parts ...[]byte) []byte { return tagged(n.ContextSpecific(), parts...) }

func wrapping(n asn1.Tag, parts ...[]byte) []byte {
	return tagged(n.ContextSpecific().Constructed(), parts...)
}

// point is a distribution point of lists, as it is put together.
type point struct {
	full, relative, issuers []byte
	hasFull, hasIssuers     bool
}

// word takes one of the words of a point:
//
//	rel:/CN=x     a name relative to the issuer of the list
//	none          no names, which is not the same as no name
//	issuer:/CN=x  who issues the list; "issuer:" is nobody
//
// or a general name. It reports whether it knew the word.
func (p *point) word(word string) error {
	key, value, _ := strings.Cut(word, ":")
	switch key {
	case "none":
		p.hasFull = true
	case "rel":
		name, err := distinguishedName(value)
		if err != nil {
			return err
		}
		p.relative = append(p.relative, name[2:]...) // one RDN
	case "issuer":
		p.hasIssuers = true
		if value == "" {
			return nil
		}
		name, err := generalName("dir:" + value)
		p.issuers = append(p.issuers, name...)
		return err
	default:
		name, err := generalName(word)
		p.full, p.hasFull = append(p.full, name...), true
		return err
	}
	return nil
}

// name encodes the DistributionPointName in its tag; nil: there is none.
func (p *point) name() []byte {
	switch {
	case p.relative != nil:
		// An RDN is a SET, which gives its contents to the tag.
		return wrapping(0, wrapping(1, p.relative[2:]))
	case p.hasFull:
		return wrapping(0, wrapping(0, p.full))
	}
	return nil
}

// distributionPoints encodes points with "|" between them, of which each has
// words with "," between them. There is one word more, "reasons:HEX", with the
// contents of a bit string.
func distributionPoints(_ *builder, _, _ *Certificate, text string) ([]byte, error) {
	var all [][]byte
	for words := range strings.SplitSeq(text, "|") {
		var p point
		var reasons, issuers []byte
		for word := range strings.SplitSeq(words, ",") {
			digits, isReasons := strings.CutPrefix(word, "reasons:")
			var err error
			switch {
			case word == "":
			case isReasons:
				var bits []byte
				bits, err = hex.DecodeString(digits)
				reasons = contextual(1, bits)
			default:
				err = p.word(word)
			}
			if err != nil {
				return nil, err
			}
		}
		if p.hasIssuers {
			issuers = wrapping(2, p.issuers)
		}
		all = append(all, sequence(p.name(), reasons, issuers))
	}
	return sequence(all...), nil
}

// issuingPoint encodes an issuingDistributionPoint: user, ca, attr, indirect,
// reasons, or words of a point. With "not" before it, such as "notuser", a kind
// is said to be false.
func issuingPoint(text string) ([]byte, error) {
	var p point
	var parts [6][]byte
	tags := map[string]asn1.Tag{"user": 1, "ca": 2, "indirect": 4, "attr": 5}
	for word := range strings.SplitSeq(text, ",") {
		kind, isNot := strings.CutPrefix(word, "not")
		switch n, known := tags[kind]; {
		case known && isNot:
			parts[n] = contextual(n, []byte{0})
		case known:
			parts[n] = contextual(n, []byte{0xff})
		case word == "reasons":
			parts[3] = contextual(3, []byte{6, 0x40})
		case word != "":
			if err := p.word(word); err != nil {
				return nil, fmt.Errorf("%q: %w", word, err)
			}
		}
	}
	parts[0] = p.name()
	return sequence(parts[:]...), nil
}
