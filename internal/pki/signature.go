package pki

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
)

// checkSignatures goes down from the end of the chain and looks at signatures
// and times. The signature of a certificate by itself says nothing, and is left
// out; so is the time of the last one if that is not self-signed.
func (c *check) checkSignatures() {
	i := len(c.certs) - 1
	last := c.certs[i]
	switch {
	case last.selfSigned:
		c.checkTime(last)
	case i == 0:
		c.fail(unableToVerifyLeaf)
		c.checkTime(last)
	}
	for i--; i >= 0; i-- {
		issuer, cert := c.certs[i+1], c.certs[i]
		if r := mayHaveSigned(issuer, cert); r != OK {
			c.fail(r)
		}
		switch {
		case issuer.key.kind == kindUnknown:
			c.fail(noIssuerKey)
		case !cert.signedBy(issuer):
			c.fail(badSignature)
		}
		c.checkTime(cert)
	}
}

// mayHaveSigned looks whether the key usage of an issuer is one for that. The
// issuer of a proxy's certificate is no authority, and has to sign.
func mayHaveSigned(issuer, cert *certificate) Result {
	switch {
	case cert.proxy && !issuer.keyUsage.allows(useDigitalSignature):
		return noDigitalSignature
	case !cert.proxy && !issuer.keyUsage.allows(useCertificateSign):
		return noCertificateSign
	}
	return OK
}

func (c *check) checkTime(cert *certificate) {
	switch {
	case cert.badNotBefore:
		c.fail(badNotBefore)
	case c.now.Before(cert.NotBefore):
		c.fail(notYetValid)
	}
	switch {
	case cert.badNotAfter:
		c.fail(badNotAfter)
	case !c.now.Before(cert.NotAfter):
		c.fail(expired)
	}
}

// timely reports whether a certificate is valid now.
func (c *check) timely(cert *certificate) bool {
	return !cert.badNotBefore && !cert.badNotAfter && !c.now.Before(cert.NotBefore) && c.now.Before(cert.NotAfter)
}

// signedBy reports whether a certificate has a signature by an issuer's key.
// Package x509 does not accept all that OpenSSL does.
func (c *certificate) signedBy(issuer *certificate) bool {
	return c.signatureBits && c.algorithm.verify(issuer.key, c.RawTBSCertificate, c.Signature)
}

// verify reports whether a signature of a text is good.
func (a signatureAlgorithm) verify(key publicKey, text, signature []byte) bool {
	if !key.kind.signsWith(a.kind) {
		return false
	}
	if k, ok := key.key.(ed25519.PublicKey); ok {
		return ed25519.Verify(k, text, signature)
	}
	if !a.hash.Available() {
		return false
	}
	h := a.hash.New()
	h.Write(text)
	digest := h.Sum(nil)
	switch k := key.key.(type) {
	case *rsa.PublicKey:
		if a.kind == kindPSS {
			return a.pss.fits(key.pss) && verifyPSS(k, a.pss, digest, signature)
		}
		return verifyPKCS1(k, a.hash, digest, signature)
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(k, digest, signature)
	}
	return false
}
