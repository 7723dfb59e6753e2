package loop

import (
	"bytes"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Sockaddr is a socket address in the kernel's form. It is made once for an
// address that is connected to many times.
type Sockaddr struct {
	raw unix.RawSockaddrAny
	len uint32
}

// IPSockaddr returns the address of a TCP or UDP peer.
func IPSockaddr(ap netip.AddrPort) *Sockaddr {
	s := &Sockaddr{}
	port := ap.Port()<<8 | ap.Port()>>8 // network order on the little-endian machines that are served
	if !littleEndian {
		port = ap.Port()
	}
	if ap.Addr().Is4() {
		sa := (*unix.RawSockaddrInet4)(unsafe.Pointer(&s.raw))
		sa.Family, sa.Port, sa.Addr = unix.AF_INET, port, ap.Addr().As4()
		s.len = unix.SizeofSockaddrInet4
		return s
	}
	sa := (*unix.RawSockaddrInet6)(unsafe.Pointer(&s.raw))
	sa.Family, sa.Port, sa.Addr = unix.AF_INET6, port, ap.Addr().As16()
	s.len = unix.SizeofSockaddrInet6
	return s
}

// UnixSockaddr returns the address of a unix socket. Paths longer than the
// kernel allows, 107 bytes, are cut.
func UnixSockaddr(path string) *Sockaddr {
	s := &Sockaddr{}
	sa := (*unix.RawSockaddrUnix)(unsafe.Pointer(&s.raw))
	sa.Family = unix.AF_UNIX
	n := 0
	for n < len(path) && n < len(sa.Path)-1 {
		sa.Path[n] = int8(path[n])
		n++
	}
	s.len = uint32(unsafe.Offsetof(sa.Path)) + uint32(n) + 1
	return s
}

// Family is AF_INET, AF_INET6 or AF_UNIX.
func (s *Sockaddr) Family() int { return int(s.raw.Addr.Family) }

// AddrPort returns the IP address and port, the zero value for others.
func (s *Sockaddr) AddrPort() netip.AddrPort {
	switch s.Family() {
	case unix.AF_INET:
		sa := (*unix.RawSockaddrInet4)(unsafe.Pointer(&s.raw))
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), hostOrder(sa.Port))
	case unix.AF_INET6:
		sa := (*unix.RawSockaddrInet6)(unsafe.Pointer(&s.raw))
		return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr), hostOrder(sa.Port))
	}
	return netip.AddrPort{}
}

// Path returns the path of a unix socket, empty for one that has none.
func (s *Sockaddr) Path() string {
	const header = 2
	if s.Family() != unix.AF_UNIX || s.len <= header {
		return ""
	}
	sa := (*unix.RawSockaddrUnix)(unsafe.Pointer(&s.raw))
	b := unsafe.Slice((*byte)(unsafe.Pointer(&sa.Path[0])), int(s.len)-header)
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}

var littleEndian = func() bool {
	one := uint16(1)
	return *(*byte)(unsafe.Pointer(&one)) == 1
}()

func hostOrder(port uint16) uint16 {
	if littleEndian {
		return port<<8 | port>>8
	}
	return port
}
