package pkitest

import (
	"crypto/x509"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// randomChain makes a root, authorities below it and a certificate.
func randomChain(r *rand.Rand) *Case {
	for {
		if c := tryChain(r); readable(c) {
			return c
		}
	}
}

// readable reports whether a case can be built (a key cannot sign with every
// hash) and package x509 can read its certificates, without which there is no
// verdict.
func readable(c *Case) bool {
	_, err := c.Build()
	for _, i := range c.Certs {
		if err == nil {
			_, err = x509.ParseCertificate(c.Certificate(i.Name).DER)
		}
	}
	return err == nil
}

// tryChain makes a chain that is good but for up to three things, so that the
// checks that come late are reached.
func tryChain(r *rand.Rand) *Case {
	g := &chainMaker{r, &Case{Name: "random", Depth: 5, Level: 2}}
	above := g.add("root", "", g.authority())
	g.c.Trust = []string{above}
	for i := range g.pick(4, 4, 2, 1) {
		above = g.add(fmt.Sprint("int", i), above, g.authority())
		g.c.Send = append([]string{above}, g.c.Send...)
	}
	g.add("leaf", above, g.leaf())
	g.c.Send = append([]string{"leaf"}, g.c.Send...)
	for range g.pick(1, 4, 4, 2) {
		g.spoil()
	}
	return g.c
}

// chainMaker makes a case.
type chainMaker struct {
	*rand.Rand
	c *Case
}

// pick returns an index, each as often as its weight says.
func (g *chainMaker) pick(weights ...int) int {
	total := 0
	for _, w := range weights {
		total += w
	}
	n := g.IntN(total)
	for i, w := range weights {
		if n -= w; n < 0 {
			return i
		}
	}
	return 0
}

func (g *chainMaker) one(of ...string) string { return of[g.IntN(len(of))] }

func (g *chainMaker) chance(percent int) bool { return g.IntN(100) < percent }

// add adds a certificate.
func (g *chainMaker) add(name, issuer string, words []string) string {
	if issuer != "" {
		words = append([]string{"by=" + issuer}, words...)
	}
	g.c.Certs = append(g.c.Certs, Item{name, words})
	return name
}

// authority returns words of a good authority.
func (g *chainMaker) authority() (words []string) {
	words = append(words, g.one("bc!=ca", "bc!=ca", "bc=ca", "bc!=ca,3"))
	if g.chance(40) {
		words = append(words, "ski=auto", g.one("aki=auto", "aki=auto", "aki=issuer", "aki=auto,issuer"))
	}
	if g.chance(40) {
		words = append(words, g.one("ku!=certsign,crlsign", "ku=certsign", "ku=sign,certsign"))
	}
	if g.chance(20) {
		words = append(words, "eku=client,server")
	}
	if g.chance(15) {
		words = append(words, "key="+g.one("p384", "rsa2048", "ed25519", "pss2048:sha256:sha256:20"))
	}
	return g.signed(words)
}

// signed adds how the issuer signs, at times.
func (g *chainMaker) signed(words []string) []string {
	if g.chance(15) {
		return append(words, "sig="+g.one("sha384", "sha512", "sha256"))
	}
	return words
}

// leaf returns words of a good certificate.
func (g *chainMaker) leaf() (words []string) {
	words = []string{"san=dns:a.test"}
	if g.chance(40) {
		words = append(words, "aki=auto")
	}
	if g.chance(30) {
		words = append(words, g.one("ku=sign", "ku!=sign,keyenc", "ku=agree"))
	}
	if g.chance(30) {
		words = append(words, "eku="+g.one("client,server", "client,msgate", "client,server,any"))
	}
	if g.chance(20) {
		words = append(words, g.one("bc=leaf", "bc!=leaf", "ns=client,server", "cp=1.2.3", "crldp=uri:http://x"))
	}
	if g.chance(10) {
		words = append(words, "key="+g.one("p384", "rsa2048", "ed25519"))
	}
	return g.signed(words)
}

// spoil does something to the case that may matter.
func (g *chainMaker) spoil() {
	switch g.pick(24, 6, 5, 6, 6, 4, 3, 3) {
	case 0:
		g.change(g.any(), g.word())
	case 1:
		g.twin()
	case 2:
		g.cross()
	case 3:
		g.reorder(&g.c.Send, 1)
	case 4:
		g.reorder(&g.c.Trust, 0)
	case 5:
		g.c.Depth = g.IntN(4)
	case 6:
		g.c.Level = g.IntN(4)
	case 7:
		g.strangeNames()
	}
}

// any returns one of the certificates.
func (g *chainMaker) any() *Item { return &g.c.Certs[g.IntN(len(g.c.Certs))] }

// useless are the keys that crypto/tls cannot use.
var useless = []string{"key=rsa768", "key=p224", "key=pss2048"}

// change gives a certificate a word in place of what it says about that. A word
// that begins with "-" is taken away.
func (g *chainMaker) change(i *Item, word string) {
	if i.Name == "leaf" && slices.Contains(useless, word) {
		return
	}
	if i.Name == "leaf" && strings.HasPrefix(word, "v=") { // package x509 finds no names in old versions
		g.change(i, "-san")
		g.change(i, "dn=/CN=a.test")
	}
	drop := strings.HasPrefix(word, "-")
	key := func(word string) string {
		k, _, _ := strings.Cut(strings.TrimPrefix(word, "-"), "=")
		return strings.TrimSuffix(k, "!")
	}
	i.Words = slices.DeleteFunc(i.Words, func(w string) bool { return key(w) == key(word) && key(word) != "ext" })
	if !drop {
		i.Words = append(i.Words, word)
	}
}

// someOf returns some of several words with "," between them.
func (g *chainMaker) someOf(n int, of ...string) string {
	g.Shuffle(len(of), func(i, j int) { of[i], of[j] = of[j], of[i] })
	return strings.Join(of[:g.IntN(n+1)], ",")
}

// strangeExtensions are extensions that are unknown, or supported or not as
// critical ones, and malformed ones: constraints, key usage, Netscape's type,
// the issuer's key identifier and distribution points.
var strangeExtensions = []string{
	"1.2.3.4:0500", "2.5.29.54:020100", "1.3.6.1.5.5.7.48.1.5:0500", "2.5.29.16:3000", "2.16.840.1.113730.1.13:160161", "2.5.29.46:3000",
	"1.3.6.1.5.5.7.1.24:3003020105", "2.5.29.19:30050101ff0500", "2.5.29.19:30030101ff0500", "2.5.29.15:030100", "2.5.29.15:030400000080",
	"1.3.6.1.5.5.7.1.14:3000", "1.3.6.1.5.5.7.1.14:300f020100300a06082b06010505071501", "2.16.840.1.113730.1.1:0500", "2.16.840.1.113730.1.1:030300c000",
	"2.5.29.35:3004a1028900", "2.5.29.35:30028200", "2.5.29.35:3000", "2.5.29.31:30023000", "2.5.29.31:30083006a2048202612e", "2.5.29.17:3004a0020500",
	"2.5.29.17:3002a500", "2.5.29.17:300487027f00",
}

// word returns a word that may make a certificate bad.
func (g *chainMaker) word() string {
	critical := g.one("=", "=", "!=")
	switch g.pick(4, 4, 4, 3, 3, 3, 3, 3, 2, 2, 2) {
	case 0:
		return "bc" + g.one("!", "") + "=" + g.one("ca", "leaf", "ca,0", "ca,1", "leaf,0")
	case 1:
		return "ku" + critical + g.someOf(3, slices.Clone(keyUsages)...)
	case 2:
		return "eku" + critical + g.someOf(2, "server", "client", "code", "email", "ocsp", "any", "msgate", "nsgate", "1.2.3.4")
	case 3:
		return "ns" + critical + g.someOf(2, slices.Clone(nsTypes)...)
	case 4:
		return g.one("to=-1m", "from=1h", "to=-9d", "from=-9d", "to=2d", "to=utc:4501010000Z", "from=utc:2501010000Z")
	case 5:
		return g.one("-bc", "-ku", "-eku", "-ski", "-aki", "v=1", "v=1", "v=2")
	case 6:
		return "aki=" + g.one("auto", "key:01", "issuer", "serial:1", "serial:2", "auto,serial:9", "name:/CN=x", "name:/O=T/CN=root,serial:1", "name:/O=t/CN=ROOT")
	case 7:
		return g.one("ski=auto", "ski=01", "ski=", "spoil=yes", "spoil=bits", "proxy=yes", "proxy!=yes", "keyof=root", "san=", "ian=dns:x")
	case 8:
		return "ext" + critical + g.one(strangeExtensions...)
	case 9:
		return "sig=" + g.one("sha1", "md5", "sha224", "sha512", "pss", "pss:sha1:sha1:20", "pss:sha256:sha1:32", "oid:1.2.840.113549.1.1.11", "oid:1.2.3.4", "oid:1.2.840.10045.4.3")
	}
	return "key=" + g.one("rsa1024", "rsa768", "rsa2048", "p384", "p521", "ed25519", "p224", "pss2048")
}

// twin adds a certificate with the name of another, and shows or trusts it.
func (g *chainMaker) twin() {
	of := g.any()
	twin := Item{fmt.Sprint("twin", len(g.c.Certs)), slices.Clone(of.Words)}
	if !slices.ContainsFunc(twin.Words, func(w string) bool { return strings.HasPrefix(w, "dn=") }) {
		twin.Words = append(twin.Words, "dn=/O=T/CN="+of.Name)
	}
	if g.chance(60) {
		g.change(&twin, "keyof="+of.Name)
	}
	if g.chance(70) {
		g.change(&twin, g.word())
	}
	if g.chance(30) {
		g.change(of, g.one("to=-1h", "to=-9d", "from=1h"))
	}
	g.show(g.insert(of.Name, twin))
}

// insert puts a certificate behind another one.
func (g *chainMaker) insert(after string, i Item) string {
	at := slices.IndexFunc(g.c.Certs, func(i Item) bool { return i.Name == after }) + 1
	g.c.Certs = slices.Insert(g.c.Certs, at, i)
	return i.Name
}

// show has a certificate be shown or trusted, or both.
func (g *chainMaker) show(name string) {
	how := g.IntN(5)
	if how < 3 {
		g.c.Send = slices.Insert(g.c.Send, 1+g.IntN(len(g.c.Send)), name)
	}
	if how > 1 {
		g.c.Trust = slices.Insert(g.c.Trust, g.IntN(len(g.c.Trust)+1), name)
	}
}

// cross has a new root sign what is the name and key of the root.
func (g *chainMaker) cross() {
	n := len(g.c.Certs)
	other := Item{fmt.Sprint("old", n), g.authority()}
	crossed := Item{fmt.Sprint("cross", n), append([]string{"by=" + other.Name, "dn=/O=T/CN=root"}, g.authority()...)}
	crossed.Words = slices.DeleteFunc(crossed.Words, func(w string) bool { return strings.HasPrefix(w, "key=") })
	g.change(&crossed, "keyof=root")
	g.insert("root", other)
	g.show(g.insert(other.Name, crossed))
	if g.chance(60) {
		g.show(other.Name)
	}
	if g.chance(30) {
		g.c.Trust = []string{other.Name}
	}
}

// reorder changes a list of names, but for its first ones.
func (g *chainMaker) reorder(list *[]string, fixed int) {
	l := *list
	switch movable := l[fixed:]; g.IntN(4) {
	case 0:
		g.Shuffle(len(movable), func(i, j int) { movable[i], movable[j] = movable[j], movable[i] })
	case 1:
		if len(l) > 1 && len(movable) > 0 {
			at := fixed + g.IntN(len(movable))
			l = slices.Delete(slices.Clone(l), at, at+1)
		}
	case 2:
		l = slices.Insert(slices.Clone(l), fixed+g.IntN(len(movable)+1), g.any().Name)
	case 3:
		if fixed == 0 {
			l = []string{g.any().Name}
		} else {
			l = append(slices.Clone(l), "root")
		}
	}
	*list = l
}

// strangeNames writes the name of an issuer in another way, or a wrong one.
func (g *chainMaker) strangeNames() {
	i := g.any()
	for _, w := range i.Words {
		if issuer, ok := strings.CutPrefix(w, "by="); ok {
			g.change(i, "issuer="+g.one("/O=t/CN="+strings.ToUpper(issuer), "/O=T/CN=%20"+issuer, "/O.bmp=T/CN.printable="+issuer, "/CN="+issuer, "/O=T/CN="+i.Name))
			return
		}
	}
}
