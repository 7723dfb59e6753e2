package tlsconf

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"math/big"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	cryptobyte_asn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gostream/gostream/internal/ber"
	"github.com/gostream/gostream/internal/pki"
)

// certificate is one from a file. OpenSSL takes more encodings for certificates
// than package x509 does: what that refuses has the fields of the embedded
// certificate that begin with Raw, the number, and the public key if it can be
// read.
type certificate struct {
	*x509.Certificate
	line     int   // where its block begins in the file
	refused  error // why package x509 does not take it; nil: it does
	value    *ber.Value
	settings *pki.TrustSettings
}

// errASN1 is OpenSSL's last word on a PEM text with a wrong encoding in it.
const errASN1 = "error:0488000D:PEM routines::ASN1 lib"

// encodingProblem is the queue after a wrong encoding in a PEM text.
func encodingProblem(problems []string) error {
	return opensslQueue(strings.Join(append(problems, errASN1), " "))
}

// readCertificate reads the contents of a block. With trust there may be an
// encoding of what the certificate is trusted for behind it. Errors are OpenSSL's.
func readCertificate(b *pemBlock, trust bool) (*certificate, error) {
	v, rest, problems := ber.Decode(b.der, ber.CertificateType)
	if problems != nil {
		return nil, encodingProblem(problems)
	}
	c := &certificate{line: b.line, value: v}
	if trust {
		if c.settings, problems = pki.ParseTrustSettings(rest); problems != nil {
			return nil, encodingProblem(problems)
		}
	}
	der := b.der[:len(b.der)-len(rest)]
	if c.Certificate, c.refused = x509.ParseCertificate(der); c.refused == nil {
		return c, nil
	}
	if cert, err := c.rewritten(); err == nil {
		c.Certificate, c.refused = cert, nil
	} else {
		c.Certificate = &x509.Certificate{}
		c.PublicKey, _ = x509.ParsePKIXPublicKey(usualKey(c.keyInfo()))
	}
	info := v.Field("cert_info")
	c.Raw, c.RawTBSCertificate, c.RawSubjectPublicKeyInfo = der, info.Raw, c.keyInfo()
	c.RawIssuer, c.RawSubject = info.RawField("issuer"), info.RawField("subject")
	c.SerialNumber = ber.BigInt(info.Field("serialNumber").Bytes)
	return c, nil
}

// keyInfo is the SubjectPublicKeyInfo, as it is encoded.
func (c *certificate) keyInfo() []byte { return c.value.RawField("cert_info", "key") }

// rewritten parses what the certificate would be if its key were encoded the
// usual way, and its number not negative.
func (c *certificate) rewritten() (*x509.Certificate, error) {
	var b cryptobyte.Builder
	b.AddASN1(cryptobyte_asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cryptobyte_asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, f := range ber.CertificateInfoType.Fields {
				part := c.value.RawField("cert_info", f.Name)
				switch f.Name {
				case "serialNumber":
					part = []byte{ber.Integer, 1, 1}
				case "key":
					part = usualKey(part)
				}
				b.AddBytes(part)
			}
		})
		b.AddBytes(c.value.RawField("sig_alg"))
		b.AddBytes(c.value.RawField("signature"))
	})
	der, err := b.Bytes()
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// selfSigned reports whether OpenSSL takes a certificate for one that has signed
// itself: by the names, the identifiers of keys, and the kind of the key. The
// signature is not checked.
func (c *certificate) selfSigned() bool {
	var id struct {
		Key    []byte        `asn1:"optional,tag:0"`
		Issuer asn1.RawValue `asn1:"optional,tag:1"`
		Serial *big.Int      `asn1:"optional,tag:2"`
	}
	for _, e := range c.Extensions {
		if e.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 35}) { // authorityKeyIdentifier
			_, _ = asn1.Unmarshal(e.Value, &id)
		}
	}
	switch {
	case !bytes.Equal(c.RawIssuer, c.RawSubject):
	case len(id.Key) > 0 && len(c.SubjectKeyId) > 0 && !bytes.Equal(id.Key, c.SubjectKeyId):
	case id.Serial != nil && id.Serial.Cmp(c.SerialNumber) != 0:
	default:
		return pki.CanSign(c.keyAlgorithm(), c.value.RawField("cert_info", "signature"))
	}
	return false
}
