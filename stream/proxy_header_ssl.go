package stream

// proxy_header_ssl.go - what "proxy_protocol v2" tells an upstream about the TLS
// of the client.

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"strconv"

	"github.com/gostream/gostream/internal/pki"
	"github.com/gostream/gostream/internal/tlsconf"
	"github.com/gostream/gostream/proxyproto"
)

// headerOptions is what the header has beside the addresses.
func (s *Session) headerOptions() proxyproto.V2Options {
	if s.ssl == nil || !s.ssl.done {
		return proxyproto.V2Options{Datagram: s.udp}
	}
	state := &s.ssl.state
	o := proxyproto.V2Options{Authority: state.ServerName, ALPN: state.NegotiatedProtocol, SSL: &proxyproto.SSL{
		Resumed: state.DidResume,
		Version: tlsconf.VersionName(state.Version),
		Cipher:  tlsconf.CipherName(state.CipherSuite),
	}}
	if peer := peerOf(state); peer != nil {
		o.SSL.ClientCert, o.SSL.Verify = true, uint32(s.ssl.verified)
		o.SSL.CommonName = pki.CommonName(peer)
	}
	if shown := s.ssl.shown; shown != nil {
		o.SSL.SignatureAlg, o.SSL.KeyAlg = signatureName(shown), keyName(shown)
	}
	return o
}

// signatureNames are OpenSSL's names of the ways in which certificates are
// signed.
var signatureNames = map[x509.SignatureAlgorithm]string{
	x509.MD5WithRSA: "RSA-MD5", x509.SHA1WithRSA: "RSA-SHA1", x509.SHA256WithRSA: "RSA-SHA256",
	x509.SHA384WithRSA: "RSA-SHA384", x509.SHA512WithRSA: "RSA-SHA512",
	x509.SHA256WithRSAPSS: "RSASSA-PSS", x509.SHA384WithRSAPSS: "RSASSA-PSS", x509.SHA512WithRSAPSS: "RSASSA-PSS",
	x509.DSAWithSHA1: "DSA-SHA1", x509.DSAWithSHA256: "dsa_with_SHA256", x509.ECDSAWithSHA1: "ecdsa-with-SHA1",
	x509.ECDSAWithSHA256: "ecdsa-with-SHA256", x509.ECDSAWithSHA384: "ecdsa-with-SHA384", x509.ECDSAWithSHA512: "ecdsa-with-SHA512",
	x509.PureEd25519: "ED25519",
}

func signatureName(cert *x509.Certificate) string {
	if name, known := signatureNames[cert.SignatureAlgorithm]; known {
		return name
	}
	return "UNDEF"
}

// keyName is the kind and size of the key in a certificate; "" for kinds that
// nginx says nothing about.
func keyName(cert *x509.Certificate) string {
	switch key := cert.PublicKey.(type) {
	case *rsa.PublicKey:
		return "RSA" + strconv.Itoa(key.N.BitLen())
	case *ecdsa.PublicKey:
		return "EC" + strconv.Itoa(key.Params().BitSize)
	}
	return ""
}
