package tlsconf

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/tls"
	"errors"
	"fmt"
)

// Identity is the certificates with which one side of a connection shows who it
// is: at most one of each kind of key. As in OpenSSL a certificate or key takes
// the place of an earlier one of its kind, and one without the other is not
// used. The zero value has none.
type Identity struct{ slots [keyKinds]slot }

// slot is the place for one kind of key.
type slot struct {
	name  string // of the file
	chain []*certificate
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

// errMismatch is about a certificate and a key that do not belong together.
const errMismatch = opensslQueue("error:05800074:x509 certificate routines::key values mismatch")

// UnsupportedError is about a certificate or key that OpenSSL can use and
// crypto/tls cannot.
type UnsupportedError struct{ text string }

// Error implements error.
func (e *UnsupportedError) Error() string { return e.text }

// callError is a failed call of OpenSSL for a connection or for many: the name
// without its beginning, and the errors.
type callError struct {
	call  string // "use_certificate"
	queue opensslQueue
}

// Error implements error.
func (e *callError) Error() string { return string(e.queue) }

// setCertificate makes chain, which begins with the certificate itself, the one
// of its kind, if it is strong enough for a security level. A key that is there
// already and does not belong to it is forgotten. Errors are OpenSSL's, or an
// [UnsupportedError].
func (id *Identity) setCertificate(name string, chain []*certificate, level int) error {
	if problem := chain[0].problem(level, false); problem != "" {
		return &callError{"use_certificate", problem}
	}
	for _, c := range chain[1:] {
		if problem := c.problem(level, true); problem != "" {
			return &callError{"set0_chain", problem}
		}
	}
	kind := kindOf(chain[0].PublicKey)
	if kind < 0 {
		return &UnsupportedError{"certificate \"" + name + "\" has " + chain[0].unsupportedKey() + ", which is not supported"}
	}
	s := &id.slots[kind]
	s.chain, s.name = chain, name
	if s.key != nil && !samePublic(s.key.Public(), chain[0].PublicKey) {
		s.key = nil
	}
	return nil
}

// setKey makes key the one of its kind. errMismatch means that the certificate
// of this kind has another.
func (id *Identity) setKey(key crypto.Signer) error {
	kind := kindOf(key.Public())
	if kind < 0 {
		return &callError{"use_PrivateKey", errUnknownKind}
	}
	s := &id.slots[kind]
	if s.chain != nil && !samePublic(key.Public(), s.chain[0].PublicKey) {
		return &callError{"use_PrivateKey", errMismatch}
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
		c := tls.Certificate{PrivateKey: s.key, Leaf: s.chain[0].Certificate}
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
		if s := &id.slots[i]; s.chain != nil && s.chain[0].Certificate == c.Leaf {
			return s.name
		}
	}
	return ""
}

// Loader is how certificates and keys are loaded.
type Loader struct {
	Passwords []string // of keys; nil: none are known
	Cache     *Cache   // nil: there is none
	Level     int      // the security level that certificates must reach, see [Settings]
	Once      bool     // for one connection, which is in the words of errors
}

// LoadAll adds certificates and their keys from pairs of names as [Identity.Load]
// does. Those that crypto/tls cannot use are skipped, and why is returned, unless
// no complete one is left.
func (id *Identity) LoadAll(pairs [][2]string, l Loader) (skipped []string, err error) {
	for _, names := range pairs {
		err := id.Load(names[0], names[1], l)
		switch {
		case errors.As(err, new(*UnsupportedError)):
			skipped = append(skipped, err.Error())
		case err != nil:
			return nil, err
		}
	}
	if len(skipped) > 0 && len(id.Certificates()) == 0 {
		return nil, &UnsupportedError{skipped[0]}
	}
	return skipped, nil
}

// Load adds a certificate and its key from files, or from behind "data:". If the
// two do not belong together they are read once more, past the cache, which may
// have kept one longer than the other. An [UnsupportedError] comes last: what
// OpenSSL would refuse, too, is another error.
func (id *Identity) Load(cert, key string, l Loader) error {
	err := id.load(cert, key, l, false)
	var call *callError
	if errors.As(err, &call) && call.queue == errMismatch {
		err = id.load(cert, key, l, true)
	}
	if !errors.As(err, &call) {
		return err
	}
	prefix, name := "SSL_CTX_", cert
	if l.Once {
		prefix = "SSL_"
	}
	if call.call == "use_PrivateKey" {
		name = key
	}
	return failed(fmt.Sprintf("%s%s(\"%s\") failed", prefix, call.call, name), call.queue)
}

func (id *Identity) load(cert, key string, l Loader, again bool) error {
	chain, err := l.Cache.certificates(cert, again)
	if err != nil {
		return err
	}
	var unsupported *UnsupportedError
	if err := id.setCertificate(cert, chain, l.Level); err != nil && !errors.As(err, &unsupported) {
		return err
	}
	signer, err := l.Cache.key(key, l.Passwords, again)
	switch {
	case err != nil && (unsupported == nil || !errors.As(err, new(*UnsupportedError))):
		return err
	case unsupported != nil:
		return unsupported
	}
	return id.setKey(signer)
}
