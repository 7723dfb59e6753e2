package upstream

// dynamic.go - servers with "resolve": peers that come and go.

import (
	"math"
	"net/netip"

	"github.com/gostream/gostream/internal/addr"
)

// Name is a server of a group whose addresses are found while running.
type Name struct {
	Host    string // to be resolved
	Service string // the service to look for there; empty: just its addresses
	Backup  bool   // the server is a backup

	server *Server
	port   uint16

	// worse takes the addresses of a service whose priority is not the best
	// as backups. Otherwise they are not used.
	worse bool
}

// Address is an address of a [Name].
type Address struct {
	IP netip.Addr

	// Of services.
	Port     uint16
	Priority uint16 // the lowest is the best
	Weight   uint16 // at least 1; a weight of the server has precedence
	Host     string // that the address belongs to
}

func newName(s *Server, allowsBackup bool) *Name {
	u, _ := addr.Parse(s.Address, addr.Options{NoResolve: true}) // it was checked before
	return &Name{
		Host: u.Host, Service: s.Service, Backup: s.Backup,
		server: s, port: u.Port, worse: s.Service != "" && allowsBackup && !s.Backup,
	}
}

// Names returns the servers with "resolve". They have no peers until
// [Group.Update] gives them some.
func (g *Group) Names() []*Name { return g.names }

// Update sets the addresses of a name of this group. Peers whose address is
// still there stay as they are. Sessions with others go on, and sessions that have
// no server yet find no live upstreams if the peers have changed since they began.
func (g *Group) Update(n *Name, addrs []Address) {
	best := uint16(math.MaxUint16)
	for i := range addrs {
		best = min(best, addrs[i].Priority)
	}
	var good, worse []Address
	for _, a := range addrs {
		if a.Priority == best {
			good = append(good, a)
		} else {
			worse = append(worse, a)
		}
	}
	g.updating.Lock()
	defer g.updating.Unlock()
	c := change{group: g, primary: g.primary.list, backup: g.backup.list}
	if n.Backup {
		c.backup = c.replace(c.backup, n, good)
	} else {
		c.primary = c.replace(c.primary, n, good)
	}
	if n.worse {
		c.backup = c.replace(c.backup, n, worse)
	}
	if c.changed {
		c.commit()
	}
}

// change is what Update makes of a group.
type change struct {
	group           *Group
	primary, backup []*Peer
	changed         bool // anything is different
}

// replace makes addrs those of a name in a list, and returns the new list.
func (c *change) replace(old []*Peer, n *Name, addrs []Address) (list []*Peer) {
	taken := make([]bool, len(addrs))
	for _, p := range old {
		if p.of == n && !n.takes(p, addrs, taken) {
			c.changed = true
			continue
		}
		list = append(list, p)
	}
	for i := range addrs {
		if taken[i] {
			continue
		}
		p := n.peer(&addrs[i])
		if c.group.times != nil {
			p.times = &timings{}
		}
		list = append(list, p)
		c.changed = true
	}
	return list
}

// commit puts the lists in force. Sessions need not wait for the ring to be made.
func (c *change) commit() {
	g := c.group
	primary, backup := newPeers(c.primary), newPeers(c.backup)
	_, rings := g.balancer.(*consistent)
	var ring *consistent
	if rings {
		ring = newConsistent(&primary, maxNamedPoints)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.changes++
	g.primary, g.backup = primary, backup
	g.measure()
	if rings {
		g.balancer, g.keyed = ring, ring
	}
}

// takes finds a peer among addresses, of which it takes one.
func (n *Name) takes(p *Peer, addrs []Address, taken []bool) bool {
	for i := range addrs {
		if !taken[i] && n.same(p, &addrs[i]) {
			taken[i] = true
			return true
		}
	}
	return false
}

// same reports whether a peer is what would be made of an address.
func (n *Name) same(p *Peer, a *Address) bool {
	own := p.addr.AddrPort()
	if n.Service == "" {
		return own.Addr() == a.IP
	}
	return own == netip.AddrPortFrom(a.IP, a.Port) && p.server == a.Host && p.weight == n.weight(a)
}

// weight is the weight of an address: that of the service, unless the server has
// one.
func (n *Name) weight(a *Address) int {
	if n.Service == "" || n.server.weight() != 1 {
		return n.server.weight()
	}
	return max(int(a.Weight), 1)
}

// peer makes a peer.
func (n *Name) peer(a *Address) *Peer {
	port := n.port
	if n.Service != "" {
		port = a.Port
	}
	p := n.server.peer(addr.IP(netip.AddrPortFrom(a.IP, port)))
	p.of, p.weight, p.effective = n, n.weight(a), n.weight(a)
	if n.Service != "" {
		p.server = a.Host
	}
	return &p
}
