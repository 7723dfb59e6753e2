package loop

// sys_linux.go - system calls that cannot block. They are made raw: telling the Go
// scheduler about each of them costs about a tenth of a short connection.

import (
	"net"
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

func recv(fd int, p []byte) (int, syscall.Errno) { return recvfrom(fd, p, 0) }

func peek(fd int, p []byte) (int, syscall.Errno) { return recvfrom(fd, p, unix.MSG_PEEK) }

func recvfrom(fd int, p []byte, how uintptr) (int, syscall.Errno) {
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), how, 0, 0)
		if errno == 0 {
			return int(n), 0
		}
		if errno != unix.EINTR {
			return 0, errno
		}
	}
}

func send(fd int, p []byte) (int, syscall.Errno) {
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), unix.MSG_NOSIGNAL, 0, 0)
		if errno == 0 {
			return int(n), 0
		}
		if errno != unix.EINTR {
			return 0, errno
		}
	}
}

// splice moves up to n bytes between a socket and a pipe.
func splice(from, to, n int) (int, syscall.Errno) {
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_SPLICE, uintptr(from), 0, uintptr(to), 0, uintptr(n), unix.SPLICE_F_MOVE|unix.SPLICE_F_NONBLOCK)
		if errno == 0 {
			return int(n), 0
		}
		if errno != unix.EINTR {
			return 0, errno
		}
	}
}

// makePipe makes a pipe of the given size, or of the system's own if the user has
// too many large ones.
func makePipe(size int) (r, w int, errno syscall.Errno) {
	var fds [2]int32
	_, _, errno = unix.RawSyscall(unix.SYS_PIPE2, uintptr(unsafe.Pointer(&fds)), unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if errno != 0 {
		return -1, -1, errno
	}
	_, _, _ = unix.RawSyscall(unix.SYS_FCNTL, uintptr(fds[0]), unix.F_SETPIPE_SZ, uintptr(size))
	return int(fds[0]), int(fds[1]), 0
}

func closeSocket(fd int) error {
	// Linux has closed the descriptor even when it reports EINTR.
	if _, _, errno := unix.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0); errno != 0 && errno != unix.EINTR {
		return errno
	}
	return nil
}

func shutdownWrite(fd int) error {
	if _, _, errno := unix.RawSyscall(unix.SYS_SHUTDOWN, uintptr(fd), unix.SHUT_WR, 0); errno != 0 {
		return errno
	}
	return nil
}

func socket(family int) (int, syscall.Errno) {
	fd, _, errno := unix.RawSyscall(unix.SYS_SOCKET, uintptr(family), unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	return int(fd), errno
}

func connect(fd int, raw []byte) syscall.Errno {
	_, _, errno := unix.RawSyscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(raw))), uintptr(len(raw)))
	return errno
}

// socketError takes the pending error of a socket.
func socketError(fd int) syscall.Errno {
	var value int32
	size := uint32(4)
	_, _, errno := unix.RawSyscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_ERROR, uintptr(unsafe.Pointer(&value)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 {
		return errno
	}
	return syscall.Errno(value)
}

// SetOption sets an integer option of a socket, without blocking.
func SetOption(fd, level, name, value int) error {
	v := int32(value)
	if _, _, errno := unix.RawSyscall6(unix.SYS_SETSOCKOPT, uintptr(fd), uintptr(level), uintptr(name), uintptr(unsafe.Pointer(&v)), 4, 0); errno != 0 {
		return errno
	}
	return nil
}

// SetNoDelay sets TCP_NODELAY.
func SetNoDelay(fd int) error {
	return SetOption(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
}

func accept(fd int) (int, Remote, syscall.Errno) {
	var sa unix.RawSockaddrAny
	size := uint32(unix.SizeofSockaddrAny)
	conn, _, errno := unix.RawSyscall6(unix.SYS_ACCEPT4, uintptr(fd), uintptr(unsafe.Pointer(&sa)), uintptr(unsafe.Pointer(&size)), unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, 0)
	if errno != 0 {
		return -1, Remote{}, errno
	}
	return int(conn), remote(&sa, size), 0
}

// remote reads an address of which the system has written size bytes.
func remote(sa *unix.RawSockaddrAny, size uint32) Remote {
	switch sa.Addr.Family {
	case unix.AF_INET:
		in := (*unix.RawSockaddrInet4)(unsafe.Pointer(sa))
		return Remote{Addr: netip.AddrPortFrom(netip.AddrFrom4(in.Addr), port(in.Port))}
	case unix.AF_INET6:
		in := (*unix.RawSockaddrInet6)(unsafe.Pointer(sa))
		return Remote{Addr: netip.AddrPortFrom(netip.AddrFrom16(in.Addr), port(in.Port))}
	}
	un := (*unix.RawSockaddrUnix)(unsafe.Pointer(sa))
	path := unsafe.Slice((*byte)(unsafe.Pointer(&un.Path)), len(un.Path))
	n := max(0, min(int(size)-2, len(path)))
	for n > 0 && path[n-1] == 0 {
		n--
	}
	if n > 0 && path[0] == 0 {
		return Remote{Path: "@" + string(path[1:n])}
	}
	return Remote{Path: string(path[:n])}
}

// port turns a port as the system keeps it, in network order.
func port(p uint16) uint16 {
	b := (*[2]byte)(unsafe.Pointer(&p))
	return uint16(b[0])<<8 | uint16(b[1])
}

func tcpAddr(ap netip.AddrPort) Addr {
	ip := ap.Addr()
	if ip.Is4() {
		sa := &unix.RawSockaddrInet4{Family: unix.AF_INET, Port: port(ap.Port()), Addr: ip.As4()}
		return Addr{unsafe.Slice((*byte)(unsafe.Pointer(sa)), unix.SizeofSockaddrInet4), unix.AF_INET, ip.IsLoopback()}
	}
	sa := &unix.RawSockaddrInet6{Family: unix.AF_INET6, Port: port(ap.Port()), Addr: ip.As16()}
	if zone := ip.Zone(); zone != "" {
		if i, err := net.InterfaceByName(zone); err == nil {
			sa.Scope_id = uint32(i.Index)
		}
	}
	return Addr{unsafe.Slice((*byte)(unsafe.Pointer(sa)), unix.SizeofSockaddrInet6), unix.AF_INET6, ip.IsLoopback()}
}

func unixAddr(path string) Addr {
	sa := &unix.RawSockaddrUnix{Family: unix.AF_UNIX}
	name := unsafe.Slice((*byte)(unsafe.Pointer(&sa.Path)), len(sa.Path)-1)
	n := copy(name, path)
	size := 2 + n + 1
	if n > 0 && name[0] == '@' {
		name[0] = 0
		size--
	}
	return Addr{unsafe.Slice((*byte)(unsafe.Pointer(sa)), size), unix.AF_UNIX, false}
}

func localAddr(fd int) net.Addr { return socketAddr(unix.SYS_GETSOCKNAME, fd) }

func remoteAddr(fd int) net.Addr { return socketAddr(unix.SYS_GETPEERNAME, fd) }

func socketAddr(call uintptr, fd int) net.Addr {
	var sa unix.RawSockaddrAny
	size := uint32(unix.SizeofSockaddrAny)
	if _, _, errno := unix.RawSyscall(call, uintptr(fd), uintptr(unsafe.Pointer(&sa)), uintptr(unsafe.Pointer(&size))); errno != 0 {
		return nil
	}
	r := remote(&sa, size)
	if r.Addr.IsValid() {
		return net.TCPAddrFromAddrPort(r.Addr)
	}
	return &net.UnixAddr{Name: r.Path, Net: "unix"}
}
