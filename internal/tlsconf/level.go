package tlsconf

// DefaultLevel is the security level of OpenSSL where nobody sets another, as
// Debian and others build it.
const DefaultLevel = 2

// levelBits are the bits of security that levels ask for.
var levelBits = [...]int{0, 80, 112, 128, 192, 256}

// LevelBits is how many bits of security, as of a symmetric key, a level from 0
// to 5 asks for. An RSA key of 2048 bits has 112, an elliptic curve half as many
// as its order.
func LevelBits(level int) int { return levelBits[level] }
