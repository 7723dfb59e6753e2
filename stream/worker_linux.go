package stream

// worker_linux.go - event loops, and the sessions on them.

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/gostream/gostream/internal/addr"
	"github.com/gostream/gostream/internal/errlog"
	loop "github.com/gostream/gostream/internal/evloop"
	relay "github.com/gostream/gostream/internal/pump"
	"github.com/gostream/gostream/upstream"
)

// workers are the event loops of a Server.
type workers struct {
	all  []*worker
	done sync.WaitGroup
}

// worker is an event loop with what its sessions share.
type worker struct {
	loop      *loop.Loop
	relays    *relay.Engine
	sessions  sessionList // those that are running
	spare     []*Session
	sockaddrs map[addr.Addr]*loop.Sockaddr
	used      atomic.Int64 // connections, both sides
}

// maxSockaddrs bounds the addresses remembered; proxy_pass with variables may
// name any number.
const maxSockaddrs = 4096

func (ws *workers) start(s *Server) error {
	for range s.gen.workers() {
		l, err := loop.New(loop.Options{Panic: func(p any, stack []byte) {
			s.gen.errorLog.Write(errlog.Alert, errlog.Record{Text: panicText(p, stack)})
		}})
		if err != nil {
			return err
		}
		w := &worker{loop: l, relays: relay.NewEngine(l), sockaddrs: map[addr.Addr]*loop.Sockaddr{}}
		ws.all = append(ws.all, w)
		ws.done.Go(w.run)
	}
	return nil
}

func (w *worker) run() {
	if err := w.loop.Run(); err != nil {
		panic(fmt.Sprintf("event loop: %v", err))
	}
	w.relays.Close()
}

func (ws *workers) stop() {
	for _, w := range ws.all {
		w.loop.Stop()
	}
	ws.done.Wait()
	ws.all = nil
}

// endSessions ends what is still running.
func (ws *workers) endSessions() {
	for _, w := range ws.all {
		w.loop.Post(w.endSessions)
	}
}

func (w *worker) endSessions() {
	for s := w.sessions.first; s != nil; {
		following := s.nextSession
		if s.loopTransport.relays {
			s.loopTransport.relayer.Stop()
		} else {
			s.loopTransport.server.Abort()
			s.loopTransport.client.Abort()
		}
		s = following
	}
}

// sockaddr returns the kernel's form of a peer's address.
func (w *worker) sockaddr(p *upstream.Peer) *loop.Sockaddr {
	a := p.Addr()
	if sa := w.sockaddrs[a]; sa != nil {
		return sa
	}
	sa := loop.IPSockaddr(a.AddrPort())
	if a.IsUnix() {
		sa = loop.UnixSockaddr(a.Path())
	}
	if len(w.sockaddrs) >= maxSockaddrs {
		clear(w.sockaddrs)
	}
	w.sockaddrs[a] = sa
	return sa
}

// listenerSocket is the system's side of a listener.
type listenerSocket struct {
	fds        []int // one, or one for each loop with reuseport
	acceptors  []*acceptor
	goroutines []net.Listener   // for TLS
	packets    []net.PacketConn // for UDP
}

// acceptor takes the connections of one listener on one loop.
type acceptor struct {
	ln     *listener
	worker *worker
	from   *loop.Listener
}

// open binds the socket, or one for each loop.
func (ln *listener) open(loops int) error {
	n := 1
	if ln.opt.ReusePort {
		n = loops
	}
	for range n {
		fd, err := openSocket(ln.addr, &ln.opt)
		if err != nil {
			ln.closeSockets()
			return err
		}
		ln.socket.fds = append(ln.socket.fds, fd)
	}
	return nil
}

// start begins to accept.
func (ln *listener) start() error {
	switch {
	case ln.opt.UDP:
		return ln.startPackets()
	case ln.needsGoroutines():
		return ln.startGoroutine()
	}
	for i, w := range ln.server.workers.all {
		a := &acceptor{ln: ln, worker: w}
		fd := ln.socket.fds[i%len(ln.socket.fds)]
		ln.socket.acceptors = append(ln.socket.acceptors, a)
		w.loop.Post(func() {
			var err error
			if a.from, err = w.loop.Listen(fd, a); err != nil {
				ln.acceptFailed(err)
			}
		})
	}
	return nil
}

// needsGoroutines reports whether a server behind the socket cannot run on an
// event loop.
func (ln *listener) needsGoroutines() bool {
	p := ln.places.Load()
	return p.any.ssl || p.any.def.proxy.dial.dialer != nil
}

// close stops accepting and closes the socket.
func (ln *listener) close() {
	for _, l := range ln.socket.goroutines {
		l.Close()
	}
	for _, p := range ln.socket.packets {
		p.Close()
	}
	var stopped sync.WaitGroup
	for _, a := range ln.socket.acceptors {
		stopped.Add(1)
		a.worker.loop.Post(func() {
			if a.from != nil {
				a.from.Close()
			}
			stopped.Done()
		})
	}
	stopped.Wait()
	ln.closeSockets()
	if ln.addr.IsUnix() {
		_ = unix.Unlink(ln.addr.Path())
	}
}

func (ln *listener) closeSockets() {
	for _, fd := range ln.socket.fds {
		unix.Close(fd)
	}
	ln.socket.fds = nil
}

func (ln *listener) netAddr() net.Addr {
	sa, err := loop.Sockname(ln.socket.fds[0])
	if err != nil {
		return nil
	}
	if ln.addr.IsUnix() {
		return &net.UnixAddr{Name: ln.addr.Path(), Net: "unix"}
	}
	return net.TCPAddrFromAddrPort(sa.AddrPort())
}

// dup makes a descriptor for package net, which closes the one it is given.
func dup(fd int) int {
	n, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return -1
	}
	return n
}

func isAborted(err error) bool { return errors.Is(err, syscall.ECONNABORTED) }

// AcceptFailed is [loop.Acceptor]'s.
func (a *acceptor) AcceptFailed(err error) { a.ln.acceptFailed(err) }

// Accepted begins a session.
func (a *acceptor) Accepted(fd int, peer *loop.Sockaddr) {
	w := a.worker
	at := a.ln.places.Load()
	if !w.room(at.gen) {
		unix.Close(fd)
		return
	}
	s := w.take()
	t := &s.loopTransport
	t.session, t.worker, t.nodelay = s, w, true
	t.client.Init(w.loop, fd)
	s.transport = t
	s.gen, s.ln, s.remote = at.gen, a.ln, endpointOf(peer)
	s.place, s.local = at.find(t.localAddr)
	s.srv = s.place.def
	w.sessions.add(s)
	at.gen.enter()
	w.loop.Go((*sessionTask)(s))
}

// room counts a connection, unless there are as many as worker_connections
// allows.
func (w *worker) room(gen *generation) bool {
	if limit := gen.conf.Connections; limit > 0 && w.used.Load() >= int64(limit) {
		gen.errorLog.Write(errlog.Alert, errlog.Record{Text: fmt.Sprintf("%d worker_connections are not enough", limit)})
		return false
	}
	w.used.Add(1)
	return true
}

// take returns a session that is as good as new.
func (w *worker) take() *Session {
	if n := len(w.spare); n > 0 {
		s := w.spare[n-1]
		w.spare = w.spare[:n-1]
		return s
	}
	return &Session{}
}

// maxSpare bounds the ended sessions kept for reuse.
const maxSpare = 1024

// released is called when a session is over.
func (t *loopTransport) released() {
	s, w := t.session, t.worker
	w.used.Add(-1)
	w.sessions.remove(s)
	s.reset()
	if len(w.spare) < maxSpare {
		w.spare = append(w.spare, s)
	}
}

// sessionTask is a Session as a task of a loop.
type sessionTask Session

func (t *sessionTask) Run() { (*Session)(t).serve() }

// sessionList links running sessions.
type sessionList struct{ first *Session }

func (l *sessionList) add(s *Session) {
	s.nextSession, s.prevSession = l.first, nil
	if l.first != nil {
		l.first.prevSession = s
	}
	l.first = s
}

func (l *sessionList) remove(s *Session) {
	if s.prevSession != nil {
		s.prevSession.nextSession = s.nextSession
	} else {
		l.first = s.nextSession
	}
	if s.nextSession != nil {
		s.nextSession.prevSession = s.prevSession
	}
}
