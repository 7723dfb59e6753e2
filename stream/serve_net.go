package stream

// serve_net.go - accepting where sessions run on goroutines.

import (
	"context"
	"errors"
	"fmt"
	"net"
	"reflect"
	"sync"
	"time"

	"github.com/gostream/gostream/internal/guard"
)

// planForeign finds the servers with a Listener of their own.
func (g *generation) planForeign() error {
	g.foreign = map[net.Listener]*places{}
	for _, c := range g.conf.Servers {
		l := c.Listener
		switch {
		case l == nil:
			continue
		case !reflect.ValueOf(l).Comparable():
			return fmt.Errorf("a Listener of type %T cannot be told from others", l)
		case g.foreign[l] != nil:
			return fmt.Errorf("a duplicate Listener %s", l.Addr())
		}
		g.foreign[l] = &places{gen: g, any: &place{def: g.servers[c]}}
	}
	return nil
}

// adoptForeign gives those listeners to gen, and closes those that it has not. It
// returns the new ones, which are to be started.
func (s *Server) adoptForeign(gen *generation) (fresh []*listener) {
	for l, at := range gen.foreign {
		ln := s.foreign[l]
		if ln == nil {
			ln = s.newListener(addressKey{})
			ln.text, ln.streams = l.Addr().String(), []net.Listener{l}
			s.foreign[l] = ln
			fresh = append(fresh, ln)
		}
		ln.places.Store(at)
	}
	for l, ln := range s.foreign {
		if gen.foreign[l] == nil {
			ln.close()
			delete(s.foreign, l)
		}
	}
	return fresh
}

// startStreams accepts on sockets of the system's where there are no loops.
func (ln *listener) startStreams() error {
	for _, sk := range ln.sockets {
		l, err := sk.listener()
		if err != nil {
			return err
		}
		ln.streams = append(ln.streams, &keepAliveListener{l, ln.opt.KeepAlive.config()})
	}
	ln.acceptStreams()
	return nil
}

func (ln *listener) acceptStreams() {
	for _, l := range ln.streams {
		ln.server.accepting.enter()
		guard.Go("accepting", ln.panicked, func() { ln.acceptNet(l) })
	}
}

// keepAliveListener undoes what package net does to accepted sockets, which is
// to switch keepalive on with times of its own.
type keepAliveListener struct {
	net.Listener
	config net.KeepAliveConfig
}

func (l *keepAliveListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetKeepAliveConfig(l.config)
	}
	return conn, err
}

// acceptNet serves each connection on a goroutine of its own until the listener
// is closed. Other errors are logged once, with a growing pause between tries, and
// so is a panic of a listener that is not the system's.
func (ln *listener) acceptNet(l net.Listener) {
	defer ln.server.accepting.leave()
	for pause := time.Duration(0); ; {
		var err error
		returned := guard.Run("accepting", ln.panicked, func() { err = ln.acceptOne(l) })
		switch {
		case returned && err == nil:
			pause = 0
			continue
		case ln.life.Err() != nil, errors.Is(err, net.ErrClosed):
			return
		case returned:
			ln.acceptFailed(plainError(err))
		}
		pause = min(max(2*pause, shortestPause), longestPause)
		if !ln.wait(pause) {
			return
		}
	}
}

func (ln *listener) acceptOne(l net.Listener) error {
	conn, err := l.Accept()
	if err == nil {
		ln.acceptedNet(conn)
	}
	return err
}

// Pauses between tries, when accepting or receiving fails.
const (
	shortestPause = 5 * time.Millisecond
	longestPause  = time.Second
)

// wait reports false as soon as the listener is closed.
func (ln *listener) wait(pause time.Duration) bool {
	select {
	case <-ln.life.Done():
		return false
	case <-time.After(pause):
		return true
	}
}

func (ln *listener) acceptedNet(conn net.Conn) {
	ln.accepted()
	at := ln.admit(&ln.server.slots)
	if at == nil {
		conn.Close()
		return
	}
	ln.serveNet(conn, at, &ln.server.slots, func() endpoint { return ln.remoteOf(conn.RemoteAddr()) })
}

// remoteOf reads the address of a client. One of a unix socket that is not bound
// may have none.
func (ln *listener) remoteOf(a net.Addr) endpoint {
	e := endpointOfNet(a)
	e.unix = e.unix || ln.addr.IsUnix()
	return e
}

// serveNet begins a session of a client that was admitted, on a goroutine of its
// own. The client's address is what accepting it has told: a connection that was
// reset since does not know it any more.
func (ln *listener) serveNet(conn net.Conn, at *places, n *slots, remote func() endpoint) {
	s := ln.newNetSession(at, conn, n)
	guard.Go("session", ln.panicked, func() { s.serveNet(at, remote) })
}

func (s *Session) serveNet(at *places, remote func() endpoint) {
	defer s.recover()
	s.place, s.srv = at.any, at.any.def // for the log, if the connection panics,
	s.ending = true                     // when there is nothing to finish yet
	s.remote = remote()
	if !s.locate(at) {
		s.release()
		return
	}
	s.ending = false
	s.serve()
}

// goOn runs a session on a goroutine of its own.
func (s *Session) goOn() { guard.Go("session", s.ln.panicked, s.serve) }

// newNetSession makes a session, of a client that was admitted, that does not know
// yet whose it is and where.
func (ln *listener) newNetSession(at *places, conn net.Conn, n *slots) *Session {
	s := &Session{gen: at.gen, ln: ln}
	t := &netTransport{session: s, accepted: conn, client: conn, slots: n}
	t.life, t.end = context.WithCancel(context.Background())
	s.transport = t
	ln.server.onGoroutines.add(t)
	return s
}

func (t *netTransport) released() {
	t.session.ln.server.onGoroutines.remove(t)
	t.slots.release()
	t.end()
}

// netSessions are the sessions on goroutines.
type netSessions struct {
	mu      sync.Mutex
	running map[*netTransport]struct{}
	over    bool
}

func (ns *netSessions) add(t *netTransport) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	if ns.running == nil {
		ns.running = map[*netTransport]struct{}{}
	}
	ns.running[t] = struct{}{}
	if ns.over {
		t.abort()
	}
}

func (ns *netSessions) remove(t *netTransport) {
	ns.mu.Lock()
	delete(ns.running, t)
	ns.mu.Unlock()
}

// end ends what is still running, and what may yet come.
func (ns *netSessions) end() {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	ns.over = true
	for t := range ns.running {
		t.abort()
	}
}
