package proxyproto

import (
	"encoding/binary"
	"hash/crc32"
	"net/netip"

	pp "github.com/pires/go-proxyproto"
)

// V2Options are the parts of a version 2 header beyond the addresses. The zero
// value is what nginx writes for a TCP connection without TLS.
type V2Options struct {
	// Datagram announces UDP instead of TCP.
	Datagram bool

	// Authority is the server name that the client sent (SNI), "" if none.
	Authority string

	// ALPN is the application protocol agreed on, "" if none.
	ALPN string

	// SSL describes the TLS connection to the client, nil if there is none.
	SSL *SSL
}

// SSL is what an SSL TLV says about the TLS connection between the client and
// the one who writes the header. Texts that are "" are left out.
type SSL struct {
	// ClientCert: the session has a certificate of the client.
	ClientCert bool

	// Resumed: the session was resumed, so that the certificate was shown on
	// an earlier connection.
	Resumed bool

	// Verify is the outcome of checking that certificate, as an OpenSSL
	// X509_V_ERR_ number; 0 is success. Without ClientCert it is not used:
	// nginx then says 1 (unspecified).
	Verify uint32

	Version      string // as OpenSSL names it: TLSv1.3
	CommonName   string // CN of the client's certificate
	Cipher       string // as OpenSSL names it: TLS_AES_256_GCM_SHA384
	SignatureAlg string // of the certificate shown to the client: RSA-SHA256
	KeyAlg       string // its key type and size: RSA2048, EC256
}

// Bits of the first byte of an SSL TLV.
const (
	clientSSL      = 0x01
	clientCertConn = 0x02
	clientCertSess = 0x04
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// AppendV2 appends the header that nginx writes for "proxy_protocol v2". An
// address that is not valid stands for a unix socket: the header then says
// LOCAL and has no addresses. If one address is IPv4 and the other IPv6, the
// first is written as ::ffff:a.b.c.d; if both are of that form, both are
// written as IPv4.
//
// The TLVs are, in this order and as far as there is something to say:
// AUTHORITY, ALPN, SSL, and always a CRC32C of the whole header.
//
// A header of more than [MaxHeader] bytes is an error; dst then comes back as
// it was. Only very long names in certificates make it so.
func AppendV2(dst []byte, source, destination netip.AddrPort, o V2Options) ([]byte, error) {
	start := len(dst)
	b := append(dst, signature...)
	b = appendAddresses(b, source, destination, o.Datagram)
	b = appendTLV(b, pp.PP2_TYPE_AUTHORITY, o.Authority)
	b = appendTLV(b, pp.PP2_TYPE_ALPN, o.ALPN)
	b = appendSSL(b, o.SSL)
	b = append(b, byte(pp.PP2_TYPE_CRC32C), 0, 4, 0, 0, 0, 0)

	header := b[start:]
	if len(header) > MaxHeader {
		return dst, &Error{"too small buffer for PROXY protocol v2 TLV"}
	}
	binary.BigEndian.PutUint16(header[14:], uint16(len(header)-v2HeaderLen))
	binary.BigEndian.PutUint32(header[len(header)-4:], crc32.Checksum(header, castagnoli))
	return b, nil
}

// appendAddresses appends what is between the signature and the TLVs; the
// length stays 0 for now.
func appendAddresses(b []byte, source, destination netip.AddrPort, datagram bool) []byte {
	if !source.IsValid() || !destination.IsValid() {
		return append(b, version2|cmdLocal, 0, 0, 0)
	}
	src, dst := source.Addr(), destination.Addr()
	if src.Is4In6() && dst.Is4In6() {
		src, dst = src.Unmap(), dst.Unmap()
	}
	trans := byte(transportTCP)
	if datagram {
		trans = transportUDP
	}
	b = append(b, version2|cmdProxy)
	if src.Is4() && dst.Is4() {
		s, d := src.As4(), dst.As4()
		b = append(b, familyV4|trans, 0, 0)
		b = append(append(b, s[:]...), d[:]...)
	} else {
		s, d := src.As16(), dst.As16()
		b = append(b, familyV6|trans, 0, 0)
		b = append(append(b, s[:]...), d[:]...)
	}
	b = binary.BigEndian.AppendUint16(b, source.Port())
	return binary.BigEndian.AppendUint16(b, destination.Port())
}

// appendTLV appends a text, if there is one. A length that does not fit its
// field makes the header too long in any case.
func appendTLV(b []byte, typ pp.PP2Type, value string) []byte {
	if value == "" {
		return b
	}
	b = append(b, byte(typ))
	b = binary.BigEndian.AppendUint16(b, uint16(len(value)))
	return append(b, value...)
}

func appendSSL(b []byte, s *SSL) []byte {
	if s == nil {
		return b
	}
	start := len(b)
	b = append(b, byte(pp.PP2_TYPE_SSL), 0, 0, s.client())
	b = binary.BigEndian.AppendUint32(b, s.verify())
	b = appendTLV(b, pp.PP2_SUBTYPE_SSL_VERSION, s.Version)
	b = appendTLV(b, pp.PP2_SUBTYPE_SSL_CN, s.CommonName)
	b = appendTLV(b, pp.PP2_SUBTYPE_SSL_CIPHER, s.Cipher)
	b = appendTLV(b, pp.PP2_SUBTYPE_SSL_SIG_ALG, s.SignatureAlg)
	b = appendTLV(b, pp.PP2_SUBTYPE_SSL_KEY_ALG, s.KeyAlg)
	binary.BigEndian.PutUint16(b[start+1:], uint16(len(b)-start-tlvHeaderLen))
	return b
}

func (s *SSL) client() byte {
	switch {
	case !s.ClientCert:
		return clientSSL
	case s.Resumed:
		return clientSSL | clientCertSess
	}
	return clientSSL | clientCertSess | clientCertConn
}

func (s *SSL) verify() uint32 {
	if !s.ClientCert {
		return 1
	}
	return s.Verify
}
