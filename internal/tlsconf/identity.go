package tlsconf

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
)

// Identity is the certificates with which one side of a connection shows who it
// is: at most one of each kind of key. As in OpenSSL a certificate or key takes
// the place of an earlier one of its kind, and one without the other is not
// used. The zero value has none.
type Identity struct{ slots [keyKinds]slot }

// slot is the place for one kind of key.
type slot struct {
	name  string // of the file; empty: not known
	chain []*x509.Certificate
	key   crypto.Signer
}

const (
	kindECDSA = iota // in the order in which clients prefer them
	kindEd25519
	kindRSA
	keyKinds
)

func kindOf(public crypto.PublicKey) int {
	switch public.(type) {
	case *ecdsa.PublicKey:
		return kindECDSA
	case ed25519.PublicKey:
		return kindEd25519
	case *rsa.PublicKey:
		return kindRSA
	}
	return -1
}

// Errors about what does not go together, in OpenSSL's words.
var (
	ErrMismatch    = errors.New("(SSL: error:05800074:x509 certificate routines::key values mismatch)")
	errUnknownKind = errors.New("(SSL: error:0A0000F7:SSL routines::unknown certificate type)")
)

// SetCertificate makes chain, which begins with the certificate itself, the one
// of its kind. A key that is there already and does not belong to it is
// forgotten.
func (id *Identity) SetCertificate(chain []*x509.Certificate) error {
	kind := kindOf(chain[0].PublicKey)
	if kind < 0 {
		return errUnknownKind
	}
	s := &id.slots[kind]
	s.chain, s.name = chain, ""
	if s.key != nil && !samePublic(s.key.Public(), chain[0].PublicKey) {
		s.key = nil
	}
	return nil
}

// SetKey makes key the one of its kind. [ErrMismatch] means that the
// certificate of this kind has another.
func (id *Identity) SetKey(key crypto.Signer) error {
	kind := kindOf(key.Public())
	if kind < 0 {
		return errUnknownKind
	}
	s := &id.slots[kind]
	if s.chain != nil && !samePublic(key.Public(), s.chain[0].PublicKey) {
		return ErrMismatch
	}
	s.key = key
	return nil
}

func samePublic(a, b crypto.PublicKey) bool {
	key, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && key.Equal(b)
}

// Certificates returns the complete ones.
func (id *Identity) Certificates() (found []tls.Certificate) {
	for i := range id.slots {
		s := &id.slots[i]
		if s.chain == nil || s.key == nil {
			continue
		}
		c := tls.Certificate{PrivateKey: s.key, Leaf: s.chain[0]}
		for _, cert := range s.chain {
			c.Certificate = append(c.Certificate, cert.Raw)
		}
		found = append(found, c)
	}
	return found
}

// NameOf is the name that a certificate was loaded by; empty if it was not.
func (id *Identity) NameOf(c *tls.Certificate) string {
	for i := range id.slots {
		if s := &id.slots[i]; s.chain != nil && s.chain[0] == c.Leaf {
			return s.name
		}
	}
	return ""
}

// IsRSA tells whether the key of a certificate is an RSA one.
func IsRSA(c *tls.Certificate) bool {
	return c.Leaf != nil && kindOf(c.Leaf.PublicKey) == kindRSA
}

// Load adds a certificate and its key from files, or from behind "data:". A
// nil cache stands for none. call is the function of OpenSSL that a mismatch is
// blamed on: SSL_CTX_use_PrivateKey or, while a connection is made,
// SSL_use_PrivateKey. If the two do not belong together they are read once
// more, past the cache, which may have kept one longer than the other.
func (id *Identity) Load(cert, key string, passwords []string, cache *Cache, call string) error {
	err := id.load(cert, key, passwords, cache, false)
	if errors.Is(err, ErrMismatch) {
		err = id.load(cert, key, passwords, cache, true)
	}
	if errors.Is(err, ErrMismatch) || errors.Is(err, errUnknownKind) {
		return errors.New(call + "(\"" + key + "\") failed " + err.Error())
	}
	return err
}

func (id *Identity) load(cert, key string, passwords []string, cache *Cache, again bool) error {
	chain, err := cache.certificates(cert, again)
	if err != nil {
		return err
	}
	if err := id.SetCertificate(chain); err != nil {
		return err
	}
	id.slots[kindOf(chain[0].PublicKey)].name = cert
	signer, err := cache.key(key, passwords, again)
	if err != nil {
		return err
	}
	return id.SetKey(signer)
}
