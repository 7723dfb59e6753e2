package pki

import (
	"crypto/x509"
	"slices"
	"time"
)

// Verifier checks the certificates of the other side as OpenSSL does. Its fields
// may not be changed once it has been used, but for Purpose, Depth and Level.
type Verifier struct {
	// Roots are the certificates that are trusted. A chain has to end in one of
	// them that is self-signed.
	Roots []*x509.Certificate
	CRLs  []*CRL // if there is one, every issuer needs one
	Depth int    // how many certificates may stand between the first and the root

	// Level is OpenSSL's security level, which says how strong keys and
	// signatures have to be: from 0, all are strong enough, to 5.
	Level int
	// Purpose is what the certificate must be good for.
	Purpose Purpose
	// Trust has the settings of those of Roots that were read with some.
	Trust map[*x509.Certificate]*TrustSettings

	roots roots
}

// check is the checking of one chain.
type check struct {
	*Verifier
	now          time.Time
	purpose      Purpose
	depth, level int
	firstCounts  bool // the first failure ends it all

	chain     []*x509.Certificate
	certs     []*certificate // those of chain
	untrusted int            // how many of chain are the peer's
	trusted   bool           // the chain ends in a root
	result    Result
}

// Verify checks the certificate peer[0] with the others that the peer has sent.
// It returns the chain that it has found too, complete or not. Since nginx lets
// OpenSSL go on after a failure, the result is that of the last one.
func (v *Verifier) Verify(peer []*x509.Certificate, now time.Time) ([]*x509.Certificate, Result) {
	c := &check{Verifier: v, now: now, purpose: v.Purpose, depth: v.Depth, level: v.Level}
	c.run(peer)
	return c.chain, c.result
}

// defaultDepth is OpenSSL's limit where nginx sets none.
const defaultDepth = 100

// VerifySigner checks the certificate of who has signed an OCSP response, with
// others that may have issued it. It returns the chain that it has found too,
// complete or not. Neither Level nor Depth nor Purpose count, and the result is
// that of the first failure.
func (v *Verifier) VerifySigner(signer *x509.Certificate, others []*x509.Certificate, now time.Time) ([]*x509.Certificate, Result) {
	c := &check{Verifier: v, now: now, purpose: OCSPHelper, depth: defaultDepth, firstCounts: true}
	c.run(slices.Concat([]*x509.Certificate{signer}, others))
	return c.chain, c.result
}

// run has OpenSSL's order of checks.
func (c *check) run(peer []*x509.Certificate) {
	all := make([]*certificate, len(peer))
	for i, cert := range peer {
		all[i] = read(cert)
	}
	c.certs, c.untrusted = []*certificate{all[0]}, 1
	if !c.strongKey(all[0]) {
		c.fail(leafKeyTooSmall)
	}
	c.build(all)
	for _, cert := range c.certs {
		c.chain = append(c.chain, cert.Certificate)
	}
	for _, step := range []func(){c.checkExtensions, c.checkLevel, c.checkRevocation, c.checkSignatures, c.checkNames} {
		if c.firstCounts && c.result != OK {
			return
		}
		step()
	}
}

// fail notes a failure.
func (c *check) fail(r Result) {
	if c.result == OK || !c.firstCounts {
		c.result = r
	}
}
