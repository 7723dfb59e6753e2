package stream

// ssl_kit_test.go - certificates for tests of TLS, and clients that speak it.

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/addr"
)

// tlsNames are the certificates that tests have. The one of the client has the
// names and the number that were recorded.
var tlsNames = []struct {
	name, issuer string // no issuer: itself
	rsa          bool
	serial       int64
	subject      pkix.RDNSequence
}{
	{"ca", "", false, 1, pkix.RDNSequence{part(country, "US"), part(organization, "Test Org, Inc"), part(commonName, "My CA")}},
	{"other-ca", "", false, 2, pkix.RDNSequence{part(commonName, "Other CA")}},
	{"a", "", true, 3, pkix.RDNSequence{part(commonName, "a.example.com")}},
	{"ec", "", false, 4, pkix.RDNSequence{part(commonName, "ec.example.com")}},
	{"signed", "ca", false, 5, pkix.RDNSequence{part(commonName, "signed.example.com")}},
	{"client", "ca", false, 0x0a1b2c, pkix.RDNSequence{
		part(country, "US"), part(state, "CA"), part(organization, "Cl, Org"),
		{{Type: unit, Value: "x"}, {Type: unit, Value: "y"}}, part(commonName, "client one"), part(email, "a@b.c"),
	}},
	{"stranger", "other-ca", false, 6, pkix.RDNSequence{part(commonName, "stranger")}},
}

var (
	commonName   = asn1.ObjectIdentifier{2, 5, 4, 3}
	country      = asn1.ObjectIdentifier{2, 5, 4, 6}
	state        = asn1.ObjectIdentifier{2, 5, 4, 8}
	organization = asn1.ObjectIdentifier{2, 5, 4, 10}
	unit         = asn1.ObjectIdentifier{2, 5, 4, 11}
	email        = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}
)

func part(kind asn1.ObjectIdentifier, value string) pkix.RelativeDistinguishedNameSET {
	return pkix.RelativeDistinguishedNameSET{{Type: kind, Value: value}}
}

// madeTLS has the files of tlsNames: NAME.crt and NAME.key.
var madeTLS = sync.OnceValue(func() map[string][]byte {
	files := map[string][]byte{}
	certs, keys := map[string]*x509.Certificate{}, map[string]crypto.Signer{}
	try := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	for _, n := range tlsNames {
		var key crypto.Signer
		var err error
		if n.rsa {
			key, err = rsa.GenerateKey(rand.Reader, 2048)
		} else {
			key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		}
		try(err)
		subject, err := asn1.Marshal(n.subject)
		try(err)
		c := &x509.Certificate{
			SerialNumber: big.NewInt(n.serial), RawSubject: subject, BasicConstraintsValid: true, IsCA: n.issuer == "",
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(100*24*time.Hour - time.Minute),
		}
		issuer, signer := c, key
		if n.issuer != "" {
			issuer, signer = certs[n.issuer], keys[n.issuer]
		}
		der, err := x509.CreateCertificate(rand.Reader, c, issuer, key.Public(), signer)
		try(err)
		certs[n.name], err = x509.ParseCertificate(der)
		try(err)
		keys[n.name] = key
		keyDER, err := x509.MarshalPKCS8PrivateKey(key)
		try(err)
		files[n.name+".crt"] = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
		files[n.name+".key"] = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
	}
	return files
})

// tlsFiles is a folder with the certificates and keys.
func tlsFiles(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range madeTLS() {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), text, 0o600))
	}
	return dir
}

func tlsPair(t *testing.T, name string) tls.Certificate {
	t.Helper()
	pair, err := tls.X509KeyPair(madeTLS()[name+".crt"], madeTLS()[name+".key"])
	require.NoError(t, err)
	return pair
}

// startTLS starts servers with listen ... ssl, and certificate a for those that
// have none of their own.
func startTLS(t *testing.T, block string, replace ...string) *site {
	t.Helper()
	replace = append(replace, "CERTS", tlsFiles(t))
	return start(t, "ssl_certificate CERTS/a.crt; ssl_certificate_key CERTS/a.key;\n"+block, replace...)
}

// tlsClient is a connection to a server, before its handshake. change, if not
// nil, alters what the client offers.
func (s *site) tlsClient(address string, change func(*tls.Config)) *tls.Conn {
	s.t.Helper()
	config := &tls.Config{InsecureSkipVerify: true}
	if change != nil {
		change(config)
	}
	return tls.Client(s.dial(address), config)
}

// askTLS reads until the end, which must be one that TLS knows of.
func (s *site) askTLS(address string, change func(*tls.Config)) string {
	s.t.Helper()
	text, err := io.ReadAll(s.tlsClient(address, change))
	require.NoError(s.t, err)
	return string(text)
}

// named makes a client ask for a server by name.
func named(name string) func(*tls.Config) {
	return func(c *tls.Config) { c.ServerName = name }
}

// showing makes a client show a certificate, whatever the server asks for.
func showing(t *testing.T, name string) func(*tls.Config) {
	pair := tlsPair(t, name)
	return func(c *tls.Config) {
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	}
}

// unresolved leaves the names of responders alone.
var unresolved = addr.Options{NoResolve: true}

func writeFile(t *testing.T, text []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(name, text, 0o600))
	return name
}
