package resolver

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/gostream/gostream/internal/guard"
	"github.com/gostream/gostream/internal/streamtest"
)

// A panic costs those their answer who have caused it, and is told of. Others get
// theirs.
func TestPanics(t *testing.T) {
	told := make(chan *guard.Panic, 10)
	g := newRig(t, 1, Config{NoIPv6: true, Panicked: func(p *guard.Panic) { told <- p }})
	g.dns[0].Set("short.test", "A 127.0.0.1")
	g.dns[0].Set("long.test", slices.Repeat([]string{"A 127.0.0.1"}, 100)...)
	g.dns[0].Set("other.test", "A 127.0.0.2")
	g.dns[0].Set("silent.test", "SILENT")
	burn := func(*Answer) { panic("fire") }
	for what, ask := range map[string]func(){
		"by UDP":  func() { g.Ask(Question{Name: "short.test"}, burn) },
		"by TCP":  func() { g.Ask(Question{Name: "long.test"}, burn) },
		"in time": func() { g.Ask(Question{Name: "silent.test", Timeout: time.Millisecond}, burn) },
		"known":   func() { g.Ask(Question{Name: "short.test"}, burn) },
	} {
		ask()
		p := streamtest.Receive(t, told)
		assert.EqualError(t, p, "panic in resolver: fire", what)
		assert.NotEmpty(t, p.Stack)
	}
	assert.Equal(t, "127.0.0.2", g.find(t, "other.test"))
}

// What cannot be made sense of, and is even a panic, does not end the reading: the
// next answer counts.
func TestPanicWhileReading(t *testing.T) {
	told := make(chan *guard.Panic, 10)
	g := newRig(t, 1, Config{NoIPv6: true, Panicked: func(p *guard.Panic) { told <- p }})
	g.cfg.Report = func(Problem) { panic("fire") }
	sensible := streamtest.NewDNS(t)
	sensible.Set("a.test", "A 127.0.0.1")
	g.dns[0].Raw(func(query []byte, _ bool) [][]byte {
		return [][]byte{[]byte("garbage of an answer"), sensible.Answer(query)}
	})
	assert.Equal(t, "127.0.0.1", g.find(t, "a.test"))
	assert.EqualError(t, streamtest.Receive(t, told), "panic in resolver: fire")
}
