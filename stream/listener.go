package stream

// listener.go - listening sockets, and which server a connection is for.

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"

	"github.com/gostream/gostream/internal/addr"
	"github.com/gostream/gostream/internal/errlog"
	"github.com/gostream/gostream/internal/guard"
)

// listener is a bound address. It outlives the configurations that have it.
type listener struct {
	server *Server
	key    addressKey
	addr   addr.Addr
	text   string // in log lines
	opt    Listen
	places atomic.Pointer[places]
	stuck  atomic.Bool // accepting fails, and the log says so

	life context.Context // until it is closed
	end  context.CancelFunc

	sockets   []socket         // one, or one for each event loop with reuseport
	acceptors acceptors        // on the event loops
	datagrams packetSockets    // on the event loops, of UDP
	streams   []net.Listener   // where there are none, or one that the program has brought
	packets   []net.PacketConn // likewise, of UDP
}

// newListener makes a listener that has no sockets yet.
func (s *Server) newListener(key addressKey) *listener {
	ln := &listener{server: s, key: key, addr: key.addr, text: key.addr.String()}
	ln.life, ln.end = context.WithCancel(context.Background())
	return ln
}

// places are the servers behind a socket. A socket bound to a wildcard may
// serve specific addresses too: then the local address of a connection
// decides.
type places struct {
	gen   *generation
	any   *place
	exact map[netip.Addr]*place

	onGoroutines bool // a place needs it
}

// place is an address with its servers.
type place struct {
	def           *server // the default server
	names         *serverNames
	proxyProtocol bool
	ssl           bool

	onGoroutine bool // a connection cannot be served on an event loop
}

// socketPlan is a socket that a configuration wants.
type socketPlan struct {
	key    addressKey
	opt    Listen
	places places
	ln     *listener // set when the configuration is put in force
}

// planSockets decides which addresses get a socket, in the order in which they
// are opened. A specific address next to a wildcard on the same port shares the
// wildcard's, unless it has socket options.
func (g *generation) planSockets(book *addressBook) {
	wildcards := map[addressKey]*socketPlan{}
	for _, a := range book.order {
		if a.addr.IsWildcard() {
			wildcards[a.key] = g.newPlan(a)
		}
	}
	for _, a := range book.byPort() {
		if w := wildcards[wildcardOf(a)]; w != nil && !a.addr.IsWildcard() && !a.opt.hasSocketOptions() {
			w.places.add(a.addr.AddrPort().Addr(), g.place(a))
			continue
		}
		p := wildcards[a.key]
		if p == nil {
			p = g.newPlan(a)
		}
		g.plan = append(g.plan, p)
	}
}

// add makes the socket of a wildcard serve a specific address.
func (p *places) add(ip netip.Addr, exact *place) {
	if p.exact == nil {
		p.exact = map[netip.Addr]*place{}
	}
	p.exact[ip] = exact
	p.onGoroutines = p.onGoroutines || exact.onGoroutine
}

func (g *generation) newPlan(a *address) *socketPlan {
	any := g.place(a)
	return &socketPlan{key: a.key, opt: a.opt, places: places{gen: g, any: any, onGoroutines: any.onGoroutine}}
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
	return addressKey{addr: a.addr.WithAddr(ip), udp: a.opt.UDP, any: a.key.any}
}

func (g *generation) place(a *address) *place {
	p := &place{def: g.servers[a.def], names: g.names[a], proxyProtocol: a.opt.ProxyProtocol, ssl: a.opt.SSL, onGoroutine: a.opt.SSL}
	for _, c := range a.servers {
		proxy := &g.servers[c].proxy
		p.onGoroutine = p.onGoroutine || proxy.pass != nil && (proxy.dial.dialer != nil || proxy.tls != nil && !a.opt.UDP)
	}
	return p
}

// find returns the place for a connection. local is only asked for where the
// socket serves several addresses; if it is not known then, there is no place.
func (p *places) find(local func() endpoint) (*place, endpoint) {
	if p.exact == nil {
		return p.any, endpoint{}
	}
	at := local()
	if !at.known() {
		return nil, at
	}
	return p.lookup(at), at
}

// lookup is find for a local address that is known.
func (p *places) lookup(at endpoint) *place {
	if found := p.exact[at.ip.Addr()]; found != nil {
		return found
	}
	return p.any
}

// log is for what happens before there is a session: that of the default server.
func (p *places) log() *errlog.Log { return p.any.def.errorLog }

// open binds a socket.
func (ln *listener) open() error {
	sk, err := openSocket(ln.addr, &ln.opt)
	if err == nil {
		ln.sockets = append(ln.sockets, sk)
	}
	return err
}

// start begins to accept.
func (ln *listener) start() error {
	switch {
	case ln.streams != nil:
		ln.acceptStreams()
	case ln.server.workers.none() && ln.opt.UDP:
		return ln.startPackets()
	case ln.server.workers.none():
		return ln.startStreams()
	case ln.opt.UDP:
		ln.startDatagrams()
	default:
		ln.startAcceptors()
	}
	return nil
}

// close stops accepting and closes the socket.
func (ln *listener) close() {
	ln.end()
	for _, l := range ln.streams {
		l.Close()
	}
	for _, p := range ln.packets {
		p.Close()
	}
	ln.acceptors.close()
	ln.datagrams.close()
	ln.closeSockets()
	if ln.addr.IsUnix() && !ln.server.keepPaths {
		_ = os.Remove(ln.addr.Path())
	}
}

func (ln *listener) closeSockets() {
	for _, sk := range ln.sockets {
		sk.close()
	}
	ln.sockets = nil
}

// netAddr is the address that the socket is bound to.
func (ln *listener) netAddr() net.Addr {
	if ln.addr.IsUnix() && ln.key.udp {
		return &net.UnixAddr{Name: ln.addr.Path(), Net: "unixgram"}
	}
	if ln.addr.IsUnix() {
		return &net.UnixAddr{Name: ln.addr.Path(), Net: "unix"}
	}
	at := ln.sockets[0].addr()
	if tcp, ok := at.(*net.TCPAddr); ok && ln.key.udp {
		return (*net.UDPAddr)(tcp)
	}
	return at
}

// admit lets a new client in: it is counted among the sessions of the
// configuration in force, and among the connections in n. If there is no room, or
// the server has ended, it returns nil.
func (ln *listener) admit(n *slots) *places {
	at := ln.places.Load()
	for !at.gen.enter() {
		before := at
		if at = ln.places.Load(); at == before {
			return nil
		}
	}
	if !n.takeClient(at) {
		at.gen.leave()
		return nil
	}
	return at
}

// accepted notes that accepting works.
func (ln *listener) accepted() {
	if ln.stuck.Load() {
		ln.stuck.Store(false)
	}
}

// panicked logs a panic that is of no session.
func (ln *listener) panicked(p *guard.Panic) { ln.places.Load().log().Panicked(p) }

// acceptFailed logs that accepting has run into trouble: once, until it works
// again. A client that has gone before it was accepted is none.
func (ln *listener) acceptFailed(err error) {
	level := errlog.Crit
	if errors.Is(err, syscall.ECONNABORTED) {
		level = errlog.Error
	} else if ln.stuck.Swap(true) {
		return
	}
	ln.places.Load().log().Write(level, errlog.Record{Text: "accept4() failed", Err: err})
}
