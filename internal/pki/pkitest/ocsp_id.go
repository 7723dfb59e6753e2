package pkitest

import (
	"crypto"
	"crypto/x509"
	encoding "encoding/asn1"
	"encoding/hex"
	"fmt"
	"math/big"
)

// certID encodes what names a certificate.
func (b *builder) certID(w words) ([]byte, error) {
	serial, ok := new(big.Int).SetString(w.get("for", ""), 0)
	c := b.certs[w.get("for", "")]
	var issuer *Certificate
	if c != nil {
		serial, issuer, ok = c.serial, c.by, true
	}
	if name := w.get("issuer", ""); name != "" {
		issuer = b.certs[name]
	}
	if !ok || issuer == nil {
		return nil, fmt.Errorf("for no certificate of anybody: %q", w.get("for", ""))
	}
	name := w.get("hash", "sha1")
	h := hashNames[name]
	dotted := hashIDs[h]
	if dotted == "" {
		h, dotted = crypto.SHA1, name
	}
	id, err := oid(dotted)
	if err != nil {
		return nil, err
	}
	algorithm := object(id)
	if w.get("param", "") != "none" {
		algorithm = append(algorithm, null...)
	}
	nameSum := h.New()
	nameSum.Write(issuer.subject)
	parts := [2][]byte{nameSum.Sum(nil), keyHash(issuer, h)}
	for i, key := range []string{"namehash", "keyhash"} {
		if text := w.get(key, "-"); text != "-" {
			if parts[i], err = hex.DecodeString(text); err != nil {
				return nil, err
			}
		}
	}
	return sequence(sequence(algorithm), octetString(parts[0]), octetString(parts[1]), integer(serial)), nil
}

// keyHash is the hash of a key without its algorithm.
func keyHash(c *Certificate, h crypto.Hash) []byte {
	var spki struct {
		Algorithm encoding.RawValue
		Key       encoding.BitString
	}
	der, err := x509.MarshalPKIXPublicKey(c.Key.Public())
	if err == nil {
		_, err = encoding.Unmarshal(der, &spki)
	}
	if err != nil {
		panic(err) // such keys are not made
	}
	sum := h.New()
	sum.Write(spki.Key.Bytes)
	return sum.Sum(nil)
}
