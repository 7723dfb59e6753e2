package pki

import "crypto/x509"

// checkSignatures goes down from the end of the chain and looks at signatures
// and times.
func (c *check) checkSignatures() {
	i := len(c.chain) - 1
	parent := c.chain[i]
	switch {
	case isSelfIssued(parent):
		c.checkTime(parent)
	case i == 0:
		c.result = unableToVerifyLeaf
		c.checkTime(parent)
	}
	for i--; i >= 0; i-- {
		cert := c.chain[i]
		if parent.KeyUsage != 0 && parent.KeyUsage&x509.KeyUsageCertSign == 0 {
			c.result = noCertificateSign
		}
		if parent.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature) != nil {
			c.result = badSignature
		}
		c.checkTime(cert)
		parent = cert
	}
}

func (c *check) checkTime(cert *x509.Certificate) {
	switch {
	case c.now.Before(cert.NotBefore):
		c.result = notYetValid
	case c.now.After(cert.NotAfter):
		c.result = expired
	}
}
