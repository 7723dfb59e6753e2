package tlsconf

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gostream/gostream/internal/ber"
)

// FuzzPEM reads texts as a certificate, a list of revoked ones and a key.
func FuzzPEM(f *testing.F) {
	paths, err := filepath.Glob("testdata/*.*")
	if err != nil || len(paths) == 0 {
		f.Fatal(paths, err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		if !strings.HasSuffix(path, "scrypt.key") { // which takes long on purpose
			f.Add(string(text))
		}
	}
	f.Add("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
	f.Add("\xEF\xBB\xBF-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END EC PRIVATE KEY-----\n")
	f.Fuzz(func(t *testing.T, text string) {
		if chain, err := loadChain("data:" + text); err == nil && len(chain) == 0 {
			t.Error("no certificate and no error")
		}
		if cas, err := CAs("data:"+text, func(string) {}); err == nil && len(cas.Trusted) == 0 {
			t.Error("no certificate and no error")
		}
		if crls, err := CRLs("data:" + text); err == nil && len(crls) == 0 {
			t.Error("no list and no error")
		}
		if key, _, err := Key("data:"+text, []string{"x"}); (key == nil) != (err != nil) {
			t.Error(key, err)
		}
		var id Identity
		if skipped, err := id.LoadAll([][2]string{{"data:" + text, "data:" + text}}, Loader{Level: DefaultLevel}); err == nil && len(skipped) > 0 {
			t.Error("skipped the only one")
		}
	})
}

// FuzzPKCS8 decrypts encodings of encrypted keys, with
// low bounds on the work that they may ask for.
func FuzzPKCS8(f *testing.F) {
	text, err := os.ReadFile("testdata/pbkdf2-des3.key")
	if err != nil {
		f.Fatal(err)
	}
	b, err := (&pemReader{rest: text}).block()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b.der)
	iterations, memory := maxIterations, maxScrypt
	f.Cleanup(func() { maxIterations, maxScrypt = iterations, memory })
	maxIterations, maxScrypt = 2048, 1<<16
	f.Fuzz(func(t *testing.T, der []byte) {
		if plain, err := decryptPKCS8(der, []byte("secret")); err == nil && len(plain) >= len(der) {
			t.Errorf("%d bytes in %d", len(plain), len(der))
		}
	})
}

// FuzzASN1 reads encodings of keys and certificates.
func FuzzASN1(f *testing.F) {
	text, err := os.ReadFile("testdata/plain.crt")
	if err != nil {
		f.Fatal(err)
	}
	b, err := (&pemReader{rest: text}).block()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b.der)
	f.Add([]byte{0x30, 0x80, 6, 1, 0x2A, 0x30, 0x80, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, der []byte) {
		for _, of := range []*ber.Type{ber.CertificateType, pkcs8Type, rsaKeyType, ecKeyType, dhxType} {
			if _, _, problems := ber.Decode(der, of); !slices.Equal(problems, ber.Check(der, of)) {
				t.Errorf("%x: %q", der, problems)
			}
		}
		_, _ = readCertificate(&pemBlock{der: der}, true)
		_, _ = parseSEC1(der, nil)
		usualKey(der)
		_ = curveOf(der)
	})
}
