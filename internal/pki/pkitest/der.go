package pkitest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	_ "crypto/md5" // for certificates that must be refused
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1"
	_ "crypto/sha256"
	_ "crypto/sha512"
	encoding "encoding/asn1"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

func oid(text string) (encoding.ObjectIdentifier, error) {
	var id encoding.ObjectIdentifier
	for part := range strings.SplitSeq(text, ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			return nil, fmt.Errorf("no object identifier: %q", text)
		}
		id = append(id, n)
	}
	return id, nil
}

// sequence encodes parts that are encoded already.
func sequence(parts ...[]byte) []byte { return tagged(asn1.SEQUENCE, parts...) }

func tagged(tag asn1.Tag, parts ...[]byte) []byte {
	var b cryptobyte.Builder
	b.AddASN1(tag, func(b *cryptobyte.Builder) {
		for _, p := range parts {
			b.AddBytes(p)
		}
	})
	return b.BytesOrPanic()
}

func integer(n *big.Int) []byte {
	var b cryptobyte.Builder
	b.AddASN1BigInt(n)
	return b.BytesOrPanic()
}

func object(id encoding.ObjectIdentifier) []byte {
	var b cryptobyte.Builder
	b.AddASN1ObjectIdentifier(id)
	return b.BytesOrPanic()
}

func boolean(v bool) []byte {
	var b cryptobyte.Builder
	b.AddASN1Boolean(v)
	return b.BytesOrPanic()
}

func bitString(bytes []byte) []byte {
	var b cryptobyte.Builder
	b.AddASN1BitString(bytes)
	return b.BytesOrPanic()
}

func octetString(bytes []byte) []byte { return tagged(asn1.OCTET_STRING, bytes) }

// timeOf encodes a time as RFC 5280 wants it.
func timeOf(t time.Time) []byte {
	var b cryptobyte.Builder
	if t = t.UTC(); t.Year() < 1950 || t.Year() >= 2050 {
		b.AddASN1GeneralizedTime(t)
	} else {
		b.AddASN1UTCTime(t)
	}
	return b.BytesOrPanic()
}

// algorithm is a way to sign.
type algorithm struct {
	hash crypto.Hash
	der  []byte // the AlgorithmIdentifier
	pss  bool
}

var null = []byte{5, 0}

// algorithmFor finds the way to sign with a key; hash is a name such as
// "sha256", or "pss" for RSA-PSS with SHA-256. Empty: sha256.
func algorithmFor(key crypto.Signer, hash string) (a algorithm, err error) {
	hashes := map[string]crypto.Hash{"md5": crypto.MD5, "sha1": crypto.SHA1, "sha224": crypto.SHA224, "sha256": crypto.SHA256, "sha384": crypto.SHA384, "sha512": crypto.SHA512, "pss": crypto.SHA256, "": crypto.SHA256}
	h, ok := hashes[hash]
	if !ok {
		return a, fmt.Errorf("unknown hash %q", hash)
	}
	a.hash = h
	switch key.(type) {
	case ed25519.PrivateKey:
		a.hash = 0
		a.der = sequence(object(encoding.ObjectIdentifier{1, 3, 101, 112}))
	case *ecdsa.PrivateKey:
		ids := map[crypto.Hash]encoding.ObjectIdentifier{
			crypto.SHA1: {1, 2, 840, 10045, 4, 1}, crypto.SHA224: {1, 2, 840, 10045, 4, 3, 1}, crypto.SHA256: {1, 2, 840, 10045, 4, 3, 2},
			crypto.SHA384: {1, 2, 840, 10045, 4, 3, 3}, crypto.SHA512: {1, 2, 840, 10045, 4, 3, 4},
		}
		if ids[h] == nil {
			return a, fmt.Errorf("no ECDSA with %s", h)
		}
		a.der = sequence(object(ids[h]))
	case *rsa.PrivateKey:
		if hash == "pss" {
			a.pss = true
			sha256 := sequence(object(encoding.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}), null)
			mgf1 := sequence(object(encoding.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 8}), sha256)
			context := func(n int, der []byte) []byte { return tagged(asn1.Tag(n).ContextSpecific().Constructed(), der) }
			a.der = sequence(object(encoding.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}),
				sequence(context(0, sha256), context(1, mgf1), context(2, integer(big.NewInt(32)))))
			break
		}
		last := map[crypto.Hash]int{crypto.MD5: 4, crypto.SHA1: 5, crypto.SHA224: 14, crypto.SHA256: 11, crypto.SHA384: 12, crypto.SHA512: 13}[h]
		a.der = sequence(object(encoding.ObjectIdentifier{1, 2, 840, 113549, 1, 1, last}), null)
	}
	return a, nil
}

// sign returns what is signed, the algorithm and the signature in a sequence.
func (a algorithm) sign(tbs []byte, key crypto.Signer, spoil bool) ([]byte, error) {
	digest := tbs
	opts := crypto.SignerOpts(a.hash)
	if a.hash != 0 {
		h := a.hash.New()
		h.Write(tbs)
		digest = h.Sum(nil)
	}
	if a.pss {
		opts = &rsa.PSSOptions{SaltLength: 32, Hash: a.hash}
	}
	signature, err := key.Sign(rand.Reader, digest, opts)
	if err != nil {
		return nil, err
	}
	if spoil {
		signature[len(signature)-1] ^= 1
	}
	return sequence(tbs, a.der, bitString(signature)), nil
}
