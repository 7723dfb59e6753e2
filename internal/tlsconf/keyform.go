package tlsconf

// keyform.go - the encodings of private keys.

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"

	"github.com/gostream/gostream/internal/ber"
	"github.com/gostream/gostream/internal/pki"
)

// notKeyError is about an encoding that is no private key, with OpenSSL's
// errors.
type notKeyError struct{ queue []string }

// Error implements error.
func (e *notKeyError) Error() string { return "no key" }

// parseDER reads a key that is not encrypted from a block of some kind. What
// follows the key does not matter. Errors are a [notKeyError], an
// [UnsupportedError], or about a key that has no place in TLS.
func parseDER(kind string, der []byte) (crypto.Signer, error) {
	if _, rest, ok := ber.ReadTLV(der); ok {
		der = der[:len(der)-len(rest)]
	}
	switch kind {
	case "PRIVATE KEY":
		key, err := parsePKCS8(der)
		return key, orProblem(err, der, pkcs8Type)
	case encryptedKind:
		key, err := parsePKCS8(der)
		return key, orProblem(err, der, encryptedKeyType)
	case "RSA PRIVATE KEY":
		return parseOldKey(der, x509RSAKey, rsaKeyType)
	case "EC PRIVATE KEY":
		return parseOldKey(der, func(der []byte) (crypto.Signer, error) { return parseSEC1(der, nil) }, ecKeyType)
	case "DSA PRIVATE KEY":
		return parseOldKey(der, parseDSA, dsaKeyType)
	}
	return nil, &notKeyError{}
}

// errNotKey says that an encoding is not the expected one.
var errNotKey = errors.New("no key")

// orProblem makes of errNotKey what OpenSSL says about an encoding that is to
// have some form.
func orProblem(err error, der []byte, types ...*ber.Type) error {
	if !errors.Is(err, errNotKey) {
		return err
	}
	e := &notKeyError{}
	for _, t := range types {
		problems := ber.Check(der, t)
		if problems == nil {
			return &notKeyError{} // there is another problem with it
		}
		e.queue = append(e.queue, problems...)
		if t == dsaKeyType {
			e.queue = append(e.queue, "error:0508000A:dsa routines::DSA lib")
		}
	}
	return e
}

// parseOldKey reads a key in the form of its kind, or of PKCS #8.
func parseOldKey(der []byte, parse func([]byte) (crypto.Signer, error), t *ber.Type) (crypto.Signer, error) {
	key, err := parse(der)
	if !errors.Is(err, errNotKey) {
		return key, err
	}
	other, err := parsePKCS8(der)
	if err == nil && t == rsaKeyType {
		if _, ok := other.(*rsa.PrivateKey); ok {
			return other, nil
		}
	} else if _, ok := other.(*ecdsa.PrivateKey); ok && t == ecKeyType {
		return other, nil
	}
	return nil, orProblem(errNotKey, der, t, pkcs8Type)
}

func x509RSAKey(der []byte) (crypto.Signer, error) {
	if ber.Check(der, rsaKeyType) != nil {
		return nil, errNotKey
	}
	key, err := x509.ParsePKCS1PrivateKey(der)
	if err != nil {
		return nil, &UnsupportedError{"an RSA key that Go refuses (" + err.Error() + ")"}
	}
	return key, nil
}

// parseDSA reports a DSA key, which cannot be used.
func parseDSA(der []byte) (crypto.Signer, error) {
	if ber.Check(der, dsaKeyType) == nil {
		return nil, &UnsupportedError{"a DSA key"}
	}
	return nil, errNotKey
}

// privateKeyInfo is the structure of PKCS #8 (RFC 5958).
type privateKeyInfo struct {
	Version    int
	Algorithm  pkix.AlgorithmIdentifier
	PrivateKey []byte
}

// parsePKCS8 reads a key of PKCS #8.
func parsePKCS8(der []byte) (crypto.Signer, error) {
	var info privateKeyInfo
	if _, err := asn1.Unmarshal(der, &info); err != nil {
		return nil, errNotKey
	}
	oid, params := info.Algorithm.Algorithm.String(), info.Algorithm.Parameters.FullBytes
	switch oid {
	case pki.OIDRSA:
		return x509RSAKey(info.PrivateKey)
	case pki.OIDEC:
		return parseSEC1(info.PrivateKey, params)
	case pki.OIDRSAPSS, pki.OIDDSA, pki.OIDEd448:
		return nil, &UnsupportedError{unsupportedKey(oid, params)}
	case pki.OIDX25519, pki.OIDX448, pki.OIDDH:
		return nil, &callError{"use_PrivateKey", errUnknownKind}
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	signer, ok := key.(crypto.Signer)
	if err != nil || !ok {
		return nil, &notKeyError{[]string{
			"error:0300009C:digital envelope routines::unsupported algorithm",
			"error:03000076:digital envelope routines::unsupported private key algorithm:TYPE=" + oid,
		}}
	}
	return signer, nil
}

// parseSEC1 reads a key on an elliptic curve (RFC 5915). params are those of the
// curve if they are not in it.
func parseSEC1(der, params []byte) (crypto.Signer, error) {
	v, _, problems := ber.Decode(der, ecKeyType)
	if problems != nil {
		return nil, errNotKey
	}
	if found := v.Field("parameters"); params == nil && found != nil {
		params = found.Encoding
	}
	if len(params) == 0 {
		return nil, &notKeyError{[]string{errEC}}
	}
	c := curveOf(params)
	if c == nil {
		return nil, &UnsupportedError{unsupportedKey(pki.OIDEC, params)}
	}
	if public := v.Field("publicKey"); public != nil {
		if _, err := ecdsa.ParseUncompressedPublicKey(c.Curve, c.uncompressed(public.Bytes[1:])); err != nil {
			return nil, &notKeyError{[]string{"error:0800006B:elliptic curve routines::point is not on curve", errEC}}
		}
	}
	private, err := ecdsa.ParseRawPrivateKey(c.Curve, c.sized(v.Field("privateKey").Bytes))
	if err != nil {
		return nil, &UnsupportedError{fmt.Sprintf("an EC key that Go refuses (%s)", err)}
	}
	return private, nil
}

const errEC = "error:08080010:elliptic curve routines::EC lib"

// sized is a private key with as many bytes as the order of the curve has.
func (c *namedCurve) sized(key []byte) []byte {
	size := (c.Params().N.BitLen() + 7) / 8
	for len(key) > size && key[0] == 0 {
		key = key[1:]
	}
	if len(key) < size {
		key = append(make([]byte, size-len(key)), key...)
	}
	return key
}
