package pki

import (
	"encoding/asn1"
	"slices"

	"github.com/gostream/gostream/internal/ber"
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

// trustType is OpenSSL's type of trust settings.
var trustType = ber.SequenceOf("X509_CERT_AUX",
	ber.Field{Name: "trust", Of: ber.ObjectType, List: ber.SequenceTag, Optional: true},
	ber.Field{Name: "reject", Of: ber.ObjectType, List: ber.SequenceTag, Tagging: ber.Implicit, Tag: 0, Optional: true},
	ber.Field{Name: "alias", Of: ber.UTF8Type, Optional: true},
	ber.Field{Name: "keyid", Of: ber.OctetStringType, Optional: true},
	ber.Field{Name: "other", Of: ber.AlgorithmType, List: ber.SequenceTag, Tagging: ber.Implicit, Tag: 1, Optional: true})

// ParseTrustSettings reads what follows a certificate in a "TRUSTED CERTIFICATE":
// OpenSSL's X509_CERT_AUX. Nil: it is empty, or OpenSSL could not read it and has
// these errors.
func ParseTrustSettings(der []byte) (settings *TrustSettings, queue []string) {
	if len(der) == 0 {
		return nil, nil
	}
	v, _, problems := ber.Decode(der, trustType)
	if problems != nil {
		return nil, problems
	}
	return &TrustSettings{Accepted: identifiers(v.Field("trust")), Rejected: identifiers(v.Field("reject"))}, nil
}

// identifiers are those of a list, up to one with numbers that are too large to
// be of anything known. Nil: there is no list.
func identifiers(list *ber.Value) (ids []asn1.ObjectIdentifier) {
	if list == nil {
		return nil
	}
	ids = []asn1.ObjectIdentifier{}
	for _, v := range list.Parts {
		var id asn1.ObjectIdentifier
		if _, err := asn1.Unmarshal(v.Encoding, &id); err != nil {
			break
		}
		ids = append(ids, id)
	}
	return ids
}

// trust is what is said of a trusted certificate.
type trust int

const (
	neutral trust = iota
	accepted
	refused
)

// includes reports whether a list of purposes has one of some.
func includes(list []asn1.ObjectIdentifier, purposes ...string) bool {
	return slices.ContainsFunc(list, func(id asn1.ObjectIdentifier) bool { return slices.Contains(purposes, id.String()) })
}

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
	switch {
	case includes(settings.Rejected, purpose, oidAnyUsage):
		return refused
	case includes(settings.Accepted, purpose, oidAnyUsage):
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
