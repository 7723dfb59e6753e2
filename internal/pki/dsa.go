package pki

import (
	//lint:ignore SA1019 there are authorities with such keys, and nginx accepts them
	"crypto/dsa"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

type dsaKey = dsa.PublicKey

// verifyDSA checks a signature in its encoding of RFC 3279, 2.2.2.
func verifyDSA(key *dsaKey, digest, signature []byte) bool {
	s := cryptobyte.String(signature)
	r, t := new(big.Int), new(big.Int)
	if !s.ReadASN1(&s, asn1.SEQUENCE) || !s.ReadASN1Integer(r) || !s.ReadASN1Integer(t) || !s.Empty() {
		return false
	}
	return dsa.Verify(key, digest[:min(len(digest), (key.Q.BitLen()+7)/8)], r, t)
}

// fieldBits is the security of a prime field of p bits with a group of q bits
// (NIST SP 800-57).
func fieldBits(p, q int) int {
	for _, size := range []struct{ p, bits int }{{15360, 256}, {7680, 192}, {3072, 128}, {2048, 112}, {1024, 80}} {
		if p >= size.p && q >= 160 {
			return min(size.bits, q/2)
		}
	}
	return 0
}
