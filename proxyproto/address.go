package proxyproto

import (
	"net"
	"net/netip"
	"strconv"
)

// Address is one end of a connection as a header gives it. The zero value has
// no host and no port.
type Address struct {
	// Port is 0 if there is none.
	Port uint16

	// Version 1 carries text, which nginx shows as it came, be it an address
	// or not. It is only kept if ip would be written in another way, as a
	// string costs an allocation.
	ip   netip.Addr
	text string
}

// AppendHost appends the address without port: $proxy_protocol_addr. In
// version 1 that is the text as received, which may be empty or no address.
func (a Address) AppendHost(dst []byte) []byte {
	if a.text != "" || !a.ip.IsValid() {
		return append(dst, a.text...)
	}
	return appendIP(dst, a.ip)
}

// AppendPort appends the port: $proxy_protocol_port. It appends nothing for
// port 0.
func (a Address) AppendPort(dst []byte) []byte {
	if a.Port == 0 {
		return dst
	}
	return appendNumber(dst, a.Port)
}

// AddrPort returns address and port, or a value that is not valid if the host
// is not an IP address: nginx's realip module leaves the client address alone
// then. IPv4-mapped IPv6 addresses stay IPv6.
func (a Address) AddrPort() netip.AddrPort {
	if !a.ip.IsValid() {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(a.ip, a.Port)
}

// String returns host and port joined by a colon, with the host in brackets if
// it has colons itself.
func (a Address) String() string {
	return net.JoinHostPort(string(a.AppendHost(nil)), strconv.Itoa(int(a.Port)))
}

// setText takes over the host of a version 1 header.
func (a *Address) setText(host []byte) {
	a.ip = parseIP(host)
	var room [64]byte
	if !a.ip.IsValid() || string(appendIP(room[:0], a.ip)) != string(host) {
		a.text = string(host)
	}
}

// parseIP reads an address, or returns the zero Addr.
func parseIP(b []byte) netip.Addr {
	if ip := parseIPv4(b); ip.IsValid() {
		return ip
	}
	if len(b) < len("::") || len(b) > len("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255") {
		return netip.Addr{}
	}
	ip, err := netip.ParseAddr(string(b))
	if err != nil || ip.Is4() {
		return netip.Addr{}
	}
	return ip.WithZone("")
}

// parseIPv4 follows nginx, to which leading zeros and empty parts are fine and
// 255.255.255.255 is no address.
func parseIPv4(b []byte) netip.Addr {
	var parts [4]byte
	dots, part := 0, 0
	for _, c := range b {
		switch {
		case c == '.' && dots < 3:
			parts[dots] = byte(part)
			dots, part = dots+1, 0
		case '0' <= c && c <= '9' && part*10+int(c-'0') <= 255:
			part = part*10 + int(c-'0')
		default:
			return netip.Addr{}
		}
	}
	parts[3] = byte(part)
	if dots != 3 || parts == [4]byte{255, 255, 255, 255} {
		return netip.Addr{}
	}
	return netip.AddrFrom4(parts)
}

// appendIP writes an address as nginx does. That is the usual form, except that
// the last 32 bits are dotted also where 96 zero bits go before them
// (::192.0.2.1), and that there are no zones.
func appendIP(dst []byte, ip netip.Addr) []byte {
	b := ip.As16()
	if ip.Is4() || [12]byte(b[:12]) != [12]byte{} || !dotted([4]byte(b[12:])) {
		return ip.WithZone("").AppendTo(dst)
	}
	return netip.AddrFrom4([4]byte(b[12:])).AppendTo(append(dst, "::"...))
}

// dotted reports whether nginx takes the end of ::xxxx:xxxx for an IPv4 address:
// ::1 and the like are not meant that way.
func dotted(b [4]byte) bool {
	return b[0] != 0 || b[1] != 0 || b[2] != 0 && b[3] != 1
}

func appendNumber(dst []byte, n uint16) []byte {
	return strconv.AppendUint(dst, uint64(n), 10)
}
