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
		return "IP_BINDANY", unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BINDANY, 1)
	}
	return "IPV6_BINDANY", unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_BINDANY, 1)
}

// setBindNoPort has nothing to do: there is no such option here.
func setBindNoPort(int) error { return nil }
