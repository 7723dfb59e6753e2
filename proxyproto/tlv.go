package proxyproto

import (
	"encoding/binary"
	"strconv"

	pp "github.com/pires/go-proxyproto"
)

// TLVs are the type-length-value extensions of a version 2 header, in the form
// they came: they are neither checked nor copied before one is asked for.
type TLVs []byte

const (
	tlvHeaderLen = 3 // type, and length in two bytes
	sslHeaderLen = 5 // client flags, and verify result in four bytes: the rest of an SSL TLV is TLVs again
)

var errBrokenTLV = &Error{"broken PROXY protocol TLV"}

// Find returns the value of the first TLV of a type. It aliases t. The error,
// of type *[Error], says that the list ends within a TLV; those before that
// place are found.
func (t TLVs) Find(typ byte) (value []byte, found bool, err error) {
	return t.find(uint64(typ))
}

func (t TLVs) find(typ uint64) (value []byte, found bool, err error) {
	for len(t) > 0 {
		if len(t) < tlvHeaderLen {
			return nil, false, errBrokenTLV
		}
		end := tlvHeaderLen + int(binary.BigEndian.Uint16(t[1:]))
		if end > len(t) {
			return nil, false, errBrokenTLV
		}
		if uint64(t[0]) == typ {
			return t[tlvHeaderLen:end], true, nil
		}
		t = t[end:]
	}
	return nil, false, nil
}

// Append appends the value that $proxy_protocol_tlv_NAME has, and reports whether
// it was found. The name is in lower case: alpn, authority, unique_id, ssl,
// netns, 0xNN for any type; ssl_version, ssl_cn, ssl_cipher, ssl_sig_alg,
// ssl_key_alg, ssl_verify (in decimal) and ssl_0xNN for the parts of an SSL TLV.
//
// An error, of type *[Error], is something nginx logs each time the variable is
// evaluated for a connection that came with a header: a name it does not know,
// or a list that is cut off. The variable is not found then.
func (t TLVs) Append(dst []byte, name string) ([]byte, bool, error) {
	sub, list, names := name, t, typeOf
	if len(name) >= 4 && name[:4] == "ssl_" {
		ssl, found, err := t.Find(byte(pp.PP2_TYPE_SSL))
		if !found || len(ssl) < sslHeaderLen {
			return dst, false, err
		}
		if name == "ssl_verify" {
			return strconv.AppendUint(dst, uint64(binary.BigEndian.Uint32(ssl[1:])), 10), true, nil
		}
		sub, list, names = name[4:], ssl[sslHeaderLen:], sslTypeOf
	}
	typ, err := tlvType(sub, name, names)
	if err != nil {
		return dst, false, err
	}
	value, found, err := list.find(typ)
	return append(dst, value...), found, err
}

// tlvType turns a name, or a number such as 0xee, into a type. Numbers above
// 255 are well formed but stand for no TLV. full is the name for messages.
func tlvType(name, full string, names func(string) pp.PP2Type) (uint64, error) {
	if len(name) < 2 || name[:2] != "0x" {
		if typ := names(name); typ != 0 {
			return uint64(typ), nil
		}
		return 0, &Error{`unknown PROXY protocol TLV "` + full + `"`}
	}
	typ, err := strconv.ParseUint(name[2:], 16, 63)
	if err != nil {
		return 0, &Error{`invalid PROXY protocol TLV "` + full + `"`}
	}
	return typ, nil
}

// typeOf knows the names of TLVs; 0 is none of them.
func typeOf(name string) pp.PP2Type {
	switch name {
	case "alpn":
		return pp.PP2_TYPE_ALPN
	case "authority":
		return pp.PP2_TYPE_AUTHORITY
	case "unique_id":
		return pp.PP2_TYPE_UNIQUE_ID
	case "ssl":
		return pp.PP2_TYPE_SSL
	case "netns":
		return pp.PP2_TYPE_NETNS
	}
	return 0
}

// sslTypeOf knows the names of the TLVs within an SSL TLV.
func sslTypeOf(name string) pp.PP2Type {
	switch name {
	case "version":
		return pp.PP2_SUBTYPE_SSL_VERSION
	case "cn":
		return pp.PP2_SUBTYPE_SSL_CN
	case "cipher":
		return pp.PP2_SUBTYPE_SSL_CIPHER
	case "sig_alg":
		return pp.PP2_SUBTYPE_SSL_SIG_ALG
	case "key_alg":
		return pp.PP2_SUBTYPE_SSL_KEY_ALG
	}
	return 0
}
