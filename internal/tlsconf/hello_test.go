package tlsconf

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// offer is a hello in the making. The zero value has none of the parts that may
// be missing.
type offer struct {
	legacy  uint16 // 0: 0x0303
	ciphers []uint16
	session int    // length of the id
	other   string // compressions, besides none
	parts   []string
}

// part is an extension.
func part(kind uint16, data string) string { return number16(kind) + prefixed16(data) }

func number16(n uint16) string { return string(binary.BigEndian.AppendUint16(nil, n)) }

func prefixed16(data string) string { return number16(uint16(len(data))) + data }

func prefixed8(data string) string { return string([]byte{byte(len(data))}) + data }

// listOf is a list of numbers with its length.
func listOf[T ~uint16](numbers ...T) string {
	var text strings.Builder
	for _, n := range numbers {
		text.WriteString(number16(uint16(n)))
	}
	return prefixed16(text.String())
}

// The extensions that most hellos have.
func groupsPart(ids ...tls.CurveID) string             { return part(10, listOf(ids...)) }
func signaturesPart(ids ...tls.SignatureScheme) string { return part(13, listOf(ids...)) }
func versionsPart(ids ...uint16) string                { return part(43, prefixed8(listOf(ids...)[2:])) }

func sharesPart(ids ...tls.CurveID) string {
	var text strings.Builder
	for _, id := range ids {
		text.WriteString(number16(uint16(id)) + prefixed16("\x09"+strings.Repeat("\x00", 31)))
	}
	return part(51, prefixed16(text.String()))
}

func namePart(name string) string { return part(0, prefixed16("\x00"+prefixed16(name))) }

// usual is what clients offer with TLS 1.3 or, without the versions and the share, 1.2.
func usual(more ...string) *offer {
	o := &offer{ciphers: []uint16{0x1301, 0xc02b, 0xc02f, 0x009c}, session: 32}
	o.parts = append([]string{
		groupsPart(tls.X25519, tls.CurveP256),
		signaturesPart(tls.ECDSAWithP256AndSHA256, tls.PSSWithSHA256, tls.PKCS1WithSHA256), versionsPart(tls.VersionTLS13, tls.VersionTLS12), sharesPart(tls.X25519),
	}, more...)
	return o
}

// with is another offer, with parts of some kinds replaced.
func (o *offer) with(parts ...string) *offer {
	changed := *o
	changed.parts = slices.Clone(o.parts)
	for _, p := range parts {
		same := func(other string) bool { return other[:2] == p[:2] }
		changed.parts = append(slices.DeleteFunc(changed.parts, same), p)
	}
	return &changed
}

// without is another offer, without some kinds of parts.
func (o *offer) without(kinds ...uint16) *offer {
	changed := *o
	changed.parts = slices.DeleteFunc(slices.Clone(o.parts), func(p string) bool {
		return slices.ContainsFunc(kinds, func(kind uint16) bool { return p[:2] == number16(kind) })
	})
	return &changed
}

// old is the offer of TLS 1.2 or older.
func (o *offer) old(legacy uint16, ciphers ...uint16) *offer {
	changed := o.without(43, 51)
	changed.legacy = legacy
	if len(ciphers) > 0 {
		changed.ciphers = ciphers
	}
	return changed
}

// message is the hello with its type and length.
func (o *offer) message() string {
	legacy := o.legacy
	if legacy == 0 {
		legacy = tls.VersionTLS12
	}
	body := number16(legacy) + strings.Repeat("r", 32) + prefixed8(strings.Repeat("s", o.session)) + listOf(o.ciphers...) + prefixed8("\x00"+o.other)
	if len(o.parts) > 0 {
		body += prefixed16(strings.Join(o.parts, ""))
	}
	return "\x01\x00" + prefixed16(body)
}

// recordOf is a record with a handshake message, or a piece of one.
func recordOf(data string) string { return "\x16\x03\x01" + prefixed16(data) }

// made has a certificate for each kind of key.
var made = sync.OnceValue(func() map[string]tls.Certificate {
	certs := map[string]tls.Certificate{}
	for name, make := range map[string]func() (crypto.Signer, error){
		"rsa":     func() (crypto.Signer, error) { return rsa.GenerateKey(rand.Reader, 2048) },
		"P-256":   func() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) },
		"P-384":   func() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P384(), rand.Reader) },
		"ed25519": func() (crypto.Signer, error) { _, key, err := ed25519.GenerateKey(rand.Reader); return key, err },
	} {
		key, err := make()
		if err != nil {
			panic(err)
		}
		c := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
		der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
		if err != nil {
			panic(err)
		}
		leaf, err := x509.ParseCertificate(der)
		if err != nil {
			panic(err)
		}
		certs[name] = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
	}
	return certs
})

// termsOf are those of a server with some certificates.
func termsOf(s *Settings, names ...string) *Terms {
	return &Terms{Own: s, Default: s, Certificates: func() (certs []tls.Certificate, _ error) {
		for _, name := range names {
			certs = append(certs, made()[name])
		}
		return certs, nil
	}}
}

func settings(t *testing.T, ciphers string) *Settings {
	t.Helper()
	s := &Settings{Protocols: TLSv12 | TLSv13, Level: DefaultLevel}
	assert.NoError(t, s.SetCiphers(ciphers))
	return s
}

// TestNegotiate has hellos, and what nginx makes of them.
func TestNegotiate(t *testing.T) {
	high := settings(t, "HIGH:!aNULL:!MD5")
	ours := settings(t, "AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256")
	ours.ServerOrder, ours.Curves = true, []tls.CurveID{tls.CurveP521, tls.CurveP256}
	low := settings(t, "HIGH:@SECLEVEL=0")
	low.Protocols = TLSv1 | TLSv11 | TLSv12
	strict := settings(t, "HIGH@SECLEVEL=4")
	aged := settings(t, "HIGH")
	aged.Protocols = TLSv1 | TLSv12
	all := []uint16{0xc02b, 0xc02f, 0xc030, 0x9d, 0x9c, 0x2f}
	for _, tt := range []struct {
		name  string
		offer *offer
		terms *Terms
		want  string // version, suite, group, certificate, signature; or the reason
	}{
		{"the usual", usual(), termsOf(high, "rsa"), "304 0 X25519 rsa PSSWithSHA256"},
		{"two certificates", usual(), termsOf(high, "P-256", "rsa"), "304 0 X25519 P-256 ECDSAWithP256AndSHA256"},
		{"another curve", usual(), termsOf(high, "P-384", "rsa"), "304 0 X25519 rsa PSSWithSHA256"},
		{"no curve", usual(), termsOf(high, "P-384"), "no suitable signature algorithm"},
		{"TLS 1.2", usual().old(0x303), termsOf(high, "P-256", "rsa"), "303 c02b X25519 P-256 ECDSAWithP256AndSHA256"},
		{"TLS 1.2, curve of the certificate unknown", usual().old(0x303), termsOf(high, "P-384", "rsa"), "303 c02f X25519 rsa PSSWithSHA256"},
		{"TLS 1.2, and no other certificate", usual().old(0x303), termsOf(high, "P-384"), "no shared cipher"},
		{"TLS 1.2, no groups", usual().old(0x303).without(10), termsOf(high, "P-256", "rsa"), "303 9c CurveID(0) rsa PSSWithSHA256"},
		{"TLS 1.2, Ed25519", usual().old(0x303).with(signaturesPart(tls.Ed25519)), termsOf(high, "ed25519"), "303 c02b X25519 ed25519 Ed25519"},
		{"TLS 1.2, Ed25519 unknown", usual().old(0x303), termsOf(high, "ed25519"), "no shared cipher"},
		{"TLS 1.2, signatures for another suite", usual().old(0x303, all...).with(signaturesPart(tls.ECDSAWithP256AndSHA256)), termsOf(high, "rsa"), "no suitable signature algorithm"},
		{"TLS 1.2, no signatures", usual().old(0x303).without(13), termsOf(high, "rsa"), "no suitable signature algorithm"},
		{"SHA-1", usual().with(signaturesPart(tls.PKCS1WithSHA1)), termsOf(high, "rsa"), "no shared signature algorithms"},
		{"order of the server", usual().old(0x303, all...).with(groupsPart(tls.CurveP256, tls.CurveP521)), termsOf(ours, "rsa"), "303 9d CurveID(0) rsa PSSWithSHA256"},
		{"groups of the server", usual().old(0x303, 0xc02f).with(groupsPart(tls.CurveP256, tls.CurveP521)), termsOf(ours, "rsa"), "303 c02f CurveP521 rsa PSSWithSHA256"},
		{"no group", usual(), termsOf(&Settings{Protocols: TLSv13, Curves: []tls.CurveID{tls.CurveP384}}, "rsa"), "no suitable key share"},
		{"another hello", usual().with(sharesPart()), termsOf(high, "rsa"), "304 0 X25519 rsa PSSWithSHA256 again"},
		{"TLS 1.1", usual().old(0x302, all...), termsOf(low, "rsa"), "302 2f CurveID(0) rsa"},
		{"TLS 1.1 at level 2", usual().old(0x302, all...), termsOf(&Settings{Protocols: TLSv11, Ciphers: low.Ciphers, Level: 2}, "rsa"), "no suitable signature algorithm"},
		{"TLS 1.1 without a suite", usual().old(0x302, 0xc02f), termsOf(low, "rsa"), "no shared cipher"},
		{"TLS 1.1 below a gap", usual().old(0x302, all...), termsOf(aged, "rsa"), "no suitable signature algorithm"},
		{"level 4", usual().old(0x303, all...), termsOf(strict, "P-256"), "no shared signature algorithms"},
		{"level 4, strong signatures", usual().old(0x303, all...).with(signaturesPart(tls.ECDSAWithP384AndSHA384)), termsOf(strict, "P-256"), "no shared cipher"},
		{"certificate signed otherwise", usual(part(50, listOf(tls.PKCS1WithSHA256))), termsOf(high, "P-256"), "no suitable signature algorithm"},
		{"certificate signed so", usual(part(50, listOf(tls.PKCS1WithSHA256))), termsOf(high, "P-256", "rsa"), "304 0 X25519 rsa PSSWithSHA256"},
		{"fallback", usual().old(0x303, 0xc02f, tls.TLS_FALLBACK_SCSV), termsOf(high, "rsa"), "inappropriate fallback"},
		{"no fallback", usual().old(0x303, 0xc02f, tls.TLS_FALLBACK_SCSV), termsOf(low, "rsa"), "303 c02f X25519 rsa PSSWithSHA256"},
	} {
		h, r := ParseHello([]byte(tt.offer.message()))
		if !assert.Nil(t, r, tt.name) {
			continue
		}
		choice, err := h.Negotiate(tt.terms)
		assert.Equal(t, tt.want, outcome(h, choice, err), tt.name)
	}
}

// outcome says in a line what was chosen, or why nothing was.
func outcome(h *Hello, choice *Choice, err error) string {
	if err != nil {
		text := err.Error()
		return text[strings.LastIndex(text, ":")+1:]
	}
	words := []string{numberOf(h.Version), numberOf(choice.Suite), choice.Group.String()}
	for name, c := range made() {
		if c.Leaf == choice.Certificate.Leaf {
			words = append(words, name)
		}
	}
	for _, s := range choice.Certificate.SupportedSignatureAlgorithms {
		words = append(words, s.String())
	}
	if choice.Retry {
		words = append(words, "again")
	}
	return strings.Join(words, " ")
}

func numberOf(n uint16) string { return big.NewInt(int64(n)).Text(16) }

// TestBoundsOfTheDefault: groups and bounds of versions are not those of the
// server that the client names, but other settings are.
func TestBoundsOfTheDefault(t *testing.T) {
	def, own := settings(t, "HIGH"), settings(t, "AES128-GCM-SHA256")
	def.Curves, def.Max = []tls.CurveID{tls.CurveP256}, TLSv12
	own.Curves, own.Min = []tls.CurveID{tls.X25519}, TLSv13
	terms := termsOf(own, "rsa")
	terms.Default = def
	h, r := ParseHello([]byte(usual().message()))
	assert.Nil(t, r)
	choice, err := h.Negotiate(terms)
	assert.Equal(t, "303 9c CurveID(0) rsa PSSWithSHA256", outcome(h, choice, err))
}

func TestProtocolOfALPN(t *testing.T) {
	s := settings(t, "HIGH")
	for _, tt := range []struct{ client, want string }{{"\x03two\x03one", "one"}, {"\x05three", "no application protocol"}} {
		for _, o := range []*offer{usual(), usual().old(0x303)} {
			h, _ := ParseHello([]byte(o.with(part(16, prefixed16(tt.client))).message()))
			terms := termsOf(s, "rsa")
			terms.Protocols = []string{"one", "two"}
			choice, err := h.Negotiate(terms)
			if err != nil {
				assert.Equal(t, tt.want, outcome(h, choice, err))
				continue
			}
			assert.Equal(t, tt.want, h.Protocol)
		}
	}
}
