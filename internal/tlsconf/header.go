package tlsconf

// header.go - the traditional way to encrypt a key, which is told in the header
// of its block (RFC 1421).

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/md5"
	"encoding/hex"
	"strings"
)

// encryption is how the contents of a block are encrypted.
type encryption struct {
	cipher *headerCipher
	iv     []byte
}

// headerCipher is a cipher by its name in headers, in CBC mode.
type headerCipher struct {
	key, block int // sizes in bytes
	new        func([]byte) (cipher.Block, error)
}

var headerCiphers = map[string]*headerCipher{
	"AES-128-CBC":  {16, aes.BlockSize, aes.NewCipher},
	"AES-192-CBC":  {24, aes.BlockSize, aes.NewCipher},
	"AES-256-CBC":  {32, aes.BlockSize, aes.NewCipher},
	"DES-EDE3-CBC": {24, des.BlockSize, des.NewTripleDESCipher},
	"DES-CBC":      {8, des.BlockSize, nil}, // only in OpenSSL's legacy provider
}

// Errors of OpenSSL about headers. It has none for a protocol that is not number
// 4.
const (
	errNotProcType   = opensslQueue("error:0480006B:PEM routines::not proc type")
	errNotEncrypted  = opensslQueue("error:0480006A:PEM routines::not encrypted")
	errShortHeader   = opensslQueue("error:04800070:PEM routines::short header")
	errNotDEKInfo    = opensslQueue("error:04800069:PEM routines::not dek info")
	errNoSuchCipher  = opensslQueue("error:04800072:PEM routines::unsupported encryption")
	errMissingIV     = opensslQueue("error:04800081:PEM routines::missing dek iv")
	errBadIV         = opensslQueue("error:04800067:PEM routines::bad iv chars")
	errLegacyCipher  = opensslQueue("error:0308010C:digital envelope routines::unsupported:Global default library context, Algorithm (DES-CBC : 8), Properties () error:04800065:PEM routines::bad decrypt")
	errOtherProtocol = opensslQueue("")
)

// encryption reads the header of a block; nil: it has none.
func (b *pemBlock) encryption() (*encryption, error) {
	text := b.header
	if text == "" || text[0] == '\n' {
		return nil, nil
	}
	text, ok := strings.CutPrefix(text, "Proc-Type:")
	if !ok {
		return nil, errNotProcType
	}
	if text, ok = strings.CutPrefix(strings.TrimLeft(text, " \t"), "4,"); !ok {
		return nil, errOtherProtocol
	}
	text, ok = strings.CutPrefix(strings.TrimLeft(text, " \t"), "ENCRYPTED")
	if !ok || text == "" || strings.IndexByte(" \t\r\n", text[0]) < 0 {
		return nil, errNotEncrypted
	}
	if text, ok = strings.CutPrefix(strings.TrimLeft(text, " \t\r"), "\n"); !ok {
		return nil, errShortHeader
	}
	if text, ok = strings.CutPrefix(text, "DEK-Info:"); !ok {
		return nil, errNotDEKInfo
	}
	return dekInfo(strings.TrimLeft(text, " \t"))
}

// dekInfo reads the name of a cipher and the initialization vector.
func dekInfo(text string) (*encryption, error) {
	name := text
	if end := strings.IndexAny(text, " \t,"); end >= 0 {
		name = text[:end]
	}
	c := headerCiphers[strings.ToUpper(name)]
	if c == nil {
		return nil, errNoSuchCipher
	}
	text, ok := strings.CutPrefix(strings.TrimLeft(text[len(name):], " \t"), ",")
	if !ok {
		return nil, errMissingIV
	}
	iv, err := hex.DecodeString(text[:min(len(text), 2*c.block)])
	if err != nil || len(iv) != c.block {
		return nil, errBadIV
	}
	return &encryption{c, iv}, nil
}

// decrypt returns the contents in the clear.
func (e *encryption) decrypt(data []byte, password string) ([]byte, error) {
	if e.cipher.new == nil {
		return nil, errLegacyCipher
	}
	var key, sum []byte
	for len(key) < e.cipher.key {
		h := md5.New()
		h.Write(sum)
		h.Write([]byte(password))
		h.Write(e.iv[:8]) // the salt
		sum = h.Sum(nil)
		key = append(key, sum...)
	}
	block, err := e.cipher.new(key[:e.cipher.key])
	if err != nil {
		return nil, err
	}
	return decryptBlocks(block, e.iv, data)
}
