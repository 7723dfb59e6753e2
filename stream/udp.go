package stream

// udp.go - listen ... udp: one session for each datagram that comes from a
// client without one. Only return is served over UDP so far.

import (
	"io"
	"net"
	"os"
	"time"
)

const maxDatagram = 65535

// startPackets serves a datagram socket.
func (ln *listener) startPackets() error {
	for _, fd := range ln.socket.fds {
		file := os.NewFile(uintptr(dup(fd)), ln.text)
		conn, err := net.FilePacketConn(file)
		file.Close()
		if err != nil {
			return err
		}
		ln.socket.packets = append(ln.socket.packets, conn)
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
	s := &Session{gen: at.gen, ln: ln, udp: true, remote: endpointOfNet(conn.peer), bytesReceived: int64(len(conn.first))}
	t := &netTransport{session: s, client: conn}
	s.transport = t
	s.place, s.local = at.find(t.localAddr)
	s.srv = s.place.def
	at.gen.enter()
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
