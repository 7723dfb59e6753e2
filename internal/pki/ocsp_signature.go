package pki

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rsa"
	"fmt"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gostream/gostream/internal/ber"
)

// Errors of OpenSSL about signatures.
var (
	errSignatureBits    = ber.Error(220, "invalid bit string bits left")
	errUnknownSignature = ber.Error(199, "unknown signature algorithm")
	errUnknownHash      = ber.Error(161, "unknown message digest algorithm")
	errWrongKeyType     = ber.Error(200, "wrong public key type")
	errInternal         = ber.Error(0xC0103, "internal error")
	errEVP              = ber.Error(0x80006, "EVP lib")
	errProviderRSA      = fmt.Sprintf("error:%08X:Provider routines::RSA lib", 57<<23|0x80004)
	errCurveSignature   = fmt.Sprintf("error:%08X:elliptic curve routines::bad signature", 16<<23|156)
)

func rsaError(reason int, text string) string {
	return fmt.Sprintf("error:%08X:rsa routines::%s", 4<<23|reason, text)
}

// signature is a signature of a text.
type signature struct {
	algorithm signatureAlgorithm
	text      []byte
	bytes     []byte
	whole     bool // it is a number of whole bytes
}

// problems returns what OpenSSL says about a signature that is not one of a key.
// Nil: it is good.
func (s *signature) problems(key publicKey) []string {
	a := s.algorithm
	switch {
	case !s.whole:
		return []string{errSignatureBits}
	case a.kind == kindUnknown, a.kind == kindEd448:
		return []string{errUnknownSignature}
	case !key.kind.signsWith(a.kind):
		return []string{errWrongKeyType}
	case a.verify(key, s.text, s.bytes):
		return nil
	case a.kind == kindPSS && a.bits < 0:
		return []string{rsaError(149, "invalid pss parameters"), errInternal}
	case a.bits < 0:
		return []string{errUnknownHash}
	}
	switch k := key.key.(type) {
	case *rsa.PublicKey:
		return []string{rsaProblem(k, a, s.bytes), errProviderRSA, errEVP}
	case *ecdsa.PublicKey:
		if outOfRange(k, s.bytes) {
			return []string{errCurveSignature, errEVP}
		}
	}
	return []string{errEVP}
}

// rsaProblem says at what step the checking of a bad signature ends (RFC 8017,
// 8.2.2 and 9.1.2).
func rsaProblem(key *rsa.PublicKey, a signatureAlgorithm, signature []byte) string {
	n := new(big.Int).SetBytes(signature)
	switch {
	case len(signature) != key.Size() && a.kind == kindRSA:
		return rsaError(119, "wrong signature length")
	case len(signature) > key.Size():
		return rsaError(108, "data greater than mod len")
	case n.Cmp(key.N) >= 0:
		return rsaError(132, "data too large for modulus")
	}
	encoded := recoverEncoded(key, n.FillBytes(make([]byte, key.Size())))
	problem := paddingProblem(encoded)
	switch {
	case a.kind == kindPSS:
		return pssProblem(encoded, key.N.BitLen()-1, a.pss)
	case problem != "":
		return problem + " " + rsaError(114, "padding check failed")
	}
	return rsaError(104, "bad signature")
}

// pssProblem says what is wrong with an encoding of EMSA-PSS of so many bits.
func pssProblem(encoded []byte, bits int, p pssParameters) string {
	unused := byte(0xff) << (bits % 8)
	if encoded[0]&unused != 0 {
		return rsaError(133, "first octet invalid")
	}
	if bits%8 == 0 {
		encoded, unused = encoded[1:], 0
	}
	end := len(encoded) - p.hash.Size() - 1
	switch {
	case end < p.salt+1:
		return rsaError(109, "data too large")
	case encoded[len(encoded)-1] != 0xbc:
		return rsaError(134, "last octet invalid")
	}
	block := xorMask(encoded[:end], encoded[end:len(encoded)-1], p.mask)
	block[0] &^= unused
	salt := bytes.TrimLeft(block, "\x00")
	switch {
	case len(salt) == 0 || salt[0] != 1:
		return rsaError(135, "salt length recovery failed")
	case len(salt)-1 != p.salt:
		return rsaError(136, "salt length check failed") + fmt.Sprintf(":expected: %d retrieved: %d", p.salt, len(salt)-1)
	}
	return rsaError(104, "bad signature")
}

// paddingProblem says what is wrong with the padding of EMSA-PKCS1-v1_5.
func paddingProblem(encoded []byte) string {
	const leastPadding = 8
	padding := encoded[2:]
	n := 0
	for n < len(padding) && padding[n] == 0xff {
		n++
	}
	switch {
	case encoded[0] != 0:
		return rsaError(138, "invalid padding")
	case encoded[1] != 1:
		return rsaError(106, "block type is not 01")
	case n == len(padding):
		return rsaError(113, "null before block missing")
	case padding[n] != 0:
		return rsaError(102, "bad fixed header decrypt")
	case n < leastPadding:
		return rsaError(103, "bad pad byte count")
	}
	return ""
}

// outOfRange reports whether a signature has numbers that no key makes.
func outOfRange(key *ecdsa.PublicKey, signature []byte) bool {
	in := cryptobyte.String(signature)
	r, s := new(big.Int), new(big.Int)
	if !in.ReadASN1(&in, asn1.SEQUENCE) || !in.ReadASN1Integer(r) || !in.ReadASN1Integer(s) {
		return false
	}
	within := func(n *big.Int) bool { return n.Sign() > 0 && n.Cmp(key.Params().N) < 0 }
	return !within(r) || !within(s)
}
