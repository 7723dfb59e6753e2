package pki

import (
	"crypto/x509"
	"time"
)

// IssuerOf finds the issuer of a certificate of our own: in its chain, or else
// among the roots. Of several there it is the first that is valid now, or else
// the one that was so last. Nil: there is none.
func (v *Verifier) IssuerOf(cert *x509.Certificate, chain []*x509.Certificate, now time.Time) *x509.Certificate {
	for _, c := range chain {
		if Issued(c, cert) {
			return c
		}
	}
	own, c := read(cert), &check{Verifier: v, now: now}
	if root := c.bestIssuer(v.roots.of(own.issuer, v.Roots), own, func(*certificate) bool { return true }); root != nil {
		return root.Certificate
	}
	return nil
}
