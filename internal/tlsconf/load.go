package tlsconf

import (
	"crypto/x509"
	"encoding/asn1"
	"fmt"
)

// Kinds of PEM blocks that OpenSSL takes for a certificate.
var (
	plainKinds   = []string{"CERTIFICATE", "X509 CERTIFICATE"}
	trustedKinds = append([]string{"TRUSTED CERTIFICATE"}, plainKinds...)
)

// Certificates reads a certificate and the rest of its chain from a PEM file,
// or from behind "data:". There is at least one.
func Certificates(name string) ([]*x509.Certificate, error) {
	chain, err := readChain(name)
	if err != nil {
		return nil, fmt.Errorf("cannot load certificate \"%s\": %w", name, err)
	}
	return chain, nil
}

func readChain(name string) ([]*x509.Certificate, error) {
	text, err := readPEM(name)
	if err != nil {
		return nil, err
	}
	r := pemReader{text}
	b, problem := r.next("TRUSTED CERTIFICATE", trustedKinds...)
	var chain []*x509.Certificate
	call := "PEM_read_bio_X509_AUX() failed"
	for problem == "" {
		var cert *x509.Certificate
		if cert, problem = parseCertificate(b.der); problem != "" {
			break
		}
		chain = append(chain, cert)
		call = "PEM_read_bio_X509() failed"
		b, problem = r.next("CERTIFICATE", plainKinds...)
	}
	if len(chain) > 0 && problem == errNoStartLine+"CERTIFICATE" {
		return chain, nil
	}
	return nil, &opensslError{call, []string{problem}}
}

// CAs reads certificates that are trusted. There is at least one.
func CAs(name string) ([]*x509.Certificate, error) {
	text, err := readPEM(name)
	if err != nil {
		return nil, fmt.Errorf("cannot load certificate \"%s\": %w", name, err)
	}
	r := pemReader{text}
	var found []*x509.Certificate
	for {
		const expecting = "TRUSTED CERTIFICATE"
		b, problem := r.next(expecting, trustedKinds...)
		if problem == errNoStartLine+expecting && len(found) > 0 {
			return found, nil
		}
		var cert *x509.Certificate
		if problem == "" {
			cert, problem = parseCertificate(b.der)
		}
		if problem != "" {
			err = &opensslError{"PEM_read_bio_X509_AUX() failed", []string{problem}}
			return nil, fmt.Errorf("cannot load certificate \"%s\": %w", name, err)
		}
		found = append(found, cert)
	}
}

// CRLs reads certificate revocation lists. There is at least one.
func CRLs(name string) ([]*x509.RevocationList, error) {
	text, err := readPEM(name)
	if err != nil {
		return nil, fmt.Errorf("cannot load CRL \"%s\": %w", name, err)
	}
	r := pemReader{text}
	var found []*x509.RevocationList
	for {
		const expecting = "X509 CRL"
		b, problem := r.next(expecting, expecting)
		if problem == errNoStartLine+expecting && len(found) > 0 {
			return found, nil
		}
		var crl *x509.RevocationList
		if problem == "" {
			if crl, err = x509.ParseRevocationList(b.der); err != nil {
				problem = encodingProblem(b.der, "X509_CRL", err) + errASN1
			}
		}
		if problem != "" {
			err = &opensslError{"PEM_read_bio_X509_CRL() failed", []string{problem}}
			return nil, fmt.Errorf("cannot load CRL \"%s\": %w", name, err)
		}
		found = append(found, crl)
	}
}

// errASN1 is OpenSSL's last word on a PEM text with a wrong encoding in it.
const errASN1 = " error:0488000D:PEM routines::ASN1 lib"

// parseCertificate reads a certificate. What may follow it in a block of the
// kind "TRUSTED CERTIFICATE" is not looked at.
func parseCertificate(der []byte) (*x509.Certificate, string) {
	var first asn1.RawValue
	if rest, err := asn1.Unmarshal(der, &first); err == nil {
		der = der[:len(der)-len(rest)]
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, encodingProblem(der, "X509", err) + errASN1
	}
	return cert, ""
}

// encodingProblem is what OpenSSL says about an encoding that is none. What is
// one, but refused by package x509, gets the words of that.
func encodingProblem(der []byte, kind string, err error) string {
	var first asn1.RawValue
	if _, bad := asn1.Unmarshal(der, &first); err != nil && bad == nil && first.Tag == asn1.TagSequence && first.Class == asn1.ClassUniversal {
		return err.Error()
	}
	return "error:068000A8:asn1 encoding routines::wrong tag error:0688010A:asn1 encoding routines::nested asn1 error:Type=" + kind
}
