package tlsconf

import "strings"

// DefaultLevel is the security level of OpenSSL where nobody sets another, as
// Debian and others build it.
const DefaultLevel = 2

// levelBits are the bits of security that levels ask for.
var levelBits = [...]int{0, 80, 112, 128, 192, 256}

// LevelBits is how many bits of security, as of a symmetric key, a level from 0
// to 5 asks for. An RSA key of 2048 bits has 112, an elliptic curve half as many
// as its order.
func LevelBits(level int) int { return levelBits[level] }

// allows reports whether the level lets a suite be used.
func (s *Settings) allows(id uint16) bool {
	for _, c := range allSuites() {
		if c.id == id {
			return c.allowedAt(s.Level)
		}
	}
	return false
}

// allowedAt reports whether a suite is strong enough for a level. From level 3 on
// it must be one with forward secrecy, and from level 4 on not have SHA-1.
func (c *suite) allowedAt(level int) bool {
	switch {
	case level == 0:
		return true
	case c.bits < LevelBits(level), c.auth == "None", c.mac == "MD5", level >= 4 && c.mac == "SHA1":
		return false
	}
	return level < 3 || c.protocol == "TLSv1.3" || strings.HasSuffix(c.kx, "DH") || c.kx == "DHEPSK" || c.kx == "ECDHEPSK"
}
