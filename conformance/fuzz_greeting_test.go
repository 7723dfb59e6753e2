//go:build unix

package conformance

// fuzz_greeting_test.go - random ClientHellos, with what surrounds them. What
// gostream is known to answer otherwise is left out, see docs/differences-from-nginx.md:
// names of servers that are empty or end in a dot, groups, suites and signatures
// that crypto/tls does not have, early data, point formats without the usual one.

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// greeting is what a client says first.
type greeting struct {
	to         int // which of the servers
	before     []string
	hello      clientHello
	after      []string
	size, fill int // of the records of the hello, 0: one; how many empty ones are between them
	cut        int // bytes of the hello that are missing at the end
	flip       int // byte of the hello that is another one, 0: none
}

// clientHello is one in the making.
type clientHello struct {
	record, legacy uint16
	ciphers        []uint16
	compressions   string
	session        int // length of the id
	extensions     []extension
}

// extension is one of a hello.
type extension struct {
	kind uint16
	data string
}

func u16(n int) string { return string([]byte{byte(n >> 8), byte(n)}) }

func with16(data string) string { return u16(len(data)) + data }

func with8(data string) string { return string([]byte{byte(len(data))}) + data }

func (h *clientHello) message() string {
	var ciphers, extensions strings.Builder
	for _, id := range h.ciphers {
		ciphers.WriteString(u16(int(id)))
	}
	for _, e := range h.extensions {
		extensions.WriteString(u16(int(e.kind)) + with16(e.data))
	}
	body := u16(int(h.legacy)) + strings.Repeat("r", 32) + with8(strings.Repeat("s", h.session)) + with16(ciphers.String()) + with8(h.compressions)
	if extensions.Len() > 0 {
		body += with16(extensions.String())
	}
	return "\x01\x00" + with16(body)
}

// bytes are all that the client says.
func (g *greeting) bytes() string {
	message := g.hello.message()
	if g.flip > 0 && g.flip < len(message) {
		message = message[:g.flip] + string([]byte{message[g.flip] ^ 0x41}) + message[g.flip+1:]
	}
	message = message[:max(len(message)-g.cut, 0)]
	record := func(data string) string { return "\x16" + u16(int(g.hello.record)) + with16(data) }
	var b strings.Builder
	b.WriteString(strings.Join(g.before, ""))
	for size := g.size; size > 0 && len(message) > size; message = message[size:] {
		b.WriteString(record(message[:size]) + strings.Repeat(record(""), g.fill))
	}
	b.WriteString(record(message) + strings.Join(g.after, ""))
	return b.String()
}

func (g *greeting) String() string {
	h := &g.hello
	text := fmt.Sprintf("server %d: %s\nrecord %04x, legacy version %04x, ciphers %04x, compressions %x, session id of %d\n",
		g.to, greeted[g.to], h.record, h.legacy, h.ciphers, h.compressions, h.session)
	for _, e := range h.extensions {
		text += fmt.Sprintf("extension %d %x\n", e.kind, e.data)
	}
	return text + fmt.Sprintf("before %x, after %x, in records of %d with %d empty ones between, %d bytes cut off, byte %d changed\n%x",
		g.before, g.after, g.size, g.fill, g.cut, g.flip, g.bytes())
}

// Values that hellos have.
var (
	greetedVersions   = []uint16{0x0304, 0x0303, 0x0302, 0x0301, 0x0300, 0x0305, 0x7a7a}
	greetedCiphers    = []uint16{0x1301, 0x1302, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca8, 0xcca9, 0x009c, 0x009d, 0x002f, 0x0035, 0xc013, 0xc009, 0x5600, 0x00ff, 0x1a1a}
	greetedGroups     = []uint16{29, 23, 24, 25, 0x2a2a}
	greetedSignatures = []uint16{0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0807, 0x0203, 0x0201, 0x3a3a}
	greetedPoints     = map[uint16]string{29: "\x09" + strings.Repeat("\x00", 31), 23: basePoint, 24: "\x04" + strings.Repeat("x", 96), 25: "\x05" + strings.Repeat("x", 132), 0x2a2a: "x"}
)

// basePoint is a point of P-256.
const basePoint = "\x04\x6b\x17\xd1\xf2\xe1\x2c\x42\x47\xf8\xbc\xe6\xe5\x63\xa4\x40\xf2\x77\x03\x7d\x81\x2d\xeb\x33\xa0\xf4\xa1\x39\x45\xd8\x98\xc2\x96" +
	"\x4f\xe3\x42\xe2\xfe\x1a\x7f\x9b\x8e\xe7\xeb\x4a\x7c\x0f\x9e\x16\x2b\xce\x33\x57\x6b\x31\x5e\xce\xcb\xb6\x40\x68\x37\xbf\x51\xf5"

// some returns a few of the values, in any order.
func some(r *rand.Rand, values []uint16, most int) (chosen []uint16) {
	for _, i := range r.Perm(len(values))[:r.IntN(min(most, len(values)))+1] {
		chosen = append(chosen, values[i])
	}
	return chosen
}

func numbers16(values []uint16) (text string) {
	for _, n := range values {
		text += u16(int(n))
	}
	return text
}

// newGreeting makes a hello that is good in most ways.
func newGreeting(r *rand.Rand) *greeting {
	g := &greeting{to: r.IntN(len(greeted))}
	h := &g.hello
	h.record, h.legacy, h.compressions, h.session = 0x0301, 0x0303, "\x00", 32
	h.ciphers = append([]uint16{0x1301}, some(r, greetedCiphers, 10)...)
	if chance(r, 20) {
		h.legacy = pick(r, greetedVersions)
	}
	if chance(r, 5) {
		h.compressions = pick(r, []string{"", "\x01", "\x00\x01"})
	}
	if chance(r, 10) {
		h.session = pick(r, []int{0, 1, 33})
	}
	if chance(r, 5) {
		h.record = pick(r, []uint16{0x0300, 0x0303, 0x0309, 0x0200})
	}
	if h.legacy < 0x0303 { // crypto/tls would take that for a fallback, whatever the extension offers
		h.ciphers = slices.DeleteFunc(h.ciphers, func(id uint16) bool { return id == 0x5600 })
	}
	low := strings.Contains(greeted[g.to], "SECLEVEL=0")
	h.extend(r, low)
	r.Shuffle(len(h.extensions), func(i, j int) { h.extensions[i], h.extensions[j] = h.extensions[j], h.extensions[i] })
	g.surround(r, low)
	return g
}

// extend adds extensions. plain keeps to signatures that crypto/tls can make at a
// low level, too.
func (h *clientHello) extend(r *rand.Rand, plain bool) {
	add := func(percent int, kind uint16, data string) {
		if chance(r, percent) {
			h.extensions = append(h.extensions, extension{kind, data})
		}
	}
	groups := append(some(r, greetedGroups, 4), 29)
	if chance(r, 20) {
		groups = groups[:len(groups)-1]
	}
	signatures := some(r, greetedSignatures, 8)
	always := 90
	if plain {
		signatures, always = []uint16{0x0804, 0x0401, 0x0403}, 100
	}
	add(90, 10, with16(numbers16(groups)))
	add(always, 13, with16(numbers16(signatures)))
	if chance(r, 60) {
		h.extensions = append(h.extensions, extension{43, with8(numbers16(some(r, greetedVersions, 4)))})
		shares := ""
		for _, id := range some(r, groups, 2) {
			shares += u16(int(id)) + with16(greetedPoints[id])
		}
		add(85, 51, with16(shares))
	}
	name := pick(r, []string{"one.example.com", "two.example.com", "other.example.com", "A_b", "a\x00b", strings.Repeat("x", 256), "\xff"})
	add(50, 0, with16("\x00"+with16(name)))
	add(20, 16, with16(pick(r, []string{"\x03one", "\x03two\x03one", "\x05three", "\x00", "\x04one"})))
	add(20, 23, pick(r, []string{"", "", "", "x"}))
	add(20, 11, "\x01\x00")
	add(10, 0xff01, "\x00")
	add(10, 45, "\x01\x01")
	add(10, 50, with16(numbers16(some(r, greetedSignatures, 4))))
	add(10, 5, "\x01\x00\x00\x00\x00")
	add(5, 1, pick(r, []string{"\x01", "\x05", ""}))
	add(5, 35, "")
	add(3, 14, "\x00\x02\x00\x01\x00")
	add(3, pick(r, []uint16{10, 13, 16, 0, 43, 22, 18}), pick(r, []string{"", "x", "\x00\x01x"}))
	if n := len(h.extensions); n > 0 && chance(r, 5) {
		h.extensions = append(h.extensions, h.extensions[r.IntN(n)])
	}
}

// oldHello is one in the form of SSL 2.
var oldHello = "\x80\x1f\x01\x03\x03\x00\x06\x00\x00\x00\x10\x00\xc0\x2f\x00\x00\x9c" + strings.Repeat("r", 16)

// surround adds records that should not be there, or damages those that should.
func (g *greeting) surround(r *rand.Rand, low bool) {
	plain := func(kind byte, version int, data string) string {
		return string([]byte{kind}) + u16(version) + with16(data)
	}
	if chance(r, 10) {
		g.before = slices.Repeat([]string{plain(22, 0x0301, "")}, pick(r, []int{1, 2, 31, 32, 33, 40}))
	}
	if chance(r, 8) {
		g.before = append(g.before, pick(r, []string{
			plain(21, 0x0303, "\x02\x28"), plain(21, 0x0301, "\x01\x00"), plain(20, 0x0303, "\x01"), plain(20, 0x0303, ""), plain(20, 0x0303, "\x01\x01"),
			plain(23, 0x0303, "abcd"), plain(99, 0x0303, "x"), plain(22, 0x0301, "\x02\x00"), plain(22, 0x0205, "x"), "GET / HTTP/1.0\r\n\r\n", "PUT / HTTP",
			oldHello, "\x80\x04\x01\x03\x01", "\x16\x03\x01\xff\xff", "nonsense",
		}))
	}
	if low { // where nginx would answer a hello of SSL 2
		g.before = slices.DeleteFunc(g.before, func(text string) bool { return text == oldHello })
	}
	if chance(r, 15) {
		g.size, g.fill = pick(r, []int{1, 2, 3, 5, 50, 100}), pick(r, []int{0, 0, 0, 1, 2, 32, 33})
	}
	if chance(r, 5) {
		g.cut = 1 + r.IntN(100)
	}
	if chance(r, 5) {
		g.flip = pick(r, []int{0, 1, 3, 4, 5, 38, 71, 72})
	}
	if chance(r, 10) {
		g.after = []string{pick(r, []string{
			plain(22, 0x0303, "zzzzzzzzzzzzzzzz"), plain(23, 0x0303, "abcd"), plain(99, 0x0303, "x"), plain(21, 0x0303, "\x02\x28"), plain(21, 0x0303, "\x01\x5a"),
			strings.Repeat(plain(21, 0x0303, "\x01\x5a"), 5), plain(21, 0x0303, "\x01\x00"), plain(21, 0x0303, "\x01"), plain(21, 0x0303, "\x03\x01"), plain(21, 0x0303, "\x01\x64"),
			plain(20, 0x0303, "\x02"), plain(22, 0x0303, "\x14\x00\x00\x01x"), plain(22, 0x0301, "\x10\x00\x00\x00"), plain(22, 0x0203, "x"),
			strings.Repeat(plain(22, 0x0303, ""), 33), plain(22, 0x0303, "\x10\x00\x10\x00"),
		})}
	}
}
