package tlsconf

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
)

// Key reads a private key from a PEM file, or from behind "data:". If it is
// encrypted, the passwords are tried in turn; with nil there are none, and
// unlike OpenSSL it does not ask at the terminal. encrypted tells whether a
// password was needed.
//
// Keys of the kind "engine:NAME:ID" and "store:SCHEME:ID" are refused the way
// OpenSSL refuses an engine or a scheme that it does not know.
func Key(name string, passwords []string) (key crypto.Signer, encrypted bool, err error) {
	key, encrypted, err = readKey(name, passwords)
	if err != nil {
		return nil, encrypted, fmt.Errorf("cannot load certificate key \"%s\": %w", name, err)
	}
	return key, encrypted, nil
}

func readKey(name string, passwords []string) (crypto.Signer, bool, error) {
	if id, ok := strings.CutPrefix(name, "engine:"); ok {
		return nil, false, noEngine(id)
	}
	if uri, ok := strings.CutPrefix(name, "store:"); ok {
		scheme, _, _ := strings.Cut(uri, ":")
		return nil, false, &opensslError{"OSSL_STORE_open() failed", []string{"error:16000069:STORE routines::unregistered scheme:scheme=" + scheme}}
	}
	text, err := readPEM(name)
	if err != nil {
		return nil, false, err
	}
	key, encrypted, problem := parseKey(text, passwords)
	if problem != "" {
		return nil, encrypted, &opensslError{"PEM_read_bio_PrivateKey() failed", []string{problem}}
	}
	return key, encrypted, nil
}

func noEngine(id string) error {
	engine, _, ok := strings.Cut(id, ":")
	if !ok {
		return errors.New("invalid syntax")
	}
	return &opensslError{"ENGINE_by_id() failed", []string{"error:13000074:engine routines::no such engine:id=" + engine}}
}

// Problems that OpenSSL has with keys.
const (
	errNoKey       = "error:1E08010C:DECODER routines::unsupported:No supported data to decode. Input type: PEM"
	errNoPassword  = "error:0480006D:PEM routines::problems getting password error:04800068:PEM routines::bad password read"
	errBadDecrypt  = "error:1C800064:Provider routines::bad decrypt error:04800065:PEM routines::bad decrypt"
	errCipherFinal = "error:1C800064:Provider routines::bad decrypt error:11800074:PKCS12 routines::pkcs12 cipherfinal error:"
)

// parseKey finds the first private key in a PEM text. What else is in it does
// not matter.
func parseKey(text []byte, passwords []string) (key crypto.Signer, encrypted bool, problem string) {
	r := pemReader{text}
	for {
		b, problem := r.block()
		if problem != "" {
			return nil, false, errNoKey
		}
		if !strings.HasSuffix(b.kind, "PRIVATE KEY") {
			continue
		}
		if b.kind != "ENCRYPTED PRIVATE KEY" && b.headers["DEK-Info"] == "" {
			key, problem := parseDER(b.kind, b.der)
			return key, false, problem
		}
		if passwords == nil {
			return nil, true, errNoPassword
		}
		for _, password := range passwords {
			if key, problem = decryptKey(b, password); problem == "" {
				return key, true, ""
			}
		}
		return nil, true, problem
	}
}

// parseDER reads a key that is not encrypted.
func parseDER(kind string, der []byte) (crypto.Signer, string) {
	var key any
	var err error
	switch kind {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(der)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(der)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(der)
	default:
		return nil, errNoKey
	}
	if err != nil {
		return nil, errNoKey + " " + encodingProblem(der, "PKCS8_PRIV_KEY_INFO", err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, errNoKey
	}
	return signer, ""
}

// decryptKey reads an encrypted key.
func decryptKey(b *pemBlock, password string) (crypto.Signer, string) {
	if b.kind != "ENCRYPTED PRIVATE KEY" {
		der, err := decryptTraditional(b, password)
		if err != nil {
			return nil, errBadDecrypt
		}
		key, problem := parseDER(b.kind, der)
		if problem != "" {
			return nil, errBadDecrypt // the padding was right by chance
		}
		return key, ""
	}
	der, err := decryptPKCS8(b.der, []byte(password))
	var key crypto.Signer
	if err == nil {
		var problem string
		if key, problem = parseDER("PRIVATE KEY", der); problem == "" {
			return key, ""
		}
	}
	reason := "maybe wrong password"
	switch {
	case errors.As(err, new(unsupportedError)):
		return nil, err.Error()
	case password == "":
		reason = "empty password"
	}
	return nil, errCipherFinal + reason + " " + errCipherFinal + reason
}
