// Package upstream chooses servers the way nginx's stream module does: groups
// of peers with weights, connection limits and passive health, and the methods
// round robin, least_conn, hash, consistent hash and random.
//
// A [Group] is made of a [Config] and shared by all event loops; a [Selection]
// is what one session needs to remember between its tries.
//
//	g, err := upstream.New(&upstream.Config{Name: "db", Servers: []upstream.Server{
//		{Address: "10.0.0.1:5432"}, {Address: "10.0.0.2:5432", Weight: 2}}})
//	var sel upstream.Selection
//	g.Start(&sel, nil)
//	peer, err := g.Next(&sel, time.Now())
package upstream

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gostream/gostream/internal/addr"
)

// Method is how a group chooses among its servers.
type Method uint8

// The methods. The zero value is nginx's weighted round robin.
const (
	RoundRobin     Method = iota
	LeastConn             // least_conn
	Hash                  // hash KEY
	ConsistentHash        // hash KEY consistent (ketama)
	Random                // random
	RandomTwo             // random two least_conn
)

// Config is an upstream block.
type Config struct {
	Name    string
	Servers []Server
	Method  Method

	// Key is the complex value of hash. The group does not evaluate it: who
	// starts a selection passes the value.
	Key string

	// Zone is the name of the shared memory zone, and ZoneSize its size in
	// bytes. All event loops share a group's state anyway; the zone is kept
	// for its checks and its name.
	Zone     string
	ZoneSize int64

	methodSet bool // a directive has chosen Method

	// Random returns a number from 0 to n-1 for the random methods. Nil: the
	// system's generator.
	Random func(n int) int
}

// Server is a server line. Zero values mean nginx's defaults.
type Server struct {
	// Address is HOST:PORT, [IPv6]:PORT or unix:PATH. A host name stands for
	// all its addresses, each of which becomes a peer.
	Address string

	Weight      int           // default 1
	MaxConns    int           // sessions at a time; 0: no limit
	MaxFails    int           // failures within FailTimeout that disable a server; default 1, negative: never
	FailTimeout time.Duration // also how long it is disabled; whole seconds, default 10s, negative: 0
	Backup      bool          // used only when no other server is left
	Down        bool          // never used

	addrs []addr.Addr // Address, resolved
}

// ErrNoLiveUpstreams is returned when every server of a group is tried, down,
// disabled or full.
var ErrNoLiveUpstreams = errors.New("no live upstreams")

// Peer is one address of a server.
type Peer struct {
	addr   addr.Addr
	name   string // addr, for logs
	server string // the address as configured: consistent hashing goes by it

	weight, effective, current int
	maxConns, conns            int
	maxFails, fails            int
	failTimeout                int64 // seconds
	accessed, checked          int64 // Unix seconds
	down                       bool
}

// Addr is the address to connect to.
func (p *Peer) Addr() addr.Addr { return p.addr }

// Name is the address as log lines show it.
func (p *Peer) Name() string { return p.name }

// list is the primaries of a group, or its backups.
type list struct {
	peers  []*Peer
	total  int // weight, with servers that are down
	usable int // peers that are not down
}

// Group is a set of servers. Its methods may be called from any goroutine.
type Group struct {
	name   string
	method balancer
	key    string
	single bool // one server and no backup: failures do not count

	mu      sync.Mutex
	primary list
	backup  list
}

// balancer picks a peer among the primaries. It is called with the group
// locked, and returns nil when there is none.
type balancer interface {
	pick(g *Group, sel *Selection, now int64) *Peer
}

// New makes a group. Host names are resolved. The errors are nginx's, such as
// `host not found in upstream "x"`.
func New(cfg *Config) (*Group, error) {
	g := &Group{name: cfg.Name, key: cfg.Key}
	for i := range cfg.Servers {
		s := &cfg.Servers[i]
		addrs, err := s.resolve()
		if err != nil {
			return nil, err
		}
		for _, a := range addrs {
			if s.Backup {
				g.backup.add(s.peer(a))
			} else {
				g.primary.add(s.peer(a))
			}
		}
	}
	if len(g.primary.peers) == 0 {
		return nil, fmt.Errorf("no servers in upstream \"%s\"", cfg.Name)
	}
	g.single = len(g.primary.peers) == 1 && len(g.backup.peers) == 0
	g.method = newBalancer(cfg, &g.primary)
	return g, nil
}

// Implicit makes the group that proxy_pass to a host stands for. A literal
// address has one peer, which is never disabled; a name has one for each of its
// addresses.
func Implicit(name string, addrs []addr.Addr) *Group {
	g := &Group{name: name, method: roundRobin{}, single: len(addrs) == 1}
	s := Server{Address: name}
	for _, a := range addrs {
		p := s.peer(a)
		if g.single {
			p.maxFails = 0
		}
		g.primary.add(p)
	}
	return g
}

func newBalancer(cfg *Config, l *list) balancer {
	switch cfg.Method {
	case LeastConn:
		return leastConn{}
	case Hash:
		return plainHash{}
	case ConsistentHash:
		return newRing(l)
	case Random, RandomTwo:
		return newRandom(cfg, l)
	}
	return roundRobin{}
}

// resolve returns the addresses of the server.
func (s *Server) resolve() ([]addr.Addr, error) {
	if s.addrs != nil {
		return s.addrs, nil
	}
	u, err := addr.Parse(s.Address, addr.Options{DefaultPort: 0})
	if err != nil {
		return nil, fmt.Errorf("%w in upstream \"%s\"", err, s.Address)
	}
	if u.NoPort && !u.Addrs[0].IsUnix() {
		return nil, fmt.Errorf("no port in upstream \"%s\"", s.Address)
	}
	return u.Addrs, nil
}

func (s *Server) peer(a addr.Addr) *Peer {
	p := &Peer{addr: a, name: a.String(), server: s.Address, weight: max(s.Weight, 1), maxConns: s.MaxConns, down: s.Down}
	p.effective = p.weight
	switch {
	case s.MaxFails == 0:
		p.maxFails = 1
	default:
		p.maxFails = max(s.MaxFails, 0)
	}
	switch {
	case s.FailTimeout == 0:
		p.failTimeout = 10
	default:
		p.failTimeout = max(int64(s.FailTimeout/time.Second), 0)
	}
	return p
}

func (l *list) add(p *Peer) {
	l.peers = append(l.peers, p)
	l.total += p.weight
	if !p.down {
		l.usable++
	}
}

// Name is the group's name.
func (g *Group) Name() string { return g.name }

// HashKey is the complex value whose result Start wants, empty if the method
// has none.
func (g *Group) HashKey() string { return g.key }
