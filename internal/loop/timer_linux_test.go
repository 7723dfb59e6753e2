package loop

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The heap against a plain list, under random starts, stops and expiries.
func TestTimersInOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var h timers
	var all []*Timer
	for range 5000 {
		switch n := random.IntN(10); {
		case n < 5 || len(all) == 0:
			tm := &Timer{at: random.Int64N(100)}
			h.add(tm)
			all = append(all, tm)
		case n < 7:
			i := random.IntN(len(all))
			h.remove(all[i])
			assert.False(t, all[i].Running())
			all = slices.Delete(all, i, i+1)
		default:
			first := h[0]
			least := slices.MinFunc(all, func(a, b *Timer) int { return int(a.at - b.at) })
			require.Equal(t, least.at, first.at)
			h.remove(first)
			all = slices.DeleteFunc(all, func(x *Timer) bool { return x == first })
		}
		require.Len(t, h, len(all))
		for i, tm := range h {
			require.Equal(t, i+1, int(tm.index))
			require.True(t, tm.Running())
		}
	}
}

func BenchmarkTimerMoved(b *testing.B) {
	l := &Loop{}
	ts := make([]Timer, 10000)
	for i := range ts {
		l.Start(&ts[i], 0, nil)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		l.Start(&ts[i%len(ts)], 1, nil)
	}
}
