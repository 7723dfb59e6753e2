package pki

import (
	"bytes"
	"crypto/x509"
	"math/big"
	"slices"
)

// checkRevocation looks the certificates of the chain up in lists, if there are
// any.
func (c *check) checkRevocation() {
	if len(c.CRLs) == 0 {
		return
	}
	for i := range c.chain {
		c.lookUp(i)
	}
}

// lookUp looks a certificate up in its issuer's list.
func (c *check) lookUp(i int) {
	cert := c.chain[i]
	issuer := c.chain[min(i+1, len(c.chain)-1)]
	crl := c.listOf(cert)
	if crl == nil {
		c.result = noCRL
		return
	}
	switch {
	case crl.CheckSignatureFrom(issuer) != nil:
		c.result = badCRLSignature
	case c.now.Before(crl.ThisUpdate):
		c.result = crlNotYetValid
	case !crl.NextUpdate.IsZero() && c.now.After(crl.NextUpdate):
		c.result = crlExpired
	}
	if lists(crl, cert.SerialNumber) {
		c.result = revoked
	}
}

// listOf finds the newest list of a certificate's issuer.
func (c *check) listOf(cert *x509.Certificate) (found *CRL) {
	for _, crl := range c.CRLs {
		if bytes.Equal(crl.RawIssuer, cert.RawIssuer) && (found == nil || crl.ThisUpdate.After(found.ThisUpdate)) {
			found = crl
		}
	}
	return found
}

func lists(crl *CRL, serial *big.Int) bool {
	return slices.ContainsFunc(crl.RevokedCertificateEntries, func(e x509.RevocationListEntry) bool {
		return e.SerialNumber.Cmp(serial) == 0
	})
}
