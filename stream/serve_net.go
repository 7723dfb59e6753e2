package stream

// serve_net.go - accepting where sessions run on goroutines.

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// foreignListener is a ServerConfig.Listener at work.
type foreignListener struct {
	net.Listener
	ln *listener
}

// startForeign begins to serve the listeners that came with the configuration.
func (s *Server) startForeign() {
	for _, c := range s.gen.conf.Servers {
		if c.Listener == nil {
			continue
		}
		ln := &listener{server: s, text: c.Listener.Addr().String()}
		ln.places.Store(&places{gen: s.gen, any: &place{def: s.gen.servers[c]}})
		f := &foreignListener{c.Listener, ln}
		s.foreign = append(s.foreign, f)
		go ln.acceptNet(c.Listener)
	}
}

func (s *Server) stopForeign() {
	for _, f := range s.foreign {
		f.Close()
	}
	s.foreign = nil
}

// startStreams accepts on sockets of the system's where there are no loops.
func (ln *listener) startStreams() error {
	for _, sk := range ln.sockets {
		l, err := sk.listener()
		if err != nil {
			return err
		}
		l = &keepAliveListener{l, ln.opt.KeepAlive.config()}
		ln.streams = append(ln.streams, l)
		go ln.acceptNet(l)
	}
	return nil
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
// is closed. Other errors are logged once, with a growing pause between tries.
func (ln *listener) acceptNet(l net.Listener) {
	const longest = time.Second
	pause := time.Duration(0)
	for {
		conn, err := l.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			ln.acceptFailed(plainError(err))
			pause = min(max(2*pause, 5*time.Millisecond), longest)
			time.Sleep(pause)
		default:
			pause = 0
			ln.acceptedNet(conn)
		}
	}
}

func (ln *listener) acceptedNet(conn net.Conn) {
	ln.accepted()
	at := ln.places.Load()
	if !ln.server.slots.takeClient(at) {
		conn.Close()
		return
	}
	go ln.serveNet(conn, ln.remoteOf(conn.RemoteAddr()), at, &ln.server.slots)
}

// remoteOf reads the address of a client. One of a unix socket that is not bound
// may have none.
func (ln *listener) remoteOf(a net.Addr) endpoint {
	e := endpointOfNet(a)
	e.unix = e.unix || ln.addr.IsUnix()
	return e
}

// serveNet runs a session on the calling goroutine. The client's address is what
// accepting it has told: a connection that was reset since does not know it any
// more. The connection has been counted in n.
func (ln *listener) serveNet(conn net.Conn, remote endpoint, at *places, n *slots) {
	s := ln.newNetSession(at, conn, n)
	if s.remote = remote; !s.locate(at) {
		s.release()
		return
	}
	s.serve()
}

// newNetSession makes a session that does not know yet whose it is and where.
func (ln *listener) newNetSession(at *places, conn net.Conn, n *slots) *Session {
	s := &Session{gen: at.gen, ln: ln}
	t := &netTransport{session: s, accepted: conn, client: conn, slots: n}
	t.life, t.end = context.WithCancel(context.Background())
	s.transport = t
	at.gen.enter()
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
