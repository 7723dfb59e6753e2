package tlsconf

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// write puts a certificate and its key where name says.
func write(t *testing.T, name string, a *pair) {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(a.key)
	require.NoError(t, err)
	replace(t, name+".crt", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw}))
	replace(t, name+".key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
}

// replace gives a file other contents, and another inode.
func replace(t *testing.T, name string, text []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(name+".new", text, 0o600))
	require.NoError(t, os.Rename(name+".new", name))
}

// load is the name in the certificate that a cache makes of a file.
func load(c *Cache, name string) (string, error) {
	var id Identity
	err := id.Load(name+".crt", name+".key", Loader{Cache: c, Level: DefaultLevel, Once: true})
	if err != nil {
		return "", err
	}
	return id.Certificates()[0].Leaf.Subject.CommonName, nil
}

func TestCache(t *testing.T) {
	now := int64(1000)
	c := NewCache(4, 5*time.Second, 10*time.Second)
	c.now = func() int64 { return now }
	dir := t.TempDir()
	a, b, d := filepath.Join(dir, "a"), filepath.Join(dir, "b"), filepath.Join(dir, "d")
	for _, name := range []string{a, b, d} {
		write(t, name, selfSigned(t, filepath.Base(name)))
	}
	loads := func(want, name string) {
		t.Helper()
		got, err := load(c, name)
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	loads("a", a)
	write(t, a, selfSigned(t, "new"))
	now += 5
	loads("a", a) // still valid
	now++
	loads("new", a) // read again, for the file has changed
	loads("b", b)
	loads("d", d) // there is room for two pairs
	assert.Equal(t, 4, c.order.Len())
	require.NoError(t, os.Remove(a+".crt"))
	_, err := load(c, a)
	assert.ErrorContains(t, err, "No such file", "it had to go")
	require.NoError(t, os.Remove(b+".crt"))
	loads("b", b) // not looked at yet
	now += 6
	_, err = load(c, b)
	assert.ErrorContains(t, err, "No such file")
	assert.Equal(t, 3, c.order.Len(), "what cannot be read is not kept")
	now += 11
	write(t, a, selfSigned(t, "a"))
	loads("a", a)
	assert.Equal(t, 2, c.order.Len(), "what is out of use has gone")
}

// If a key fits a certificate only after both were read again, they are.
func TestCacheWithHalfAPairReplaced(t *testing.T) {
	now := int64(1000)
	c := NewCache(10, time.Hour, time.Hour)
	c.now = func() int64 { return now }
	name := filepath.Join(t.TempDir(), "a")
	write(t, name, selfSigned(t, "first"))
	_, err := c.certificates(name+".crt", false)
	require.NoError(t, err)
	write(t, name, selfSigned(t, "second"))
	got, err := load(c, name)
	require.NoError(t, err)
	assert.Equal(t, "second", got)
	replace(t, name+".key", pemKey(t))
	_, err = load(c, name)
	assert.NoError(t, err, "the key that is in the cache fits")
}

func pemKey(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/plain.key")
	require.NoError(t, err)
	return text
}

func TestCacheKeepsNoEncryptedKey(t *testing.T) {
	c := NewCache(4, time.Hour, time.Hour)
	for range 2 {
		key, err := c.key("testdata/pbkdf2-aes256.key", []string{"secret"}, false)
		require.NoError(t, err)
		require.NotNil(t, key)
	}
	assert.Zero(t, c.order.Len())
}

// chainOf reads the certificate of a pair as from a file.
func chainOf(t *testing.T, p *pair) []*certificate {
	t.Helper()
	c, err := readCertificate(&pemBlock{der: p.cert.Raw}, false)
	require.NoError(t, err)
	return []*certificate{c}
}

func TestIdentity(t *testing.T) {
	var id Identity
	assert.Empty(t, id.Certificates())
	first, second := selfSigned(t, "first"), selfSigned(t, "second")
	require.NoError(t, id.setCertificate("", chainOf(t, first), DefaultLevel))
	assert.Empty(t, id.Certificates(), "there is no key yet")
	assert.EqualError(t, id.setKey(second.key), string(errMismatch))
	require.NoError(t, id.setKey(first.key))
	require.Len(t, id.Certificates(), 1)
	require.NoError(t, id.setCertificate("", chainOf(t, second), DefaultLevel))
	assert.Empty(t, id.Certificates(), "the key was another's")
	require.NoError(t, id.setKey(second.key))

	// A certificate with another kind of key is one more.
	require.NoError(t, id.Load("testdata/plain.crt", "testdata/plain.key", Loader{}))
	got := id.Certificates()
	require.Len(t, got, 2)
	for i := range got {
		assert.True(t, samePublic(got[i].PrivateKey.(crypto.Signer).Public(), got[i].Leaf.PublicKey))
	}
}

func TestLoadMismatch(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/a", selfSigned(t, "a"))
	write(t, dir+"/b", selfSigned(t, "b"))
	var id Identity
	err := id.Load(dir+"/a.crt", dir+"/b.key", Loader{Level: DefaultLevel})
	assert.EqualError(t, err, `SSL_CTX_use_PrivateKey("`+dir+`/b.key") failed (SSL: error:05800074:x509 certificate routines::key values mismatch)`)
}
