package stream

// transport_linux.go - sessions on an event loop.

import (
	"os"
	"time"

	"golang.org/x/sys/unix"

	loop "github.com/gostream/gostream/internal/evloop"
	relay "github.com/gostream/gostream/internal/pump"
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
	relays  bool   // relayer has been started
}

func (t *loopTransport) now() time.Time { return t.worker.loop.Now() }

func (t *loopTransport) peek(p []byte, seen int, deadline time.Time) (int, error) {
	return t.client.Peek(p, seen, deadline)
}

func (t *loopTransport) discard(n int) error { return t.client.Discard(n) }

func (t *loopTransport) write(p []byte, timeout time.Duration) (int, error) {
	return t.client.Write(p, timeout)
}

func (t *loopTransport) drain(max int) int {
	n, _ := t.client.TryRead(t.worker.loop.Scratch(max)[:max])
	n += len(t.early)
	t.worker.relays.Drop(t.early)
	t.early = nil
	return n
}

// setNoDelay mostly has nothing to do: accepted sockets inherit TCP_NODELAY
// from the listening one.
func (t *loopTransport) setNoDelay(on bool) {
	if on == t.nodelay || t.session.ln.addr.IsUnix() {
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
	return endpoint{ip: sa.AddrPort(), path: sa.Path()}
}

func (t *loopTransport) connect(peer *upstream.Peer, o *dialOptions) error {
	to := t.worker.sockaddr(peer)
	if t.early == nil && t.client.Readable() {
		t.early = t.worker.relays.Early(&t.client, t.session.srv.proxy.relay.BufferSize)
	}
	d := loop.Dial{To: to, Timeout: o.timeout, Sends: t.early != nil && to.Family() != unix.AF_UNIX}
	if to.Family() == unix.AF_UNIX || !o.nodelay && !o.keepalive {
		return t.server.Connect(t.worker.loop, &d)
	}
	if d.Prepare = prepareNodelay; o.keepalive {
		d.Prepare = o.prepare
	}
	return t.server.Connect(t.worker.loop, &d)
}

// prepareNodelay is the usual preparation; being no closure it costs nothing.
func prepareNodelay(fd int) error {
	return os.NewSyscallError("setsockopt(TCP_NODELAY)", loop.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1))
}

func (o *dialOptions) prepare(fd int) error {
	if o.keepalive {
		if err := loop.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1); err != nil {
			return os.NewSyscallError("setsockopt(SO_KEEPALIVE)", err)
		}
	}
	if o.nodelay {
		return prepareNodelay(fd)
	}
	return nil
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

func (t *loopTransport) closeUpstream() { t.server.Close() }

func (t *loopTransport) close() { t.client.Close() }

// relayHandler makes the methods that the relay calls no part of Session's API.
type relayHandler Session

func (h *relayHandler) RelayError(e *relay.Error) { (*Session)(h).relayError(e) }

func (h *relayHandler) RelayDone(end relay.End) {
	s := (*Session)(h)
	defer s.recover()
	s.finish(s.relayEnd(end))
}
