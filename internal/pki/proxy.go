package pki

import (
	"bytes"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// checkProxyNames looks whether the name of each proxy is that of its issuer
// with one common name more (RFC 3820, 3.4). As with constraints on names, a
// self-issued one is let pass above the first.
func (c *check) checkProxyNames() {
	for i, cert := range c.certs {
		if cert.proxy && (i == 0 || !cert.selfIssued) && !cert.isNamedAsProxy() {
			c.fail(proxyNameViolation)
		}
	}
}

func (c *certificate) isNamedAsProxy() bool {
	rest, below := bytes.CutPrefix(c.subject, c.issuer)
	if !below || len(c.issuer) == 0 {
		return false
	}
	s := cryptobyte.String(rest)
	var set, attribute cryptobyte.String
	var id oidValue
	return s.ReadASN1(&set, asn1.SET) && s.Empty() && set.ReadASN1(&attribute, asn1.SEQUENCE) && set.Empty() &&
		attribute.ReadASN1ObjectIdentifier(&id) && id.String() == "2.5.4.3"
}
