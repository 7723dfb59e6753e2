package upstream

import (
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/gostream/gostream/internal/addr"
)

// ErrNoLiveUpstreams is the error of [Group.Next] when all servers of a group
// are down, failed, busy or already tried.
var ErrNoLiveUpstreams = errors.New("no live upstreams")

// Group is a group of servers with their counters. Its methods may be called by
// several goroutines, though only one at a time for the same [Selection].
type Group struct {
	name string
	key  string

	// mu guards the state of all peers. It is held for the time of a pick, which
	// is well under a microsecond for common groups.
	mu      sync.Mutex
	primary peers
	backup  peers

	balancer balancer
	keyed    keyed      // the balancer, if it wants keys
	times    *leastTime // the balancer, if it is that
	tries    int
	words    int // of a Selection's marks

	names    []*Name
	updating sync.Mutex // is held by Update, which alone changes the lists of peers
	changes  uint32     // of them, so far; with names mu guards this and all of the above
}

// balancer is a method of balancing.
type balancer interface {
	// pick returns the index of the best usable peer that is not marked, or -1.
	// The group's mutex is held.
	pick(ps *peers, sel *Selection, now instant) int
}

// keyed is a balancer that goes by keys.
type keyed interface {
	// start prepares sel for picks by the key.
	start(sel *Selection, key []byte)
}

// instant is a time in Unix milliseconds.
type instant int64

// sec is the whole second that failures are counted in.
func (t instant) sec() int64 { return int64(t) / 1000 }

// New makes a group. The addresses of a Config made by hand are resolved now,
// and all mistakes reported in nginx's words.
func New(c *Config) (*Group, error) {
	servers := slices.Clone(c.Servers)
	for i := range servers {
		if err := servers[i].resolve(c.Lookup); err != nil {
			return nil, err
		}
	}
	if err := c.checkResolve(servers); err != nil {
		return nil, err
	}
	g := &Group{name: c.Name, key: c.HashKey}
	primaries := 0
	for i := range servers {
		s, ps := &servers[i], &g.backup
		if !s.Backup {
			ps = &g.primary
			primaries++
		}
		if len(s.addrs) == 0 {
			g.names = append(g.names, newName(s, c.allowsBackup()))
		}
		ps.add(s)
	}
	if primaries == 0 {
		return nil, c.errorf(`no servers in upstream "%s"`, c.Name)
	}
	if c.Method == ConsistentHash && g.primary.total() > maxPoints/pointsPerWeight {
		return nil, c.errorf(`too large weights in upstream "%s"`, c.Name)
	}
	g.finish(c)
	return g, nil
}

// Implicit makes the group that a proxy_pass without an upstream block stands
// for: the addresses of one server, with the default parameters.
func Implicit(name string, addrs []addr.Addr) *Group {
	g := &Group{name: name}
	g.primary.add(&Server{Address: name, addrs: addrs})
	g.finish(&Config{})
	return g
}

// finish completes a group that has its peers.
func (g *Group) finish(c *Config) {
	g.measure()
	g.balancer = c.balancer(g)
	g.keyed, _ = g.balancer.(keyed)
	g.times, _ = g.balancer.(*leastTime)
}

// measure makes what follows from the number of peers.
func (g *Group) measure() {
	g.primary.single = len(g.primary.list) == 1 && len(g.backup.list) == 0
	g.tries = g.primary.tries() + g.backup.tries()
	g.words = (max(len(g.primary.list), len(g.backup.list)) + 63) / 64
}

// balancer makes the method of a group that has its peers.
func (c *Config) balancer(g *Group) balancer {
	random := c.Rand
	if random == nil {
		random = rand.IntN
	}
	switch c.Method {
	case LeastConn:
		return leastConn{}
	case LeastTime:
		return newLeastTime(c, g)
	case Hash:
		return hash{}
	case ConsistentHash:
		return newConsistent(&g.primary, maxPoints)
	case Random:
		return oneByChance{random}
	case RandomTwo:
		return twoByChance{random}
	}
	return roundRobin{}
}

// Name is the name of the group.
func (g *Group) Name() string { return g.name }

// HashKey is the [Config.HashKey] of the group.
func (g *Group) HashKey() string { return g.key }

// Start begins a session. key is the value of the group's HashKey; it is not
// kept. Other methods than hashes do not look at it, and hashes turn to round
// robin if it is empty.
func (g *Group) Start(sel *Selection, key []byte) {
	if len(g.names) > 0 {
		g.mu.Lock()
		defer g.mu.Unlock()
	}
	sel.reset(g.words, g.tries)
	sel.changes = g.changes
	if g.keyed != nil {
		g.keyed.start(sel, key)
	}
}

// Next picks a server for an attempt, which must be ended by [Group.Failed],
// [Group.Unreached] or [Group.Done]. A server is picked once in a session. The error is always
// [ErrNoLiveUpstreams].
//
// Callers are to stop when [Selection.Tries] is 0; Next does not look at it.
func (g *Group) Next(sel *Selection, now time.Time) (*Peer, error) {
	at := instant(now.UnixMilli())
	g.mu.Lock()
	defer g.mu.Unlock()
	if sel.changes != g.changes {
		// What the session has tried can no longer be told.
		return nil, ErrNoLiveUpstreams
	}
	ps := g.peersOf(sel)
	i := g.pick(ps, sel, at)
	if i < 0 && !sel.backup && len(g.backup.list) > 0 {
		sel.turnToBackups()
		ps = &g.backup
		i = g.pick(ps, sel, at)
	}
	if i < 0 {
		return nil, ErrNoLiveUpstreams
	}
	p := ps.list[i]
	p.conns++
	if !ps.single {
		sel.marks().add(i)
		if sec := at.sec(); sec-p.checked > p.failTimeout {
			p.checked = sec
		}
	}
	if g.times != nil {
		g.times.begin(p, sel, at)
	}
	return p, nil
}

func (g *Group) peersOf(sel *Selection) *peers {
	if sel.backup {
		return &g.backup
	}
	return &g.primary
}

func (g *Group) pick(ps *peers, sel *Selection, now instant) int {
	if ps.single {
		if p := ps.list[0]; p.down || p.full() {
			return -1
		}
		return 0
	}
	return g.balancer.pick(ps, sel, now)
}

// Connected tells that a TCP or unix stream connection to p, the last peer of
// the selection, is made. It may end a trial of p. UDP sessions prove nothing
// before they end, so it is not called for these.
func (g *Group) Connected(sel *Selection, p *Peer, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	p.succeeded()
	if g.times != nil {
		g.times.connected(p, sel, instant(now.UnixMilli()))
	}
}

// Associated is the counterpart of Connected for UDP. It matters to [LeastTime]
// only.
func (g *Group) Associated(sel *Selection, p *Peer, now time.Time) {
	if g.times == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.times.connected(p, sel, instant(now.UnixMilli()))
}

// FirstByte tells that the first data of p came at a time. It matters to
// [LeastTime] only. It may be told later, though before [Group.Done].
func (g *Group) FirstByte(sel *Selection, p *Peer, at time.Time) {
	if g.times == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.times.firstByte(p, sel, instant(at.UnixMilli()))
}

// Done ends the last attempt of a session, made at p, without a failure of the
// server.
func (g *Group) Done(sel *Selection, p *Peer, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.times != nil {
		g.times.done(p, sel, instant(now.UnixMilli()))
	}
	if !g.release(sel, p) {
		p.succeeded()
	}
}

// Failed ends the last attempt of a session, made at p, with a failure of the
// server: it could not be reached, or, with UDP, an error was met later. If
// disabled is set, p is out for its fail timeout, and nginx would warn "upstream
// server temporarily disabled".
func (g *Group) Failed(sel *Selection, p *Peer, now time.Time) (disabled bool) {
	at := instant(now.UnixMilli())
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.times != nil {
		g.times.failed(p, sel, at)
	}
	if g.release(sel, p) {
		return false
	}
	p.fails++
	p.accessed, p.checked = at.sec(), at.sec()
	p.effective = max(p.effective-p.weight/p.maxFails, 0)
	return p.fails >= p.maxFails
}

// Unreached ends the last attempt of a session, made at p, which says nothing
// about the server: it came to nothing on this machine, such as for want of a
// local port. Another server may be tried.
func (g *Group) Unreached(sel *Selection, p *Peer, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.times != nil {
		g.times.failed(p, sel, instant(now.UnixMilli()))
	}
	g.release(sel, p)
}

// release takes a session from p. A single peer has no failures, and another
// try of it makes no sense.
func (g *Group) release(sel *Selection, p *Peer) (single bool) {
	p.conns--
	if g.primary.single && !sel.backup {
		sel.tries, p.fails = 0, 0
		return true
	}
	sel.tries = max(sel.tries-1, 0)
	return false
}
