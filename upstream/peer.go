package upstream

import (
	"sort"

	"github.com/gostream/gostream/internal/addr"
)

// Peer is one address of a server in a group. Its methods may be used at any
// time.
type Peer struct {
	// All of this is guarded by the group's mutex.
	weight    int
	effective int // weight, less what failures took
	current   int // standing in round robin
	conns     int // sessions, connected or trying to be
	fails     int

	// In Unix seconds: the last failure, and the last failure or first use
	// after a fail timeout. If checked is later, the peer is on trial.
	accessed, checked int64

	maxConns    int   // never 0; a limit that cannot be reached is none
	maxFails    int   // likewise
	failTimeout int64 // seconds
	down        bool
	times       *timings // of LeastTime

	addr   addr.Addr
	name   string
	server string
	of     *Name // that it is an address of; nil: it is always there
}

// Addr is the address to connect to.
func (p *Peer) Addr() addr.Addr { return p.addr }

// Network is the peer's network for package net: "tcp" (or "udp", as the caller
// knows) or "unix".
func (p *Peer) Network() string { return p.addr.Network() }

// HostPort is the peer's address for package net.
func (p *Peer) HostPort() string { return p.addr.HostPort() }

// Name is the address as nginx prints it: 127.0.0.1:80, [::1]:80, unix:/path.
func (p *Peer) Name() string { return p.name }

// Server is the address of the server as configured.
func (p *Peer) Server() string { return p.server }

// usable reports whether a session may be sent to the peer.
func (p *Peer) usable(sec int64) bool {
	return !p.down && !p.failed(sec) && !p.full()
}

// failed reports whether the peer is out because of failures. The first pick
// after that sets checked, so that until it is known how that went, others wait
// for another fail timeout.
func (p *Peer) failed(sec int64) bool {
	return p.fails >= p.maxFails && sec-p.checked <= p.failTimeout
}

func (p *Peer) full() bool { return p.conns >= p.maxConns && p.maxConns > 0 }

// succeeded forgets the failures if the peer was on trial.
func (p *Peer) succeeded() {
	if p.accessed < p.checked {
		p.fails = 0
	}
}

// peers are the primary or the backup servers of a group.
type peers struct {
	list []*Peer
	ends []int // the sums of the weights up to and including each peer

	// single is a group of one peer, which is used however often it fails.
	single bool
}

func (ps *peers) add(s *Server) {
	room := make([]Peer, len(s.addrs)) // one piece of memory is quicker to go through
	for i, a := range s.addrs {
		p := &room[i]
		*p = s.peer(a)
		ps.list = append(ps.list, p)
		ps.ends = append(ps.ends, ps.total()+p.weight)
	}
}

// peer makes a peer of an address of the server.
func (s *Server) peer(a addr.Addr) Peer {
	return Peer{
		weight: s.weight(), effective: s.weight(), maxConns: s.maxConns(),
		maxFails: s.maxFails(), failTimeout: s.failTimeout(), down: s.Down,
		addr: a, name: a.String(), server: s.Address,
	}
}

// newPeers makes peers of a list.
func newPeers(list []*Peer) (ps peers) {
	ps.list = list
	for _, p := range list {
		ps.ends = append(ps.ends, ps.total()+p.weight)
	}
	return ps
}

// total is the sum of all weights, also of peers that are down.
func (ps *peers) total() int {
	if len(ps.ends) == 0 {
		return 0
	}
	return ps.ends[len(ps.ends)-1]
}

// at returns the peer at a point of the line that the weights make, 0 to
// total-1.
func (ps *peers) at(point int) int {
	return sort.SearchInts(ps.ends, point+1)
}

// tries is how many peers may be tried at all.
func (ps *peers) tries() (n int) {
	for i := range ps.list {
		if !ps.list[i].down {
			n++
		}
	}
	return n
}
