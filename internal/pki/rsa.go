package pki

import (
	"bytes"
	"crypto"
	_ "crypto/md5" // at level 0 such signatures are good
	"crypto/rsa"
	_ "crypto/sha1"
	_ "crypto/sha256"
	_ "crypto/sha3"
	_ "crypto/sha512"
	"encoding/binary"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// pssParameters are those of RSASSA-PSS (RFC 4055, 3.1).
type pssParameters struct {
	hash, mask crypto.Hash
	salt       int // its length in bytes
}

// hashes are the hashes that RSA-PSS can be used with.
var hashes = map[string]crypto.Hash{
	"1.2.840.113549.2.5": crypto.MD5, oidSHA1: crypto.SHA1,
	"2.16.840.1.101.3.4.2.4": crypto.SHA224, "2.16.840.1.101.3.4.2.1": crypto.SHA256, "2.16.840.1.101.3.4.2.2": crypto.SHA384,
	"2.16.840.1.101.3.4.2.3": crypto.SHA512, "2.16.840.1.101.3.4.2.5": crypto.SHA512_224, "2.16.840.1.101.3.4.2.6": crypto.SHA512_256,
	"2.16.840.1.101.3.4.2.7": crypto.SHA3_224, "2.16.840.1.101.3.4.2.8": crypto.SHA3_256,
	"2.16.840.1.101.3.4.2.9": crypto.SHA3_384, "2.16.840.1.101.3.4.2.10": crypto.SHA3_512,
}

const (
	oidSHA1 = "1.3.14.3.2.26"
	oidMGF1 = "1.2.840.113549.1.1.8"
)

// readPSS reads parameters. What is left out is as with SHA-1.
func readPSS(s cryptobyte.String) (p pssParameters, ok bool) {
	p = pssParameters{hash: crypto.SHA1, mask: crypto.SHA1, salt: 20}
	if !s.ReadASN1(&s, asn1.SEQUENCE) {
		return p, false
	}
	field := func(n asn1.Tag, read func(cryptobyte.String) bool) {
		var content cryptobyte.String
		var present bool
		ok = ok && s.ReadOptionalASN1(&content, &present, n.ContextSpecific().Constructed()) && (!present || read(content))
	}
	ok = true
	field(0, func(s cryptobyte.String) bool { return readHash(s, &p.hash) })
	field(1, func(s cryptobyte.String) bool {
		var id oidValue
		return s.ReadASN1(&s, asn1.SEQUENCE) && s.ReadASN1ObjectIdentifier(&id) && id.String() == oidMGF1 && readHash(s, &p.mask)
	})
	field(2, func(s cryptobyte.String) bool { return s.ReadASN1Integer(&p.salt) && p.salt >= 0 })
	field(3, func(s cryptobyte.String) bool {
		var trailer int
		return s.ReadASN1Integer(&trailer) && trailer == 1
	})
	return p, ok && s.Empty()
}

func readHash(s cryptobyte.String, h *crypto.Hash) bool {
	var id oidValue
	if !s.ReadASN1(&s, asn1.SEQUENCE) || !s.ReadASN1ObjectIdentifier(&id) {
		return false
	}
	*h = hashes[id.String()]
	return *h != 0
}

// fits reports whether a signature's parameters are what a key asks for.
func (p pssParameters) fits(key *pssParameters) bool {
	return key == nil || p.hash == key.hash && p.mask == key.mask && p.salt >= key.salt
}

// smallestKey is that in bits of the keys which package rsa works with.
const smallestKey = 1024

// verifyPKCS1 checks a signature with PKCS #1 v1.5 padding (RFC 8017, 8.2.2).
func verifyPKCS1(key *rsa.PublicKey, h crypto.Hash, digest, signature []byte) bool {
	if key.N.BitLen() >= smallestKey {
		return rsa.VerifyPKCS1v15(key, h, digest, signature) == nil
	}
	info := digestInfo(h, digest)
	encoded := recoverEncoded(key, signature)
	padding := len(encoded) - len(info) - 3
	if padding < 8 {
		return false
	}
	want := append([]byte{0, 1}, bytes.Repeat([]byte{0xff}, padding)...)
	want = append(append(want, 0), info...)
	return bytes.Equal(encoded, want)
}

// digestInfo names the hash of a digest (RFC 8017, 9.2).
func digestInfo(h crypto.Hash, digest []byte) []byte {
	var b cryptobyte.Builder
	for text, other := range hashes {
		if other != h {
			continue
		}
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(oidOf(text))
				b.AddASN1NULL()
			})
			b.AddASN1OctetString(digest)
		})
	}
	return b.BytesOrPanic()
}

// recoverEncoded undoes the signing. Nil: the signature is not one of the key.
func recoverEncoded(key *rsa.PublicKey, signature []byte) []byte {
	n := new(big.Int).SetBytes(signature)
	if len(signature) != key.Size() || n.Cmp(key.N) >= 0 {
		return nil
	}
	return n.Exp(n, big.NewInt(int64(key.E)), key.N).FillBytes(make([]byte, key.Size()))
}

// verifyPSS checks a signature with PSS padding (RFC 8017, 8.1.2). Package rsa
// has one hash for both, the digest and the mask.
func verifyPSS(key *rsa.PublicKey, p pssParameters, digest, signature []byte) bool {
	if key.N.BitLen() >= smallestKey && p.hash == p.mask && p.salt > 0 {
		return rsa.VerifyPSS(key, p.hash, digest, signature, &rsa.PSSOptions{SaltLength: p.salt}) == nil
	}
	bits := key.N.BitLen() - 1
	encoded := recoverEncoded(key, signature)
	if bits%8 == 0 && len(encoded) > 0 { // the first byte is not part of it
		if encoded[0] != 0 {
			return false
		}
		encoded = encoded[1:]
	}
	size := p.hash.Size()
	if p.salt > len(encoded) || len(encoded) < size+p.salt+2 || encoded[len(encoded)-1] != 0xbc {
		return false
	}
	masked, want := encoded[:len(encoded)-size-1], encoded[len(encoded)-size-1:len(encoded)-1]
	unused := byte(0xff) >> (8*len(encoded) - bits)
	if masked[0]&^unused != 0 {
		return false
	}
	block := xorMask(masked, want, p.mask)
	block[0] &= unused
	zeros := len(block) - p.salt - 1
	if block[zeros] != 1 || len(bytes.TrimLeft(block[:zeros], "\x00")) > 0 {
		return false
	}
	h := p.hash.New()
	h.Write(make([]byte, 8))
	h.Write(digest)
	h.Write(block[zeros+1:])
	return bytes.Equal(h.Sum(nil), want)
}

// xorMask returns a block without the mask that is made of a seed (RFC 8017,
// B.2.1).
func xorMask(block, seed []byte, hash crypto.Hash) []byte {
	var mask []byte
	for n := uint32(0); len(mask) < len(block); n++ {
		h := hash.New()
		h.Write(seed)
		_ = binary.Write(h, binary.BigEndian, n)
		mask = h.Sum(mask)
	}
	out := make([]byte, len(block))
	for i := range block {
		out[i] = block[i] ^ mask[i]
	}
	return out
}
