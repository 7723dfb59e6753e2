package tlsconf

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/gostream/gostream/internal/pki"
)

// Kinds of PEM blocks that OpenSSL takes for a certificate.
var (
	plainKinds   = []string{"CERTIFICATE", "X509 CERTIFICATE"}
	trustedKinds = append([]string{"TRUSTED CERTIFICATE"}, plainKinds...)
)

// loadChain is readChain with complete messages as errors.
func loadChain(name string) ([]*certificate, error) {
	chain, err := readChain(name)
	if err != nil {
		return nil, fmt.Errorf("cannot load certificate \"%s\": %w", name, err)
	}
	return chain, nil
}

// readChain reads a certificate and the rest of its chain from a PEM file, or
// from behind "data:". There is at least one.
func readChain(name string) ([]*certificate, error) {
	text, err := readPEM(name)
	if err != nil {
		return nil, err
	}
	r := pemReader{rest: text}
	var chain []*certificate
	b, err := r.next("TRUSTED CERTIFICATE", trustedKinds...)
	call := "PEM_read_bio_X509_AUX() failed"
	for err == nil {
		var c *certificate
		if c, err = readCertificate(b, len(chain) == 0); err != nil {
			break
		}
		chain = append(chain, c)
		call = "PEM_read_bio_X509() failed"
		b, err = r.next("CERTIFICATE", plainKinds...)
	}
	if len(chain) > 0 && isNoStartLine(err) {
		return chain, nil
	}
	return nil, failed(call, err)
}

// Authorities are the certificates of a file by which others are checked.
type Authorities struct {
	// Trusted are those that package pki can use.
	Trusted []*x509.Certificate

	// Settings are what the file says of the trust in some of them.
	Settings map[*x509.Certificate]*pki.TrustSettings

	// Named are all, at least with their names, one of each. Others may be told of
	// them.
	Named []*x509.Certificate
}

// AddTo makes a verifier trust the authorities.
func (a *Authorities) AddTo(v *pki.Verifier) {
	v.Roots = append(v.Roots, a.Trusted...)
	if v.Trust == nil {
		v.Trust = map[*x509.Certificate]*pki.TrustSettings{}
	}
	maps.Copy(v.Trust, a.Settings)
}

// CAs reads certificates that are trusted. warn is told of those that cannot be
// used here. Where there is no other, this is the error.
func CAs(name string, warn func(text string)) (*Authorities, error) {
	all, err := readCAs(name)
	if err != nil {
		return nil, fmt.Errorf("cannot load certificate \"%s\": %w", name, err)
	}
	found := &Authorities{Settings: map[*x509.Certificate]*pki.TrustSettings{}}
	var refused []string
	for _, c := range all {
		if !slices.ContainsFunc(found.Named, func(other *x509.Certificate) bool { return bytes.Equal(other.RawSubject, c.RawSubject) }) {
			found.Named = append(found.Named, c.Certificate)
		}
		switch {
		case c.refused != nil:
			refused = append(refused, fmt.Sprintf("certificate in %s:%d is not supported (%s)", name, c.line, c.refused))
			continue
		case !pki.HasUsableKey(c.Certificate):
			refused = append(refused, fmt.Sprintf("certificate in %s:%d has %s, which is not supported", name, c.line, c.unsupportedKey()))
			continue
		case c.settings != nil:
			found.Settings[c.Certificate] = c.settings
		}
		found.Trusted = append(found.Trusted, c.Certificate)
	}
	if len(refused) == len(all) {
		return nil, errors.New(refused[0])
	}
	for _, text := range refused {
		warn(text + ", ignored")
	}
	return found, nil
}

func readCAs(name string) (all []*certificate, err error) {
	text, err := readPEM(name)
	if err != nil {
		return nil, err
	}
	r := pemReader{rest: text}
	for {
		b, err := r.next("TRUSTED CERTIFICATE", trustedKinds...)
		if isNoStartLine(err) && len(all) > 0 {
			return all, nil
		}
		var c *certificate
		if err == nil {
			c, err = readCertificate(b, true)
		}
		if err != nil {
			return nil, failed("PEM_read_bio_X509_AUX() failed", err)
		}
		all = append(all, c)
	}
}
