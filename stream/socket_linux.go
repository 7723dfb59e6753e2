package stream

// socket_linux.go - listening sockets, with nginx's order of system calls and
// its words when one fails.

import (
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"

	"github.com/gostream/gostream/internal/addr"
	"github.com/gostream/gostream/internal/loop"
)

// socket is the descriptor of a listening socket.
type socket int

func (sk socket) close() { unix.Close(int(sk)) }

func (sk socket) addr() net.Addr {
	sa, err := loop.Sockname(int(sk))
	if err != nil {
		return nil
	}
	return net.TCPAddrFromAddrPort(sa.AddrPort())
}

// file makes a descriptor for package net, which makes another one of it.
func (sk socket) file() *os.File {
	fd, err := unix.FcntlInt(uintptr(sk), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	return os.NewFile(uintptr(fd), "")
}

// listener is the socket for use on goroutines. It is closed on its own.
func (sk socket) listener() (net.Listener, error) {
	file := sk.file()
	defer file.Close()
	l, err := net.FileListener(file)
	if u, ok := l.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false)
	}
	return l, err
}

// packetConn is the counterpart of listener for UDP.
func (sk socket) packetConn() (net.PacketConn, error) {
	file := sk.file()
	defer file.Close()
	return net.FilePacketConn(file)
}

// openSocket creates, binds and, for TCP, starts listening on a socket. The
// error names the call that failed as nginx does.
func openSocket(a addr.Addr, opt *Listen) (socket, error) {
	sk, err := bindSocket(a, opt)
	if err != nil {
		return -1, err
	}
	if err := sk.listen(a, opt); err != nil {
		sk.close()
		return -1, err
	}
	return sk, nil
}

func bindSocket(a addr.Addr, opt *Listen) (socket, error) {
	kind, proto := unix.SOCK_STREAM, 0
	if opt.UDP {
		kind = unix.SOCK_DGRAM
	}
	if opt.Multipath {
		proto = unix.IPPROTO_MPTCP
	}
	sa := kernelForm(a)
	fd, err := unix.Socket(sa.Family(), kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, proto)
	if err != nil {
		return -1, callError("socket()", a, err)
	}
	if err := prepareSocket(fd, a, opt, sa); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return socket(fd), nil
}

func kernelForm(a addr.Addr) *loop.Sockaddr {
	if a.IsUnix() {
		return loop.UnixSockaddr(a.Path())
	}
	return loop.IPSockaddr(a.AddrPort())
}

func prepareSocket(fd int, a addr.Addr, opt *Listen, sa *loop.Sockaddr) error {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return callError("setsockopt(SO_REUSEADDR)", a, err)
	}
	if opt.ReusePort {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
			return callError("setsockopt(SO_REUSEPORT)", a, err)
		}
	}
	if sa.Family() == unix.AF_INET6 {
		only := 1
		if opt.IPv6Only == Off {
			only = 0
		}
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, only); err != nil {
			return callError("setsockopt(IPV6_V6ONLY)", a, err)
		}
	}
	if err := loop.Bind(fd, sa); err != nil {
		return callError("bind()", a, err)
	}
	if a.IsUnix() {
		// Whoever may reach the folder may connect.
		if err := os.Chmod(a.Path(), 0o666); err != nil {
			return callError("chmod()", a, err)
		}
	}
	return nil
}

// listen starts listening, unless it is a socket of UDP, and sets what is left.
func (sk socket) listen(a addr.Addr, opt *Listen) error {
	fd := int(sk)
	if !opt.UDP {
		backlog := opt.backlog()
		if err := unix.Listen(fd, backlog); err != nil {
			return callError(fmt.Sprintf("listen() to %s, backlog %d", a, backlog), addr.Addr{}, err)
		}
	}
	tuneSocket(fd, opt)
	if !opt.UDP && !a.IsUnix() {
		setNoDelay(fd)
	}
	return nil
}

// setNoDelay is for what is accepted: nearly all clients get it; those of a
// server without tcp_nodelay lose it again.
func setNoDelay(fd int) { _ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1) }

// tuneSocket sets the options that accepted sockets inherit. nginx only
// complains about those that fail, and goes on.
func tuneSocket(fd int, opt *Listen) {
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
}
