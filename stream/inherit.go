package stream

// inherit.go - listening sockets that go from one process to another: from the
// master to its workers, and from an old binary to a new one.

import (
	"slices"

	"github.com/gostream/gostream/internal/errlog"
)

// inherited are sockets that another process has opened, by address.
type inherited map[addressKey][]int

// take returns the sockets of an address, which are the caller's from then on.
func (in inherited) take(key addressKey) []int {
	fds := in[key]
	delete(in, key)
	return fds
}

// TakeOver makes Listen use sockets of another process that had the same
// configuration: fds are what [Server.Sockets] returned there, as they are
// numbered here. The files of unix sockets stay when they are closed.
func (s *Server) TakeOver(fds [][]int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keepPaths = true
	s.inherited = inherited{}
	for i, plan := range s.gen.plan {
		if i < len(fds) {
			s.inherited[plan.key] = append(s.inherited[plan.key], fds[i]...)
		}
	}
}

// Inherit makes Listen use sockets of an older binary where their addresses are
// those of the configuration. Listen closes the others.
func (s *Server) Inherit(fds []int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inherited = inherited{}
	for _, fd := range fds {
		if key, ok := s.identify(fd); ok {
			s.inherited[key] = append(s.inherited[key], fd)
		}
	}
}

// identify finds out what kind of socket a descriptor is. One that cannot be
// used is ignored, and left open.
func (s *Server) identify(fd int) (addressKey, bool) {
	key, err := socketKey(fd)
	if err != nil {
		s.gen.mainLog.Write(errlog.Crit, errlog.Record{Text: err.Error()})
	}
	return key, err == nil
}

// dropInherited closes what the configuration has no use for.
func (s *Server) dropInherited() {
	for key, fds := range s.inherited {
		ln := s.newListener(key)
		ln.inherit(fds)
		ln.remove()
	}
	s.inherited = nil
}

// remove closes a listener whose address is no longer configured.
func (ln *listener) remove() {
	if ln.addr.IsUnix() && !ln.server.keepPaths {
		ln.server.gen.mainLog.Write(errlog.Warn, errlog.Record{Text: "deleting socket " + ln.addr.Path()})
	}
	ln.close()
}

// KeepPaths decides whether the files of unix sockets stay when the sockets are
// closed: another process still listens on them.
func (s *Server) KeepPaths(keep bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keepPaths = keep
}

// Sockets returns the descriptors of the listening sockets, address by address,
// for [Server.TakeOver] in another process. They remain the Server's.
func (s *Server) Sockets() [][]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sockets(s.gen.plan, nil)
}

// Sockets returns those that the configuration will have.
func (c *Change) Sockets() [][]int {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	return c.server.sockets(c.gen.plan, c)
}

func (s *Server) sockets(plans []*socketPlan, c *Change) [][]int {
	all := make([][]int, len(plans))
	for i, plan := range plans {
		ln := s.listeners[plan.key]
		if ln != nil && c != nil {
			all[i] = descriptors(slices.Concat(ln.sockets, c.extra[ln]))
			all[i] = all[i][:min(len(all[i]), plan.sockets(c.gen.workers()))]
			continue
		}
		if c != nil {
			ln = c.opened(plan.key)
		}
		if ln != nil {
			all[i] = descriptors(ln.sockets)
		}
	}
	return all
}

func (c *Change) opened(key addressKey) *listener {
	i := slices.IndexFunc(c.fresh, func(ln *listener) bool { return ln.key == key })
	if i < 0 {
		return nil
	}
	return c.fresh[i]
}

// limit closes sockets that are too many. Nobody may be accepting on them.
func (ln *listener) limit(count int) {
	if count < len(ln.sockets) {
		closeAll(ln.sockets[count:])
		ln.sockets = ln.sockets[:count]
	}
}

func closeAll(sockets []socket) {
	for _, sk := range sockets {
		sk.close()
	}
}

// missing opens what a listener lacks of the sockets that a plan wants.
func (ln *listener) missing(p *socketPlan, loops int) (extra []socket, err error) {
	if p.opt.ReusePort && !ln.opt.ReusePort {
		if err := ln.shareAddress(); err != nil {
			return nil, err
		}
	}
	for n := len(ln.sockets); n < p.sockets(loops); n++ {
		sk, err := openSocket(ln.addr, &p.opt)
		if err != nil {
			closeAll(extra)
			return nil, err
		}
		extra = append(extra, sk)
	}
	return extra, nil
}

// sockets is how many sockets the address has.
func (p *socketPlan) sockets(loops int) int {
	if p.opt.ReusePort {
		return loops
	}
	return 1
}
