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
	_ "crypto/sha3"
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
	pss  *pss   // nil: not RSA-PSS
}

var null = []byte{5, 0}

// hashNames are the names of hashes in cases. Those of RSA alone have the last
// numbers of identifiers below PKCS #1.
var (
	hashNames = map[string]crypto.Hash{
		"md4": crypto.MD4, "md5": crypto.MD5, "sha1": crypto.SHA1, "sha224": crypto.SHA224, "sha256": crypto.SHA256, "sha384": crypto.SHA384,
		"sha512": crypto.SHA512, "sha3-256": crypto.SHA3_256, "sha3-512": crypto.SHA3_512, "": crypto.SHA256,
	}
	rsaSignatures = map[crypto.Hash]string{
		crypto.MD4: "1.2.840.113549.1.1.3", crypto.MD5: "1.2.840.113549.1.1.4", crypto.SHA1: "1.2.840.113549.1.1.5",
		crypto.SHA224: "1.2.840.113549.1.1.14", crypto.SHA256: "1.2.840.113549.1.1.11", crypto.SHA384: "1.2.840.113549.1.1.12",
		crypto.SHA512: "1.2.840.113549.1.1.13", crypto.SHA3_256: "2.16.840.1.101.3.4.3.14", crypto.SHA3_512: "2.16.840.1.101.3.4.3.16",
	}
	ecSignatures = map[crypto.Hash]string{
		crypto.SHA1: "1.2.840.10045.4.1", crypto.SHA224: "1.2.840.10045.4.3.1", crypto.SHA256: "1.2.840.10045.4.3.2",
		crypto.SHA384: "1.2.840.10045.4.3.3", crypto.SHA512: "1.2.840.10045.4.3.4",
	}
)

// algorithmFor finds the way to sign with a key; name is that of a hash such as
// "sha256", "pss..." (see pssOf), or "oid:X" for an identifier without
// parameters whose signature is one with SHA-256. Empty: sha256.
func algorithmFor(key crypto.Signer, name string) (a algorithm, err error) {
	if dotted, ok := strings.CutPrefix(name, "oid:"); ok {
		id, err := oid(dotted)
		if _, edwards := key.(ed25519.PrivateKey); !edwards {
			a.hash = crypto.SHA256
		}
		a.der = sequence(object(id))
		return a, err
	}
	signatures, parameters := rsaSignatures, null
	switch key.(type) {
	case ed25519.PrivateKey:
		a.der = sequence(object(encoding.ObjectIdentifier{1, 3, 101, 112}))
		return a, nil
	case *ecdsa.PrivateKey:
		signatures, parameters = ecSignatures, nil
	case *rsa.PrivateKey:
		if strings.HasPrefix(name, "pss") {
			if a.pss, err = pssOf(name); err != nil {
				return a, err
			}
			a.hash, parameters = a.pss.hash, a.pss.parameters()
			if name == "pss:" {
				parameters = nil
			}
			a.der = sequence(object(oidPSS), parameters)
			return a, nil
		}
	}
	h, known := hashNames[name]
	if !known || signatures[h] == "" {
		return a, fmt.Errorf("no way to sign with %q", name)
	}
	id, err := oid(signatures[h])
	a.hash, a.der = h, sequence(object(id), parameters)
	return a, err
}

// sign returns what is signed, the algorithm and the signature in a sequence. A
// spoilt signature is that of something else.
func (a algorithm) sign(tbs []byte, key crypto.Signer, spoil bool) ([]byte, error) {
	text := tbs
	if spoil {
		text = append([]byte("not "), tbs...)
	}
	signature, err := a.signature(text, key)
	if err != nil {
		return nil, err
	}
	return sequence(tbs, a.der, bitString(signature)), nil
}

func (a algorithm) signature(tbs []byte, key crypto.Signer) ([]byte, error) {
	digest := tbs
	opts := crypto.SignerOpts(a.hash)
	if a.hash == crypto.MD4 {
		return make([]byte, 256), nil // package crypto has none, and neither has OpenSSL
	}
	if a.hash != 0 {
		h := a.hash.New()
		h.Write(tbs)
		digest = h.Sum(nil)
	}
	if k, ok := key.(*rsa.PrivateKey); ok && (k.N.BitLen() < smallestKey || a.pss != nil) {
		return signRSA(k, a, digest), nil
	}
	return key.Sign(rand.Reader, digest, opts)
}
