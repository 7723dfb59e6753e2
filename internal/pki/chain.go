package pki

import (
	"bytes"
	"crypto/x509"
	"slices"
)

// build finds a chain. Roots come first, then what the peer has sent.
func (c *check) build(peer []*x509.Certificate) {
	rest := slices.Clone(peer[1:min(len(peer), maxCertificatesOfPeer)])
	c.chain = []*x509.Certificate{peer[0]}
	c.fromPin = len(peer) + 1
	for {
		last := c.chain[len(c.chain)-1]
		if isSelfIssued(last) {
			c.trusted = c.pinned(last)
			break
		}
		if len(c.chain) > c.Depth+1 {
			break
		}
		if i := slices.IndexFunc(c.Roots, func(r *x509.Certificate) bool { return Issued(r, last) }); i >= 0 {
			c.fromPin = min(c.fromPin, len(c.chain))
			c.chain = append(c.chain, c.Roots[i])
			continue
		}
		i := slices.IndexFunc(rest, func(r *x509.Certificate) bool { return Issued(r, last) })
		if i < 0 {
			break
		}
		c.chain = append(c.chain, rest[i])
		rest = slices.Delete(rest, i, i+1)
	}
	c.judgeEnd()
}

// judgeEnd says what is wrong with a chain that does not end in a root. That it
// is too long is no result of its own: OpenSSL finds the missing root after it.
func (c *check) judgeEnd() {
	n := len(c.chain)
	switch {
	case c.trusted:
	case isSelfIssued(c.chain[n-1]) && n == 1:
		c.result = selfSigned
	case isSelfIssued(c.chain[n-1]):
		c.result = selfSignedInChain
	case c.fromPin < n:
		c.result = noIssuer
	default:
		c.result = noLocalIssuer
	}
}

func (c *check) pinned(cert *x509.Certificate) bool {
	return slices.ContainsFunc(c.Roots, cert.Equal)
}

// Issued tells whether one certificate looks like the issuer of another: by name
// and, if there are any, key identifiers.
func Issued(issuer, cert *x509.Certificate) bool {
	if !bytes.Equal(issuer.RawSubject, cert.RawIssuer) {
		return false
	}
	return len(issuer.SubjectKeyId) == 0 || len(cert.AuthorityKeyId) == 0 || bytes.Equal(issuer.SubjectKeyId, cert.AuthorityKeyId)
}

func isSelfIssued(cert *x509.Certificate) bool { return Issued(cert, cert) }
