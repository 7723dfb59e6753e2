package tlsconf

import (
	"crypto/tls"
	"slices"
	"strings"

	"github.com/gostream/gostream/internal/pki"
)

// DefaultLevel is the security level of OpenSSL where nobody sets another, as
// Debian and others build it.
const DefaultLevel = 2

// LevelWithoutTickets is the lowest level at which sessions are not resumed by
// tickets.
const LevelWithoutTickets = 3

// allows reports whether the level lets a suite be used.
func (s *Settings) allows(id uint16) bool {
	c := suitesByID()[id]
	return c != nil && c.allowedAt(s.Level)
}

// allowedAt reports whether a suite is strong enough for a level. From level 3 on
// it must be one with forward secrecy, and from level 4 on not have SHA-1.
func (c *suite) allowedAt(level int) bool {
	switch {
	case level == 0:
		return true
	case c.bits < pki.LevelBits(level), c.auth == "None", c.mac == "MD5", level >= 4 && c.mac == "SHA1":
		return false
	}
	return level < 3 || c.protocol == "TLSv1.3" || strings.HasSuffix(c.kx, "DH") || c.kx == "DHEPSK" || c.kx == "ECDHEPSK"
}

// CheckServer looks whether a server, being the default one of its address, can make
// any handshake at all. As in OpenSSL the newest version before a gap must have
// ciphers.
func (s *Settings) CheckServer() *Refusal {
	_, newest, ok := s.Usable(s).Range()
	switch {
	case !ok:
		return NoProtocols
	case !slices.ContainsFunc(s.list, func(c *suite) bool { return c.isFor(newest) }) && newest < tls.VersionTLS13:
		return NoCiphersForVersion
	}
	return nil
}

// CheckClient is CheckServer for a client, which also minds the level.
func (s *Settings) CheckClient() *Refusal {
	_, newest, ok := s.Usable(s).Range()
	offered := func(c *suite) bool {
		return c.isFor(newest) && c.allowedAt(s.Level) && !strings.HasSuffix(c.kx, "PSK") && c.kx != "SRP"
	}
	switch {
	case !ok:
		return NoProtocols
	case newest == tls.VersionTLS13:
		return nil
	case !slices.ContainsFunc(s.list, offered), len(s.Suites()) == 0:
		return NoCiphersToOffer
	}
	return nil
}

// isFor reports whether a suite can be used with a version before TLS 1.3.
func (c *suite) isFor(version uint16) bool {
	return version >= tls.VersionTLS12 || c.protocol != "TLSv1.2"
}

// Suites are those of Ciphers that the level allows, never nil.
func (s *Settings) Suites() []uint16 {
	return slices.DeleteFunc(append([]uint16{}, s.Ciphers...), func(id uint16) bool { return !s.allows(id) })
}

// Groups are those of Curves, or the usual ones, that the level allows.
func (s *Settings) Groups() []tls.CurveID { return s.groupsAt(s.Level) }

func (s *Settings) groupsAt(level int) []tls.CurveID {
	all := s.Curves
	if len(all) == 0 {
		all = defaultGroups
	}
	return slices.DeleteFunc(slices.Clone(all), func(id tls.CurveID) bool { return groupBits[id] < pki.LevelBits(level) })
}

// CheckSignature looks whether a client may go on with a server: before TLS 1.2 keys
// of the exchange are signed with SHA-1, which level 1 forbids.
func (s *Settings) CheckSignature(state *tls.ConnectionState) *Refusal {
	if suite, ok := SuiteByID(state.CipherSuite); ok && suite.ECDHE && state.Version < tls.VersionTLS12 && oldBits < pki.LevelBits(s.Level) {
		return refuseOldSignature
	}
	return nil
}
