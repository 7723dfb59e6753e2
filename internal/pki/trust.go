package pki

import (
	"encoding/asn1"
	"slices"
)

// TrustSettings are what a file says of the use of a certificate beside it, in
// OpenSSL's "TRUSTED CERTIFICATE". They count for the purposes [Client] and
// [Server], whose identifiers are those of the extended key usage.
type TrustSettings struct {
	// Accepted are the purposes that the certificate is trusted for, self-signed
	// or not. Nil: for all, if it is self-signed. If there are none, for none.
	Accepted []asn1.ObjectIdentifier
	// Rejected are the purposes that it is not trusted for.
	Rejected []asn1.ObjectIdentifier
}

// trust is what is said of a trusted certificate.
type trust int

const (
	neutral trust = iota
	accepted
	refused
)

var (
	oidClientAuth = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 2}
	oidServerAuth = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 1}
	oidAnyUsage   = asn1.ObjectIdentifier{2, 5, 29, 37, 0}
)

// said is what the settings say of a certificate.
func (c *check) said(cert *certificate) trust {
	settings := c.Trust[cert.Certificate]
	if settings == nil || c.purpose == OCSPHelper {
		return neutral
	}
	purpose := oidClientAuth
	if c.purpose == Server {
		purpose = oidServerAuth
	}
	covers := func(id asn1.ObjectIdentifier) bool { return id.Equal(purpose) || id.Equal(oidAnyUsage) }
	switch {
	case slices.ContainsFunc(settings.Rejected, covers):
		return refused
	case slices.ContainsFunc(settings.Accepted, covers):
		return accepted
	case settings.Accepted != nil:
		return refused
	}
	return neutral
}

// settingsOf is what the settings say of a certificate of the chain if it is not
// the peer's.
func (c *check) settingsOf(i int) trust {
	if i < c.untrusted {
		return neutral
	}
	return c.said(c.certs[i])
}
