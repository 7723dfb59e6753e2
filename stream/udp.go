package stream

// udp.go - listen ... udp: one session for each datagram that comes from a
// client without one. Only return is served over UDP so far.
//
// That proxy_pass is refused there, see docs/differences-from-nginx.md.

import (
	"io"
	"net"
	"slices"
	"time"
)

const maxDatagram = 65535

// refuseDatagrams refuses a server that would pass datagrams to an upstream.
func (c *ServerConfig) refuseDatagrams() error {
	if slices.ContainsFunc(c.Listen, func(l Listen) bool { return l.UDP }) {
		return c.passAt.Errorf("\"proxy_pass\" directive is not supported in a server with \"listen ... udp\"")
	}
	return nil
}

// startPackets serves a datagram socket.
func (ln *listener) startPackets() error {
	for _, sk := range ln.sockets {
		conn, err := sk.packetConn()
		if err != nil {
			return err
		}
		ln.packets = append(ln.packets, conn)
		go ln.receive(conn)
	}
	return nil
}

func (ln *listener) receive(conn net.PacketConn) {
	buf := make([]byte, maxDatagram)
	for {
		n, from, err := conn.ReadFrom(buf)
		if err != nil {
			return
		}
		ln.serveDatagram(&datagramConn{PacketConn: conn, peer: from, first: append([]byte(nil), buf[:n]...)})
	}
}

// serveDatagram runs the session of a client's datagram.
func (ln *listener) serveDatagram(conn *datagramConn) {
	at := ln.places.Load()
	if !ln.server.slots.takeClient(at) {
		return
	}
	s := ln.newNetSession(at, conn, &ln.server.slots)
	s.udp, s.bytesReceived = true, int64(len(conn.first))
	s.serve()
}

// datagramConn makes the exchange with one client look like a connection.
type datagramConn struct {
	net.PacketConn
	peer  net.Addr
	first []byte
}

func (c *datagramConn) RemoteAddr() net.Addr { return c.peer }

func (c *datagramConn) Read(p []byte) (int, error) {
	if c.first == nil {
		return 0, io.EOF
	}
	n := copy(p, c.first)
	c.first = nil
	return n, nil
}

func (c *datagramConn) Write(p []byte) (int, error) { return c.WriteTo(p, c.peer) }

// Close leaves the socket, which other clients use, open; so do the deadlines.
func (c *datagramConn) Close() error { return nil }

// SetDeadline and its kin do nothing: datagrams are never waited for.
func (c *datagramConn) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing.
func (c *datagramConn) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing.
func (c *datagramConn) SetWriteDeadline(time.Time) error { return nil }
