package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
)

// levelBits are the bits of security that the levels from 0 on ask for.
var levelBits = [...]int{0, 80, 112, 128, 192, 256}

// LevelBits is how many bits of security, as of a symmetric key, a level from 0
// to 5 asks for; those above are as 5. An RSA key of 2048 bits has 112, an elliptic
// curve half as many as its order.
func LevelBits(level int) int { return levelBits[max(0, min(level, len(levelBits)-1))] }

// LevelOf is the last level for which so many bits of security are enough.
func LevelOf(bits int) int {
	level := 0
	for level+1 < len(levelBits) && bits >= levelBits[level+1] {
		level++
	}
	return level
}

// suffices reports whether bits of security are enough.
func (c *check) suffices(bits int) bool { return c.level <= 0 || bits >= LevelBits(c.level) }

// strongKey reports whether the key of a certificate is strong enough. A key
// that OpenSSL cannot use never is.
func (c *check) strongKey(cert *certificate) bool {
	return c.suffices(cert.key.bits())
}

// checkLevel looks whether the keys of issuers, and all signatures but that of
// the last certificate, are strong enough.
func (c *check) checkLevel() {
	for i, cert := range c.certs {
		if i > 0 && !c.strongKey(cert) {
			c.fail(authorityKeyTooSmall)
		}
		if i < len(c.certs)-1 && !c.suffices(cert.algorithm.bits) {
			c.fail(weakSignature)
		}
	}
}

// bits is how many bits of security a key has; -1: it cannot be used.
func (k publicKey) bits() int {
	switch key := k.key.(type) {
	case *rsa.PublicKey:
		return FactoringBits(key.N.BitLen())
	case *ecdsa.PublicKey:
		return CurveBits(key.Params().N.BitLen())
	case ed25519.PublicKey:
		return 128
	}
	return -1
}

// FactoringBits is what a level can ask for that a modulus of n bits has. The
// sizes are where the formula of FIPS 140-2 IG, 7.5, rounded to multiples of 8
// in OpenSSL's arithmetic, gets there.
func FactoringBits(n int) int {
	for _, size := range []struct{ n, bits int }{{13914, 256}, {6947, 192}, {2671, 128}, {1963, 112}, {920, 80}} {
		if n >= size.n {
			return size.bits
		}
	}
	return 0
}

// CurveBits is the security of a curve whose order has n bits (NIST SP 800-57).
func CurveBits(n int) int {
	for _, bits := range []int{256, 192, 128, 112, 80} {
		if n >= 2*bits {
			return bits
		}
	}
	return n / 2
}

// hashBits is how hard it is to find two texts with one digest: half of its
// bits, but less for those that are broken.
func hashBits(h crypto.Hash) int {
	switch h {
	case crypto.MD5:
		return 39
	case crypto.SHA1:
		return 63
	}
	return h.Size() * 4
}
