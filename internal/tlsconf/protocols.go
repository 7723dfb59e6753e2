package tlsconf

import (
	"crypto/tls"
	"slices"
)

// Protocols is a set of protocol versions.
type Protocols uint8

// The versions. SSLv2 and SSLv3 can be named, but are never used.
const (
	SSLv2 Protocols = 1 << iota
	SSLv3
	TLSv1
	TLSv11
	TLSv12
	TLSv13
)

// ProtocolNames are the words of ssl_protocols, in lower case.
var ProtocolNames = map[string]Protocols{
	"sslv2": SSLv2, "sslv3": SSLv3, "tlsv1": TLSv1, "tlsv1.1": TLSv11, "tlsv1.2": TLSv12, "tlsv1.3": TLSv13,
}

// versions are those that crypto/tls has, the newest first.
var versions = []struct {
	bit     Protocols
	version uint16
	name    string
}{
	{TLSv13, tls.VersionTLS13, "TLSv1.3"},
	{TLSv12, tls.VersionTLS12, "TLSv1.2"},
	{TLSv11, tls.VersionTLS11, "TLSv1.1"},
	{TLSv1, tls.VersionTLS10, "TLSv1"},
}

// VersionName is the name of a version as $ssl_protocol shows it.
func VersionName(version uint16) string {
	for _, v := range versions {
		if v.version == version {
			return v.name
		}
	}
	if version == versionSSL3 {
		return "SSLv3"
	}
	return "unknown"
}

// Range is what a client offers: from the oldest version of the set up to the
// last before a gap, as OpenSSL does. It is false if there is none.
func (p Protocols) Range() (oldest, newest uint16, ok bool) {
	for _, v := range slices.Backward(versions) {
		switch {
		case p&v.bit != 0 && oldest == 0:
			oldest, newest = v.version, v.version
		case p&v.bit != 0:
			newest = v.version
		case oldest != 0:
			return oldest, newest, true
		}
	}
	return oldest, newest, oldest != 0
}

// Has reports whether a version is in the set.
func (p Protocols) Has(version uint16) bool {
	for _, v := range versions {
		if v.version == version {
			return p&v.bit != 0
		}
	}
	return false
}

// Newest is the newest version of the set, up to one. 0: there is none.
func (p Protocols) Newest(upTo uint16) uint16 {
	for _, v := range versions {
		if p&v.bit != 0 && v.version <= upTo {
			return v.version
		}
	}
	return 0
}
