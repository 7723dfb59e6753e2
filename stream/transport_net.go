package stream

// transport_net.go - sessions on a goroutine, over any net.Conn: TLS, listeners
// and dialers of library users, and systems without epoll.

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	relay "github.com/gostream/gostream/internal/pump"
	"github.com/gostream/gostream/upstream"
)

type netTransport struct {
	session *Session
	client  net.Conn
	server  net.Conn
	peeked  []byte // taken from client and not yet handed on
	copier  relay.Copier
}

func (t *netTransport) now() time.Time { return time.Now() }

// peek reads and keeps: what was peeked at comes first later.
func (t *netTransport) peek(p []byte, seen int, deadline time.Time) (int, error) {
	if len(t.peeked) <= seen {
		_ = t.client.SetReadDeadline(deadline)
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

func (t *netTransport) write(p []byte, timeout time.Duration) (int, error) {
	_ = t.client.SetWriteDeadline(time.Now().Add(timeout))
	n, err := t.client.Write(p)
	return n, plainError(err)
}

// drain leaves the bytes alone: here a look at the client would wait.
func (t *netTransport) drain(int) int { return 0 }

func (t *netTransport) setNoDelay(on bool) {
	if tcp, ok := t.client.(interface{ SetNoDelay(bool) error }); ok {
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

// endpointOfNet reads the addresses of package net; those of other networks
// become paths.
func endpointOfNet(a net.Addr) endpoint {
	switch a := a.(type) {
	case *net.TCPAddr:
		return endpoint{ip: a.AddrPort()}
	case *net.UDPAddr:
		return endpoint{ip: a.AddrPort()}
	case *net.UnixAddr:
		if a == nil || a.Name == "@" {
			return endpoint{}
		}
		return endpoint{path: a.Name}
	case nil:
		return endpoint{}
	}
	if ap, err := netip.ParseAddrPort(a.String()); err == nil {
		return endpoint{ip: ap}
	}
	return endpoint{path: a.String()}
}

func (t *netTransport) connect(peer *upstream.Peer, o *dialOptions) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), o.timeout)
	defer cancel()
	to := peer.Addr()
	if o.dialer != nil {
		t.server, err = o.dialer(ctx, to.Network(), to.HostPort())
	} else {
		d := net.Dialer{KeepAlive: -1}
		if o.keepalive {
			d.KeepAlive = 0
		}
		t.server, err = d.DialContext(ctx, to.Network(), to.HostPort())
	}
	if err != nil {
		t.server = nil
		return plainError(err)
	}
	if tcp, ok := t.server.(*net.TCPConn); ok {
		_ = tcp.SetNoDelay(o.nodelay)
	}
	return nil
}

// plainError takes the wrapping of package net off.
func plainError(err error) error {
	var errno syscall.Errno
	switch {
	case err == nil:
		return nil
	case errors.As(err, &errno):
		return errno
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return os.ErrDeadlineExceeded
	}
	return err
}

func (t *netTransport) relay(first []byte) Status {
	s := t.session
	t.copier = relay.Copier{
		Options: s.srv.proxy.relay, Rates: s.rates(), Client: t.client, Upstream: t.server,
		ToUpstream: first, FromClient: t.peeked, Error: s.relayError,
	}
	return s.relayEnd(t.copier.Run())
}

func (t *netTransport) counters() relay.Counters { return t.copier.Counters() }

func (t *netTransport) closeUpstream() {
	if t.server != nil {
		t.server.Close()
		t.server = nil
	}
}

func (t *netTransport) close() { t.client.Close() }
