package tlsconf

import (
	"fmt"

	"github.com/gostream/gostream/internal/ber"
	"github.com/gostream/gostream/internal/pki"
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
	problems := ber.Check(der, ber.CRLType)
	if problems == nil {
		return nil, err
	}
	return nil, encodingProblem(problems)
}
