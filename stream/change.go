package stream

// change.go - going over to another configuration, in two steps.

import (
	"errors"
	"slices"
	"syscall"

	"github.com/gostream/gostream/internal/errlog"
)

// Change is another configuration of a [Server] with all that it needs: its
// files and sockets are open. It ends with Commit or Abort; until then whoever
// else calls Prepare, Reload, Listen or Start waits.
type Change struct {
	server *Server
	gen    *generation
	fresh  []*listener
	extra  map[*listener][]socket // more sockets for listeners that there are
	ended  bool
}

// Reload goes over to another configuration: all or nothing. New sockets are
// opened first; if that or anything else fails, the old configuration serves on
// and the error is returned. Sessions keep the configuration they began with.
// The number of event loops stays. A [ServerConfig.Listener] that both
// configurations have accepts on; one that only the old has is closed.
func (s *Server) Reload(cfg *Config) error {
	c, err := s.Prepare(cfg)
	if err != nil {
		return err
	}
	return c.Commit()
}

// Prepare is the part of Reload that takes time. Nothing changes for clients.
func (s *Server) Prepare(cfg *Config) (*Change, error) {
	s.changing.Lock()
	c, err := s.prepare(cfg)
	if err != nil {
		s.changing.Unlock()
		return nil, err
	}
	return c, nil
}

func (s *Server) prepare(cfg *Config) (*Change, error) {
	before, err := s.inForce()
	if err != nil {
		return nil, err
	}
	gen, err := compileConfig(cfg, before)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.started {
		gen.files.NeverWait()
	}
	c := &Change{server: s, gen: gen, extra: map[*listener][]socket{}}
	if s.closed {
		err = ErrServerClosed
	} else if c.fresh, err = s.openListeners(gen); err == nil {
		err = c.openExtra()
	}
	if err != nil {
		c.drop()
		return nil, err
	}
	return c, nil
}

// inForce is the configuration that serves.
func (s *Server) inForce() (*generation, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrServerClosed
	}
	return s.gen, nil
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

// Commit puts the configuration in force. It fails, and is Abort, if the Server
// was closed meanwhile. After the end of the Change it does nothing.
func (c *Change) Commit() error {
	s := c.server
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case c.ended:
		return nil
	case s.closed:
		c.abort()
		return ErrServerClosed
	}
	old := s.gen
	c.reconfigure()
	fresh := append(s.adoptForeign(c.gen), c.fresh...)
	s.adopt(c.gen, c.fresh)
	if s.started {
		if err := s.startListeners(fresh); err != nil {
			c.gen.errorLog.Write(errlog.Emerg, errlog.Record{Text: err.Error()})
		}
	}
	old.unfollow()
	if s.started {
		c.gen.follow()
	}
	old.retire()
	c.end()
	return nil
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

// Abort drops the configuration. Its listeners stay open: see
// [ServerConfig.Listener]. After the end of the Change it does nothing.
func (c *Change) Abort() {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	if !c.ended {
		c.abort()
	}
}

func (c *Change) abort() {
	c.drop()
	c.end()
}

// end lets others change the Server.
func (c *Change) end() {
	c.ended = true
	c.server.changing.Unlock()
}

// drop closes what has been opened.
func (c *Change) drop() {
	for _, ln := range c.fresh {
		ln.close()
	}
	for _, sockets := range c.extra {
		closeAll(sockets)
	}
	c.gen.close()
}

// openListeners opens the sockets that gen wants and that are not open yet: the
// first of each address, then the further ones of reuseport.
func (s *Server) openListeners(gen *generation) (fresh []*listener, err error) {
	var first, further []*listener // to open, one socket each
	for _, p := range gen.plan {
		if s.listeners[p.key] != nil {
			continue
		}
		ln := s.newListener(p.key)
		ln.opt = p.opt
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
