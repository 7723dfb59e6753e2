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
		if err := sk.share(1); err != nil {
			return callError("setsockopt(SO_REUSEPORT)", ln.addr, err)
		}
	}
	return nil
}

func (sk socket) share(on int) error {
	return unix.SetsockoptInt(int(sk), unix.SOL_SOCKET, unix.SO_REUSEPORT, on)
}

// bindBeside binds a socket after that has failed with inUse: if listeners that are
// about to leave have the port, of another address (the wildcard, say), both are
// there for a while. It is not listened on yet.
func (ln *listener) bindBeside(leaving []*listener, inUse error) error {
	rivals := ln.rivals(leaving)
	if len(rivals) == 0 {
		return inUse
	}
	opt := ln.opt
	opt.ReusePort = true
	return sharing(rivals, func() error {
		sk, err := bindSocket(ln.addr, &opt)
		if err == nil {
			ln.sockets = append(ln.sockets, sk)
		}
		return err
	})
}

// listenBeside begins to listen on what bindBeside has bound. From then on the kernel
// prefers the more specific address.
func (ln *listener) listenBeside(leaving []*listener) error {
	return sharing(ln.rivals(leaving), func() error {
		for _, sk := range ln.sockets {
			if err := sk.listen(ln.addr, &ln.opt); err != nil {
				return err
			}
			if !ln.opt.ReusePort {
				_ = sk.share(0)
			}
		}
		return nil
	})
}

// rivals are the sockets of other listeners that have the port.
func (ln *listener) rivals(others []*listener) (sockets []socket) {
	for _, o := range others {
		if !ln.addr.IsUnix() && !o.addr.IsUnix() && o.addr.Port() == ln.addr.Port() && o.key.udp == ln.key.udp {
			sockets = append(sockets, o.sockets...)
		}
	}
	return sockets
}

// sharing does something while sockets let others have their address.
func sharing(sockets []socket, do func() error) error {
	for _, sk := range sockets {
		on, err := unix.GetsockoptInt(int(sk), unix.SOL_SOCKET, unix.SO_REUSEPORT)
		if err == nil && on == 0 && sk.share(1) == nil {
			defer sk.share(0)
		}
	}
	return do()
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
