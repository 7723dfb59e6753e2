package stream

// transport_linux.go - sessions on an event loop.

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/gostream/gostream/internal/errlog"
	"github.com/gostream/gostream/internal/loop"
	"github.com/gostream/gostream/internal/relay"
	"github.com/gostream/gostream/upstream"
)

// loopTransport is part of the Session, so that a session is one piece of
// memory.
type loopTransport struct {
	session *Session
	worker  *worker
	client  loop.Conn
	server  loop.Conn
	relayer relay.Relay
	early   []byte // read from the client while there was no upstream yet
	nodelay bool   // is set on the client's socket
	counted bool   // server is among the worker's connections
	relays  bool   // relayer has been started

	following, preceding *Session // on the same loop
}

func (t *loopTransport) now() time.Time { return t.worker.loop.Now() }

func (t *loopTransport) peek(p []byte, seen int, deadline time.Time) (int, error) {
	return t.client.Peek(p, seen, deadline)
}

func (t *loopTransport) discard(n int) error { return t.client.Discard(n) }

func (t *loopTransport) write(p []byte, timeout time.Duration) (int, error) {
	return t.client.Write(p, timeout)
}

func (t *loopTransport) await(start func(done func()) (cancel func())) error {
	return t.client.Await(start)
}

func (t *loopTransport) refuse() {
	if t.early == nil {
		return
	}
	t.worker.relays.Drop(t.early)
	t.early = nil
	_ = unix.SetsockoptLinger(t.client.FD(), unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
}

func (t *loopTransport) consumed() bool { return false }

// setNoDelay mostly has nothing to do: accepted sockets inherit TCP_NODELAY
// from the listening one.
func (t *loopTransport) setNoDelay(on bool) {
	if on == t.nodelay {
		return
	}
	value := 0
	if on {
		value = 1
	}
	_ = loop.SetsockoptInt(t.client.FD(), unix.IPPROTO_TCP, unix.TCP_NODELAY, value)
	t.nodelay = on
}

func (t *loopTransport) localAddr() endpoint { return sockname(t.client.FD()) }

func (t *loopTransport) upstreamAddr() endpoint { return sockname(t.server.FD()) }

func sockname(fd int) endpoint {
	sa, err := loop.Sockname(fd)
	if err != nil {
		return endpoint{}
	}
	return endpointOf(&sa)
}

func endpointOf(sa *loop.Sockaddr) endpoint {
	return endpoint{ip: sa.AddrPort(), unix: sa.Family() == unix.AF_UNIX, text: sa.Path()}
}

func (t *loopTransport) connect(peer *upstream.Peer, o *dialOptions) error {
	if !t.worker.slots.take(t.session.gen) {
		return errNoConnections
	}
	t.counted = true
	to := t.worker.sockaddr(peer)
	if err := t.create(to, o); err != nil {
		return err
	}
	t.session.gen.nextConnection()
	// With a limit on what the client may send, the relay has to read all of it.
	if p := &t.session.srv.proxy; t.early == nil && to.Family() != unix.AF_UNIX && t.client.Readable() && noRate(p.uploadRate) {
		t.early = t.worker.relays.Early(&t.client, p.relay.BufferSize)
	}
	return t.server.Connect(&loop.Dial{To: to, Timeout: o.timeout, Sends: t.early != nil && to.Family() != unix.AF_UNIX})
}

// create makes the socket of the connection to a server.
func (t *loopTransport) create(to *loop.Sockaddr, o *dialOptions) error {
	if err := t.server.Create(t.worker.loop, to.Family()); err != nil {
		return noSocket(err)
	}
	fd, toUnix := t.server.FD(), to.Family() == unix.AF_UNIX
	var err error
	if o.tuned() || t.session.up.local != nil {
		err = t.session.prepareUpstream(fd, o, toUnix)
	}
	if err == nil && o.nodelay && !toUnix {
		if errno := loop.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); errno != nil {
			err = &localError{errlog.Alert, "setsockopt(TCP_NODELAY)", errno}
		}
	}
	if err != nil {
		t.server.Close()
	}
	return err
}

func (t *loopTransport) relay(first []byte) Status {
	s := t.session
	t.relays = true
	t.relayer.Start(t.worker.relays, [2]*loop.Conn{relay.Client: &t.client, relay.Upstream: &t.server}, &s.srv.proxy.relay, (*relayHandler)(s))
	if rates := s.rates(); rates != (relay.Rates{}) {
		t.relayer.Limit(rates)
	}
	early := t.early
	t.early = nil
	t.relayer.Run(first, early)
	return relaying
}

func (t *loopTransport) counters() relay.Counters {
	if !t.relays {
		return relay.Counters{}
	}
	return t.relayer.Counters()
}

func (t *loopTransport) closeUpstream() {
	t.server.Close()
	if t.counted {
		t.counted = false
		t.worker.slots.release()
	}
}

func (t *loopTransport) close() { t.client.Close() }

func (t *loopTransport) abort() {
	if t.relays {
		t.relayer.Stop()
		return
	}
	t.server.Abort()
	t.client.Abort()
}

// relayHandler makes the methods that the relay calls no part of Session's API.
type relayHandler Session

func (h *relayHandler) RelayError(e *relay.Error) { (*Session)(h).relayError(e) }

func (h *relayHandler) RelayPanicked(p any, stack []byte) { (*Session)(h).logPanic(p, stack) }

func (h *relayHandler) RelayFirstByte(at time.Time) { (*Session)(h).firstByte(at) }

func (h *relayHandler) RelayDone(end relay.End) {
	s := (*Session)(h)
	s.finish(s.relayEnd(end))
}
