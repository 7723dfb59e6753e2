package stream

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/gostream/gostream/internal/addr"
	"github.com/gostream/gostream/internal/loop"
)

// socketKey asks the kernel what a socket is bound to.
func socketKey(fd int) (addressKey, error) {
	unix.CloseOnExec(fd)
	sa, err := loop.Sockname(fd)
	if err != nil {
		return addressKey{}, callError(fmt.Sprintf("getsockname() of the inherited socket #%d", fd), addr.Addr{}, err)
	}
	var a addr.Addr
	switch sa.Family() {
	case unix.AF_INET, unix.AF_INET6:
		a = addr.IP(sa.AddrPort())
	case unix.AF_UNIX:
		a = addr.Unix(sa.Path())
	default:
		return addressKey{}, fmt.Errorf("the inherited socket #%d has an unsupported protocol family", fd)
	}
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil {
		return addressKey{}, callError("getsockopt(SO_TYPE)", a, err)
	}
	return addressKey{addr: a, udp: kind == unix.SOCK_DGRAM}, nil
}

// descriptors are what sockets are to other processes.
func descriptors(sockets []socket) []int {
	fds := make([]int, len(sockets))
	for i, sk := range sockets {
		fds[i] = int(sk)
	}
	return fds
}

// inherit makes open descriptors the sockets of the listener. They get what the
// sockets of openSocket have: who hands them over may be no server at all.
func (ln *listener) inherit(fds []int) {
	for _, fd := range fds {
		unix.CloseOnExec(fd)
		_ = unix.SetNonblock(fd, true)
		if !ln.key.udp && !ln.addr.IsUnix() {
			setNoDelay(fd)
		}
		ln.sockets = append(ln.sockets, socket(fd))
	}
}

// shareAddress lets more sockets have the address.
func (ln *listener) shareAddress() error {
	for _, sk := range ln.sockets {
		if err := unix.SetsockoptInt(int(sk), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
			return callError("setsockopt(SO_REUSEPORT)", ln.addr, err)
		}
	}
	return nil
}

// reconfigure applies options to open sockets. As in nginx, what cannot be
// changed any more stays.
func (ln *listener) reconfigure(opt *Listen) {
	for _, sk := range ln.sockets {
		if !opt.UDP && opt.Backlog != ln.opt.Backlog {
			_ = unix.Listen(int(sk), opt.backlog())
		}
		if ln.opt.Deferred && !opt.Deferred {
			_ = unix.SetsockoptInt(int(sk), unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, 0)
		}
		tuneSocket(int(sk), opt)
	}
	ln.opt = *opt
}
