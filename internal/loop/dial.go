package loop

import (
	"net/netip"
	"syscall"
	"time"
)

// Addr is the address of a stream socket in the form that the system takes. It is
// made once and used for any number of connections.
type Addr struct {
	raw      []byte
	family   int
	loopback bool
}

// IsZero reports whether a was not made by TCPAddr or UnixAddr.
func (a Addr) IsZero() bool { return a.raw == nil }

// TCPAddr returns the address of a TCP socket.
func TCPAddr(ap netip.AddrPort) Addr { return tcpAddr(ap) }

// UnixAddr returns the address of a unix socket: a path, or @name for an abstract
// one. A path longer than the system allows is cut.
func UnixAddr(path string) Addr { return unixAddr(path) }

// OpError tells that another system call than connect() failed.
type OpError struct {
	Op  string // "socket()", "bind()"
	Err error  // a syscall.Errno
}

// Error words the failure as nginx does.
func (e *OpError) Error() string { return e.Op + " failed: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *OpError) Unwrap() error { return e.Err }

// Connect makes c a connection to the address. It suspends the task until the
// connection is up.
//
// Prepare, if not nil, is given the socket before connect(), to set options and
// bind it; its error is returned as it is. A failed socket() is reported as an
// *OpError, what connect() brings as a bare syscall.Errno, and a timeout (0 or
// less: none) as os.ErrDeadlineExceeded. After an error c is not open.
func (l *Loop) Connect(c *Conn, to Addr, prepare func(fd int) error, timeout time.Duration) error {
	fd, errno := socket(to.family)
	if errno != 0 {
		return &OpError{"socket()", errno}
	}
	c.Init(l, fd)
	if prepare != nil {
		if err := prepare(fd); err != nil {
			c.Close()
			return err
		}
	}
	err := c.connect(to, timeout)
	if err != nil && c.Open() {
		c.Close()
	}
	return err
}

func (c *Conn) connect(to Addr, timeout time.Duration) error {
	// There is nothing to be read yet; epoll will tell.
	c.flags &^= readable
	switch errno := connect(int(c.fd), to.raw); errno {
	case 0:
		return nil
	case syscall.EINPROGRESS:
	default:
		return errno
	}
	var deadline int64
	if timeout > 0 {
		deadline = c.loop.mono + int64(timeout)
	}
	c.flags &^= writable
	if err := c.wait(writable, deadline); err != nil {
		return err
	}
	if c.flags&hangup == 0 {
		return nil
	}
	if errno := socketError(int(c.fd)); errno != 0 {
		return errno
	}
	return nil
}
