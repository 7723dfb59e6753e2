package pki

import (
	"crypto/x509"
	"time"
)

// Verifier checks the certificates of the other side as OpenSSL does. Like nginx
// it goes on after a failed check, so the result is that of the last one.
type Verifier struct {
	Roots []*x509.Certificate
	CRLs  []*CRL // if there is one, every issuer needs one
	Depth int    // how many certificates may stand between the first and the root

	// Purpose is what the certificate must be good for:
	// x509.ExtKeyUsageClientAuth or x509.ExtKeyUsageServerAuth.
	Purpose x509.ExtKeyUsage
}

// check is the checking of one chain.
type check struct {
	*Verifier
	now     time.Time
	chain   []*x509.Certificate
	trusted bool // the chain ends in a root
	fromPin int  // index of the first certificate that is one of Roots
	result  Result
}

// Verify checks the certificate peer[0] with the others that the peer has sent.
// It returns the chain that it has found too, complete or not.
func (v *Verifier) Verify(peer []*x509.Certificate, now time.Time) ([]*x509.Certificate, Result) {
	c := &check{Verifier: v, now: now}
	c.build(peer)
	for i := range c.chain {
		c.checkExtensions(i)
	}
	c.checkNames()
	c.checkRevocation()
	c.checkSignatures()
	return c.chain, c.result
}
