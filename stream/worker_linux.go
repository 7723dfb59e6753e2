package stream

// worker_linux.go - event loops, and the sessions on them.

import (
	"fmt"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/gostream/gostream/internal/addr"
	"github.com/gostream/gostream/internal/errlog"
	"github.com/gostream/gostream/internal/loop"
	"github.com/gostream/gostream/internal/relay"
	"github.com/gostream/gostream/upstream"
)

// workers are the event loops of a Server.
type workers struct {
	all  []*worker
	turn int // whose it is to get the next datagram socket
	done sync.WaitGroup
}

// none reports whether sessions run on goroutines.
func (ws *workers) none() bool { return len(ws.all) == 0 }

// worker is an event loop with what its sessions share.
type worker struct {
	loop           *loop.Loop
	relays         *relay.Engine
	sessions       sessionList // those that are running
	spare          []*Session
	spareDatagrams []*datagramTransport
	sockaddrs      map[addr.Addr]*loop.Sockaddr
	slots          slots
}

// maxSockaddrs bounds the addresses remembered; proxy_pass with variables may
// name any number.
const maxSockaddrs = 4096

func (ws *workers) start(s *Server) error {
	c := s.gen.conf
	opt := loop.Options{
		Panic: func(p any, stack []byte) {
			s.log.Load().Write(errlog.Alert, panicRecord(p, stack))
		},
		Events: c.EventsAtOnce, MultiAccept: c.MultiAccept, AcceptPause: c.AcceptPause,
	}
	for range s.gen.workers() {
		l, err := loop.New(opt)
		if err != nil {
			ws.stop()
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
}

// endSessions ends what is still running.
func (ws *workers) endSessions() {
	for _, w := range ws.all {
		w.loop.Post(w.endSessions)
	}
}

func (w *worker) endSessions() {
	for s := w.sessions.first; s != nil; {
		following := s.loopTransport.following
		s.transport.abort()
		s = following
	}
}

// sockaddr returns the kernel's form of a peer's address.
func (w *worker) sockaddr(p *upstream.Peer) *loop.Sockaddr {
	a := p.Addr()
	if sa := w.sockaddrs[a]; sa != nil {
		return sa
	}
	sa := kernelForm(a)
	if len(w.sockaddrs) >= maxSockaddrs {
		clear(w.sockaddrs)
	}
	w.sockaddrs[a] = sa
	return sa
}

// acceptor takes the connections of one listener on one loop.
type acceptor struct {
	ln     *listener
	worker *worker
	from   *loop.Listener
}

// acceptors are those of one listener, one on each loop.
type acceptors []*acceptor

// startAcceptors begins to accept on the loops.
func (ln *listener) startAcceptors() {
	for i, w := range ln.server.workers.all {
		a := &acceptor{ln: ln, worker: w}
		sk := ln.sockets[i%len(ln.sockets)]
		ln.acceptors = append(ln.acceptors, a)
		w.loop.Post(func() {
			var err error
			if a.from, err = w.loop.Listen(int(sk), a); err != nil {
				ln.acceptFailed(err)
			}
		})
	}
}

// close returns when no loop accepts any more.
func (as acceptors) close() {
	var stopped sync.WaitGroup
	for _, a := range as {
		stopped.Add(1)
		a.worker.loop.Post(func() {
			if a.from != nil {
				a.from.Close()
			}
			stopped.Done()
		})
	}
	stopped.Wait()
}

// AcceptFailed is [loop.Acceptor]'s.
func (a *acceptor) AcceptFailed(err error) { a.ln.acceptFailed(err) }

// Accepted begins a session, on the loop if it can run there.
func (a *acceptor) Accepted(fd int, peer *loop.Sockaddr) {
	w := a.worker
	a.ln.accepted()
	at := a.ln.admit(&w.slots)
	if at == nil {
		unix.Close(fd)
		return
	}
	if at.onGoroutines {
		a.handOver(fd, endpointOf(peer), at)
		return
	}
	s := w.take()
	t := &s.loopTransport
	t.session, t.worker, t.nodelay = s, w, true
	t.client.Init(w.loop, fd)
	s.transport = t
	s.gen, s.ln, s.remote = at.gen, a.ln, endpointOf(peer)
	w.sessions.add(s)
	if !s.locate(at) {
		s.release()
		return
	}
	w.loop.Go((*sessionTask)(s))
}

// handOver gives a new connection to a goroutine.
func (a *acceptor) handOver(fd int, remote endpoint, at *places) {
	conn, err := newSocketConn(fd, remote, true)
	if err != nil {
		a.worker.slots.release()
		at.gen.leave()
		a.ln.acceptFailed(plainError(err))
		return
	}
	a.ln.serveNet(conn, at, &a.worker.slots, func() endpoint { return remote })
}

func (t *loopTransport) toGoroutine(at *socketPlan) Status {
	from := t.session
	conn, err := newSocketConn(t.client.Release(), from.remote, t.nodelay)
	if err != nil {
		from.log(errlog.Alert, "epoll_ctl() failed", plainError(err))
		return statusInternal
	}
	s := at.ln.newNetSession(&at.places, conn, &t.worker.slots)
	s.place, s.srv, s.remote, s.local = from.place, from.srv, from.remote, from.local
	s.number, s.passes, s.debugged, s.nodelay = from.number, from.passes, from.debugged, from.nodelay
	s.proxyHeader, s.headerRead, s.limits = from.proxyHeader, from.headerRead, from.limits
	from.limits = nil
	t.recycle() // the new session has its place among those of the generation
	s.goOn()
	return relaying
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
	t.worker.slots.release()
	t.recycle()
}

// recycle keeps the session's memory for another client.
func (t *loopTransport) recycle() {
	s, w := t.session, t.worker
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
	t := &s.loopTransport
	t.following, t.preceding = l.first, nil
	if l.first != nil {
		l.first.loopTransport.preceding = s
	}
	l.first = s
}

func (l *sessionList) remove(s *Session) {
	t := &s.loopTransport
	if t.preceding != nil {
		t.preceding.loopTransport.following = t.following
	} else {
		l.first = t.following
	}
	if t.following != nil {
		t.following.loopTransport.preceding = t.preceding
	}
}
