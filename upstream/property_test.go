package upstream

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// In as many sessions as the weights sum up to, each server has its share, and
// then all begins anew.
func TestRoundRobinShares(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		text, total := "", 0
		weights := make([]int, 2+rng.IntN(8))
		for i := range weights {
			weights[i] = 1 + rng.IntN(12)
			total += weights[i]
			text += fmt.Sprintf("server 127.0.0.1:%d weight=%d;", i+1, weights[i])
		}
		c := &crowd{Group: group(t, text), now: noon}
		for range 2 {
			count := make([]int, len(weights))
			for range total {
				count[c.join(t, "")-1]++
			}
			require.Equal(t, weights, count)
			for _, s := range c.Status(nil, noon) {
				require.Zero(t, s.Current)
			}
		}
	}
}

// FuzzSessions plays sessions in any order and checks what must always hold.
func FuzzSessions(f *testing.F) {
	for method := range methods {
		f.Add(byte(method), []byte("\x00\x10\x20\x30\x04\x05\x15\x25\x06\x07\x10\x20\x04\x14"))
	}
	f.Fuzz(func(t *testing.T, method byte, script []byte) {
		m := methods[int(method)%len(methods)]
		p := &play{g: group(t, `
			server 127.0.0.1:1 weight=3 max_fails=2 fail_timeout=3s;
			server 127.0.0.1:2 max_conns=2;
			server 127.0.0.1:3 weight=5 max_fails=0;
			server 127.0.0.1:4 down;
			server 127.0.0.1:5 weight=2 fail_timeout=0;
			server 127.0.0.1:6 backup weight=2;
			server 127.0.0.1:7 backup;`+methodText(m)), now: noon}
		for _, b := range script {
			p.step(t, b)
			p.check(t)
		}
	})
}

// play is some sessions on a group, each idle, between attempts or in one.
type play struct {
	g        *Group
	now      time.Time
	sessions [8]struct {
		sel     Selection
		started bool
		p       *Peer
		tried   map[string]bool
	}
}

// step lets the session of the upper bits do what the lower bits say.
func (p *play) step(t *testing.T, b byte) {
	s := &p.sessions[b>>4&7]
	switch action := b & 15; {
	case action < 4 && s.p == nil:
		s.tried = map[string]bool{}
		p.g.Start(&s.sel, []byte{b})
		s.started = true
		assert.Equal(t, 6, s.sel.Tries())
	case action < 8 && s.started && s.p == nil && s.sel.Tries() > 0:
		peer, err := p.g.Next(&s.sel, p.now)
		if err != nil {
			s.started = false
			return
		}
		assert.False(t, s.tried[peer.Name()], "%s twice", peer.Name())
		assert.NotEqual(t, "127.0.0.1:4", peer.Name(), "down")
		s.p, s.tried[peer.Name()] = peer, true
	case action < 10 && s.p != nil:
		p.g.Failed(&s.sel, s.p, p.now)
		s.p = nil
	case action < 11 && s.p != nil:
		p.g.Connected(&s.sel, s.p, p.now)
		p.g.FirstByte(&s.sel, s.p, p.now)
	case action < 13 && s.p != nil:
		p.g.Done(&s.sel, s.p, p.now)
		s.p, s.started = nil, false
	case action < 15:
		p.now = p.now.Add(time.Duration(b) * 50 * time.Millisecond)
	}
}

func (p *play) check(t *testing.T) {
	conns := map[string]int{}
	for i := range p.sessions {
		if peer := p.sessions[i].p; peer != nil {
			conns[peer.Name()]++
		}
	}
	standing := map[bool]int{}
	for _, s := range p.g.Status(nil, p.now) {
		assert.Equal(t, conns[s.Name], s.Conns, s.Name)
		assert.True(t, s.Effective >= 0 && s.Effective <= s.Weight, "%+v", s)
		assert.GreaterOrEqual(t, s.Fails, 0)
		standing[s.Backup] += s.Current
	}
	assert.Equal(t, map[bool]int{false: 0, true: 0}, standing, "a round gives what it takes")
	assert.LessOrEqual(t, p.g.primary.list[1].conns, 2, "max_conns")
}

// Sessions of many goroutines leave nothing behind. Under the race detector
// this also sees that state is guarded.
func TestConcurrentSessions(t *testing.T) {
	for _, method := range methods {
		g := group(t, methodText(method)+"server 127.0.0.1:1 weight=3; server 127.0.0.1:2 max_conns=3; server 127.0.0.1:99 max_fails=3; server 127.0.0.1:3;")
		var wg sync.WaitGroup
		for worker := range 8 {
			wg.Go(func() {
				v := visitor{Group: g, now: noon}
				for i := range 300 {
					v.key = fmt.Sprint(worker, i)
					v.now = later(float64(i) / 10)
					if _, ok := v.visit(t); !ok {
						t.Error("not served")
					}
					_ = g.Status(nil, v.now)
				}
			})
		}
		wg.Wait()
		for _, s := range g.Status(nil, noon) {
			assert.Zero(t, s.Conns, method)
		}
	}
}
