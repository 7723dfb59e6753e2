package resolver

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/streamtest"
)

// A lost answer costs those who have waited for it, and nobody else.
func TestQueryThatNobodyWaitsFor(t *testing.T) {
	g := newRig(t, 2, Config{NoIPv6: true})
	g.dns[0].Set("a.test", "SILENT")
	g.dns[1].Set("a.test", "A 127.0.0.1")
	a := receive(t, g.ask(Question{Name: "a.test", Timeout: time.Millisecond}))
	assert.Equal(t, TimedOut, a.Code)
	a = receive(t, g.ask(Question{Name: "a.test", Timeout: 4 * time.Second})) // which is over before the query is sent again
	assert.Equal(t, "127.0.0.1", text(a))
}

// Some name servers do not answer questions about AAAA records.
func TestOneKindIsNeverAnswered(t *testing.T) {
	for _, tt := range []struct{ silent, want, late string }{
		{"AAAA", "127.0.0.1", "127.0.0.1 ::1"},
		{"A", "::1", "127.0.0.1 ::1"},
	} {
		g := newRig(t, 1, Config{})
		g.halfAfter = time.Millisecond
		g.dns[0].Set("a.test", "A 127.0.0.1", "AAAA ::1", "SILENT "+tt.silent)
		assert.Equal(t, tt.want, g.find(t, "a.test"))
		e := g.entries[key{name: "a.test"}]
		require.NotNil(t, e.late)

		// The answer comes after all.
		g.dns[0].Set("a.test", "A 127.0.0.1", "AAAA ::1")
		msg := g.dns[0].Answer(e.late.msg)
		g.received(msg, false)
		assert.Empty(t, g.reported())
		a := receive(t, g.ask(Question{Name: "a.test"}))
		assert.ElementsMatch(t, strings.Fields(tt.late), strings.Fields(text(a)))
		g.received(msg, false)
		assert.Equal(t, "unexpected DNS response for a.test", g.reported())
	}
}

// A client whose time is over gets what is there.
func TestOneKindWithinTheTime(t *testing.T) {
	g := newRig(t, 1, Config{})
	g.halfAfter = time.Hour
	g.dns[0].Set("a.test", "A 127.0.0.1", "SILENT AAAA")
	answers := make(chan *Answer, 1)
	q := g.Ask(Question{Name: "a.test", Timeout: time.Hour}, func(a *Answer) { answers <- a })
	streamtest.Eventually(t, "one answer", func() bool {
		g.Resolver.mu.Lock()
		defer g.Resolver.mu.Unlock()
		return q.at.answered()
	})
	q.expire()
	assert.Equal(t, "127.0.0.1", text(receive(t, answers)))
}
