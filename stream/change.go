package stream

// change.go - going over to another configuration, in two steps.

import (
	"errors"
	"slices"
	"syscall"

	"github.com/gostream/gostream/internal/errlog"
)

// Change is another configuration of a [Server] with all that it needs: its
// files and sockets are open. It ends with Commit or Abort.
type Change struct {
	server *Server
	gen    *generation
	fresh  []*listener
	extra  map[*listener][]socket // more sockets for listeners that there are
}

// Reload goes over to another configuration: all or nothing. New sockets are
// opened first; if that or anything else fails, the old configuration serves on
// and the error is returned. Sessions keep the configuration they began with.
// The number of event loops stays.
func (s *Server) Reload(cfg *Config) error {
	c, err := s.Prepare(cfg)
	if err != nil {
		return err
	}
	c.Commit()
	return nil
}

// Prepare is the part of Reload that may fail. Nothing changes for clients.
func (s *Server) Prepare(cfg *Config) (*Change, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errors.New("stream: server closed")
	}
	gen, err := compileConfig(cfg, s.gen)
	if err != nil {
		return nil, err
	}
	if s.started {
		gen.files.NeverWait()
	}
	fresh, err := s.openListeners(gen)
	if err != nil {
		gen.files.Close()
		return nil, err
	}
	c := &Change{server: s, gen: gen, fresh: fresh, extra: map[*listener][]socket{}}
	if err := c.openExtra(); err != nil {
		c.abort()
		return nil, err
	}
	return c, nil
}

// openExtra opens a socket for each event loop where that is newly wanted. As
// the number of loops does not change while they run, there is nothing to do
// then.
func (c *Change) openExtra() (err error) {
	for _, p := range c.gen.plan {
		ln := c.server.listeners[p.key]
		if ln == nil || c.server.started {
			continue
		}
		if c.extra[ln], err = ln.missing(p, c.gen.workers()); err != nil {
			return err
		}
	}
	return nil
}

// Commit puts the configuration in force.
func (c *Change) Commit() {
	s := c.server
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.gen
	c.reconfigure()
	s.adopt(c.gen, c.fresh)
	s.stopForeign()
	if s.started {
		for _, ln := range c.fresh {
			if err := ln.start(); err != nil {
				c.gen.errorLog.Write(errlog.Emerg, errlog.Record{Text: err.Error()})
			}
		}
		s.startForeign()
	}
	old.unfollow()
	if s.started {
		c.gen.follow()
	}
	old.retire()
}

// reconfigure gives sockets that stay the options of the configuration.
func (c *Change) reconfigure() {
	for _, p := range c.gen.plan {
		ln := c.server.listeners[p.key]
		if ln == nil {
			continue
		}
		ln.sockets = append(ln.sockets, c.extra[ln]...)
		if !c.server.started {
			ln.limit(p.sockets(c.gen.workers()))
		}
		ln.reconfigure(&p.opt)
	}
}

// Abort drops the configuration.
func (c *Change) Abort() {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.abort()
}

func (c *Change) abort() {
	for _, ln := range c.fresh {
		ln.close()
	}
	for _, sockets := range c.extra {
		closeAll(sockets)
	}
	c.gen.files.Close()
}

// openListeners opens the sockets that gen wants and that are not open yet: the
// first of each address, then the further ones of reuseport.
func (s *Server) openListeners(gen *generation) (fresh []*listener, err error) {
	var first, further []*listener // to open, one socket each
	for _, p := range gen.plan {
		if s.listeners[p.key] != nil {
			continue
		}
		ln := &listener{server: s, key: p.key, addr: p.key.addr, text: p.key.addr.String(), opt: p.opt}
		fresh = append(fresh, ln)
		if fds := s.inherited.take(p.key); len(fds) > 0 {
			if err = ln.takeOver(fds, p, gen.workers()); err != nil {
				break
			}
			continue
		}
		first = append(first, ln)
		further = append(further, slices.Repeat([]*listener{ln}, max(p.sockets(gen.workers())-1, 0))...)
	}
	if err == nil {
		err = openAll(slices.Concat(first, further), s.leaving(gen))
	}
	if err == nil {
		return fresh, nil
	}
	for _, ln := range fresh {
		if len(ln.sockets) > 0 {
			ln.close()
		}
	}
	return nil, err
}

// leaving are the listeners of this server, and of an older binary, whose addresses
// gen does not have.
func (s *Server) leaving(gen *generation) (old []*listener) {
	wanted := func(key addressKey) bool {
		return slices.ContainsFunc(gen.plan, func(p *socketPlan) bool { return p.key == key })
	}
	for key, ln := range s.listeners {
		if !wanted(key) {
			old = append(old, ln)
		}
	}
	for key, fds := range s.inherited {
		ln := &listener{server: s, key: key, addr: key.addr}
		ln.inherit(fds)
		old = append(old, ln)
	}
	return old
}

// openAll opens a socket of each listener. An address in use does not keep it
// from the others: whoever mends that wants to know of all. It is no obstacle if
// one of the listeners that are about to leave has it; those are listened on when
// all are bound, so that no client is lost with a reload that fails.
func openAll(listeners, leaving []*listener) error {
	var failed []error
	var beside []*listener
	for _, ln := range listeners {
		err := ln.open()
		if errors.Is(err, syscall.EADDRINUSE) {
			if err = ln.bindBeside(leaving, err); err == nil && !slices.Contains(beside, ln) {
				beside = append(beside, ln)
			}
		}
		if err == nil {
			continue
		}
		failed = append(failed, err)
		if !errors.Is(err, syscall.EADDRINUSE) {
			break
		}
	}
	for i := 0; i < len(beside) && len(failed) == 0; i++ {
		if err := beside[i].listenBeside(leaving); err != nil {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// takeOver makes a listener of inherited sockets.
func (ln *listener) takeOver(fds []int, p *socketPlan, loops int) error {
	ln.inherit(fds)
	extra, err := ln.missing(p, loops)
	if err != nil {
		return err
	}
	ln.sockets = append(ln.sockets, extra...)
	ln.limit(p.sockets(loops))
	ln.opt = Listen{}
	ln.reconfigure(&p.opt)
	return nil
}

// adopt makes gen the configuration in force.
func (s *Server) adopt(gen *generation, fresh []*listener) {
	for _, ln := range fresh {
		s.listeners[ln.key] = ln
	}
	wanted := map[addressKey]bool{}
	for _, p := range gen.plan {
		wanted[p.key] = true
		p.ln = s.listeners[p.key]
	}
	for _, p := range gen.plan {
		p.ln.places.Store(&p.places)
	}
	for key, ln := range s.listeners {
		if !wanted[key] {
			ln.remove()
			delete(s.listeners, key)
		}
	}
	s.gen = gen
	s.log.Store(gen.errorLog)
}
