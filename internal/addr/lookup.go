package addr

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Lookup asks the system for the addresses of a host name, the preferred ones
// first. As with getaddrinfo's AI_ADDRCONFIG, which nginx sets, the addresses of
// an IP version that the machine does not use are left out: "localhost" has no
// ::1 where nothing else speaks IPv6. And as there, a name may be a number: "80"
// is 0.0.0.80.
func Lookup(host string) ([]netip.Addr, error) {
	if ip, ok := parseNumeric(host); ok {
		return []netip.Addr{ip}, nil
	}
	ips, err := net.DefaultResolver.LookupNetIP(context.Background(), "ip", host)
	if err != nil {
		return nil, err
	}
	has4, has6 := versionsInUse()
	if has4 == has6 {
		return ips, nil
	}
	return slices.DeleteFunc(ips, func(ip netip.Addr) bool { return ip.Unmap().Is4() != has4 }), nil
}

// versionsInUse tells of which IP versions the machine has addresses, loopback
// ones apart.
func versionsInUse() (has4, has6 bool) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return true, true
	}
	for _, a := range addrs {
		prefix, err := netip.ParsePrefix(a.String())
		if err != nil || prefix.Addr().IsLoopback() {
			continue
		}
		has4 = has4 || prefix.Addr().Is4()
		has6 = has6 || prefix.Addr().Is6()
	}
	return has4, has6
}

// parseNumeric reads the IPv4 addresses of inet_aton: one to four numbers, each
// decimal, octal or hexadecimal, of which the last fills the remaining bytes.
func parseNumeric(host string) (netip.Addr, bool) {
	parts := strings.Split(host, ".")
	if len(parts) > 4 || strings.Trim(strings.ToLower(host), "0123456789abcdefx.") != "" {
		return netip.Addr{}, false
	}
	ip := uint64(0)
	for i, part := range parts {
		bits := 8
		if i == len(parts)-1 {
			bits = 32 - 8*i
		}
		n, err := strconv.ParseUint(part, 0, bits)
		if err != nil || strings.HasPrefix(strings.ToLower(part), "0b") {
			return netip.Addr{}, false
		}
		ip = ip<<bits | n
	}
	return netip.AddrFrom4([4]byte{byte(ip >> 24), byte(ip >> 16), byte(ip >> 8), byte(ip)}), true
}
