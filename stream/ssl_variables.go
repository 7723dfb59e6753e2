package stream

// ssl_variables.go - $ssl_*: what clients and servers of listen ... ssl have
// agreed on, and who the client is. There is none without TLS, and none that
// would be empty.

import (
	"cmp"
	"crypto/sha1"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gostream/gostream/internal/pki"
	"github.com/gostream/gostream/internal/tlsconf"
)

var sslVariables = []variable{
	sslVariable("ssl_protocol", func(_ *Session, c *clientTLS) string { return c.protocol() }),
	sslVariable("ssl_cipher", func(_ *Session, c *clientTLS) string { return c.cipher() }),
	sslVariable("ssl_ciphers", func(_ *Session, c *clientTLS) string { return joined(c.hello.Ciphers, tlsconf.CipherName) }),
	sslVariable("ssl_curve", func(_ *Session, c *clientTLS) string {
		if c.state.CurveID == 0 {
			return ""
		}
		return tlsconf.CurveName(c.state.CurveID)
	}),
	sslVariable("ssl_curves", func(_ *Session, c *clientTLS) string { return joined(c.hello.Groups, tlsconf.CurveName) }),
	sslVariable("ssl_sigalg", none),
	sslVariable("ssl_sigalgs", func(_ *Session, c *clientTLS) string { return joined(c.hello.Signatures, number) }),
	sslVariable("ssl_session_id", func(_ *Session, c *clientTLS) string { return c.sessionID }),
	sslVariable("ssl_session_reused", func(_ *Session, c *clientTLS) string {
		if c.state.DidResume {
			return "r"
		}
		return "."
	}),
	sslVariable("ssl_server_name", func(_ *Session, c *clientTLS) string { return c.hello.ServerName }),
	sslVariable("ssl_alpn_protocol", func(_ *Session, c *clientTLS) string { return cmp.Or(c.state.NegotiatedProtocol, c.hello.Protocol) }),
	sslVariable("ssl_ech_status", none),
	sslVariable("ssl_ech_outer_server_name", none),

	certVariable("ssl_client_cert", func(cert *x509.Certificate) string {
		return strings.ReplaceAll(strings.TrimSuffix(pemOf(cert), "\n"), "\n", "\n\t")
	}),
	certVariable("ssl_client_raw_cert", pemOf),
	certVariable("ssl_client_escaped_cert", func(cert *x509.Certificate) string { return escapeURI(pemOf(cert)) }),
	certVariable("ssl_client_s_dn", func(cert *x509.Certificate) string { return pki.DN(cert.RawSubject) }),
	certVariable("ssl_client_i_dn", func(cert *x509.Certificate) string { return pki.DN(cert.RawIssuer) }),
	certVariable("ssl_client_serial", func(cert *x509.Certificate) string { return pki.Serial(cert.SerialNumber) }),
	certVariable("ssl_client_fingerprint", func(cert *x509.Certificate) string {
		sum := sha1.Sum(cert.Raw)
		return hex.EncodeToString(sum[:])
	}),
	sslVariable("ssl_client_verify", (*Session).clientVerify),
	certVariable("ssl_client_v_start", func(cert *x509.Certificate) string { return pki.Time(cert.NotBefore) }),
	certVariable("ssl_client_v_end", func(cert *x509.Certificate) string { return pki.Time(cert.NotAfter) }),
	certVariable("ssl_client_v_remain", func(cert *x509.Certificate) string {
		return strconv.FormatInt(int64(max(time.Until(cert.NotAfter), 0)/(24*time.Hour)), 10)
	}),
	sslVariable("ssl_client_sigalg", none),
}

// sslVariable is a variable of a session with TLS.
func sslVariable(name string, get func(*Session, *clientTLS) string) variable {
	return variable{Name: name, Changeable: true, Get: func(s *Session, b []byte) ([]byte, bool) {
		if s.ssl == nil {
			return b, false
		}
		text := get(s, s.ssl)
		return append(b, text...), text != ""
	}}
}

// certVariable is a variable of the client's certificate.
func certVariable(name string, get func(*x509.Certificate) string) variable {
	return sslVariable(name, func(_ *Session, c *clientTLS) string {
		if cert := peerOf(&c.state); cert != nil {
			return get(cert)
		}
		return ""
	})
}

// none is for what crypto/tls does not tell, as older versions of OpenSSL do
// not either.
func none(*Session, *clientTLS) string { return "" }

func joined[T any](list []T, name func(T) string) string {
	names := make([]string, len(list))
	for i, v := range list {
		names[i] = name(v)
	}
	return strings.Join(names, ":")
}

func number[T ~uint16](v T) string { return fmt.Sprintf("0x%04x", uint16(v)) }

// protocol is there before the handshake too: the newest one that is possible.
func (c *clientTLS) protocol() string {
	return tlsconf.VersionName(cmp.Or(c.state.Version, c.front.Version()))
}

// cipher is there before the handshake too, in OpenSSL's words for none.
func (c *clientTLS) cipher() string {
	if c.state.CipherSuite == 0 {
		return "(NONE)"
	}
	return tlsconf.CipherName(c.state.CipherSuite)
}

// clientVerify is $ssl_client_verify.
func (s *Session) clientVerify(c *clientTLS) string {
	switch {
	case peerOf(&c.state) == nil:
		return "NONE"
	case c.verified == pki.OK && c.ocsp == "":
		return "SUCCESS"
	case c.verified == pki.OK:
		return "FAILED:" + c.ocsp
	}
	return "FAILED:" + c.verified.String()
}

func pemOf(cert *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}))
}

// escapeURI escapes all but what RFC 3986 calls unreserved.
func escapeURI(text string) string {
	var b strings.Builder
	for i := range len(text) {
		switch c := text[i]; {
		case 'a' <= c|0x20 && c|0x20 <= 'z', '0' <= c && c <= '9', strings.IndexByte("-._~", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
