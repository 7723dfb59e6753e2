package resolver

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/gostream/gostream/internal/streamtest"
)

// answerTo makes an answer of a query: with other flags and records.
func answerTo(query []byte, records ...byte) []byte {
	a := slices.Clone(query)
	a[2], a[3] = 0x81, 0x80
	if len(records) > 0 {
		a[7] = 1
	}
	return append(a, records...)
}

// Records that answer, whose name points to that of the question.
var (
	goodA    = []byte{0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4, 127, 0, 0, 1}
	longA    = []byte{0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 5, 0, 5, 127, 0, 0, 1, 1}
	aaaa     = []byte{0xc0, 12, 0, 28, 0, 1, 0, 0, 0, 5, 0, 16, 15: 0, 27: 1}
	chaosA   = []byte{0xc0, 12, 0, 1, 0, 3, 0, 0, 0, 5, 0, 4, 127, 0, 0, 1}
	txt      = []byte{0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 5, 0, 2, 1, 'x'}
	rootA    = []byte{0, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4, 127, 0, 0, 1}
	loop     = []byte{0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 5, 0, 2, 0xc0, 36}
	outside  = []byte{0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 5, 0, 1, 0xc0}
	reserved = []byte{0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 5, 0, 2, 0x80, 0}
)

// changed returns an answer with a byte changed.
func changed(a []byte, at int, value byte) []byte {
	a = slices.Clone(a)
	a[at] = value
	return a
}

// A bad response costs nothing but a line in the log: the good one that follows
// is taken.
func TestBadResponses(t *testing.T) {
	for want, bad := range map[string]func(query []byte) []byte{
		"short DNS response":                                     func(q []byte) []byte { return answerTo(q)[:11] },
		"invalid UDP DNS response 7 fl:0100":                     func(q []byte) []byte { return q },
		"invalid UDP DNS response 7 fl:81A0":                     func(q []byte) []byte { return changed(answerTo(q), 3, 0xa0) },
		`DNS error (1: Format error), query id:7, name:"a.test"`: func(q []byte) []byte { return changed(answerTo(q), 3, 0x81) },
		"DNS error (1: Format error), query id:1799": func(q []byte) []byte {
			return changed(changed(answerTo(q), 3, 0x81), 0, 7)
		},
		"DNS error (9: Unknown error), query id:7":             func(q []byte) []byte { return changed(answerTo(q), 3, 0x89) },
		"invalid number of questions in DNS response":          func(q []byte) []byte { return changed(answerTo(q), 5, 2) },
		"zero-length domain name in DNS response":              func(q []byte) []byte { return changed(answerTo(q), 12, 0) },
		"unexpected compression pointer in DNS response":       func(q []byte) []byte { return changed(answerTo(q), 12, 0xc0) },
		"unknown query class 3 in DNS response":                func(q []byte) []byte { return changed(answerTo(q), 23, 3) },
		"unknown query type 16 in DNS response":                func(q []byte) []byte { return changed(answerTo(q), 21, 16) },
		"unexpected DNS response for b.test":                   func(q []byte) []byte { return changed(answerTo(q), 13, 'b') },
		"unexpected DNS response for a.test":                   func(q []byte) []byte { return changed(answerTo(q), 21, 28) },
		"wrong ident 263 in DNS response for a.test, expect 7": func(q []byte) []byte { return changed(answerTo(q), 0, 1) },
		"invalid A record in DNS response":                     func(q []byte) []byte { return answerTo(q, longA...) },
		"unexpected AAAA record in DNS response":               func(q []byte) []byte { return answerTo(q, aaaa...) },
		"unexpected RR class 3 in DNS response":                func(q []byte) []byte { return answerTo(q, chaosA...) },
		"invalid name in DNS response":                         func(q []byte) []byte { return answerTo(q, rootA...) },
		"compression pointers loop in DNS response":            func(q []byte) []byte { return answerTo(q, loop...) },
		"name is out of DNS response":                          func(q []byte) []byte { return answerTo(q, outside...) },
		"invalid label type in DNS response":                   func(q []byte) []byte { return answerTo(q, reserved...) },
	} {
		g := newRig(t, 1, Config{NoIPv6: true})
		g.dns[0].Raw(func(query []byte, _ bool) [][]byte {
			return [][]byte{bad(query), answerTo(query, goodA...)}
		})
		e := &entry{key: key{name: "a.test"}}
		msg, err := question(7, "a.test", dnsmessage.TypeA)
		require.NoError(t, err)
		answers := make(chan *Answer, 1)
		g.mu.Lock()
		g.entries[e.key] = e
		e.asking = []*query{{kind: dnsmessage.TypeA, id: 7, msg: msg}}
		e.wait([]*Request{{resolver: g.Resolver, name: "a.test", done: func(a *Answer) { answers <- a }}})
		require.True(t, g.send(e))
		g.mu.Unlock()
		assert.Equal(t, "127.0.0.1", text(receive(t, answers)), want)
		assert.Equal(t, want, g.reported())
	}
}

// Records that have no business there are told of and passed over.
func TestOtherRecords(t *testing.T) {
	g := newRig(t, 1, Config{NoIPv6: true})
	g.dns[0].Raw(func(query []byte, _ bool) [][]byte {
		return [][]byte{changed(answerTo(query, slices.Concat(txt, goodA)...), 7, 2)}
	})
	assert.Equal(t, "127.0.0.1", g.find(t, "a.test"))
	assert.Equal(t, "unexpected RR type 16 in DNS response", g.reported())
}

// Nobody can tell what an answer without any of the records means.
func TestUselessAnswers(t *testing.T) {
	for service, want := range map[string]string{"": "no A or CNAME types in DNS response", "x": "no SRV type in DNS response"} {
		g := newRig(t, 1, Config{NoIPv6: true})
		g.dns[0].Raw(func(query []byte, _ bool) [][]byte { return [][]byte{answerTo(query, txt...)} })
		answers := g.ask(Question{Name: "a.test", Service: service})
		streamtest.Eventually(t, want, func() bool {
			return g.reported() == "unexpected RR type 16 in DNS response\n"+want
		})
		assert.Empty(t, answers)
	}
}

// What comes by TCP must be whole.
func TestTruncatedAgain(t *testing.T) {
	g := newRig(t, 1, Config{NoIPv6: true})
	g.dns[0].Raw(func(query []byte, tcp bool) [][]byte {
		short := changed(answerTo(query), 2, 0x83)
		if tcp {
			return [][]byte{short, answerTo(query, goodA...)}
		}
		return [][]byte{short, short}
	})
	assert.Equal(t, "127.0.0.1", g.find(t, "a.test"))
	assert.Contains(t, g.reported(), "invalid TCP DNS response")
}

func FuzzResponse(f *testing.F) {
	query, err := question(7, "a.test", dnsmessage.TypeA)
	require.NoError(f, err)
	for _, records := range [][]byte{nil, goodA, longA, aaaa, chaosA, txt, loop, outside, reserved} {
		f.Add(answerTo(query, records...), false)
	}
	f.Add(changed(answerTo(query), 2, 0x83), true)
	f.Fuzz(func(t *testing.T, msg []byte, tcp bool) {
		m, err := parse(msg, tcp)
		if err == nil {
			err = m.readQuestion()
		}
		if err != nil {
			return
		}
		rs, _, err := m.readAnswers()
		if err != nil {
			return
		}
		assert.LessOrEqual(t, len(rs.addrs)+len(rs.hosts), rs.count)
		assert.LessOrEqual(t, rs.count*11, len(msg), "each record takes room")
		for _, h := range rs.hosts {
			assert.NotZero(t, h.weight)
		}
		for _, ip := range rs.addrs {
			assert.Equal(t, m.kind == dnsmessage.TypeA, ip.Is4())
		}
	})
}
