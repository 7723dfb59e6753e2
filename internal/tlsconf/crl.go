package tlsconf

import (
	"fmt"

	"github.com/gostream/gostream/internal/pki"
)

// Types of revocation lists.
var (
	itemRevoked = &asn1Item{name: "X509_REVOKED", kind: asn1Sequence, fields: []asn1Field{
		{name: "serialNumber", item: itemInteger},
		{name: "revocationDate", item: itemTime},
		{name: "extensions", item: itemExtension, repeated: tagSequence, optional: true},
	}}
	itemCRLInfo = &asn1Item{name: "X509_CRL_INFO", kind: asn1Sequence, fields: []asn1Field{
		{name: "version", item: itemInteger, optional: true},
		{name: "sig_alg", item: itemAlgorithm},
		{name: "issuer", item: itemName},
		{name: "lastUpdate", item: itemTime},
		{name: "nextUpdate", item: itemTime, optional: true},
		{name: "revoked", item: itemRevoked, repeated: tagSequence, optional: true},
		{name: "extensions", item: itemExtension, repeated: tagSequence, context: 1, explicit: true, optional: true},
	}}
	itemCRL = &asn1Item{name: "X509_CRL", kind: asn1Sequence, fields: []asn1Field{
		{name: "crl", item: itemCRLInfo},
		{name: "sig_alg", item: itemAlgorithm},
		{name: "signature", item: itemBits},
	}}
)

// CRLs reads certificate revocation lists. There is at least one.
func CRLs(name string) ([]*pki.CRL, error) {
	text, err := readPEM(name)
	if err != nil {
		return nil, fmt.Errorf("cannot load CRL \"%s\": %w", name, err)
	}
	r := pemReader{rest: text}
	var found []*pki.CRL
	for {
		const expecting = "X509 CRL"
		b, err := r.next(expecting, expecting)
		if isNoStartLine(err) && len(found) > 0 {
			return found, nil
		}
		var crl *pki.CRL
		if err == nil {
			crl, err = readCRL(b.der)
		}
		if err != nil {
			return nil, fmt.Errorf("cannot load CRL \"%s\": %w", name, failed("PEM_read_bio_X509_CRL() failed", err))
		}
		found = append(found, crl)
	}
}

// readCRL reads the contents of a block. Package pki is quick with large lists;
// what is wrong with one that it cannot read is said in OpenSSL's words.
func readCRL(der []byte) (*pki.CRL, error) {
	crl, err := pki.ParseCRL(der)
	if err == nil {
		return crl, nil
	}
	d, _, ok := decodeASN1(der, itemCRL)
	if ok {
		return nil, err
	}
	return nil, d.failure()
}
