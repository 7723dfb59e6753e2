package pkitest

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	encoding "encoding/asn1"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"golang.org/x/crypto/cryptobyte/asn1"
)

// Package rsa refuses some of what OpenSSL accepts, and so has to be tested:
// small keys, and RSA-PSS with two hashes. Such keys and signatures are made
// here.

// smallestKey is that in bits of the keys which package rsa works with.
const smallestKey = 1024

// newRSA makes a key of any size.
func newRSA(bits int) (*rsa.PrivateKey, error) {
	if bits >= smallestKey {
		return rsa.GenerateKey(rand.Reader, bits)
	}
	for {
		p, err := rand.Prime(rand.Reader, (bits+1)/2)
		if err != nil {
			return nil, err
		}
		q, err := rand.Prime(rand.Reader, bits/2)
		if err != nil {
			return nil, err
		}
		one := big.NewInt(1)
		k := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: 65537}, Primes: []*big.Int{p, q}}
		phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
		if k.D = new(big.Int).ModInverse(big.NewInt(65537), phi); k.D != nil && p.Cmp(q) != 0 && k.N.BitLen() == bits {
			return k, nil
		}
	}
}

// hashIDs are the object identifiers of hashes.
var hashIDs = map[crypto.Hash]string{
	crypto.MD5: "1.2.840.113549.2.5", crypto.SHA1: "1.3.14.3.2.26",
	crypto.SHA224: "2.16.840.1.101.3.4.2.4", crypto.SHA256: "2.16.840.1.101.3.4.2.1", crypto.SHA384: "2.16.840.1.101.3.4.2.2",
	crypto.SHA512: "2.16.840.1.101.3.4.2.3", crypto.SHA3_256: "2.16.840.1.101.3.4.2.8", crypto.SHA3_512: "2.16.840.1.101.3.4.2.10",
}

func hashAlgorithm(h crypto.Hash) []byte {
	id, _ := oid(hashIDs[h])
	return sequence(object(id), null)
}

// pss is RSA-PSS: its hash, that of the mask, and the length of the salt.
type pss struct {
	hash, mask crypto.Hash
	salt       int
}

// pssOf reads "pss", with SHA-256, or "pss:HASH:HASH:SALT"; "pss:" alone has no
// parameters, which is wrong.
func pssOf(text string) (*pss, error) {
	p := &pss{crypto.SHA256, crypto.SHA256, 32}
	fields := strings.Split(text, ":")
	if len(fields) < 4 {
		return p, nil
	}
	var known, maskKnown bool
	p.hash, known = hashNames[fields[1]]
	p.mask, maskKnown = hashNames[fields[2]]
	salt, err := strconv.Atoi(fields[3])
	if !known || !maskKnown || err != nil {
		return nil, fmt.Errorf("malformed %q", text)
	}
	p.salt = salt
	return p, nil
}

var (
	oidPSS  = encoding.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}
	oidMGF1 = encoding.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 8}
)

// parameters encodes them.
func (p *pss) parameters() []byte {
	context := func(n int, der []byte) []byte { return tagged(asn1.Tag(n).ContextSpecific().Constructed(), der) }
	return sequence(context(0, hashAlgorithm(p.hash)), context(1, sequence(object(oidMGF1), hashAlgorithm(p.mask))),
		context(2, integer(big.NewInt(int64(p.salt)))))
}

// encode pads a digest (RFC 8017, 9.1.1) for a modulus of some bits.
func (p *pss) encode(digest []byte, bits int) []byte {
	salt := make([]byte, p.salt)
	_, _ = rand.Read(salt)
	h := p.hash.New()
	h.Write(make([]byte, 8))
	h.Write(digest)
	h.Write(salt)
	sum := h.Sum(nil)
	length := (bits - 1 + 7) / 8
	block := make([]byte, length-len(sum)-1)
	block[len(block)-p.salt-1] = 1
	copy(block[len(block)-p.salt:], salt)
	var mask []byte
	for n := uint32(0); len(mask) < len(block); n++ {
		m := p.mask.New()
		m.Write(sum)
		_ = binary.Write(m, binary.BigEndian, n)
		mask = m.Sum(mask)
	}
	for i := range block {
		block[i] ^= mask[i]
	}
	block[0] &= 0xff >> (8*length - (bits - 1))
	return append(append(block, sum...), 0xbc)
}

// signRSA makes a signature that package rsa does not.
func signRSA(key *rsa.PrivateKey, a algorithm, digest []byte) []byte {
	var encoded []byte
	if a.pss != nil {
		encoded = a.pss.encode(digest, key.N.BitLen())
	} else {
		info := sequence(hashAlgorithm(a.hash), octetString(digest))
		padding := bytes.Repeat([]byte{0xff}, max(key.Size()-len(info)-3, 0))
		encoded = append(append(append([]byte{0, 1}, padding...), 0), info...)
	}
	n := new(big.Int).SetBytes(encoded)
	return n.Exp(n, key.D, key.N).FillBytes(make([]byte, key.Size()))
}

// keyInfo encodes a public key. Of the kind "pss..." it is one that is for
// RSA-PSS only: without parameters, or with those after a ":".
func keyInfo(key crypto.Signer, kind string) ([]byte, error) {
	size, parameters, limited := strings.Cut(kind, ":")
	if !strings.HasPrefix(size, "pss") {
		return x509.MarshalPKIXPublicKey(key.Public())
	}
	public, ok := key.Public().(*rsa.PublicKey)
	if !ok {
		return nil, errors.New("not an RSA key")
	}
	algorithm := [][]byte{object(oidPSS)}
	if limited {
		p, err := pssOf("pss:" + parameters)
		if err != nil {
			return nil, err
		}
		algorithm = append(algorithm, p.parameters())
	}
	return sequence(sequence(algorithm...), bitString(x509.MarshalPKCS1PublicKey(public))), nil
}
