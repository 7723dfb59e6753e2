package tlsconf

import (
	"crypto"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Key reads a private key from a PEM file, or from behind "data:". If it is
// encrypted, the passwords are tried in turn; with nil there are none, and
// unlike OpenSSL it does not ask at the terminal. encrypted reports whether a
// password was needed. A key that only OpenSSL can use is an
// [UnsupportedError].
//
// Of keys of the kind "store:URI" those in PEM files are read. Others, and those
// of the kind "engine:NAME:ID", are refused the way OpenSSL refuses a scheme or
// an engine that it does not know.
func Key(name string, passwords []string) (key crypto.Signer, encrypted bool, err error) {
	key, encrypted, err = readKey(name, passwords)
	if err != nil && !errors.As(err, new(*callError)) && !errors.As(err, new(*UnsupportedError)) {
		err = fmt.Errorf("cannot load certificate key \"%s\": %w", name, err)
	}
	return key, encrypted, err
}

// readKey is Key with errors that are no complete messages.
func readKey(name string, passwords []string) (crypto.Signer, bool, error) {
	if id, ok := strings.CutPrefix(name, "engine:"); ok {
		return nil, false, noEngine(id)
	}
	var text []byte
	var err error
	uri, store := strings.CutPrefix(name, "store:")
	if store {
		text, err = readStore(uri)
	} else {
		text, err = readPEM(name)
	}
	if err != nil {
		return nil, false, err
	}
	key, encrypted, err := parseKey(text, passwords)
	var unsupported *UnsupportedError
	switch {
	case errors.As(err, &unsupported):
		unsupported.text = "certificate key \"" + name + "\" is " + unsupported.text + ", which is not supported"
	case isQueue(err) && store:
		err = &opensslError{"OSSL_STORE_load() failed", nil}
	case isQueue(err):
		err = failed("PEM_read_bio_PrivateKey() failed", err)
	}
	return key, encrypted, err
}

func noEngine(id string) error {
	engine, _, ok := strings.Cut(id, ":")
	if !ok {
		return errors.New("invalid syntax")
	}
	return &opensslError{"ENGINE_by_id() failed", []string{"error:13000074:engine routines::no such engine:id=" + engine}}
}

// Problems that OpenSSL has with keys. What it says where nobody has a password
// is for a program without a terminal.
const (
	errNoKey       = "error:1E08010C:DECODER routines::unsupported:No supported data to decode. Input type: PEM"
	errNoTerminal  = "error:1400006B:UI routines::processing error:while reading strings error:0480006D:PEM routines::problems getting password " + errInterrupted
	errInterrupted = "error:07880109:common libcrypto routines::interrupted or cancelled"
	errNoPhrase    = "error:1C80009F:Provider routines::unable to get passphrase"
	errBadRead     = "error:04800068:PEM routines::bad password read"
	errNoPassword  = errNoTerminal + " " + errInterrupted + " " + errBadRead
	errBadDecrypt  = "error:1C800064:Provider routines::bad decrypt error:04800065:PEM routines::bad decrypt"
	errCipherFinal = "error:1C800064:Provider routines::bad decrypt error:11800074:PKCS12 routines::pkcs12 cipherfinal error:"
)

// maxPhrase is how many bytes of a password count.
const maxPhrase = 1024

// parseKey finds a private key in a PEM text. If it is encrypted the passwords
// are tried in turn. encrypted reports whether it is.
func parseKey(text []byte, passwords []string) (key crypto.Signer, encrypted bool, err error) {
	if passwords == nil {
		return findKey(text, nil)
	}
	for _, password := range passwords {
		password = password[:min(len(password), maxPhrase)]
		if key, encrypted, err = findKey(text, &password); !isQueue(err) {
			break
		}
	}
	return key, encrypted, err
}

// isQueue reports whether an error says that there is no key. Others are about
// one that cannot be used.
func isQueue(err error) bool {
	_, ok := err.(opensslQueue)
	return ok
}

// findKey looks for a key as OpenSSL does: for any block that its decoders take,
// and then once more at the first that has the name of a key. password is nil
// if there is none.
func findKey(text []byte, password *string) (crypto.Signer, bool, error) {
	key, encrypted, first := decodeKey(text, password)
	if !isQueue(first) {
		return key, encrypted, first
	}
	key, encrypted, err := legacyKey(text, password)
	if !isQueue(err) {
		return key, encrypted, err
	}
	return nil, false, opensslQueue(strings.TrimSpace(first.Error() + " " + err.Error()))
}

// decodeKey takes the first block that has a key. It stops at one with a wrong
// header or another password.
func decodeKey(text []byte, password *string) (crypto.Signer, bool, error) {
	const shortHeader = 10 // in bytes; such is overlooked
	r := pemReader{rest: text}
	for {
		b, err := r.block()
		if isNoStartLine(err) {
			return nil, false, opensslQueue(errNoKey)
		} else if err != nil {
			continue
		}
		if len(b.header) <= shortHeader {
			b.header = ""
		}
		key, encrypted, err := b.key(password)
		var notKey *notKeyError
		if err != nil && (errors.As(err, &notKey) || err.Error() == "") {
			continue
		}
		if encrypted && password == nil && b.kind == encryptedKind {
			err = opensslQueue(errNoTerminal + " " + errInterrupted + " " + errNoPhrase)
		}
		return key, encrypted, err
	}
}

// encryptedKind is the name of blocks of PKCS #8 that are encrypted.
const encryptedKind = "ENCRYPTED PRIVATE KEY"

// legacyKey takes the first block that has the name of a key. Of its own errors
// OpenSSL keeps only those about the contents.
func legacyKey(text []byte, password *string) (crypto.Signer, bool, error) {
	r := pemReader{rest: text}
	kinds := []string{"PRIVATE KEY", encryptedKind, "RSA PRIVATE KEY", "EC PRIVATE KEY", "DSA PRIVATE KEY"}
	for {
		b, err := r.block()
		if err != nil {
			return nil, false, opensslQueue("")
		}
		if !slices.Contains(kinds, b.kind) {
			continue
		}
		if _, err := b.encryption(); err != nil {
			return nil, false, opensslQueue("")
		}
		key, encrypted, err := b.key(password)
		var notKey *notKeyError
		switch {
		case errors.As(err, &notKey):
			err = opensslQueue(strings.Join(notKey.queue, " "))
		case !isQueue(err):
		case b.kind != encryptedKind:
			err = opensslQueue("")
		case password == nil:
			err = opensslQueue(errNoTerminal + " " + errBadRead)
		}
		return key, encrypted, err
	}
}

// key reads the key in a block. An error is a [notKeyError] if there is none,
// a queue if it cannot be decrypted, or tells why it cannot be used.
func (b *pemBlock) key(password *string) (key crypto.Signer, encrypted bool, err error) {
	der := b.der
	cipher, err := b.encryption()
	if err != nil {
		return nil, false, err
	}
	encrypted = cipher != nil || b.kind == encryptedKind && isEncryptedKey(der)
	switch {
	case !encrypted:
	case password == nil:
		return nil, true, opensslQueue(errNoPassword)
	case cipher != nil:
		der, err = cipher.decrypt(der, *password)
	default:
		der, err = decryptPKCS8(der, []byte(*password))
	}
	if err != nil {
		return nil, encrypted, decryptionProblem(err, cipher == nil, *password)
	}
	key, err = parseDER(b.kind, der)
	return key, encrypted, err
}

// decryptionProblem is the queue for an error of decryption.
func decryptionProblem(err error, pkcs8 bool, password string) error {
	switch {
	case errors.Is(err, errDecrypt) && pkcs8 && password == "":
		return opensslQueue(errCipherFinal + "empty password")
	case errors.Is(err, errDecrypt) && pkcs8:
		return opensslQueue(errCipherFinal + "maybe wrong password")
	case errors.Is(err, errDecrypt):
		return opensslQueue(errBadDecrypt)
	}
	return opensslQueue(err.Error())
}
