package stream

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

// hasTransparent: the system can connect from addresses that are not its own.
const hasTransparent = true

// setTransparent allows such an address. It names the option for an error.
func setTransparent(fd int, a netip.Addr) (string, error) {
	if a.Is4() {
		return "IP_TRANSPARENT", unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_TRANSPARENT, 1)
	}
	return "IPV6_TRANSPARENT", unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_TRANSPARENT, 1)
}

// setBindNoPort leaves the choice of the port to connect(), which may then use
// one for several destinations. A kernel that cannot do that chooses in bind().
func setBindNoPort(fd int) error {
	err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
	if err == unix.EOPNOTSUPP || err == unix.ENOPROTOOPT {
		return nil
	}
	return err
}
