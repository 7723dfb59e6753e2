package pki

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"slices"
)

// checkNames leaves the constraints that authorities have on names to package
// x509. They matter only in a chain that is trusted.
func (c *check) checkNames() {
	constrained := func(cert *x509.Certificate) bool {
		return slices.ContainsFunc(cert.Extensions, func(e pkix.Extension) bool { return e.Id.Equal(oidNameConstraints) })
	}
	if !c.trusted || !slices.ContainsFunc(c.chain[1:], constrained) {
		return
	}
	opts := x509.VerifyOptions{
		Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(),
		CurrentTime: c.now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	}
	opts.Roots.AddCert(c.chain[len(c.chain)-1])
	for _, cert := range c.chain[1:] {
		opts.Intermediates.AddCert(cert)
	}
	_, err := c.chain[0].Verify(opts)
	var invalid x509.CertificateInvalidError
	if errors.As(err, &invalid) && invalid.Reason != x509.Expired {
		c.result = forbiddenName
	}
}

var oidNameConstraints = asn1.ObjectIdentifier{2, 5, 29, 30}
