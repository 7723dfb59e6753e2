package loop

import (
	"io"
	"net"
	"syscall"
	"time"
)

// Conn is a non-blocking stream socket of a loop: TCP or unix. It is meant to be
// embedded: [Conn.Init] and [Loop.Connect] make it usable, without allocating.
//
// Read, Write, Peek, Discard and the other methods that wait may be called only
// in a [Task], by one task at a time. TryRead and TryWrite never wait. Errors are
// bare syscall.Errno values, io.EOF, os.ErrDeadlineExceeded, or net.ErrClosed
// after Close. Conn implements net.Conn, for crypto/tls.
type Conn struct {
	loop    *Loop
	handler Handler
	fd      int32
	serial  uint32 // of the registration; 0 if epoll does not know the descriptor
	flags   flags
	peeked  uint32 // bytes that Peek has seen and nobody has read
	read    int64  // deadlines, of the loop's count; 0 none
	write   int64
}

var _ net.Conn = (*Conn)(nil)

// flags are what is known of a socket. Sockets are taken for ready until a call
// has found otherwise, and are ready again when epoll says so.
type flags uint8

const (
	readable flags = 1 << iota
	writable
	hangup  // the peer has ended its direction, or an error is pending: the next read must not be spared
	arrived // something happened on the reading side since Peek looked last
	outlet  // registered for EPOLLOUT as well
	queued  // in Loop.again
	opened
)

// Init takes over a connected, non-blocking socket. Close closes it.
func (c *Conn) Init(l *Loop, fd int) {
	*c = Conn{loop: l, fd: int32(fd), flags: readable | writable | opened}
}

// FD returns the descriptor, or -1 if the connection is not open.
func (c *Conn) FD() int {
	if !c.Open() {
		return -1
	}
	return int(c.fd)
}

// Open reports whether the connection was made and not yet closed. The zero value
// is not open.
func (c *Conn) Open() bool { return c.flags&opened != 0 }

// Loop returns the loop that the connection belongs to.
func (c *Conn) Loop() *Loop { return c.loop }

// Readable reports whether TryRead is worth calling.
func (c *Conn) Readable() bool { return c.flags&readable != 0 }

// Writable reports whether TryWrite is worth calling.
func (c *Conn) Writable() bool { return c.flags&writable != 0 }

// TryRead reads what is there: at least a byte, or syscall.EAGAIN, or io.EOF.
//
// A read that does not fill p has emptied the socket, and the next TryRead says
// EAGAIN without asking the system. Only where epoll has reported the end of the
// stream, which might be right behind, is it asked again.
func (c *Conn) TryRead(p []byte) (int, error) {
	if c.flags&readable == 0 {
		return 0, syscall.EAGAIN
	}
	n, errno := recv(int(c.fd), p)
	switch {
	case errno == syscall.EAGAIN:
		c.flags &^= readable
		return 0, errno
	case errno != 0:
		return 0, errno
	case n == 0 && len(p) > 0:
		return 0, io.EOF
	case n < len(p) && c.flags&hangup == 0:
		c.flags &^= readable
	}
	c.peeked -= min(c.peeked, uint32(n))
	return n, nil
}

// TryWrite writes as much of p as the system takes, which may be less than all
// with a nil error. If it takes nothing the error is syscall.EAGAIN. After either
// the handler is called when there is room again.
func (c *Conn) TryWrite(p []byte) (int, error) {
	if c.flags&writable == 0 {
		return 0, syscall.EAGAIN
	}
	n, errno := send(int(c.fd), p)
	if errno != 0 && errno != syscall.EAGAIN {
		return 0, errno
	}
	if n < len(p) {
		if err := c.full(); err != nil {
			return n, err
		}
		if n == 0 {
			return 0, syscall.EAGAIN
		}
	}
	return n, nil
}

// full notes that the socket takes no more. Epoll is asked to report room only
// from the first time on: most connections never need it.
func (c *Conn) full() error {
	c.flags &^= writable
	if c.serial == 0 || c.flags&outlet != 0 {
		return nil
	}
	c.flags |= outlet
	return c.loop.poller.modify(int(c.fd), c.serial, true)
}

// Watch calls h when the connection becomes readable or writable. It is not
// called for what Readable and Writable already tell; look there first. Reading
// before watching is best: what is read then raises no event.
func (c *Conn) Watch(h Handler) error {
	c.handler = h
	return c.register()
}

// Unwatch ends Watch. What happens to the connection from now on is kept for the
// next one to watch it.
func (c *Conn) Unwatch() { c.handler = nil }

// Again calls the handler in the next iteration of the loop, after others had
// their turn: for a handler that has more to do than is fair.
func (c *Conn) Again() {
	if c.flags&queued == 0 {
		// Only a registered connection can be told from the next one in its place.
		// Should this fail, Watch will fail too, and say so.
		_ = c.register()
		c.flags |= queued
		c.loop.again = append(c.loop.again, turn{c, c.serial})
	}
}

// register makes the connection known to epoll, once.
func (c *Conn) register() error {
	if c.serial != 0 {
		return nil
	}
	if c.flags&writable == 0 {
		c.flags |= outlet
	}
	return c.loop.register(c)
}

func (l *Loop) register(c *Conn) error {
	l.serial++
	if l.serial == 0 {
		l.serial++
	}
	if err := l.poller.add(int(c.fd), l.serial, c.flags&outlet != 0); err != nil {
		return err
	}
	l.enter(c)
	return nil
}

// enter puts c into the table under the current serial number.
func (l *Loop) enter(c *Conn) {
	for int(c.fd) >= len(l.conns) {
		l.conns = append(l.conns, make([]*Conn, max(64, int(c.fd)+1-len(l.conns)))...)
	}
	c.serial = l.serial
	l.conns[c.fd] = c
}

// Detach takes the socket away from the loop without closing it, and returns the
// descriptor, which is the caller's.
func (c *Conn) Detach() int {
	if !c.Open() {
		return -1
	}
	if c.serial != 0 {
		c.loop.poller.remove(int(c.fd))
	}
	c.leave()
	return int(c.fd)
}

// leave makes c a closed connection. A task that waits for it is told.
func (c *Conn) leave() {
	h := c.handler
	if c.serial != 0 {
		c.loop.conns[c.fd] = nil
	}
	c.handler, c.serial, c.flags, c.peeked = nil, 0, 0, 0
	if co, ok := h.(*coroutine); ok && co.conn == c {
		co.timer.Stop(c.loop)
		c.loop.Post(co.interrupt)
	}
}

// Close closes the socket. A task that waits for it gets net.ErrClosed.
func (c *Conn) Close() error {
	if !c.Open() {
		return net.ErrClosed
	}
	c.leave()
	return closeSocket(int(c.fd))
}

// CloseWrite ends this direction: shutdown(SHUT_WR).
func (c *Conn) CloseWrite() error {
	if !c.Open() {
		return net.ErrClosed
	}
	return shutdownWrite(int(c.fd))
}

// SetDeadline sets both deadlines. The zero time means none.
func (c *Conn) SetDeadline(t time.Time) error {
	c.read = c.loop.deadline(t)
	c.write = c.read
	return nil
}

// SetReadDeadline limits what Read, Peek and Discard wait.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.read = c.loop.deadline(t)
	return nil
}

// SetWriteDeadline limits what Write waits.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	c.write = c.loop.deadline(t)
	return nil
}

// LocalAddr returns the socket's own address, nil if it cannot be had. It asks
// the system each time.
func (c *Conn) LocalAddr() net.Addr { return localAddr(int(c.fd)) }

// RemoteAddr returns the peer's address, nil if it cannot be had.
func (c *Conn) RemoteAddr() net.Addr { return remoteAddr(int(c.fd)) }
