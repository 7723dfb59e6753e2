package stream

// socket_linux.go - listening sockets, with nginx's order of system calls and
// its words when one fails.

import (
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gostream/gostream/internal/addr"
)

const (
	defaultBacklog = 511
	bindTries      = 5
	bindPause      = 500 * time.Millisecond
)

// openSocket creates, binds and, for TCP, starts listening on a socket. The
// error names the call that failed as nginx does.
func openSocket(a addr.Addr, opt *Listen) (fd int, err error) {
	kind, proto := unix.SOCK_STREAM, 0
	if opt.UDP {
		kind = unix.SOCK_DGRAM
	}
	if opt.Multipath {
		proto = unix.IPPROTO_MPTCP
	}
	sa := a.Sockaddr()
	fd, err = unix.Socket(family(sa), kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, proto)
	if err != nil {
		return -1, callError("socket()", a, err)
	}
	if err := prepareSocket(fd, a, opt, sa); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func family(sa unix.Sockaddr) int {
	switch sa.(type) {
	case *unix.SockaddrInet6:
		return unix.AF_INET6
	case *unix.SockaddrUnix:
		return unix.AF_UNIX
	}
	return unix.AF_INET
}

func prepareSocket(fd int, a addr.Addr, opt *Listen, sa unix.Sockaddr) error {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return callError("setsockopt(SO_REUSEADDR)", a, err)
	}
	if opt.ReusePort {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
			return callError("setsockopt(SO_REUSEPORT)", a, err)
		}
	}
	if family(sa) == unix.AF_INET6 {
		only := 1
		if opt.IPv6Only == Off {
			only = 0
		}
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, only); err != nil {
			return callError("setsockopt(IPV6_V6ONLY)", a, err)
		}
	}
	if err := unix.Bind(fd, sa); err != nil {
		return callError("bind()", a, err)
	}
	if a.IsUnix() {
		// Whoever may reach the folder may connect.
		if err := os.Chmod(a.Path(), 0o666); err != nil {
			return callError("chmod()", a, err)
		}
	}
	if !opt.UDP {
		backlog := opt.Backlog
		if backlog == 0 {
			backlog = defaultBacklog
		}
		if err := unix.Listen(fd, backlog); err != nil {
			return callError(fmt.Sprintf("listen() to %s, backlog %d", a, backlog), addr.Addr{}, err)
		}
	}
	return tuneSocket(fd, opt)
}

// tuneSocket sets the options that accepted sockets inherit. nginx only
// complains about those that fail, and goes on.
func tuneSocket(fd int, opt *Listen) error {
	set := func(level, name, value int) {
		_ = unix.SetsockoptInt(fd, level, name, value)
	}
	if opt.RcvBuf > 0 {
		set(unix.SOL_SOCKET, unix.SO_RCVBUF, int(opt.RcvBuf))
	}
	if opt.SndBuf > 0 {
		set(unix.SOL_SOCKET, unix.SO_SNDBUF, int(opt.SndBuf))
	}
	switch k := opt.KeepAlive; k.Enabled {
	case On:
		set(unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
		if k.Idle > 0 {
			set(unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, int(k.Idle.Seconds()))
		}
		if k.Interval > 0 {
			set(unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, int(k.Interval.Seconds()))
		}
		if k.Count > 0 {
			set(unix.IPPROTO_TCP, unix.TCP_KEEPCNT, k.Count)
		}
	case Off:
		set(unix.SOL_SOCKET, unix.SO_KEEPALIVE, 0)
	}
	if opt.FastOpen != nil {
		set(unix.IPPROTO_TCP, unix.TCP_FASTOPEN, *opt.FastOpen)
	}
	if opt.Deferred {
		set(unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, 1)
	}
	return nil
}

// callError words a failed system call on a listening socket.
func callError(call string, a addr.Addr, err error) error {
	text := call
	if a != (addr.Addr{}) {
		text += " to " + a.String()
		if call != "bind()" {
			text = call + " " + a.String()
		}
	}
	return &socketError{text: text + " failed", err: err}
}

// socketError is a failed system call with the text of nginx's log line.
type socketError struct {
	text string
	err  error
}

func (e *socketError) Error() string {
	return fmt.Sprintf("%s (%d: %s)", e.text, int(errnoOf(e.err)), errnoOf(e.err))
}

func (e *socketError) Unwrap() error { return e.err }

func errnoOf(err error) syscall.Errno {
	if e, ok := err.(syscall.Errno); ok {
		return e
	}
	return 0
}
