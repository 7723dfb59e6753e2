package pkitest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// randomNames gives certificates names, and authorities constraints on names.
// Names and constraints are made of the same few parts, so that they often meet.
func randomNames(r *rand.Rand, c *Case) {
	if len(c.Certs) == 2 {
		addAuthorities(r, c)
	}
	last := len(c.Certs) - 1
	randomTexts(r, &c.Certs[last])
	if r.IntN(4) == 0 {
		randomHosts(r, c, &c.Certs[last])
		return
	}
	for i := range c.Certs {
		item := &c.Certs[i]
		if i == last || r.IntN(6) == 0 {
			if r.IntN(4) > 0 {
				item.set("dn", randomDN(r))
			}
			if r.IntN(4) > 0 {
				item.set(oneOf(r, "san", "san", "san", "san!"), randomNameList(r, 4, randomGeneralName))
			} else if i == last {
				item.set("san", "")
			}
		}
		if i < last && r.IntN(2) == 0 {
			item.set(oneOf(r, "nc", "nc!"), randomNameList(r, 3, randomSubtree))
		}
	}
	if r.IntN(3) == 0 {
		c.Host = randomHost(r)
	}
}

// randomTexts gives a certificate a serial number and times, at times.
func randomTexts(r *rand.Rand, leaf *Item) {
	if r.IntN(4) == 0 {
		leaf.set("serial", "0x"+strings.Repeat(oneOf(r, "00", "01", "7f", "80", "ff"), 1+r.IntN(3))+strings.Repeat("5a", r.IntN(40)))
	}
	if r.IntN(4) == 0 {
		leaf.set("from", fmt.Sprintf("%04d-%02d-%02dT%02d:00:59Z", 1+r.IntN(2025), 1+r.IntN(12), 1+r.IntN(28), r.IntN(24)))
		leaf.set("to", fmt.Sprintf("%d-%02d-%02dT%02d:59:00Z", 2040+r.IntN(2000), 1+r.IntN(12), 1+r.IntN(28), r.IntN(24)))
	}
}

// randomHosts gives a certificate names of hosts only, and asks for one.
func randomHosts(r *rand.Rand, c *Case, leaf *Item) {
	c.Host = randomHost(r)
	leaf.set("dn", "/O=T/CN"+oneOf(r, "", ".bmp", ".t61")+"="+randomHost(r)+oneOf(r, "", "/CN=", "+CN=")+randomHost(r))
	switch r.IntN(3) {
	case 0:
		leaf.set("san", "")
	case 1:
		leaf.set("san", "email:"+ascii(randomHost(r)))
	default:
		leaf.set("san", "dns:"+ascii(randomHost(r))+",dns:"+ascii(randomHost(r)))
	}
}

// addAuthorities puts authorities between the root and a certificate, some of
// which have the name of their issuer.
func addAuthorities(r *rand.Rand, c *Case) {
	root, leaf := c.Certs[0], c.Certs[1]
	root.set("ski", "auto")
	c.Certs = []Item{root}
	for n := range r.IntN(4) {
		above := c.Certs[n]
		a := Item{fmt.Sprintf("int%d", n), []string{"by=" + above.Name, "bc!=ca", "ski=auto", "aki=auto"}}
		if r.IntN(4) == 0 {
			a.set("dn", words(above.Words).get("dn", "/O=T/CN="+above.Name))
		}
		c.Certs = append(c.Certs, a)
		c.Send = slices.Insert(c.Send, 1, a.Name)
	}
	leaf.set("by", c.Certs[len(c.Certs)-1].Name)
	leaf.set("aki", "auto")
	if r.IntN(8) == 0 { // untrusted
		c.Certs = append(c.Certs, Item{"other", []string{"bc!=ca"}})
		c.Trust = []string{"other"}
	}
	c.Certs = append(c.Certs, leaf)
}

// set changes a word, critical or not, or adds it; no value takes it away.
func (i *Item) set(key, value string) {
	i.Words = slices.DeleteFunc(slices.Clone(i.Words), func(word string) bool {
		old, _, _ := strings.Cut(word, "=")
		return strings.TrimSuffix(old, "!") == strings.TrimSuffix(key, "!")
	})
	if value != "" {
		i.Words = append(i.Words, key+"="+value)
	}
}

func oneOf(r *rand.Rand, values ...string) string { return values[r.IntN(len(values))] }

// randomDN makes a distinguished name of zero to four parts.
func randomDN(r *rand.Rand) string {
	var b strings.Builder
	for range r.IntN(5) {
		if b.Len() > 0 && r.IntN(6) == 0 {
			b.WriteString("+" + randomAttribute(r))
		} else {
			b.WriteString("/" + randomAttribute(r))
		}
	}
	if b.Len() == 0 {
		return "/"
	}
	return b.String()
}

func randomAttribute(r *rand.Rand) string {
	switch r.IntN(8) {
	case 0, 1:
		return "CN" + oneOf(r, "", "", ".t61", ".bmp") + "=" + oneOf(r, randomHost(r), randomHost(r), "x", "a.test%00", "a%00.test", "")
	case 2:
		return "email" + oneOf(r, "", "", "", "", ".utf8") + "=" + randomEmail(r)
	case 3:
		plain := oneOf(r, "T", "t", "%20T", "T%20%20T", "t%20t", "U", "%20", "")
		return "O" + oneOf(r, oneOf(r, "", ".printable", ".t61", ".bmp", ".ia5")+"="+plain, oneOf(r, "", ".t61", ".bmp")+"="+oneOf(r, "é", "É", "T%09T", "%23", "%23T"))
	case 4:
		return oneOf(r, "OU", "1.2.3", "1.2.3.4", "UID", "2.5.4.16", "DC.utf8", "ST") + "=" + oneOf(r, "T", "t", "x", "x,y%3Bz", "%22q%22", "a%2Bb", "%5C<>", "%01%7F", "a=b", "日本")
	case 5:
		return "serial" + oneOf(r, ".numeric", ".numeric", ".printable", "") + "=" + oneOf(r, "1", "1%20", "12", "0")
	case 6:
		return "DC" + oneOf(r, "", ".utf8") + "=" + oneOf(r, "test", "TEST", "a")
	}
	return oneOf(r, "O=T", "OU=x", "C.printable=DE", "CN=a.test", "CN=b.a.test")
}

func randomHost(r *rand.Rand) string {
	return oneOf(r, "a.test", "a.test", "b.a.test", "A.Test", "xa.test", "test", "c.b.a.test", ".a.test", "*.a.test", "b*.a.test", "*b.a.test",
		"a.test.", "a_b.a.test", "bc.a.test", "xn--b.a.test", "cb.a.test", "B.A.TEST", "*.test", "*.b.a.test", ".b.a.test", ".test", "x*.a.test", "*-b.a.test", "c-b.a.test", "-a.test", "a-.test", "a..test", "b.test", "xn--a.a.test", "xn--*.a.test", "10.0.0.1", ".", "*", "a.test:1", "ä.test", "Ä.test")
}

// ascii makes a name one that an IA5String can have.
func ascii(name string) string {
	return strings.Map(func(r rune) rune { return min(r, 'x') }, name)
}

func randomEmail(r *rand.Rand) string {
	return oneOf(r, "x", "X", "y", "x.y", "x@y", "") + oneOf(r, "@", "@", "@", "@", "@", "") + oneOf(r, "a.test", "b.a.test", "A.TEST", "xa.test", "b.test", "", "a.test%00")
}

func randomGeneralName(r *rand.Rand) string {
	switch r.IntN(12) {
	case 0, 1, 2:
		return "dns:" + ascii(oneOf(r, randomHost(r), randomHost(r), "a.test%00", ""))
	case 3, 4:
		return "email:" + randomEmail(r)
	case 5:
		return "uri:" + oneOf(r, "http", "ldap", "x") + oneOf(r, "://", "://", "://", ":", ":/", "") + oneOf(r, "a.test", "b.a.test", "xa.test", "b.test", "A.Test", "") +
			oneOf(r, "", "", "/", ":80", "/x:y", "?q", "#f", ":80/x")
	case 6:
		return "ip:" + oneOf(r, "10.0.0.1", "10.1.0.1", "11.0.0.1", "fd00::1", "fd01::1", "::ffff:10.0.0.1")
	case 7, 8:
		return "dir:" + strings.ReplaceAll(randomDN(r), "/", ";")
	case 9:
		return "mailbox" + oneOf(r, "", "", "", ".ia5") + ":" + oneOf(r, "é", "x") + oneOf(r, "@", "@", "@", "") + oneOf(r, "a.test", "A.TEST", "b.a.test", "bücher.test", "BÜCHER.test", "b..a.test")
	case 10:
		return "other" + oneOf(r, "", ".bmp", ".bit") + ":" + oneOf(r, "1.2.3", "1.2.4", "1.3.6.1.4.1.311.20.2.3") + ":x@a.test"
	}
	return oneOf(r, "rid:1.2.3", "rid:1.2.4", "edi:x", "x400:", "raw:a003060100", "raw:a4023000", "raw:a4053003310100", "raw:8000", "raw:880180",
		"raw:a006060100a00100", "raw:a009060129a00403020901", "raw:a009060129a0040c026140", "raw:a503a10100", "raw:a406300431023000",
		"raw:a410300e310c300a06035504030c036d6d6d", "raw:a410300e310c300a060355040304036d6d6d", "raw:a410300e310c300a06035504031e036d6d6d", "raw:a411300f310d300b06035504031e04d8000041")
}

// randomSubtree makes one of a constraint, mostly one that package x509 can read.
func randomSubtree(r *rand.Rand) string {
	sign, bounds := oneOf(r, "+", "+", "-"), ""
	if r.IntN(12) == 0 {
		bounds = oneOf(r, "|min:0", "|min:1", "|max:1", "|max:0", "|min:0|max:5", "|min:128")
	}
	var name string
	switch r.IntN(9) {
	case 0, 1, 2:
		name = "dns:" + oneOf(r, "a.test", ".a.test", "b.a.test", "test", "A.TEST", "", "c.test", "xa.test")
	case 3, 4:
		name = "email:" + oneOf(r, "a.test", ".a.test", "x@a.test", "X@a.test", "", "A.TEST", "b.a.test", "xn--bcher-kva.test", ".xn--bcher-kva.test", "xn--.test", "xn--99zzzz.test")
	case 5:
		name = "uri:" + oneOf(r, "a.test", ".a.test", "", "A.TEST", "b.test")
	case 6:
		name = "ip:" + oneOf(r, "10.0.0.0%2F8", "10.0.0.0%2F16", "0.0.0.0%2F0", "fd00::%2F16", "::%2F0", "10.0.0.1%2F32")
	case 7:
		name = "dir:" + strings.ReplaceAll(oneOf(r, randomDN(r), "/"+randomAttribute(r), "/O=T"), "/", ";")
	default:
		name = oneOf(r, "rid:1.2.3", "edi:x", "x400:", "other:1.2.3:y", "other:1.2.4:y", "mailbox:a.test", "raw:a4023000")
	}
	return sign + name + bounds
}

// randomNameList joins up to so many names, at least one.
func randomNameList(r *rand.Rand, most int, name func(*rand.Rand) string) string {
	list := make([]string, 1+r.IntN(most))
	for i := range list {
		list[i] = strings.ReplaceAll(name(r), ",", "%2C")
	}
	return strings.Join(list, ",")
}
