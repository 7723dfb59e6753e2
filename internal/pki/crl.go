package pki

import "crypto/x509"

// CRL is a certificate revocation list.
type CRL = x509.RevocationList

// ParseCRL reads a list in DER.
func ParseCRL(der []byte) (*CRL, error) { return x509.ParseRevocationList(der) }
