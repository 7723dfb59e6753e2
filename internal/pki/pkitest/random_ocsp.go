package pkitest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// RandomOCSP makes a case with an OCSP response, mostly a good one but for a
// thing or two. Numbers of one source give one case.
func RandomOCSP(r *rand.Rand) *Case {
	if r.IntN(8) == 0 {
		return randomPokes(r)
	}
	o := &ocspMaker{Rand: r, c: &Case{Name: "random", Depth: 5, Level: 2, Trust: []string{"ca"}, Send: []string{"leaf"}, Answer: []string{"r"}}}
	o.authorities()
	response := o.response()
	for range 1 + r.IntN(3) {
		response = append(response, o.oneOf(responseFaults))
	}
	response = append(response, o.singles()...)
	o.c.OCSPs = []Item{{"r", slices.DeleteFunc(response, func(w string) bool { return w == "" })}}
	if o.chance(15) {
		o.lists()
	}
	return o.c
}

// beforeSignature is about how many bytes come before the signature of a short
// response: those of that are never the same.
const beforeSignature = 140

// randomPokes makes a response with bytes that are wrong. The keys are of a kind
// whose signatures have one length.
func randomPokes(r *rand.Rand) *Case {
	text := "case random\ncert ca bc!=ca key=ed25519\ncert leaf by=ca\nocsp r by=ca for=leaf" +
		[]string{"", " id=key", " for=leaf hash=sha256", " status=revoked reason=1", " v=0", " next=", " sext=1.2.3:0500"}[r.IntN(7)] + " poke="
	for i := range 1 + r.IntN(2) {
		values := []byte{0, 1, 2, 3, 4, 5, 6, 0x0a, 0x0c, 0x13, 0x17, 0x18, 0x1f, 0x20, 0x24, 0x30, 0x31, 0x7f, 0x80, 0x81, 0x82, 0x84, 0xa0, 0xa1, 0xa2, 0xff, byte(r.IntN(256))}
		text += []string{"", ","}[i] + fmt.Sprintf("%d:%02x", r.IntN(beforeSignature), values[r.IntN(len(values))])
	}
	c, err := Parse(text + "\ntrust ca\nsend leaf ca\nanswer r\n")
	if err != nil {
		panic(err) // the text is one of this function
	}
	return c[0]
}

// ocspMaker makes a random case.
type ocspMaker struct {
	*rand.Rand
	c      *Case
	issuer string // of leaf
}

func (o *ocspMaker) chance(percent int) bool { return o.IntN(100) < percent }

func (o *ocspMaker) oneOf(words []string) string { return words[o.IntN(len(words))] }

// cert adds a certificate.
func (o *ocspMaker) cert(name, words string) {
	o.c.Certs = append(o.c.Certs, Item{name, strings.Fields(words)})
}

// keys are kinds of keys, most of them usual.
var ocspKeys = []string{"", "", "", "", "key=rsa2048", "key=rsa2048", "key=ed25519", "key=p384", "key=p521", "key=p224"}

// signerWords are those of certificates of who signs; the usual ones are more.
var signerWords = []string{
	"eku=ocsp", "eku=ocsp", "eku=ocsp", "eku=ocsp", "eku=ocsp", "eku=ocsp", "eku=client,ocsp", "eku!=ocsp", "", "eku=any", "eku=server",
	"eku=ocsp from=-9d to=-1d", "eku=ocsp from=1d", "eku=ocsp spoil=yes", "eku=ocsp ext!=1.2.3.4:0500", "eku=ocsp bc!=ca", "eku=ocsp ku=sign",
	"eku=ocsp ku=crlsign", "eku=ocsp sig=sha1", "eku=ocsp ext=1.3.6.1.5.5.7.48.1.5:0500", "eku=ocsp ext!=1.3.6.1.5.5.7.48.1.5:0500",
	"eku=ocsp dn=/O=T/CN=ca", "eku=ocsp dn=/O=T/CN=Sign%20%20it", "eku=ocsp bc=leaf", "eku=ocsp ku!=certsign", "eku=ocsp aki=key:01", "eku=ocsp v=1",
}

// authorities makes those who may sign, and the certificate in question.
func (o *ocspMaker) authorities() {
	o.cert("ca", "bc!=ca "+o.oneOf(ocspKeys))
	o.cert("other", "bc!=ca "+o.oneOf([]string{"", "", "dn=/O=T/CN=ca", "keyof=ca", "key=rsa2048"}))
	o.cert("int", "by=ca "+o.oneOf([]string{"bc!=ca", "bc!=ca", "bc!=ca", "bc!=ca,0", "bc!=ca ku=certsign,crlsign"})+" "+o.oneOf(ocspKeys))
	o.issuer = "ca"
	if o.chance(30) {
		o.issuer = "int"
		o.c.Send = append(o.c.Send, "int")
	} else if o.chance(30) {
		o.c.Send = append(o.c.Send, "ca")
	}
	o.cert("leaf", "by="+o.issuer+" "+o.oneOf([]string{"", "", "", "", "eku=ocsp,client,server", "serial=0", "serial=0x7edcba98765432100123456789abcdef01234567"}))
	o.cert("second", "by="+o.issuer)
	by := o.issuer
	if o.chance(15) {
		by = o.oneOf([]string{"ca", "int", "other", "leaf"})
	}
	o.cert("sign", "by="+by+" "+o.oneOf(signerWords)+" "+o.oneOf(ocspKeys))
	o.cert("sub", "by=sign eku=ocsp")
	if o.chance(25) {
		o.c.Trust = append(o.c.Trust, "other")
	}
	if o.chance(5) {
		o.c.Trust = slices.Insert(o.c.Trust, o.IntN(2), "int")
	}
}

// response chooses who signs a response and what certificates are in it.
func (o *ocspMaker) response() []string {
	by := "sign"
	switch n := o.IntN(100); {
	case n < 30:
		by = o.issuer
	case n < 40:
		by = o.oneOf([]string{"ca", "int", "other", "leaf", "sub"})
	}
	words := []string{"by=" + by}
	if o.chance(40) {
		words = append(words, "id=key")
	}
	if o.chance(5) {
		words = append(words, "idof="+o.oneOf([]string{"ca", "int", "other", "sign", "leaf"}))
	}
	switch n := o.IntN(100); {
	case n < 60:
		words = append(words, "certs="+by)
	case n < 80:
		words = append(words, "certs="+o.oneOf([]string{"ca,", "other,", "int,", "leaf,", "sub,"})+by)
	case n < 95:
		words = append(words, "certs="+by+o.oneOf([]string{",ca", ",int", ",int,ca", ",other", ",sign", ",sign,int"}))
	}
	return words
}

// responseFaults are what may be odd about a response; most have nothing.
var responseFaults = []string{
	"", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "sig=sha1", "sig=sha512", "sig=sha384", "spoil=yes", "spoil=bits", "spoil=short",
	"sig=oid:1.2.3.4", "sig=oid:1.2.840.113549.1.1.11", "v=0", "v=7", "ext=1.3.6.1.5.5.7.48.1.2:0401aa", "ext!=1.2.3.4:0500", "code=3", "type=1.2.3",
	"after=0500", "cut=1", "outer=ber", "inner=ber", "produced=9d", "produced==x",
}

// singles makes the answers: one that is good, and maybe others around it.
func (o *ocspMaker) singles() (words []string) {
	n := 1
	if o.chance(35) {
		n += 1 + o.IntN(2)
	}
	usual := o.IntN(n)
	for i := range n {
		name := "leaf"
		if i != usual {
			name = o.oneOf([]string{"leaf", "second", "second", "int", "other", "leaf"})
		}
		words = append(words, "for="+name)
		faults := 0
		if i != usual || o.chance(40) {
			faults = 1 + o.IntN(2)
		}
		for range faults {
			words = append(words, o.oneOf(singleFaults))
		}
	}
	return words
}

// singleFaults are what may be odd about an answer.
var singleFaults = []string{
	"", "status=revoked", "status=revoked", "status=unknown", "status=8300", "hash=sha256", "hash=sha256", "hash=sha384", "hash=sha512", "hash=md5", "hash=1.2.3.4", "param=none",
	"issuer=other", "issuer=ca", "issuer=int", "issuer=sign", "namehash=00", "keyhash=00", "next=", "next=-4m", "next=-6m", "next=-1d", "from=4m", "from=6m", "from=2d", "from=-9d",
	"next==20990101000000.5Z", "next==209901010000Z", "next==20990101000000+0100", "next==x", "next==20200101000000.5Z", "next==20200101000000+0000",
	"from==20200101000000.5Z", "from==20990101000000.5Z", "from==x", "from==202001010000Z", "next==20991301000000Z", "next==00010101000000Z", "sext=1.2.3:0500", "sext!=1.2.3:0500", "reason=3", "at==x",
}

// lists adds revocation lists.
func (o *ocspMaker) lists() {
	for _, by := range []string{"ca", "int"} {
		if o.chance(15) {
			continue
		}
		words := "by=" + by + " number=1"
		if o.chance(30) {
			words += " revoke=" + o.oneOf([]string{"sign", "sign", "int", "second", "sub"})
		}
		if o.chance(5) {
			words += " from=-9d next=-1d"
		}
		o.c.CRLs = append(o.c.CRLs, Item{by + "l", strings.Fields(words)})
		o.c.Lists = append(o.c.Lists, by+"l")
	}
}
