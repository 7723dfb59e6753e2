//go:build unix

package conformance

import (
	"io"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Datagrams of scripts. A client is a connected socket, and what comes is
// recorded datagram by datagram. A backend takes all that comes from one address
// for a connection, which ends when the server has ended.

// packetListener makes connections of what a socket receives.
type packetListener struct {
	socket *net.UDPConn

	mu     sync.Mutex
	conns  map[netip.AddrPort]*packetConn
	fresh  chan *packetConn
	closed bool
}

func listenPackets(_, address string) (net.Listener, error) {
	at, err := net.ResolveUDPAddr("udp", address)
	if err != nil {
		return nil, err
	}
	socket, err := net.ListenUDP("udp", at)
	if err != nil {
		return nil, err
	}
	l := &packetListener{socket: socket, conns: map[netip.AddrPort]*packetConn{}, fresh: make(chan *packetConn, 1000)}
	go l.run()
	return l, nil
}

func (l *packetListener) run() {
	buffer := make([]byte, 64<<10)
	for {
		n, from, err := l.socket.ReadFromUDPAddrPort(buffer)
		if err != nil || from == l.own() {
			l.end()
			return
		}
		l.mu.Lock()
		c := l.conns[from]
		if c == nil {
			c = &packetConn{UDPConn: l.socket, peer: from, in: make(chan []byte, 1000)}
			l.conns[from] = c
			l.fresh <- c
		}
		l.mu.Unlock()
		c.in <- slices.Clone(buffer[:n])
	}
}

// own is the address of the socket itself: a datagram from there is the last.
func (l *packetListener) own() netip.AddrPort {
	return l.socket.LocalAddr().(*net.UDPAddr).AddrPort()
}

// last makes the connections end after what has come by now.
func (l *packetListener) last() {
	_, _ = l.socket.WriteToUDPAddrPort(nil, l.own())
}

// end ends all connections.
func (l *packetListener) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.closed = true
	for _, c := range l.conns {
		close(c.in)
	}
	close(l.fresh)
}

// Accept is [net.Listener]'s.
func (l *packetListener) Accept() (net.Conn, error) {
	c, ok := <-l.fresh
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

// Close ends the socket.
func (l *packetListener) Close() error { return l.socket.Close() }

// Addr is [net.Listener]'s.
func (l *packetListener) Addr() net.Addr { return l.socket.LocalAddr() }

// packetConn is what comes from one address.
type packetConn struct {
	*net.UDPConn // shared by all
	peer         netip.AddrPort
	in           chan []byte
}

func (c *packetConn) RemoteAddr() net.Addr { return net.UDPAddrFromAddrPort(c.peer) }

func (c *packetConn) Read(b []byte) (int, error) {
	p, ok := <-c.in
	if !ok {
		return 0, io.EOF
	}
	return copy(b, p), nil
}

func (c *packetConn) Write(b []byte) (int, error) { return c.WriteToUDPAddrPort(b, c.peer) }

// Close leaves the socket open.
func (c *packetConn) Close() error { return nil }

// endPackets ends what backends take for connections, once the server has ended
// and nothing can come any more.
func (s *stage) endPackets() {
	for _, b := range s.backends {
		if l, ok := b.listener.(*packetListener); ok {
			l.last()
		}
	}
}

// settlePackets is settle for such a backend.
func (b *backend) settlePackets() (all []*peer, err error) {
	<-b.ended
	for len(b.accepted) > 0 {
		p := <-b.accepted
		if err := p.ended(); err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// isPackets reports whether a connection is one of datagrams.
func isPackets(conn net.Conn) bool {
	switch conn.(type) {
	case *net.UDPConn, *packetConn:
		return true
	}
	return false
}

// packets is what a peer has received, datagram by datagram.
func (p *peer) packets(s *stage) string {
	var texts []string
	rest := p.got
	for _, size := range p.sizes {
		texts = append(texts, strconv.Quote(s.normal(readableHeader(string(rest[:size])))))
		rest = rest[size:]
	}
	if texts == nil {
		return "nothing"
	}
	return strings.Join(texts, " ")
}
