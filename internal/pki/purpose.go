package pki

import (
	"bytes"
	"crypto/x509"
	"slices"
)

// checkExtensions looks whether a certificate may be where it is in the chain.
func (c *check) checkExtensions(i int) {
	cert := c.chain[i]
	if len(cert.UnhandledCriticalExtensions) > 0 {
		c.result = unhandledExtension
	}
	if i > 0 && !mayIssue(cert) {
		c.result = invalidCA
	}
	if !c.suits(cert, i > 0) {
		c.result = unsuitablePurpose
	}
	if limit := pathLength(cert); i > 0 && limit >= 0 && c.issuersBelow(i) > limit {
		c.result = pathLengthExceeded
	}
}

// mayIssue tells whether a certificate is one of an authority.
func mayIssue(cert *x509.Certificate) bool {
	switch {
	case cert.BasicConstraintsValid:
		return cert.IsCA
	case cert.Version == 1 && isSelfIssued(cert):
		return true
	}
	return cert.KeyUsage&x509.KeyUsageCertSign != 0
}

// suits tells whether a certificate may be used for the purpose.
func (c *check) suits(cert *x509.Certificate, authority bool) bool {
	if len(cert.ExtKeyUsage)+len(cert.UnknownExtKeyUsage) > 0 && !slices.Contains(cert.ExtKeyUsage, c.Purpose) &&
		!slices.Contains(cert.ExtKeyUsage, x509.ExtKeyUsageAny) {
		return false
	}
	if authority || cert.KeyUsage == 0 {
		return true
	}
	usage := x509.KeyUsageDigitalSignature | x509.KeyUsageKeyAgreement
	if c.Purpose == x509.ExtKeyUsageServerAuth {
		usage |= x509.KeyUsageKeyEncipherment
	}
	return cert.KeyUsage&usage != 0
}

// pathLength is the limit that a certificate sets to the number of authorities
// below it; -1: none.
func pathLength(cert *x509.Certificate) int {
	if !cert.BasicConstraintsValid || cert.MaxPathLen < 0 || cert.MaxPathLen == 0 && !cert.MaxPathLenZero {
		return -1
	}
	return cert.MaxPathLen
}

// issuersBelow counts the authorities between the first certificate and i that
// do not just renew their own one.
func (c *check) issuersBelow(i int) (n int) {
	for _, cert := range c.chain[1:i] {
		if !bytes.Equal(cert.RawSubject, cert.RawIssuer) {
			n++
		}
	}
	return n
}
