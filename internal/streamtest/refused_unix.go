//go:build unix

package streamtest

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

// bound is a port that is taken and not listened on.
type bound struct {
	fd      int
	address string
}

func boundSocket() (b bound, err error) {
	if b.fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0); err != nil {
		return b, err
	}
	unix.CloseOnExec(b.fd)
	if err = unix.Bind(b.fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return b, err
	}
	sa, err := unix.Getsockname(b.fd)
	if err != nil {
		return b, err
	}
	own := sa.(*unix.SockaddrInet4)
	b.address = netip.AddrPortFrom(netip.AddrFrom4(own.Addr), uint16(own.Port)).String()
	return b, nil
}

func (b bound) close() { unix.Close(b.fd) }
