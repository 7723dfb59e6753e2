package tlsconf

// publickey.go - public keys in certificates: those in other encodings than the
// usual ones, and how strong OpenSSL takes keys and signatures to be.

import (
	"bytes"
	"crypto/elliptic"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"

	"github.com/gostream/gostream/internal/ber"
	"github.com/gostream/gostream/internal/pki"
)

// publicKeyInfo is the SubjectPublicKeyInfo of RFC 5280.
type publicKeyInfo struct {
	Algorithm pkix.AlgorithmIdentifier
	Key       asn1.BitString
}

// usualKey returns an encoded public key as package x509 wants it: curves by
// their names, points not compressed, and NULL for the parameters that RSA does
// not have.
func usualKey(der []byte) []byte {
	var info publicKeyInfo
	if rest, err := asn1.Unmarshal(der, &info); err != nil || len(rest) > 0 {
		return der
	}
	switch info.Algorithm.Algorithm.String() {
	case pki.OIDRSA:
		if len(info.Algorithm.Parameters.FullBytes) == 0 {
			info.Algorithm.Parameters = asn1.NullRawValue
		}
	case pki.OIDEC:
		c := curveOf(info.Algorithm.Parameters.FullBytes)
		if c == nil {
			return der
		}
		info.Algorithm.Parameters = asn1.RawValue{FullBytes: c.oid}
		info.Key = asn1.BitString{Bytes: c.uncompressed(info.Key.RightAlign())}
		info.Key.BitLength = 8 * len(info.Key.Bytes)
	}
	usual, err := asn1.Marshal(info)
	if err != nil {
		return der
	}
	return usual
}

// namedCurve is a curve that crypto/ecdsa has.
type namedCurve struct {
	elliptic.Curve
	oid []byte // encoded
}

var namedCurves = []namedCurve{
	{elliptic.P224(), []byte{6, 5, 0x2B, 0x81, 0x04, 0x00, 0x21}},
	{elliptic.P256(), []byte{6, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07}},
	{elliptic.P384(), []byte{6, 5, 0x2B, 0x81, 0x04, 0x00, 0x22}},
	{elliptic.P521(), []byte{6, 5, 0x2B, 0x81, 0x04, 0x00, 0x23}},
}

// explicitCurve is the parameters of a curve that has no name (X9.62).
type explicitCurve struct {
	Version int
	Field   struct {
		Kind  asn1.ObjectIdentifier
		Value asn1.RawValue // the prime, or else how numbers are polynomials
	}
	Curve struct {
		A, B []byte
		Seed asn1.BitString `asn1:"optional"`
	}
	Base     []byte
	Order    *big.Int
	Cofactor *big.Int `asn1:"optional"`
}

// explicitOf reads parameters; nil: they are none of a curve.
func explicitOf(params []byte) *explicitCurve {
	var e explicitCurve
	if rest, err := asn1.Unmarshal(params, &e); err != nil || len(rest) > 0 {
		return nil
	}
	return &e
}

// curveOf finds the curve that parameters name or describe; nil: it is none of
// crypto/ecdsa's.
func curveOf(params []byte) *namedCurve {
	for i := range namedCurves {
		if bytes.Equal(namedCurves[i].oid, params) {
			return &namedCurves[i]
		}
	}
	e := explicitOf(params)
	if e == nil {
		return nil
	}
	for i := range namedCurves {
		if namedCurves[i].is(e) {
			return &namedCurves[i]
		}
	}
	return nil
}

// is reports whether parameters describe the curve.
func (c *namedCurve) is(e *explicitCurve) bool {
	p := c.Params()
	size := (p.BitSize + 7) / 8
	base := append([]byte{4}, p.Gx.FillBytes(make([]byte, size))...)
	base = append(base, p.Gy.FillBytes(make([]byte, size))...)
	a := new(big.Int).Sub(p.P, big.NewInt(3)) // as on all curves of crypto/ecdsa
	one := big.NewInt(1)
	return e.Field.Value.Tag == asn1.TagInteger && ber.BigInt(e.Field.Value.Bytes).Cmp(p.P) == 0 &&
		new(big.Int).SetBytes(e.Curve.A).Cmp(a) == 0 && new(big.Int).SetBytes(e.Curve.B).Cmp(p.B) == 0 &&
		bytes.Equal(c.uncompressed(e.Base), base) &&
		e.Order.Cmp(p.N) == 0 && (e.Cofactor == nil || e.Cofactor.Cmp(one) == 0)
}

// uncompressed is a point as crypto/ecdsa wants it. What is no point on the curve
// stays as it is.
func (c *namedCurve) uncompressed(point []byte) []byte {
	size := (c.Params().BitSize + 7) / 8
	switch {
	case len(point) == 1+2*size && (point[0] == 6 || point[0] == 7): // hybrid
		return append([]byte{4}, point[1:]...)
	case len(point) != 1+size:
		return point
	}
	x, y := elliptic.UnmarshalCompressed(c.Curve, point)
	if x == nil {
		return point
	}
	full := append([]byte{4}, x.FillBytes(make([]byte, size))...)
	return append(full, y.FillBytes(make([]byte, size))...)
}
