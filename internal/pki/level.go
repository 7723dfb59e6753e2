package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"math"
)

// levelBits are the bits of security that the levels 1 to 5 ask for.
var levelBits = [...]int{80, 112, 128, 192, 256}

// suffices reports whether bits of security are enough.
func (c *check) suffices(bits int) bool {
	return c.level <= 0 || bits >= levelBits[min(c.level, len(levelBits))-1]
}

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
		return factoringBits(key.N.BitLen())
	case *ecdsa.PublicKey:
		return curveBits(key.Params().N.BitLen())
	case ed25519.PublicKey:
		return 128
	}
	return -1
}

// factoringBits is the security of a modulus of n bits: values of NIST SP
// 800-56B, Appendix D, and of FIPS 140-2 IG, 7.5, with the formula of the latter
// for other sizes.
func factoringBits(n int) int {
	switch n {
	case 2048:
		return 112
	case 3072:
		return 128
	case 4096:
		return 152
	case 6144:
		return 176
	case 7680:
		return 192
	case 8192:
		return 200
	case 15360:
		return 256
	}
	limit := 1200
	switch {
	case n < 8:
		return 0
	case n <= 7680:
		limit = 192
	case n <= 15360:
		limit = 256
	}
	x := float64(n) * math.Ln2
	e := (1.923*math.Cbrt(x*math.Log(x)*math.Log(x)) - 4.69) / math.Ln2
	return min((int(e)+4)&^7, limit)
}

// curveBits is the security of a curve whose order has n bits (NIST SP 800-57).
func curveBits(n int) int {
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
