package tlsconf

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"math/big"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	cryptobyte_asn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gostream/gostream/internal/pki"
)

// certificate is one from a file. OpenSSL takes more encodings for certificates
// than package x509 does: what that refuses has the fields of the embedded
// certificate that begin with Raw, the number, and the public key if it can be
// read.
type certificate struct {
	*x509.Certificate
	line     int               // where its block begins in the file
	refused  error             // why package x509 does not take it; nil: it does
	parts    map[string][]byte // the encodings of its fields, as in [asn1Decoder]
	settings *pki.TrustSettings
}

// errASN1 is OpenSSL's last word on a PEM text with a wrong encoding in it.
const errASN1 = "error:0488000D:PEM routines::ASN1 lib"

// failure is the queue after a wrong encoding in a PEM text.
func (d *asn1Decoder) failure() error {
	return opensslQueue(strings.Join(append(d.queue, errASN1), " "))
}

// readCertificate reads the contents of a block. With trust there may be an
// encoding of what the certificate is trusted for behind it. Errors are OpenSSL's.
func readCertificate(b *pemBlock, trust bool) (*certificate, error) {
	d, rest, ok := decodeASN1(b.der, itemCertificate)
	if !ok {
		return nil, d.failure()
	}
	c := &certificate{line: b.line, parts: d.parts}
	if trust && len(rest) > 0 {
		d, _, ok := decodeASN1(rest, itemTrust)
		if !ok {
			return nil, d.failure()
		}
		c.settings = &pki.TrustSettings{Accepted: identifiers(d.parts["X509_CERT_AUX.trust"]), Rejected: identifiers(d.parts["X509_CERT_AUX.reject"])}
	}
	der := b.der[:len(b.der)-len(rest)]
	if c.Certificate, c.refused = x509.ParseCertificate(der); c.refused == nil {
		return c, nil
	}
	if cert, err := c.rewritten(); err == nil {
		c.Certificate, c.refused = cert, nil
	} else {
		c.Certificate = &x509.Certificate{}
		c.PublicKey, _ = x509.ParsePKIXPublicKey(usualKey(c.parts["X509_CINF.key"]))
	}
	c.Raw, c.RawTBSCertificate, c.RawSubjectPublicKeyInfo = der, c.parts["X509.cert_info"], c.parts["X509_CINF.key"]
	c.RawIssuer, c.RawSubject = c.parts["X509_CINF.issuer"], c.parts["X509_CINF.subject"]
	c.SerialNumber = integer(c.parts["X509_CINF.serialNumber"])
	return c, nil
}

// rewritten parses what the certificate would be if its key were encoded the
// usual way, and its number not negative.
func (c *certificate) rewritten() (*x509.Certificate, error) {
	var b cryptobyte.Builder
	b.AddASN1(cryptobyte_asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cryptobyte_asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, f := range itemCertificateInfo.fields {
				part := c.parts["X509_CINF."+f.name]
				switch f.name {
				case "serialNumber":
					part = []byte{tagInteger, 1, 1}
				case "key":
					part = usualKey(part)
				}
				b.AddBytes(part)
			}
		})
		b.AddBytes(c.parts["X509.sig_alg"])
		b.AddBytes(c.parts["X509.signature"])
	})
	der, err := b.Bytes()
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// integer reads an encoded integer.
func integer(der []byte) *big.Int {
	h, result := (&asn1Decoder{}).header(der, asn1Tag{classUniversal, tagInteger}, false)
	if result != asn1OK {
		return new(big.Int)
	}
	n := new(big.Int).SetBytes(h.content)
	if len(h.content) > 0 && h.content[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(h.content))))
	}
	return n
}

// identifiers reads a list of object identifiers, whatever its own tag is. Nil:
// there is no list.
func identifiers(list []byte) (found []asn1.ObjectIdentifier) {
	d := &asn1Decoder{}
	h, result := d.header(list, asn1Tag{tag: -1}, false)
	if result == asn1OK {
		found = []asn1.ObjectIdentifier{}
	}
	for result == asn1OK && len(h.content) > 0 {
		var oid asn1.ObjectIdentifier
		rest, err := asn1.Unmarshal(h.content, &oid)
		if err != nil {
			break
		}
		found = append(found, oid)
		h.content = rest
	}
	return found
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
	var a algorithm
	_, _ = asn1.Unmarshal(c.parts["X509_CINF.signature"], &a)
	signer, key := signatures[a.Algorithm.String()].key, c.keyAlgorithm()
	switch {
	case !bytes.Equal(c.RawIssuer, c.RawSubject):
	case len(id.Key) > 0 && len(c.SubjectKeyId) > 0 && !bytes.Equal(id.Key, c.SubjectKeyId):
	case id.Serial != nil && id.Serial.Cmp(c.SerialNumber) != 0:
	default:
		return signer == key || signer == oidRSAPSS && key == oidRSA
	}
	return false
}
