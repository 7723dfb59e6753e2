package pkitest

import (
	"bytes"
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
//	revoke=N,...      numbers of certificates, or names of them; "N:REASON" has a reason, "N@/CN=x" the issuer of the
//	                  certificate ("N@" nobody), "N+OID:HEX" another extension; "@!" and "+!" make these critical
//	empty=yes         an empty list of entries; otherwise there is none if nothing is revoked
//	v=1               the version; default 2; "v=said1" says that it is 1, which DER leaves out
//	from=-1h next=9d  when it was made and when there will be another; "next=" has none; "utc:TEXT" and "gen:TEXT" are
//	                  times of a kind with any text
//	sig=sha1          the hash of its signature, or pss
//	saysig=sha1       another that the signed part says
//	spoil=yes         the signature is wrong
//	number=N          cRLNumber
//	delta=N           deltaCRLIndicator
//	idp=WORD,...      issuingDistributionPoint (point.go)
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
	version, err := listVersion(w.get("v", "2"))
	if err != nil {
		return nil, err
	}
	said := algorithm
	if hash := w.get("saysig", ""); hash != "" {
		if said, err = algorithmFor(signer.Key, hash); err != nil {
			return nil, err
		}
	}
	tbs := sequence(version, said.der, issuer, times, entries, extensions)
	return algorithm.sign(tbs, signer.Key, w.get("spoil", "") != "")
}

func listVersion(text string) ([]byte, error) {
	switch text {
	case "1":
		return nil, nil
	case "said1":
		return integer(big.NewInt(0)), nil
	}
	n, err := strconv.ParseInt(text, 0, 64)
	return integer(big.NewInt(n - 1)), err
}

func (b *builder) listTimes(w words) ([]byte, error) {
	from, err := b.timeField(w.get("from", "-1h"))
	if err != nil {
		return nil, err
	}
	next := w.get("next", "9d")
	if next == "" {
		return from, nil
	}
	to, err := b.timeField(next)
	return append(from, to...), err
}

// entries encodes what is revoked; nothing has no encoding at all.
func (b *builder) entries(w words) (all []byte, err error) {
	ofAll, err := rawExtensions(w, "entryext")
	if err != nil {
		return nil, err
	}
	for word := range strings.SplitSeq(w.get("revoke", ""), ",") {
		if word == "" {
			continue
		}
		entry, err := b.entry(word, ofAll)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", word, err)
		}
		all = append(all, entry...)
	}
	if len(all) > 0 || w.get("empty", "") != "" {
		all = sequence(all)
	}
	return all, nil
}

// entry encodes "NUMBER:REASON@ISSUER+OID:HEX".
func (b *builder) entry(word string, ofAll []byte) ([]byte, error) {
	word, others, _ := strings.Cut(word, "+")
	word, issuer, hasIssuer := strings.Cut(word, "@")
	name, reason, hasReason := strings.Cut(word, ":")
	serial, ok := new(big.Int).SetString(name, 0)
	if c := b.certs[name]; c != nil {
		serial, ok = c.serial, true
	}
	if !ok {
		return nil, fmt.Errorf("no certificate and no number: %q", name)
	}
	var parts [][]byte
	add := func(der []byte, err error) error {
		parts = append(parts, der)
		return err
	}
	var err error
	if hasReason {
		err = add(reasonCode(reason))
	}
	if hasIssuer && err == nil {
		err = add(certificateIssuer(issuer))
	}
	for text := range strings.SplitSeq(others, "+") {
		if text, critical := strings.CutPrefix(text, "!"); text != "" && err == nil {
			err = add(rawExtension(text, critical))
		}
	}
	if err != nil {
		return nil, err
	}
	var extensions []byte
	if parts = append(parts, ofAll); len(bytes.Join(parts, nil)) > 0 {
		extensions = sequence(parts...)
	}
	return sequence(integer(serial), timeOf(b.now.Add(-1)), extensions), nil
}

func reasonCode(text string) ([]byte, error) {
	n, err := strconv.ParseInt(text, 0, 64)
	if err != nil {
		return nil, err
	}
	value := integer(big.NewInt(n))
	value[0] = byte(asn1.ENUM)
	return encodeExtension("2.5.29.21", false, value)
}

func certificateIssuer(text string) ([]byte, error) {
	text, critical := strings.CutPrefix(text, "!")
	var names []byte
	if text != "" {
		var err error
		if names, err = generalName("dir:" + text); err != nil {
			return nil, err
		}
	}
	return encodeExtension("2.5.29.29", critical, sequence(names))
}

// rawExtensions encodes extensions that are given by OID and value.
func rawExtensions(w words, key string) (all []byte, err error) {
	for _, word := range w {
		k, text, _ := strings.Cut(word, "=")
		k, critical := strings.CutSuffix(k, "!")
		if k != key {
			continue
		}
		der, err := rawExtension(text, critical)
		if err != nil {
			return nil, err
		}
		all = append(all, der...)
	}
	return all, nil
}

func rawExtension(text string, critical bool) ([]byte, error) {
	id, digits, _ := strings.Cut(text, ":")
	value, err := bytesOf(digits)
	if err != nil {
		return nil, err
	}
	return encodeExtension(id, critical, value)
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
