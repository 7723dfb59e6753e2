package pkitest

import (
	"crypto"
	"crypto/sha1"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/cryptobyte/asn1"
)

// Certificate is a certificate with its key.
type Certificate struct {
	Name    string
	DER     []byte
	Key     crypto.Signer
	Aux     []byte // settings of its trust, in DER; nil: none
	subject []byte
	issuer  []byte
	keyID   []byte // of the subject, as the extension has it
	serial  *big.Int
	by      *Certificate // who has issued it
}

// PEM is the certificate as a PEM text, with its settings if it has some.
func (c *Certificate) PEM() []byte {
	if c.Aux != nil {
		return pem.EncodeToMemory(&pem.Block{Type: "TRUSTED CERTIFICATE", Bytes: slices.Concat(c.DER, c.Aux)})
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.DER})
}

// builder makes the certificates and lists of a case.
type builder struct {
	now   time.Time
	certs map[string]*Certificate
}

func (b *builder) named(names []string) (all []*Certificate, err error) {
	for _, name := range names {
		c := b.certs[name]
		if c == nil {
			return nil, fmt.Errorf("no certificate %q", name)
		}
		all = append(all, c)
	}
	return all, nil
}

// words are the words of an item. Those that may come several times are looked
// at one by one, others by their key.
type words []string

func (w words) get(key, otherwise string) string {
	for _, word := range w {
		if k, v, _ := strings.Cut(word, "="); k == key {
			return v
		}
	}
	return otherwise
}

// cert makes a certificate. Its words, beside those of extensions
// (extension.go):
//
//	by=NAME          the issuer; otherwise it signs itself
//	key=KIND         p256, p384, p521, p224, rsa2048 (or other sizes), pss2048, ed25519; default p256
//	keyof=NAME       the key of another certificate
//	dn=/O=T/CN=x     the subject; default /O=T/CN=NAME
//	issuer=/CN=y     the issuer's name, whatever it is called
//	serial=N         default: which one it is in the case
//	v=1              the version; default 3
//	from=-1h to=9d   when it is valid, from now, or 2060-01-31T23:59:59Z, or utc:TEXT or gen:TEXT; default: from
//	                 an hour before today to 99 days after
//	sig=sha1         the hash of its signature; or pss, pss:HASH:HASH:SALT, oid:X (der.go, rsa.go)
//	accept=WORD,...  the settings of its trust have these purposes (as with eku)
//	reject=WORD,...  and these that it is not to be trusted for
//	spoil=yes        the signature is wrong; bits: a bit of it is unused
func (b *builder) cert(item Item, number int) error {
	w := words(item.Words)
	c := &Certificate{Name: item.Name, serial: big.NewInt(int64(number))}
	var err error
	if c.Key, err = keyFor(w.get("key", "p256"), w.get("keyof", item.Name)); err != nil {
		return err
	}
	if other := b.certs[w.get("keyof", "")]; other != nil {
		c.Key = other.Key
	}
	if c.subject, err = distinguishedName(w.get("dn", "/O=T/CN="+item.Name)); err != nil {
		return err
	}
	if text := w.get("serial", ""); text != "" {
		if _, ok := c.serial.SetString(text, 0); !ok {
			return fmt.Errorf("no number: %q", text)
		}
	}
	issuer := c
	if name := w.get("by", ""); name != "" {
		if issuer = b.certs[name]; issuer == nil {
			return fmt.Errorf("no certificate %q", name)
		}
	}
	c.issuer, c.by = issuer.subject, issuer
	if text := w.get("issuer", ""); text != "" {
		if c.issuer, err = distinguishedName(text); err != nil {
			return err
		}
	}
	if c.Aux, err = settings(w); err != nil {
		return err
	}
	b.certs[item.Name] = c
	c.DER, err = b.sign(c, issuer, w)
	return err
}

// settings encodes those of trust: OpenSSL's X509_CERT_AUX.
func settings(w words) ([]byte, error) {
	var parts [][]byte
	for _, list := range []struct {
		key string
		tag byte
	}{{"accept", 0x30}, {"reject", 0xa0}} {
		text := w.get(list.key, "-")
		if text == "-" {
			continue
		}
		ids, err := identifiers(text, usages, func(der []byte) []byte { return der })
		if err != nil {
			return nil, err
		}
		ids[0] = list.tag
		parts = append(parts, ids)
	}
	if parts == nil {
		return nil, nil
	}
	return sequence(parts...), nil
}

// sign encodes a certificate and has the issuer sign it.
func (b *builder) sign(c, issuer *Certificate, w words) ([]byte, error) {
	algorithm, err := algorithmFor(issuer.Key, w.get("sig", ""))
	if err != nil {
		return nil, err
	}
	spki, err := keyInfo(c.Key, w.get("key", ""))
	if err != nil {
		return nil, err
	}
	today := b.now.Truncate(24 * time.Hour)
	from, err := b.timeField(w.get("from", today.Add(-time.Hour).Format(time.RFC3339)))
	if err != nil {
		return nil, err
	}
	to, err := b.timeField(w.get("to", today.AddDate(0, 0, 99).Format(time.RFC3339)))
	if err != nil {
		return nil, err
	}
	extensions, err := b.extensions(c, issuer, w)
	if err != nil {
		return nil, err
	}
	var version []byte
	if v := w.get("v", "3"); v != "1" {
		version = tagged(asn1.Tag(0).ContextSpecific().Constructed(), []byte{2, 1, v[0] - '1'})
	}
	if len(extensions) > 0 {
		extensions = tagged(asn1.Tag(3).ContextSpecific().Constructed(), sequence(extensions))
	}
	tbs := sequence(version, integer(c.serial), algorithm.der, c.issuer, sequence(from, to), c.subject, spki, extensions)
	if w.get("spoil", "") == "bits" {
		signature, err := algorithm.signature(tbs, issuer.Key)
		if err != nil {
			return nil, err
		}
		signature[len(signature)-1] &^= 1 // the unused one
		return sequence(tbs, algorithm.der, tagged(asn1.BIT_STRING, []byte{1}, signature)), nil
	}
	return algorithm.sign(tbs, issuer.Key, w.get("spoil", "") != "")
}

// timeField encodes a time: one that [builder.time] reads, or a text after
// "utc:" or "gen:".
func (b *builder) timeField(text string) ([]byte, error) {
	if raw, ok := strings.CutPrefix(text, "utc:"); ok {
		return tagged(asn1.UTCTime, []byte(raw)), nil
	}
	if raw, ok := strings.CutPrefix(text, "gen:"); ok {
		return tagged(asn1.GeneralizedTime, []byte(raw)), nil
	}
	t, err := b.time(text)
	return timeOf(t), err
}

// time reads a duration from now, which may be in days, or a time.
func (b *builder) time(text string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n int
		if _, err := fmt.Sscanf(days, "%d", &n); err != nil {
			return time.Time{}, err
		}
		return b.now.AddDate(0, 0, n), nil
	}
	d, err := time.ParseDuration(text)
	return b.now.Add(d), err
}

// keyIDOf is the usual key identifier.
func keyIDOf(key crypto.Signer) ([]byte, error) {
	spki, err := x509.MarshalPKIXPublicKey(key.Public())
	sum := sha1.Sum(spki)
	return sum[:], err
}

// bytesOf reads a value: hexadecimal digits, or a text with %XX in it.
func bytesOf(text string) ([]byte, error) {
	if b, err := hex.DecodeString(text); err == nil {
		return b, nil
	}
	s, err := url.PathUnescape(text)
	return []byte(s), err
}
