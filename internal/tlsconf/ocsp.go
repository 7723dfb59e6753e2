package tlsconf

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/gostream/gostream/internal/pki"
)

// OCSPRequest asks for the status of a certificate.
func OCSPRequest(cert, issuer *x509.Certificate) ([]byte, error) {
	return ocsp.CreateRequest(cert, issuer, &ocsp.RequestOptions{Hash: crypto.SHA1})
}

// OCSPStatus is what a responder says of a certificate.
type OCSPStatus int

// The values of OCSPStatus.
const (
	OCSPGood    OCSPStatus = ocsp.Good
	OCSPRevoked OCSPStatus = ocsp.Revoked
	OCSPUnknown OCSPStatus = ocsp.Unknown
)

// String is OpenSSL's word.
func (s OCSPStatus) String() string {
	switch s {
	case OCSPGood:
		return "good"
	case OCSPRevoked:
		return "revoked"
	}
	return "unknown"
}

// OCSPAnswer is a response that was checked.
type OCSPAnswer struct {
	Status OCSPStatus
	Valid  time.Time // until then; zero: there is no end
}

// leeway is by how much clocks may differ.
const leeway = 300 * time.Second

// ParseOCSP checks a response about a certificate. With trusted the issuer must
// have signed it, or somebody whom it has charged with that. Errors are complete
// messages.
func ParseOCSP(der []byte, cert, issuer *x509.Certificate, trusted bool, now time.Time) (*OCSPAnswer, error) {
	r, err := ocsp.ParseResponseForCert(der, cert, nil)
	var refused ocsp.ResponseError
	switch {
	case errors.As(err, &refused):
		return nil, fmt.Errorf("OCSP response not successful (%d: %s)", int(refused.Status), refusals[int(refused.Status)])
	case err != nil && !isSequence(der):
		return nil, errors.New(withQueue("d2i_OCSP_RESPONSE() failed", encodingProblem(der, "OCSP_RESPONSE", err)))
	case err != nil:
		return nil, errors.New(withQueue("OCSP_basic_verify() failed", err.Error()))
	}
	if trusted {
		if err := checkSigner(r, issuer); err != nil {
			return nil, errors.New(withQueue("OCSP_basic_verify() failed", err.Error()))
		}
	}
	if r.SerialNumber.Cmp(cert.SerialNumber) != 0 {
		return nil, errors.New("certificate status not found in the OCSP response")
	}
	switch {
	case r.ThisUpdate.After(now.Add(leeway)):
		return nil, errors.New(withQueue("OCSP_check_validity() failed", "error:1380007E:OCSP routines::status not yet valid"))
	case !r.NextUpdate.IsZero() && r.NextUpdate.Before(now.Add(-leeway)):
		return nil, errors.New(withQueue("OCSP_check_validity() failed", "error:1380007D:OCSP routines::status expired"))
	}
	return &OCSPAnswer{OCSPStatus(r.Status), r.NextUpdate}, nil
}

// refusals are OpenSSL's words for responses that have no answer.
var refusals = map[int]string{1: "malformedrequest", 2: "internalerror", 3: "trylater", 5: "sigrequired", 6: "unauthorized"}

// checkSigner checks the signature of a response, and whose it is.
func checkSigner(r *ocsp.Response, issuer *x509.Certificate) error {
	signer := r.Certificate
	if signer == nil || signer.Equal(issuer) {
		return r.CheckSignatureFrom(issuer)
	}
	if !slices.Contains(signer.ExtKeyUsage, x509.ExtKeyUsageOCSPSigning) || !bytes.Equal(signer.RawIssuer, issuer.RawSubject) {
		return errors.New("error:13800070:OCSP routines::root ca not trusted")
	}
	return issuer.CheckSignature(signer.SignatureAlgorithm, signer.RawTBSCertificate, signer.Signature)
}

func isSequence(der []byte) bool {
	var v asn1.RawValue
	rest, err := asn1.Unmarshal(der, &v)
	return err == nil && len(rest) == 0 && v.Class == asn1.ClassUniversal && v.Tag == asn1.TagSequence
}

// IssuerOf finds the issuer of a certificate of our own: in its chain, or among
// others. Nil: there is none.
func IssuerOf(c *tls.Certificate, others []*x509.Certificate) *x509.Certificate {
	var chain []*x509.Certificate
	for _, der := range c.Certificate[1:] {
		if cert, err := x509.ParseCertificate(der); err == nil {
			chain = append(chain, cert)
		}
	}
	for _, cert := range slices.Concat(chain, others) {
		if pki.Issued(cert, c.Leaf) {
			return cert
		}
	}
	return nil
}
