package loop

import (
	"net/netip"
	"syscall"
	"time"
)

// acceptPause is how long a listener rests when the system has run out of
// descriptors or memory.
const acceptPause = 500 * time.Millisecond

// Remote is where a client came from.
type Remote struct {
	// Addr is the address of a TCP client. It is invalid for unix sockets. IPv6
	// zones are left out.
	Addr netip.AddrPort
	// Path is what a client of a unix socket is bound to; usually nothing.
	Path string
}

// Acceptor is the owner of a listening socket.
type Acceptor interface {
	// Accepted is given a new connection: a non-blocking socket, which is now the
	// Acceptor's to close. It must not panic before the socket has an owner.
	Accepted(fd int, from Remote)
	// AcceptFailed is told of accept4() failures: ECONNABORTED each time; a lack
	// of descriptors or memory, which makes the listener pause, once until a
	// connection is accepted again; others each time, also with a pause.
	AcceptFailed(errno syscall.Errno)
}

// Listener accepts connections. Several loops may listen on the same socket: each
// connection wakes one of them.
type Listener struct {
	conn    Conn // only for its place in the table of descriptors
	owner   Acceptor
	timer   Timer
	failing bool
}

// Listen starts to accept connections of a listening, non-blocking socket. The
// socket stays the caller's, who closes it after the Listener.
func (l *Loop) Listen(fd int, owner Acceptor) (*Listener, error) {
	ln := &Listener{owner: owner}
	ln.conn.Init(l, fd)
	ln.conn.handler = ln
	if err := ln.Resume(); err != nil {
		return nil, err
	}
	return ln, nil
}

// Pause stops accepting; clients queue up in the system.
func (ln *Listener) Pause() {
	ln.timer.Stop(ln.conn.loop)
	if ln.conn.serial != 0 {
		ln.conn.loop.poller.remove(int(ln.conn.fd))
		ln.conn.loop.conns[ln.conn.fd] = nil
		ln.conn.serial = 0
	}
}

// Resume accepts again after Pause.
func (ln *Listener) Resume() error {
	if ln.conn.serial != 0 {
		return nil
	}
	l := ln.conn.loop
	l.serial++
	if err := l.poller.listen(int(ln.conn.fd), l.serial); err != nil {
		return err
	}
	l.enter(&ln.conn)
	return nil
}

// Close stops accepting for good. It does not close the socket.
func (ln *Listener) Close() {
	ln.Pause()
	ln.conn.flags = 0
}

// Ready accepts one connection, as nginx does with multi_accept off: asking until
// there are no more costs a failing accept4() per event, and takes connections
// from other loops that are idle.
func (ln *Listener) Ready(*Conn) {
	fd, from, errno := accept(int(ln.conn.fd))
	switch errno {
	case 0:
		ln.failing = false
		ln.owner.Accepted(fd, from)
	case syscall.EAGAIN, syscall.EINTR:
	case syscall.ECONNABORTED:
		ln.owner.AcceptFailed(errno)
	case syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM:
		first := !ln.failing
		ln.failing = true
		ln.rest()
		if first {
			ln.owner.AcceptFailed(errno)
		}
	default:
		ln.rest()
		ln.owner.AcceptFailed(errno)
	}
}

// rest pauses for a while.
func (ln *Listener) rest() {
	ln.Pause()
	ln.timer.Start(ln.conn.loop, acceptPause, ln)
}

// Expired ends the pause.
func (ln *Listener) Expired(*Timer) {
	if err := ln.Resume(); err != nil {
		ln.rest()
	}
}
