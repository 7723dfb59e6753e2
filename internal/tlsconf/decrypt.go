package tlsconf

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"hash"

	"golang.org/x/crypto/scrypt"

	"github.com/gostream/gostream/internal/ber"
)

// unsupportedError is about a way to encrypt keys that is not known here.
type unsupportedError string

func (e unsupportedError) Error() string {
	return "error:1E08010C:DECODER routines::unsupported:" + string(e)
}

var errDecrypt = errors.New("bad decrypt")

// The structures of PKCS #5 and #8 (RFC 8018, RFC 5958).
type encryptedKey struct {
	Algorithm pkix.AlgorithmIdentifier
	Data      []byte
}

type pbes2Params struct {
	KDF, Cipher pkix.AlgorithmIdentifier
}

type pbkdf2Params struct {
	Salt       []byte
	Iterations int
	KeyLength  int                      `asn1:"optional"`
	PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
}

type scryptParams struct {
	Salt      []byte
	N, R, P   int
	KeyLength int `asn1:"optional"`
}

var (
	oidPBES2  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
	oidScrypt = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11591, 4, 11}
)

// prfs are the hashes of PBKDF2 by the last number of their identifier,
// 1.2.840.113549.2.N.
var prfs = map[int]func() hash.Hash{
	0: sha1.New, 7: sha1.New, 8: sha256.New224, 9: sha256.New, 10: sha512.New384, 11: sha512.New,
}

// keyCiphers are the ciphers of PBES2, all in CBC mode.
var keyCiphers = []struct {
	oid asn1.ObjectIdentifier
	key int // bytes
	new func([]byte) (cipher.Block, error)
}{
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 2}, 16, aes.NewCipher},
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 22}, 24, aes.NewCipher},
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}, 32, aes.NewCipher},
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 3, 7}, 24, des.NewTripleDESCipher},
}

// isEncryptedKey reports whether an encoding is an EncryptedPrivateKeyInfo.
func isEncryptedKey(der []byte) bool {
	return ber.Check(der, encryptedKeyType) == nil
}

// decryptPKCS8 returns the key in an EncryptedPrivateKeyInfo: of PBES2, with
// PBKDF2 or scrypt, and AES or triple DES.
func decryptPKCS8(der, password []byte) ([]byte, error) {
	var outer encryptedKey
	if _, err := asn1.Unmarshal(der, &outer); err != nil {
		return nil, unsupportedError(err.Error())
	}
	if !outer.Algorithm.Algorithm.Equal(oidPBES2) {
		return nil, unsupportedError("key encryption " + outer.Algorithm.Algorithm.String())
	}
	var params pbes2Params
	if _, err := asn1.Unmarshal(outer.Algorithm.Parameters.FullBytes, &params); err != nil {
		return nil, unsupportedError(err.Error())
	}
	for _, c := range keyCiphers {
		if !c.oid.Equal(params.Cipher.Algorithm) {
			continue
		}
		key, err := deriveKey(params.KDF, password, c.key)
		if err != nil {
			return nil, err
		}
		block, err := c.new(key)
		if err != nil {
			return nil, err
		}
		return decryptCBC(block, params.Cipher.Parameters.FullBytes, outer.Data)
	}
	return nil, unsupportedError("key encryption " + params.Cipher.Algorithm.String())
}

// Bounds on the work that a key file can ask for: of PBKDF2 iterations, and of
// bytes that scrypt needs, of which OpenSSL allows as many. Tests lower them.
var (
	maxIterations = 10_000_000
	maxScrypt     = 32 << 20
)

func deriveKey(kdf pkix.AlgorithmIdentifier, password []byte, size int) ([]byte, error) {
	switch {
	case kdf.Algorithm.Equal(oidPBKDF2):
		var p pbkdf2Params
		if _, err := asn1.Unmarshal(kdf.Parameters.FullBytes, &p); err != nil {
			return nil, unsupportedError(err.Error())
		}
		id := 7 // hmacWithSHA1, the default
		if n := len(p.PRF.Algorithm); n > 0 {
			id = p.PRF.Algorithm[n-1]
		}
		prf := prfs[id]
		if prf == nil || p.Iterations < 1 || p.Iterations > maxIterations {
			return nil, unsupportedError("PBKDF2 parameters")
		}
		return pbkdf2.Key(prf, string(password), p.Salt, p.Iterations, size)
	case kdf.Algorithm.Equal(oidScrypt):
		var p scryptParams
		if _, err := asn1.Unmarshal(kdf.Parameters.FullBytes, &p); err != nil {
			return nil, unsupportedError(err.Error())
		}
		if p.N < 2 || p.R < 1 || p.P < 1 || p.R > maxScrypt || p.N > maxScrypt || p.P > 16 || p.N*p.R > maxScrypt/128 {
			return nil, unsupportedError("scrypt parameters")
		}
		return scrypt.Key(password, p.Salt, p.N, p.R, p.P, size)
	}
	return nil, unsupportedError("key derivation " + kdf.Algorithm.String())
}

// decryptCBC decrypts data and takes the padding off, which reports whether the
// key was the right one.
func decryptCBC(block cipher.Block, ivDER, data []byte) ([]byte, error) {
	var iv []byte
	if _, err := asn1.Unmarshal(ivDER, &iv); err != nil || len(iv) != block.BlockSize() {
		return nil, unsupportedError("initialization vector")
	}
	return decryptBlocks(block, iv, data)
}

// decryptBlocks is decryptCBC with the initialization vector itself.
func decryptBlocks(block cipher.Block, iv, data []byte) ([]byte, error) {
	if len(data) == 0 || len(data)%block.BlockSize() != 0 {
		return nil, errDecrypt
	}
	plain := make([]byte, len(data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, data)
	pad := int(plain[len(plain)-1])
	if pad < 1 || pad > block.BlockSize() {
		return nil, errDecrypt
	}
	body := plain[:len(plain)-pad]
	if !bytes.Equal(plain[len(body):], bytes.Repeat([]byte{byte(pad)}, pad)) {
		return nil, errDecrypt
	}
	return body, nil
}
