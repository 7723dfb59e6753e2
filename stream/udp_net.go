package stream

// udp_net.go - sessions of datagrams on goroutines: for systems without epoll,
// and for servers with a dialer of their own.

import (
	"errors"
	"iter"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/gostream/gostream/internal/guard"
)

const (
	maxDatagram = 65535

	// maxWaiting is how many datagrams of a client wait for its session.
	maxWaiting = 64
)

// packetServer receives the datagrams of a socket.
type packetServer struct {
	ln    *listener
	local endpoint // that the socket is bound to
	conn  addressedConn

	mu      sync.Mutex
	clients map[datagramKey]*datagramConn
}

// startPackets serves datagram sockets on goroutines.
func (ln *listener) startPackets() error {
	for _, sk := range ln.sockets {
		conn, err := sk.packetConn()
		if err != nil {
			return err
		}
		ln.packets = append(ln.packets, conn)
		p := &packetServer{ln: ln, local: endpointOfNet(ln.netAddr()), conn: addressed(conn), clients: map[datagramKey]*datagramConn{}}
		ln.server.accepting.enter()
		guard.Go("receiving", ln.panicked, p.run)
	}
	return nil
}

func (p *packetServer) run() {
	defer p.ln.server.accepting.leave()
	buf := make([]byte, maxDatagram)
	for {
		n, from, local, err := p.conn.receive(buf)
		if err == nil {
			guard.Run("receiving", p.ln.panicked, func() { p.received(slices.Clone(buf[:n]), from, local) })
			continue
		}
		if p.ln.life.Err() != nil || errors.Is(err, net.ErrClosed) {
			return
		}
		p.ln.receiveFailed(plainError(err))
		if !p.ln.wait(shortestPause) {
			return
		}
	}
}

// received gives a datagram to the session of its client, or begins one.
func (p *packetServer) received(data []byte, from net.Addr, local netip.Addr) {
	key := datagramKey{remote: p.ln.remoteOf(from), local: local}
	if p.known(key, data) {
		return
	}
	at := p.ln.admit(&p.ln.server.slots)
	if at == nil {
		return
	}
	c := newDatagramConn(key, p.sentTo(local))
	c.answer = func(b []byte) error { return p.conn.send(b, from, local) }
	c.forget = func() {
		p.forget(key, c)
		for data := range c.left() {
			p.received(data, from, local)
		}
	}
	if key.known() {
		p.mu.Lock()
		p.clients[key] = c
		p.mu.Unlock()
	}
	p.ln.serveDatagrams(at, c, data, &p.ln.server.slots)
}

// sentTo is the local address of a session: that of the socket, or the one that
// its first datagram was sent to.
func (p *packetServer) sentTo(local netip.Addr) endpoint {
	at := p.local
	if local.IsValid() {
		at.ip = netip.AddrPortFrom(local, at.ip.Port())
	}
	return at
}

// known gives a datagram to the session of its client, if there is one.
func (p *packetServer) known(key datagramKey, data []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.clients[key]
	if c != nil {
		c.received(data)
	}
	return c != nil
}

func (p *packetServer) forget(key datagramKey, c *datagramConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.clients[key] == c {
		delete(p.clients, key)
	}
}

// serveDatagrams begins a session for a client that was admitted.
func (ln *listener) serveDatagrams(at *places, c *datagramConn, first []byte, n *slots) {
	s := ln.newNetSession(at, c, n)
	s.remote, s.local, s.place = c.remote, c.local, at.lookup(c.local)
	s.srv = s.place.def
	s.udp, s.bytesReceived = true, int64(len(first))
	s.transport.(*netTransport).peeked = first
	s.goOn()
}

// datagramConn makes the exchange with one client look like a connection.
type datagramConn struct {
	remote, local endpoint
	answer        func([]byte) error
	forget        func() // makes the next datagram begin another session

	waiting chan []byte
	ended   chan struct{} // closed when nothing is to be read any more
	end     func()
}

func newDatagramConn(key datagramKey, local endpoint) *datagramConn {
	c := &datagramConn{remote: key.remote, local: local,
		waiting: make(chan []byte, maxWaiting), ended: make(chan struct{})}
	c.end = sync.OnceFunc(func() { close(c.ended) })
	return c
}

func packetAddr(e endpoint) net.Addr {
	if e.unix {
		return &net.UnixAddr{Name: e.text, Net: "unixgram"}
	}
	return net.UDPAddrFromAddrPort(e.ip)
}

// received takes a later datagram of the client, unless too many wait.
func (c *datagramConn) received(p []byte) {
	select {
	case c.waiting <- slices.Clone(p):
	default:
	}
}

// left are the datagrams that the session has not read. They begin another one.
func (c *datagramConn) left() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for {
			select {
			case p := <-c.waiting:
				if !yield(p) {
					return
				}
			default:
				return
			}
		}
	}
}

func (c *datagramConn) LocalAddr() net.Addr { return packetAddr(c.local) }

func (c *datagramConn) RemoteAddr() net.Addr { return packetAddr(c.remote) }

func (c *datagramConn) Read(p []byte) (int, error) {
	select {
	case d := <-c.waiting:
		return copy(p, d), nil
	case <-c.ended:
		return 0, os.ErrDeadlineExceeded
	}
}

func (c *datagramConn) Write(p []byte) (int, error) {
	if err := c.answer(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Close leaves the socket, which other clients use, open.
func (c *datagramConn) Close() error {
	c.forget()
	return nil
}

// SetDeadline ends reading if the time is past. Nothing else is ever waited for.
func (c *datagramConn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

func (c *datagramConn) SetReadDeadline(t time.Time) error {
	if !t.IsZero() && time.Now().After(t) {
		c.end()
	}
	return nil
}

func (c *datagramConn) SetWriteDeadline(time.Time) error { return nil }
