package loop

import (
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Conn is a non-blocking socket that belongs to a loop and has one peer. It is part of
// the struct that needs it; Init or Connect bring it to life, Close ends it and
// makes it ready for the next use.
//
// A task may wait on it with Read, Write, Peek and Connect. With a [Handler]
// set, events go there instead, and the Try methods are to be used. Events are
// edge triggered: after TryRead has returned EAGAIN there will be one.
//
// Errors are bare [syscall.Errno] values, io.EOF, os.ErrDeadlineExceeded, or, for
// a task whose connection is closed while it waits, net.ErrClosed.
type Conn struct {
	loop    *Loop
	fd      int32
	slot    int32  // see source; 0: no events were asked for
	events  uint32 // registered with epoll
	open    bool
	shared  bool // the socket is not c's to close
	state   ioState
	waiting ioState    // what the waiter waits for
	waiter  *coroutine // the task in Read, Write, Peek or Connect
	handler Handler
	timer   Timer
	expired bool
}

// Handler is told of what happens to a connection.
type Handler interface{ Ready(c *Conn) }

// ioState says what may be tried on a socket.
type ioState uint8

const (
	readable ioState = 1 << iota
	writable
	hungUp // the peer has ended its direction, or there is an error: read until that shows
)

const (
	readEvents  = unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLHUP | unix.EPOLLERR
	writeEvents = unix.EPOLLOUT | unix.EPOLLHUP | unix.EPOLLERR
)

// Init takes over a connected, non-blocking socket.
func (c *Conn) Init(l *Loop, fd int) {
	*c = Conn{loop: l, fd: int32(fd), open: true, state: readable | writable}
}

// Share makes c stand for one peer of a socket that has many. All that can be
// done is to Await something, and to end that by Abort or Close, which leaves
// the socket open.
func (c *Conn) Share(l *Loop, fd int) { *c = Conn{loop: l, fd: int32(fd), open: true, shared: true} }

// FD returns the descriptor.
func (c *Conn) FD() int { return int(c.fd) }

// Open reports whether the connection is open.
func (c *Conn) Open() bool { return c.open }

// SetHandler directs events to h; what may be tried already is for the caller
// to try.
func (c *Conn) SetHandler(h Handler) { c.handler = h }

// Readable reports whether TryRead has a chance.
func (c *Conn) Readable() bool { return c.state&readable != 0 }

// Writable reports whether TryWrite has a chance.
func (c *Conn) Writable() bool { return c.state&writable != 0 }

// HungUp reports that the peer will send nothing more than what is there.
func (c *Conn) HungUp() bool { return c.state&hungUp != 0 }

// ready takes events from the kernel.
func (c *Conn) ready(events uint32) {
	if events&readEvents != 0 {
		c.state |= readable
		if events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
			c.state |= hungUp
		}
	}
	if events&writeEvents != 0 {
		c.state |= writable
	}
	switch {
	case c.waiter != nil:
		if c.state&c.waiting != 0 {
			c.wakeUp()
		}
	case c.handler != nil:
		c.handler.Ready(c)
	}
}

func (c *Conn) wakeUp() {
	w := c.waiter
	c.waiter = nil
	c.loop.StopTimer(&c.timer)
	w.enter()
}

// Timeout ends the wait of a task.
func (c *Conn) Timeout(*Timer) {
	if c.waiter != nil {
		c.expired = true
		c.wakeUp()
	}
}

// Abort ends the wait of a task, as if its deadline had come.
func (c *Conn) Abort() { c.Timeout(nil) }

// Arm asks for events; the ones that were asked for before stay. One epoll_ctl
// serves most connections for life, since writing seldom has to wait.
func (c *Conn) Arm(read, write bool) error {
	events := c.events | unix.EPOLLET
	if read {
		events |= unix.EPOLLIN | unix.EPOLLRDHUP
	}
	if write {
		events |= unix.EPOLLOUT
	}
	if events == c.events {
		return nil
	}
	before := c.events
	c.events = events
	if before == 0 {
		return c.loop.register(&c.slot, int(c.fd), c, events)
	}
	return c.loop.control(unix.EPOLL_CTL_MOD, int(c.fd), c.slot, events)
}

// wait lets the running task sleep until one of the states is reached. A zero
// deadline is none.
func (c *Conn) wait(what ioState, deadline time.Time) error {
	if err := c.Arm(what&readable != 0, what&writable != 0); err != nil {
		return err
	}
	if !deadline.IsZero() {
		c.loop.Start(&c.timer, deadline.Sub(c.loop.now), c)
	}
	c.waiter, c.waiting, c.expired = c.loop.current, what, false
	c.waiter.wait()
	switch {
	case !c.open:
		return net.ErrClosed
	case c.expired:
		return os.ErrDeadlineExceeded
	}
	return nil
}

// TryRead reads what is there: EAGAIN if nothing is, io.EOF at the end.
func (c *Conn) TryRead(p []byte) (int, error) {
	n, errno := recv(int(c.fd), p, 0)
	switch {
	case errno == unix.EAGAIN:
		c.state &^= readable
		return 0, errno
	case errno != 0:
		return 0, errno
	case n == 0:
		return 0, io.EOF
	}
	if n < len(p) && c.state&hungUp == 0 {
		// The socket is empty. Should that change, there will be an event.
		c.state &^= readable
	}
	return n, nil
}

// TryWrite writes what fits: EAGAIN if nothing does.
func (c *Conn) TryWrite(p []byte) (int, error) {
	n, errno := send(int(c.fd), p)
	if errno != 0 {
		if errno == unix.EAGAIN {
			c.state &^= writable
		}
		return 0, errno
	}
	if n < len(p) {
		c.state &^= writable
	}
	return n, nil
}

// TryReceive takes datagrams, at most count, and size bytes of each: EAGAIN if
// there are none.
func (c *Conn) TryReceive(b *Batch, count, size int) (int, error) {
	n, errno := b.receive(int(c.fd), count, size)
	if errno != 0 {
		if errno == unix.EAGAIN {
			c.state &^= readable
		}
		return 0, errno
	}
	if n < min(count, BatchSize) {
		c.state &^= readable
	}
	return n, nil
}

// MarkUnreadable and MarkUnwritable note that a call of the caller's own, such
// as splice, returned EAGAIN.
func (c *Conn) MarkUnreadable() { c.state &^= readable }

// MarkUnwritable is the counterpart of MarkUnreadable.
func (c *Conn) MarkUnwritable() { c.state &^= writable }

// Read waits for data and reads it.
func (c *Conn) Read(p []byte, deadline time.Time) (int, error) {
	for {
		n, err := c.TryRead(p)
		if err != unix.EAGAIN {
			return n, err
		}
		if err := c.wait(readable, deadline); err != nil {
			return 0, err
		}
	}
}

// Write writes all of p. timeout bounds each wait; 0 is none.
func (c *Conn) Write(p []byte, timeout time.Duration) (n int, err error) {
	for n < len(p) {
		m, err := c.TryWrite(p[n:])
		n += m
		if err == nil && c.state&writable != 0 {
			continue
		}
		if err != nil && err != unix.EAGAIN {
			return n, err
		}
		if n == len(p) {
			break
		}
		var deadline time.Time
		if timeout > 0 {
			deadline = c.loop.now.Add(timeout)
		}
		if err := c.wait(writable, deadline); err != nil {
			return n, err
		}
	}
	return n, nil
}

// Peek waits until more than seen bytes have arrived and returns how many of
// them p now has; they stay in the socket. It returns io.EOF if the peer has
// ended before.
func (c *Conn) Peek(p []byte, seen int, deadline time.Time) (int, error) {
	for {
		n, errno := recv(int(c.fd), p, unix.MSG_PEEK)
		switch {
		case errno == 0 && n > seen:
			return n, nil
		case errno == 0 && (n == 0 || c.state&hungUp != 0):
			return 0, io.EOF
		case errno != 0 && errno != unix.EAGAIN:
			return 0, errno
		}
		if err := c.wait(readable|hungUp, deadline); err != nil {
			return 0, err
		}
	}
}

// Discard takes n bytes off that were peeked at.
func (c *Conn) Discard(n int) error {
	for n > 0 {
		buf := c.loop.Scratch(4096)
		m, errno := recv(int(c.fd), buf[:min(n, len(buf))], 0)
		switch {
		case errno != 0:
			return errno
		case m == 0:
			return io.ErrUnexpectedEOF
		}
		n -= m
	}
	return nil
}

// Dial says how a connection is opened.
type Dial struct {
	To      *Sockaddr
	Timeout time.Duration // 0: none

	// Sends tells that the caller will send at once. The packet that would
	// complete the handshake is then saved: the data does it.
	Sends bool
}

// Create makes c a new socket of an address family, which is to be connected.
// An error is an [os.SyscallError].
func (c *Conn) Create(l *Loop, family int) error { return c.create(l, family, unix.SOCK_STREAM) }

// CreateDatagram is Create for a datagram socket. TryWrite sends one datagram
// with each call.
func (c *Conn) CreateDatagram(l *Loop, family int) error { return c.create(l, family, unix.SOCK_DGRAM) }

func (c *Conn) create(l *Loop, family, kind int) error {
	fd, errno := socket(family, kind)
	if errno != 0 {
		return os.NewSyscallError("socket()", errno)
	}
	c.Init(l, fd)
	c.state = 0
	return nil
}

// Connect connects what Create has made. It returns an [os.SyscallError] if
// connect() fails at once, the errno of an attempt that failed later, or
// os.ErrDeadlineExceeded. c is closed then.
func (c *Conn) Connect(d *Dial) error {
	if err := c.connect(d); err != nil {
		c.Close()
		return err
	}
	c.state |= readable | writable
	return nil
}

func (c *Conn) connect(d *Dial) error {
	if d.Sends {
		_ = SetsockoptInt(int(c.fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 0)
	}
	switch errno := connect(int(c.fd), d.To); errno {
	case 0:
		return nil
	case unix.EINPROGRESS:
	default:
		return os.NewSyscallError("connect()", errno)
	}
	// To an address of this machine the handshake is over by now. Asking again
	// costs less than an event.
	switch errno := connect(int(c.fd), d.To); errno {
	case 0, unix.EISCONN:
		return nil
	case unix.EALREADY:
	default:
		return errno
	}
	var deadline time.Time
	if d.Timeout > 0 {
		deadline = c.loop.now.Add(d.Timeout)
	}
	if err := c.wait(writable|readable, deadline); err != nil {
		return err
	}
	failed, err := unix.GetsockoptInt(int(c.fd), unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		return err
	}
	if failed != 0 {
		return syscall.Errno(failed)
	}
	return nil
}

// CloseWrite ends the direction towards the peer.
func (c *Conn) CloseWrite() error { return shutdownWrite(int(c.fd)) }

// Release takes the socket off the loop without closing it, and returns it. No
// event comes any more.
func (c *Conn) Release() int {
	if c.events != 0 {
		_ = c.loop.control(unix.EPOLL_CTL_DEL, int(c.fd), c.slot, 0)
	}
	c.open = false
	c.loop.StopTimer(&c.timer)
	c.loop.forget(&c.slot)
	c.handler, c.waiter = nil, nil
	return int(c.fd)
}

// Close closes the socket. No event comes any more. Closing a closed Conn does
// nothing.
func (c *Conn) Close() {
	if !c.open {
		return
	}
	c.open = false
	c.loop.StopTimer(&c.timer)
	if !c.shared {
		c.loop.forget(&c.slot)
		closeFD(int(c.fd))
	}
	c.handler = nil
	if c.waiter != nil {
		c.wakeUp()
	}
}
