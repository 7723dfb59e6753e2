package stream

// transport_net.go - sessions on a goroutine, over any net.Conn: TLS, listeners
// and dialers of library users, and systems without epoll.

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/gostream/gostream/internal/relay"
	"github.com/gostream/gostream/upstream"
)

type netTransport struct {
	session  *Session
	accepted net.Conn // what was accepted
	client   net.Conn // the same, or TLS on it
	server   net.Conn
	peeked   []byte // taken from client and not yet handed on
	copier   relay.Copier
	packets  *relay.DatagramCopier // in place of copier, of UDP

	slots   *slots // where the connections are counted
	counted bool   // server is, too

	life context.Context // of the session, unless abort ends it
	end  context.CancelFunc
}

// abort ends what the session waits for, as if its time were up. It may be
// called from any goroutine.
func (t *netTransport) abort() {
	t.end()
	_ = t.accepted.SetDeadline(longAgo)
}

var longAgo = time.Unix(1, 0)

// by keeps abort effective when a deadline is set.
func (t *netTransport) by(deadline time.Time, set func(time.Time) error) {
	_ = set(deadline)
	if t.life.Err() != nil {
		_ = set(longAgo)
	}
}

func (t *netTransport) now() time.Time { return time.Now() }

// peek reads and keeps: what was peeked at comes first later.
func (t *netTransport) peek(p []byte, seen int, deadline time.Time) (int, error) {
	if len(t.peeked) <= seen {
		t.by(deadline, t.client.SetReadDeadline)
		n, err := t.client.Read(p[seen:])
		_ = t.client.SetReadDeadline(time.Time{})
		t.peeked = append(t.peeked, p[seen:seen+n]...)
		if n == 0 && err != nil {
			return 0, plainError(err)
		}
	}
	return copy(p, t.peeked), nil
}

func (t *netTransport) discard(n int) error {
	t.peeked = t.peeked[n:]
	return nil
}

// unread is the client with the bytes that were peeked at put back.
func (t *netTransport) unread() net.Conn {
	if len(t.peeked) == 0 {
		return t.client
	}
	conn := &unreadConn{Conn: t.client, first: t.peeked}
	t.peeked = nil
	return conn
}

// unreadConn is a connection whose first bytes are in memory.
type unreadConn struct {
	net.Conn
	first []byte
}

func (c *unreadConn) Read(p []byte) (int, error) {
	if len(c.first) == 0 {
		return c.Conn.Read(p)
	}
	n := copy(p, c.first)
	c.first = c.first[n:]
	return n, nil
}

func (t *netTransport) write(p []byte, timeout time.Duration) (int, error) {
	t.by(time.Now().Add(timeout), t.client.SetWriteDeadline)
	n, err := t.client.Write(p)
	return n, plainError(err)
}

func (t *netTransport) await(start func(done func()) (cancel func())) error {
	called := make(chan struct{})
	cancel := start(sync.OnceFunc(func() { close(called) }))
	select {
	case <-called:
		return nil
	case <-t.life.Done():
		cancel()
		return os.ErrDeadlineExceeded
	}
}

// refuse has nothing to do: only what was peeked at has been read.
func (t *netTransport) refuse() {}

// consumed is for TLS: what was read of the plain text cannot be put back.
func (t *netTransport) consumed() bool { return t.client != t.accepted && len(t.peeked) > 0 }

func (t *netTransport) toGoroutine(*socketPlan) Status { return passed }

func (t *netTransport) setNoDelay(on bool) {
	if tcp, ok := t.accepted.(interface{ SetNoDelay(bool) error }); ok {
		_ = tcp.SetNoDelay(on)
	}
}

func (t *netTransport) localAddr() endpoint { return endpointOfNet(t.client.LocalAddr()) }

func (t *netTransport) upstreamAddr() endpoint {
	if t.server == nil {
		return endpoint{}
	}
	return endpointOfNet(t.server.LocalAddr())
}

// endpointOfNet reads the addresses of package net. Of other networks it takes the
// text, which may be that of an IP address.
func endpointOfNet(a net.Addr) endpoint {
	switch a := a.(type) {
	case *net.TCPAddr:
		return endpointOfIP(a.AddrPort())
	case *net.UDPAddr:
		return endpointOfIP(a.AddrPort())
	case *net.UnixAddr:
		switch {
		case a == nil:
			return endpoint{}
		case a.Name == "@": // not bound
			return endpoint{unix: true}
		}
		return endpoint{unix: true, text: a.Name}
	case nil:
		return endpoint{}
	}
	if ap, err := netip.ParseAddrPort(a.String()); err == nil {
		return endpointOfIP(ap)
	}
	return endpoint{text: a.String()}
}

// endpointOfIP leaves out the zone, as the event loops do: no network of a
// configuration contains an address with one.
func endpointOfIP(ap netip.AddrPort) endpoint {
	if !ap.IsValid() {
		return endpoint{}
	}
	return endpoint{ip: netip.AddrPortFrom(ap.Addr().WithZone(""), ap.Port())}
}

func (t *netTransport) connect(peer *upstream.Peer, o *dialOptions) (err error) {
	if !t.slots.take(t.session.gen) {
		return errNoConnections
	}
	t.counted = true
	ctx, cancel := context.WithTimeout(t.life, o.timeout)
	defer cancel()
	to := peer.Addr()
	network := to.Network()
	if t.session.udp {
		network = map[string]string{"tcp": "udp", "unix": "unixgram"}[network]
	}
	if o.dialer != nil {
		t.session.gen.nextConnection()
		t.server, err = o.dialer(ctx, network, to.HostPort())
	} else {
		t.server, err = t.dialer(o, to.IsUnix()).DialContext(ctx, network, to.HostPort())
	}
	if err != nil {
		t.server = nil
		return connectError(err, t.session.udp || to.IsUnix())
	}
	if tcp, ok := t.server.(*net.TCPConn); ok {
		_ = tcp.SetNoDelay(o.nodelay)
	}
	return nil
}

// dialer makes the sockets of connections to servers, and numbers them.
func (t *netTransport) dialer(o *dialOptions, toUnix bool) *net.Dialer {
	keepAlive := KeepAlive{Enabled: Off}
	if o.keepalive {
		keepAlive.Enabled = On
	}
	d := &net.Dialer{KeepAlive: -1, KeepAliveConfig: keepAlive.config()}
	t.session.prepareDialer(d, o, toUnix)
	prepare := d.Control
	d.Control = func(network, address string, raw syscall.RawConn) error {
		if prepare != nil {
			if err := prepare(network, address, raw); err != nil {
				return err
			}
		}
		t.session.gen.nextConnection()
		return nil
	}
	return d
}

// connectError is plainError, except that it tells, as an event loop does, what
// failed before a packet was sent. Package net does not: an errno that can be
// both is taken for the one that is seen more.
func connectError(err error, atOnce bool) error {
	var call *os.SyscallError
	if errors.As(err, &call) && call.Syscall == "socket" {
		return noSocket(call)
	}
	err = plainError(err)
	switch errno, _ := err.(syscall.Errno); errno {
	case 0:
		return err
	case syscall.ENETUNREACH, syscall.EADDRNOTAVAIL, syscall.EACCES, syscall.EPERM, syscall.EINVAL:
		atOnce = true
	}
	if atOnce {
		return os.NewSyscallError("connect()", err)
	}
	return err
}

// plainError takes the wrapping of package net off.
func plainError(err error) error {
	var errno syscall.Errno
	var local *localError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &local):
		return local
	case errors.As(err, &errno):
		return errno
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return os.ErrDeadlineExceeded
	}
	return err
}

func (t *netTransport) relay(first []byte) Status {
	s, c, run := t.session, &t.copier, t.copier.Run
	if s.udp {
		t.packets = &relay.DatagramCopier{Full: t.accepted.(*datagramConn).forget}
		c, run = &t.packets.Copier, t.packets.Run
	}
	c.Options, c.Rates, c.Client, c.Upstream = s.srv.proxy.relay, s.rates(), t.client, t.server
	c.ToUpstream, c.FromClient, c.FirstByte = first, t.peeked, s.firstByte
	c.Error, c.Panic, c.Quit = s.relayError, s.logPanic, t.life.Done()
	return s.relayEnd(run())
}

func (t *netTransport) counters() relay.Counters {
	if t.packets != nil {
		return t.packets.Counters()
	}
	return t.copier.Counters()
}

func (t *netTransport) closeUpstream() {
	if t.server != nil {
		t.server.Close()
		t.server = nil
	}
	if t.counted {
		t.counted = false
		t.slots.release()
	}
}

func (t *netTransport) close() { t.client.Close() }
