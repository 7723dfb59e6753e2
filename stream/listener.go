package stream

// listener.go - listening sockets, and which server a connection is for.

import (
	"net/netip"
	"sync/atomic"

	"github.com/gostream/gostream/internal/addr"
	"github.com/gostream/gostream/internal/errlog"
)

// listener is a bound address. It outlives the configurations that have it.
type listener struct {
	server *Server
	key    addressKey
	addr   addr.Addr
	text   string // in log lines
	opt    Listen
	socket listenerSocket
	places atomic.Pointer[places]
}

// places are the servers behind a socket. A socket bound to a wildcard may
// serve specific addresses too: then the local address of a connection
// decides.
type places struct {
	gen   *generation
	any   *place
	exact map[netip.Addr]*place
}

// place is an address with its servers.
type place struct {
	def           *server // the default server
	names         *serverNames
	proxyProtocol bool
	ssl           bool
}

// socketPlan is a socket that a configuration wants.
type socketPlan struct {
	key    addressKey
	opt    Listen
	places places
}

// planSockets decides which addresses get a socket. A specific address next to
// a wildcard on the same port shares the wildcard's, unless it has socket
// options.
func (g *generation) planSockets(book *addressBook) {
	wildcards := map[addressKey]*socketPlan{}
	for _, a := range book.order {
		if a.addr.IsWildcard() {
			p := g.addPlan(a)
			wildcards[p.key] = p
		}
	}
	for _, a := range book.order {
		if a.addr.IsWildcard() {
			continue
		}
		if w := wildcards[wildcardOf(a)]; w != nil && !a.opt.hasSocketOptions() {
			if w.places.exact == nil {
				w.places.exact = map[netip.Addr]*place{}
			}
			w.places.exact[a.addr.AddrPort().Addr()] = g.place(a)
			continue
		}
		g.addPlan(a)
	}
}

func (g *generation) addPlan(a *address) *socketPlan {
	p := &socketPlan{key: addressKey{a.addr, a.opt.UDP}, opt: a.opt, places: places{gen: g, any: g.place(a)}}
	g.plan = append(g.plan, p)
	return p
}

// wildcardOf is the key of the wildcard address that covers a.
func wildcardOf(a *address) addressKey {
	ip := a.addr.AddrPort().Addr()
	switch {
	case a.addr.IsUnix():
		return addressKey{}
	case ip.Is4():
		ip = netip.IPv4Unspecified()
	default:
		ip = netip.IPv6Unspecified()
	}
	return addressKey{a.addr.WithAddr(ip), a.opt.UDP}
}

func (g *generation) place(a *address) *place {
	return &place{def: g.servers[a.def], names: g.namesOf(a), proxyProtocol: a.opt.ProxyProtocol, ssl: a.opt.SSL}
}

// find returns the place for a connection. local is only asked for where the
// socket serves several addresses.
func (p *places) find(local func() endpoint) (*place, endpoint) {
	if p.exact == nil {
		return p.any, endpoint{}
	}
	at := local()
	if found := p.exact[at.ip.Addr()]; found != nil {
		return found, at
	}
	return p.any, at
}

// openListeners opens the sockets that gen wants and that are not open yet.
func (s *Server) openListeners(gen *generation) (fresh []*listener, err error) {
	for _, p := range gen.plan {
		if s.listeners[p.key] != nil {
			continue
		}
		ln := &listener{server: s, key: p.key, addr: p.key.addr, text: p.key.addr.String(), opt: p.opt}
		if err := ln.open(gen.workers()); err != nil {
			for _, opened := range fresh {
				opened.close()
			}
			return nil, err
		}
		fresh = append(fresh, ln)
	}
	return fresh, nil
}

// adopt makes gen the configuration in force.
func (s *Server) adopt(gen *generation, fresh []*listener) {
	for _, ln := range fresh {
		s.listeners[ln.key] = ln
	}
	wanted := map[addressKey]bool{}
	for _, p := range gen.plan {
		wanted[p.key] = true
		s.listeners[p.key].places.Store(&p.places)
	}
	for key, ln := range s.listeners {
		if !wanted[key] {
			ln.close()
			delete(s.listeners, key)
		}
	}
	s.gen = gen
}

// acceptFailed logs that accepting has run into trouble.
func (ln *listener) acceptFailed(err error) {
	level := errlog.Crit
	if isAborted(err) {
		level = errlog.Error
	}
	gen := ln.places.Load().gen
	gen.errorLog.Write(level, errlog.Record{Text: "accept4() failed", Err: err})
}
