package pkitest

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"golang.org/x/crypto/cryptobyte/asn1"
)

// crl makes a revocation list. Its words, beside those of extensions:
//
//	by=NAME           who signs it
//	issuer=/CN=y      the issuer's name, whatever the signer is called
//	revoke=N,...      numbers of certificates, or names of them; "N:REASON" has a reason
//	v=1               the version; default 2
//	from=-1h next=9d  when it was made and when there will be another; "next=" has none
//	sig=sha1          the hash of its signature, or pss
//	spoil=yes         the signature is wrong
//	number=N          cRLNumber
//	delta=N           deltaCRLIndicator
//	idp=WORD,...      issuingDistributionPoint: user, ca, attr, indirect, name:GENERALNAME, reasons:WORD
//	aki=WORD,...      as for certificates
//	entryext=OID:HEX  an extension of all entries
func (b *builder) crl(item Item) ([]byte, error) {
	w := words(item.Words)
	signer := b.certs[w.get("by", "")]
	if signer == nil {
		return nil, fmt.Errorf("nobody signs it")
	}
	algorithm, err := algorithmFor(signer.Key, w.get("sig", ""))
	if err != nil {
		return nil, err
	}
	issuer := signer.subject
	if text := w.get("issuer", ""); text != "" {
		if issuer, err = distinguishedName(text); err != nil {
			return nil, err
		}
	}
	times, err := b.listTimes(w)
	if err != nil {
		return nil, err
	}
	entries, err := b.entries(w)
	if err != nil {
		return nil, err
	}
	extensions, err := b.listExtensions(signer, w)
	if err != nil {
		return nil, err
	}
	var version []byte
	if w.get("v", "2") != "1" {
		version = []byte{2, 1, 1}
	}
	tbs := sequence(version, algorithm.der, issuer, times, entries, extensions)
	return algorithm.sign(tbs, signer.Key, w.get("spoil", "") != "")
}

func (b *builder) listTimes(w words) ([]byte, error) {
	from, err := b.time(w.get("from", "-1h"))
	if err != nil {
		return nil, err
	}
	text := w.get("next", "9d")
	if text == "" {
		return timeOf(from), nil
	}
	to, err := b.time(text)
	return append(timeOf(from), timeOf(to)...), err
}

// entries encodes what is revoked; nothing has no encoding at all.
func (b *builder) entries(w words) (all []byte, err error) {
	for word := range strings.SplitSeq(w.get("revoke", ""), ",") {
		if word == "" {
			continue
		}
		name, reason, hasReason := strings.Cut(word, ":")
		serial, ok := new(big.Int).SetString(name, 0)
		if c := b.certs[name]; c != nil {
			serial, ok = c.serial, true
		}
		if !ok {
			return nil, fmt.Errorf("no certificate and no number: %q", name)
		}
		var extensions []byte
		if hasReason {
			n, err := strconv.Atoi(reason)
			if err != nil {
				return nil, err
			}
			der, err := encodeExtension("2.5.29.21", false, []byte{10, 1, byte(n)})
			if err != nil {
				return nil, err
			}
			extensions = append(extensions, der...)
		}
		more, err := rawExtensions(w, "entryext")
		if err != nil {
			return nil, err
		}
		if extensions = append(extensions, more...); len(extensions) > 0 {
			extensions = sequence(extensions)
		}
		all = append(all, sequence(integer(serial), timeOf(b.now.Add(-1)), extensions)...)
	}
	if len(all) > 0 {
		all = sequence(all)
	}
	return all, nil
}

// rawExtensions encodes extensions that are given by OID and value.
func rawExtensions(w words, key string) (all []byte, err error) {
	for _, word := range w {
		k, text, _ := strings.Cut(word, "=")
		k, critical := strings.CutSuffix(k, "!")
		if k != key {
			continue
		}
		id, digits, _ := strings.Cut(text, ":")
		value, err := bytesOf(digits)
		if err != nil {
			return nil, err
		}
		der, err := encodeExtension(id, critical, value)
		if err != nil {
			return nil, err
		}
		all = append(all, der...)
	}
	return all, nil
}

// listExtensions encodes those of the list itself.
func (b *builder) listExtensions(signer *Certificate, w words) (all []byte, err error) {
	for _, word := range w {
		key, text, _ := strings.Cut(word, "=")
		key, critical := strings.CutSuffix(key, "!")
		var id string
		var value []byte
		switch key {
		case "number":
			id = "2.5.29.20"
			value, err = number(text)
		case "delta":
			id = "2.5.29.27"
			value, err = number(text)
		case "idp":
			id = "2.5.29.28"
			value, err = issuingPoint(text)
		case "aki":
			id = "2.5.29.35"
			value, err = authorityKeyID(b, nil, signer, text)
		default:
			continue
		}
		if err != nil {
			return nil, err
		}
		der, err := encodeExtension(id, critical, value)
		if err != nil {
			return nil, err
		}
		all = append(all, der...)
	}
	more, err := rawExtensions(w, "ext")
	if err != nil {
		return nil, err
	}
	if all = append(all, more...); len(all) == 0 {
		return nil, nil
	}
	return tagged(asn1.Tag(0).ContextSpecific().Constructed(), sequence(all)), nil
}

func issuingPoint(text string) ([]byte, error) {
	var parts [6][]byte
	for word := range strings.SplitSeq(text, ",") {
		key, value, _ := strings.Cut(word, ":")
		yes := func(n int) { parts[n] = tagged(asn1.Tag(n).ContextSpecific(), []byte{0xff}) }
		switch key {
		case "name":
			name, err := generalName(value)
			if err != nil {
				return nil, err
			}
			full := tagged(asn1.Tag(0).ContextSpecific().Constructed(), name)
			parts[0] = tagged(asn1.Tag(0).ContextSpecific().Constructed(), full)
		case "user":
			yes(1)
		case "ca":
			yes(2)
		case "reasons":
			parts[3] = tagged(asn1.Tag(3).ContextSpecific(), []byte{6, 0x40})
		case "indirect":
			yes(4)
		case "attr":
			yes(5)
		}
	}
	return sequence(parts[:]...), nil
}
