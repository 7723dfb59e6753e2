package tlsconf

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"syscall"

	"github.com/gostream/gostream/internal/pki"
)

// ReadOCSPFile reads the response of ssl_stapling_file and encodes it anew. It has
// to be a response; what it says does not matter. Errors are complete messages.
func ReadOCSPFile(name string) ([]byte, error) {
	text, queue := readFile(name, "rb")
	if queue != nil {
		return nil, errors.New(withQueue("BIO_new_file(\""+name+"\") failed", queue...))
	}
	call := "d2i_OCSP_RESPONSE_bio(\"" + name + "\") failed"
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		const notEnough = "error:0680008E:asn1 encoding routines::not enough data"
		return nil, errors.New(withQueue(call, systemError(syscall.EISDIR)+":calling fread()", errSystemLib, notEnough))
	}
	der, queue := pki.RecodeOCSP(text)
	if der == nil {
		return nil, errors.New(withQueue(call, queue...))
	}
	return der, nil
}

// ChainOf returns what follows a certificate of our own in its file. What Go
// cannot read is left out.
func ChainOf(c *tls.Certificate) (chain []*x509.Certificate) {
	for _, der := range c.Certificate[1:] {
		if cert, err := x509.ParseCertificate(der); err == nil {
			chain = append(chain, cert)
		}
	}
	return chain
}
