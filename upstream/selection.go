package upstream

import (
	"time"

	"github.com/gostream/gostream/internal/addr"
)

// Selection is what a session remembers while it looks for a server. The zero
// value is to be handed to [Group.Start]. It allocates nothing for groups of up
// to 64 servers.
type Selection struct {
	tried tried
	tries int
	hash  hashState
	list  *list // where the peer in use is from
	index int   // of it
}

// Tries returns how many further servers may be tried.
func (s *Selection) Tries() int { return s.tries }

// LimitTries lowers the number of tries; the first one counts.
func (s *Selection) LimitTries(n int) { s.tries = min(s.tries, n) }

// tried is a set of peers by index.
type tried struct {
	few  uint64
	many []uint64 // from 64 on
}

func (t *tried) has(i int) bool {
	if i < 64 {
		return t.few&(1<<i) != 0
	}
	i -= 64
	return i/64 < len(t.many) && t.many[i/64]&(1<<(i%64)) != 0
}

func (t *tried) add(i int) {
	if i < 64 {
		t.few |= 1 << i
		return
	}
	i -= 64
	for len(t.many) <= i/64 {
		t.many = append(t.many, 0)
	}
	t.many[i/64] |= 1 << (i % 64)
}

func (t *tried) clear() {
	t.few = 0
	clear(t.many)
}

// Start begins a selection. key is the value of the hash key, nil for other
// methods; it is not kept.
func (g *Group) Start(sel *Selection, key []byte) {
	many := sel.tried.many
	*sel = Selection{tries: g.primary.usable + g.backup.usable}
	sel.tried.many = many[:0]
	sel.hash.start(g.method, key)
}

// Next chooses a server and counts a session on it. Each call must be followed
// by Failed, or in the end by Done.
func (g *Group) Next(sel *Selection, now time.Time) (*Peer, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	at := now.Unix()
	sel.list = &g.primary
	p := g.pick(sel, at)
	if p == nil && len(g.backup.peers) > 0 {
		// The second list begins with no marks of the first.
		sel.list = &g.backup
		sel.tried.clear()
		p = roundRobin{}.pickFrom(&g.backup, sel, at)
	}
	if p == nil {
		return nil, ErrNoLiveUpstreams
	}
	p.conns++
	return p, nil
}

func (g *Group) pick(sel *Selection, now int64) *Peer {
	if !g.single {
		return g.method.pick(g, sel, now)
	}
	p := g.primary.peers[0]
	if p.down || p.maxConns > 0 && p.conns >= p.maxConns {
		return nil
	}
	sel.index = 0
	return p
}

// eligible reports whether the peer at index i may be used.
func (l *list) eligible(i int, sel *Selection, now int64) bool {
	p := l.peers[i]
	return !sel.tried.has(i) && !p.down && !p.disabled(now) && (p.maxConns == 0 || p.conns < p.maxConns)
}

// disabled reports whether failures keep the peer out.
func (p *Peer) disabled(now int64) bool {
	return p.maxFails > 0 && p.fails >= p.maxFails && now-p.checked <= p.failTimeout
}

// use marks the peer at index i as the choice.
func (l *list) use(i int, sel *Selection, now int64) *Peer {
	p := l.peers[i]
	if now-p.checked > p.failTimeout {
		p.checked = now
	}
	sel.index = i
	sel.tried.add(i)
	return p
}

// Connected is to be called when the server was reached. It forgives failures
// that are older than fail_timeout.
func (g *Group) Connected(_ *Selection, p *Peer, _ time.Time) {
	g.mu.Lock()
	if p.accessed < p.checked {
		p.fails = 0
	}
	g.mu.Unlock()
}

// Failed is to be called when the server could not be reached. It reports
// whether that was the failure that disables it.
func (g *Group) Failed(sel *Selection, p *Peer, now time.Time) (disabled bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	p.conns--
	if g.single {
		p.fails, sel.tries = 0, 0
		return false
	}
	at := now.Unix()
	p.fails++
	p.accessed, p.checked = at, at
	if p.maxFails > 0 {
		p.effective = max(p.effective-p.weight/p.maxFails, 0)
		disabled = p.fails >= p.maxFails
	}
	if sel.tries > 0 {
		sel.tries--
	}
	return disabled
}

// Done is to be called when the session with the server is over.
func (g *Group) Done(_ *Selection, p *Peer, _ time.Time) {
	g.mu.Lock()
	p.conns--
	if !g.single && p.accessed < p.checked {
		p.fails = 0
	}
	g.mu.Unlock()
}

// Peers calls f for each peer of the group, primaries first, with the number of
// its sessions.
func (g *Group) Peers(f func(a addr.Addr, conns int)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, l := range []*list{&g.primary, &g.backup} {
		for _, p := range l.peers {
			f(p.addr, p.conns)
		}
	}
}
