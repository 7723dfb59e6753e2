package pkitest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// randomLists adds revocation lists of those who have issued the certificates of
// a case, mostly good but for a thing or two.
func randomLists(r *rand.Rand, c *Case) {
	if r.IntN(2) == 0 {
		listChain(r, c)
	}
	for _, cert := range c.Certs {
		if !slices.ContainsFunc(c.Certs, func(i Item) bool { return words(i.Words).get("by", i.Name) == cert.Name }) || r.IntN(12) == 0 {
			continue // it has issued nothing, or is forgotten
		}
		for range pick(r, 1, 1, 1, 2, 2, 3) {
			name := fmt.Sprintf("l%d", len(c.CRLs))
			c.CRLs = append(c.CRLs, Item{name, randomList(r, c, cert.Name)})
			c.Lists = append(c.Lists, name)
		}
	}
	r.Shuffle(len(c.Lists), func(i, j int) { c.Lists[i], c.Lists[j] = c.Lists[j], c.Lists[i] })
	if len(c.Lists) > 0 && r.IntN(20) == 0 {
		c.Lists = append(c.Lists, c.Lists[0])
	}
	if _, err := c.Build(); err == nil {
		return
	}
	for i := range c.CRLs { // a key cannot sign with every hash
		c.CRLs[i].Words = slices.DeleteFunc(c.CRLs[i].Words, func(word string) bool { return strings.Contains(word, "sig=") })
	}
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// some returns one of the words with a chance of one in n, otherwise nothing.
func some(r *rand.Rand, n int, from ...string) []string {
	if r.IntN(n) > 0 {
		return nil
	}
	return strings.Fields(pick(r, from...))
}

// points are distribution points that certificates and lists share. The last is
// only for lists: Go cannot read certificates with a relative one.
var points = []string{"uri:http://a/", "uri:http://b/", "dir:/O=T;CN=c0;CN=p", "none", "uri:http://b/,uri:http://a/", "rel:/CN=p"}

// listChain replaces the chain of a case by one in which what matters to lists
// varies: names that come twice, keys that are identified or not, distribution
// points, usages, and chains that are not complete.
func listChain(r *rand.Rand, c *Case) {
	*c = Case{Name: c.Name, Depth: 5, Level: 2, Trust: []string{"c0"}}
	kind := some(r, 4, "key=rsa2048", "key=ed25519", "key=p384")
	n := pick(r, 2, 2, 3, 3, 4)
	for i := range n {
		w := slices.Clone(kind)
		if i > 0 {
			w = append(w, fmt.Sprintf("by=c%d", i-1))
		}
		if i < n-1 {
			w = append(w, "bc!=ca")
			w = append(w, some(r, 12, "ku=certsign", "ku=certsign,crlsign", "ku=crlsign")...)
			w = append(w, some(r, 8, "dn=/O=T/CN=c0", "dn=/O=T/CN=C0")...)
		} else {
			w = append(w, "san=dns:a.test")
			w = append(w, some(r, 12, "bc=ca", "bc=leaf", "proxy=yes", "to=-1m", "spoil=yes")...)
			w = append(w, some(r, 15, "serial=0x80")...)
		}
		w = append(w, some(r, 2, "ski=auto", "ski=auto aki=auto", "ski=auto aki=auto,issuer")...)
		if r.IntN(4) == 0 {
			w = append(w, "crldp="+randomPoints(r))
		}
		name := fmt.Sprintf("c%d", i)
		c.Certs = append(c.Certs, Item{name, w})
		c.Send = slices.Insert(c.Send, 0, name)
	}
	c.Certs = append(c.Certs, Item{"other", []string{"bc!=ca", "dn=/O=T/CN=c0"}})
	switch r.IntN(14) {
	case 0:
		c.Trust = []string{"c1"}
	case 1:
		c.Trust = []string{"other"}
	case 2:
		c.Trust = append(c.Trust, "other")
	case 3:
		c.Send = c.Send[:1]
	case 4:
		c.Depth = 0
	}
	if r.IntN(4) > 0 {
		c.Send = c.Send[:max(1, len(c.Send)-1)] // without the root
	}
}

func randomPoints(r *rand.Rand) string {
	var all []string
	for range pick(r, 1, 1, 2) {
		p := pick(r, points[:len(points)-1]...)
		p += pick(r, "", "", "", ",reasons:0640", ",reasons:073f80", ",issuer:/O=T/CN=c0", ",issuer:/O=T/CN=other", ",issuer:")
		all = append(all, p)
	}
	return strings.Join(all, "|")
}

// randomList makes the words of a list.
func randomList(r *rand.Rand, c *Case, issuer string) []string {
	w := []string{"by=" + issuer, fmt.Sprintf("from=-%dh", 1+r.IntN(3))}
	w = append(w, some(r, 4, "number=3", "aki=auto", "aki=issuer", "aki=auto,issuer", "aki=key:aabb", "ext=1.2.3:0500")...)
	w = append(w, some(r, 4, "idp!=user", "idp!=ca", "idp=user", "idp!=attr", "idp!=indirect", "idp!=reasons", "idp!=notuser", "idp!=user,ca",
		"idp!=", "delta!=1", "delta!=1 number=2", "ext!=1.2.3:0500", "number!=3", "ext=2.5.29.46:3000")...)
	if r.IntN(4) == 0 {
		w = append(w, "idp!="+pick(r, points...)+pick(r, "", "", ",user", ",ca"))
	}
	w = append(w, some(r, 10, "next=", "next=-1m", "next=utc:x", "next=gen:20400101000000Z", "next=utc:4001010000Z", "empty=yes", "v=1", "v=9",
		"spoil=yes", "saysig=sha384", "sig=sha1", "sig=sha384", "sig=pss", "issuer=/O=T/CN=C0", "issuer=/O=T/CN=other")...)
	w = append(w, some(r, 30, "entryext=1.2.3:0500", "entryext!=1.2.3:0500", "entryext=2.5.29.21:0a0108", "entryext=2.5.29.21:0500")...)
	if r.IntN(12) == 0 {
		w[1] = pick(r, "from=utc:2301010000Z", "from=utc:230101000000+0100", "from=gen:20230101000000.5Z", "from=utc:x", "from=1h")
	}
	if entries := randomEntries(r, c); entries != "" {
		w = append(w, "revoke="+entries)
	}
	return w
}

func randomEntries(r *rand.Rand, c *Case) string {
	var all []string
	for range pick(r, 0, 0, 1, 2, 4) {
		name := fmt.Sprint(90 + r.IntN(9))
		if r.IntN(3) == 0 {
			name = pick(r, c.Certs...).Name
		}
		all = append(all, name+strings.Join(some(r, 3, ":1", ":8", "@!/O=T/CN=c0", "@!/O=T/CN=other", "@/O=T/CN=C0", "@", "+!2.5.29.21:0a0101", "+2.5.29.21:0500", "+2.5.29.29:0500", ":8+2.5.29.21:0a0108"), ""))
	}
	return strings.Join(all, ",")
}
