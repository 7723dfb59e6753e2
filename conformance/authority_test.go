//go:build unix

package conformance

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// authority issues certificates.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
	file string // its own certificate, PEM
	pool *x509.CertPool
}

// keyPair is a certificate and its key.
type keyPair struct {
	name      string // the first in the certificate
	cert, key string // PEM files
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{pool: x509.NewCertPool()}
	a.file = a.sign(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "conformance"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign,
	}).cert
	a.pool.AddCert(a.cert)
	return a
}

// issue makes a certificate for host names.
func (a *authority) issue(t *testing.T, names ...string) keyPair {
	t.Helper()
	return a.sign(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: names[0]}, DNSNames: names, KeyUsage: x509.KeyUsageDigitalSignature,
	})
}

// sign makes a certificate; the first becomes the authority's own.
func (a *authority) sign(t *testing.T, template *x509.Certificate) keyPair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	require.NoError(t, err)
	if a.cert == nil {
		a.key = key
		a.cert, err = x509.ParseCertificate(der)
		require.NoError(t, err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	dir := t.TempDir()
	return keyPair{
		name: template.Subject.CommonName,
		cert: writePEM(t, filepath.Join(dir, "cert.pem"), "CERTIFICATE", der),
		key:  writePEM(t, filepath.Join(dir, "key.pem"), "PRIVATE KEY", secret),
	}
}

func writePEM(t *testing.T, path, kind string, der []byte) string {
	t.Helper()
	require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
	return path
}

// load reads the pair for crypto/tls.
func (k keyPair) load(t *testing.T) tls.Certificate {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(k.cert, k.key)
	require.NoError(t, err)
	return pair
}
