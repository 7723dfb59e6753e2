package pkitest

import (
	"crypto"
	encoding "encoding/asn1"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/cryptobyte/asn1"
)

// ocsp makes an OCSP response. Its words are
//
//	by=NAME          who signs it
//	id=key           how it names the responder; default name
//	idof=NAME        whose name or key that is; default the signer's
//	certs=NAME,...   the certificates in it
//	produced=-1m     when it was made
//	v=1              the version, which may be left out
//	sig=sha1         how it is signed, as for certificates
//	spoil=yes        the signature is wrong; "spoil=bits" has it end in the middle of a byte, "spoil=short" lacks a byte
//	ext=OID:HEX      an extension
//	code=6           the response status; other than 0 it has no answer
//	type=OID         what kind of answer it is
//	after=HEX        bytes behind it
//	poke=N:HEX,...   the byte at N, which may be more than there are, is another one
//	cut=N            so many bytes of its end are missing
//	outer=ber        the response has indefinite lengths, outside of what is signed; "inner=ber" inside of it
//	raw=HEX          all of it
//
// Answers about certificates follow. Each begins with for=NAME:
//
//	for=NAME         the certificate, or a number
//	issuer=NAME      its issuer, if it is not who has issued it
//	hash=sha256      the hash of the issuer's name and key; default sha1. An identifier: that, with SHA-1
//	param=none       the hash has no parameter; default NULL
//	namehash=HEX keyhash=HEX  other hashes
//	status=good      or revoked, or unknown
//	reason=N at=-1h  of a revocation
//	from=-1h next=1d thisUpdate and nextUpdate; "next=" has none. "=TEXT" is a time as it is written
//	sext=OID:HEX     an extension of the answer
func (b *builder) ocsp(item Item) ([]byte, error) {
	w := words(item.Words)
	if text := w.get("raw", "-"); text != "-" {
		return hex.DecodeString(text)
	}
	code, err := strconv.Atoi(w.get("code", "0"))
	if err != nil {
		return nil, err
	}
	status := []byte{10, 1, byte(code)}
	if code != 0 {
		return w.finish(sequence(status))
	}
	basic, err := b.basicResponse(w)
	if err != nil {
		return nil, err
	}
	kind, err := oid(w.get("type", "1.3.6.1.5.5.7.48.1.1"))
	if err != nil {
		return nil, err
	}
	if w.get("outer", "") == "ber" {
		answer := indefinite(0x24, octetString(basic[:9]), octetString(basic[9:]))
		return w.finish(indefinite(0x30, status, indefinite(0xa0, indefinite(0x30, object(kind), answer))))
	}
	return w.finish(sequence(status, context(0, sequence(object(kind), octetString(basic)))))
}

// context encodes an explicit tag.
func context(n int, parts ...[]byte) []byte {
	return tagged(asn1.Tag(n).ContextSpecific().Constructed(), parts...)
}

// indefinite encodes with an indefinite length, which DER does not have.
func indefinite(tag byte, parts ...[]byte) []byte {
	all := []byte{tag, 0x80}
	for _, p := range parts {
		all = append(all, p...)
	}
	return append(all, 0, 0)
}

// finish does to a response what the words want.
func (w words) finish(der []byte) ([]byte, error) {
	for poke := range strings.SplitSeq(w.get("poke", ""), ",") {
		at, value, ok := strings.Cut(poke, ":")
		n, err := strconv.Atoi(at)
		b, wrong := hex.DecodeString(value)
		if ok && err == nil && wrong == nil {
			der[n%len(der)] = b[0]
		}
	}
	cut, err := strconv.Atoi(w.get("cut", "0"))
	if err != nil {
		return nil, err
	}
	after, err := hex.DecodeString(w.get("after", ""))
	return append(der[:max(len(der)-cut, 0)], after...), err
}

func (b *builder) basicResponse(w words) ([]byte, error) {
	signer := b.certs[w.get("by", "")]
	if signer == nil {
		return nil, fmt.Errorf("nobody signs it")
	}
	head, singles, tail, err := b.responseData(signer, w)
	if err != nil {
		return nil, err
	}
	data := sequence(head, sequence(singles), tail)
	algorithm, err := algorithmFor(signer.Key, w.get("sig", ""))
	if err != nil {
		return nil, err
	}
	signed, err := algorithm.sign(data, signer.Key, w.get("spoil", "") == "yes")
	if err != nil {
		return nil, err
	}
	var parts struct {
		Data, Algorithm encoding.RawValue
		Signature       encoding.BitString
	}
	if _, err := encoding.Unmarshal(signed, &parts); err != nil {
		return nil, err
	}
	if w.get("inner", "") == "ber" {
		data = indefinite(0x30, head, indefinite(0x30, singles), tail)
	}
	certs, err := b.certsIn(w)
	return sequence(data, parts.Algorithm.FullBytes, w.signatureBits(parts.Signature.Bytes), certs), err
}

func (b *builder) certsIn(w words) ([]byte, error) {
	text := w.get("certs", "-")
	switch text {
	case "-":
		return nil, nil
	case "":
		return context(0, sequence()), nil
	}
	all, err := b.named(strings.Split(text, ","))
	if err != nil {
		return nil, err
	}
	var certs []byte
	for _, c := range all {
		certs = append(certs, c.DER...)
	}
	return context(0, sequence(certs)), nil
}

func (w words) signatureBits(signature []byte) []byte {
	switch w.get("spoil", "") {
	case "short":
		return bitString(signature[:len(signature)-1])
	case "bits":
		bits := bitString(signature)
		bits[len(bits)-len(signature)-1] = 4
		return bits
	}
	return bitString(signature)
}

// responseData encodes what is signed: the answers, and what is around them.
func (b *builder) responseData(signer *Certificate, w words) (head, singles, tail []byte, err error) {
	if text := w.get("v", ""); text != "" {
		n, err := number(text)
		if err != nil {
			return nil, nil, nil, err
		}
		head = context(0, n)
	}
	whose := signer
	if name := w.get("idof", ""); name != "" {
		if whose = b.certs[name]; whose == nil {
			return nil, nil, nil, fmt.Errorf("no certificate %q", name)
		}
	}
	if w.get("id", "") == "key" {
		head = append(head, context(2, octetString(keyHash(whose, crypto.SHA1)))...)
	} else {
		head = append(head, context(1, whose.subject)...)
	}
	produced, err := b.writtenTime(w.get("produced", "-1m"))
	if err != nil {
		return nil, nil, nil, err
	}
	if singles, err = b.singles(w); err != nil {
		return nil, nil, nil, err
	}
	if tail, err = rawExtensions(w, "ext"); len(tail) > 0 {
		tail = context(1, sequence(tail))
	}
	return append(head, produced...), singles, tail, err
}

// writtenTime encodes a time as GeneralizedTime: one from now, or "=TEXT".
func (b *builder) writtenTime(text string) ([]byte, error) {
	if written, ok := strings.CutPrefix(text, "="); ok {
		bytes, err := bytesOf(written)
		if _, err := strconv.ParseUint(written, 10, 64); err == nil {
			bytes = []byte(written)
		}
		return tagged(asn1.GeneralizedTime, bytes), err
	}
	t, err := b.time(text)
	return tagged(asn1.GeneralizedTime, []byte(t.UTC().Format("20060102150405Z"))), err
}

// singles encodes the answers about certificates.
func (b *builder) singles(w words) (all []byte, err error) {
	for i, word := range w {
		if !strings.HasPrefix(word, "for=") {
			continue
		}
		end := i + 1
		for end < len(w) && !strings.HasPrefix(w[end], "for=") {
			end++
		}
		der, err := b.single(w[i:end])
		if err != nil {
			return nil, err
		}
		all = append(all, der...)
	}
	return all, nil
}

func (b *builder) single(w words) ([]byte, error) {
	id, err := b.certID(w)
	if err != nil {
		return nil, err
	}
	status, err := b.certStatus(w)
	if err != nil {
		return nil, err
	}
	from, err := b.writtenTime(w.get("from", "-1h"))
	if err != nil {
		return nil, err
	}
	var next []byte
	if text := w.get("next", "1d"); text != "" {
		if next, err = b.writtenTime(text); err != nil {
			return nil, err
		}
		next = context(0, next)
	}
	extensions, err := rawExtensions(w, "sext")
	if len(extensions) > 0 {
		extensions = context(1, sequence(extensions))
	}
	return sequence(id, status, from, next, extensions), err
}

func (b *builder) certStatus(w words) ([]byte, error) {
	switch status := w.get("status", "good"); status {
	case "good":
		return []byte{0x80, 0}, nil
	case "unknown":
		return []byte{0x82, 0}, nil
	case "revoked":
		at, err := b.writtenTime(w.get("at", "-1h"))
		if text := w.get("reason", ""); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil {
				return nil, err
			}
			at = append(at, context(0, []byte{10, 1, byte(n)})...)
		}
		return context(1, at), err
	default:
		return hex.DecodeString(status)
	}
}
