package addr

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Options say what kind of address is expected.
type Options struct {
	Listen      bool   // an address to listen on: PORT, *:PORT and port ranges are allowed
	NoResolve   bool   // leave host names alone
	DefaultPort uint16 // for addresses without one
}

// URL is what an address text says. (The name is nginx's, whose texts begin as
// those of URLs do.)
type URL struct {
	Host   string // as written, with the brackets of IPv6
	Port   uint16 // the default port if there was none
	NoPort bool
	Addrs  []Addr // all addresses of a name, all ports of a range; none for names left alone
}

// The errors of [Parse]. Their texts are nginx's; who calls adds what the
// address is for.
var (
	errInvalidHost  = errors.New("invalid host")
	errInvalidPort  = errors.New("invalid port")
	errInvalidRange = errors.New("invalid port range")
	errInvalidIPv6  = errors.New("invalid IPv6 address")
	errNoHost       = errors.New("no host")
	errNotFound     = errors.New("host not found")
	errNoPath       = errors.New("no path in the unix domain socket")
	errLongPath     = errors.New("too long path in the unix domain socket")
)

// maxPath is the length of sun_path with its terminating zero byte.
const maxPath = 108

// Parse reads an address.
func Parse(text string, o Options) (URL, error) {
	switch {
	case len(text) >= 5 && strings.EqualFold(text[:5], "unix:"):
		return parseUnix(text[5:])
	case strings.HasPrefix(text, "["):
		return parseIPv6(text, o)
	}
	return parseName(text, o)
}

func parseUnix(path string) (URL, error) {
	switch {
	case path == "":
		return URL{}, errNoPath
	case len(path) >= maxPath:
		return URL{}, errLongPath
	}
	return URL{Host: path, Addrs: []Addr{Unix(path)}}, nil
}

func parseIPv6(text string, o Options) (URL, error) {
	host, rest, found := strings.Cut(text[1:], "]")
	if !found || strings.Contains(rest, "/") || rest != "" && rest[0] != ':' {
		return URL{}, errInvalidHost
	}
	u := URL{Host: "[" + host + "]", Port: o.DefaultPort, NoPort: true}
	last := u.Port
	if rest != "" {
		var err error
		if u.Port, last, err = parsePorts(rest[1:], o); err != nil {
			return URL{}, err
		}
		u.NoPort = false
	}
	if host == "" {
		return URL{}, errNoHost
	}
	ip, err := netip.ParseAddr(host)
	if err != nil || ip.Zone() != "" || ip.Is4() {
		return URL{}, errInvalidIPv6
	}
	u.add(ip, last)
	return u, nil
}

// parseName reads an IPv4 address, a host name, or what only listen has.
func parseName(text string, o Options) (URL, error) {
	if strings.ContainsAny(text, "/?") {
		return URL{}, errInvalidHost
	}
	host, port, hasPort := strings.Cut(text, ":")
	u := URL{Host: host, Port: o.DefaultPort}
	last := u.Port
	var err error
	switch {
	case hasPort:
		if u.Port, last, err = parsePorts(port, o); err != nil {
			return URL{}, err
		}
	case o.Listen && isPorts(text):
		if u.Port, last, err = parsePorts(text, o); err != nil {
			return URL{}, err
		}
		u.Host = ""
		u.add(netip.IPv4Unspecified(), last)
		return u, nil
	default:
		u.NoPort = true
	}
	if host == "" {
		return URL{}, errNoHost
	}
	if o.Listen && host == "*" {
		u.add(netip.IPv4Unspecified(), last)
		return u, nil
	}
	if ip, ok := parseIPv4(host); ok {
		u.add(ip, last)
		return u, nil
	}
	if o.NoResolve {
		return u, nil
	}
	return u, u.resolve(last)
}

// isPorts reports whether a text without a colon is a port or a range of ports
// rather than a host.
func isPorts(text string) bool {
	for part := range strings.SplitSeq(text, "-") {
		if _, err := strconv.ParseUint(part, 10, 31); err != nil {
			return false
		}
	}
	return true
}

// parsePorts reads a port, or for listen first-last.
func parsePorts(text string, o Options) (first, last uint16, err error) {
	from, to, isRange := strings.Cut(text, "-")
	if isRange && o.Listen {
		if last, err = parsePort(to); err != nil {
			return 0, 0, err
		}
		text = from
	}
	if first, err = parsePort(text); err != nil {
		return 0, 0, err
	}
	if last == 0 {
		last = first
	}
	if first > last {
		return 0, 0, errInvalidRange
	}
	return first, last, nil
}

func parsePort(text string) (uint16, error) {
	for _, c := range []byte(text) {
		if c < '0' || c > '9' {
			return 0, errInvalidPort
		}
	}
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil || n < 1 || n > 65535 {
		return 0, errInvalidPort
	}
	return uint16(n), nil
}

// parseIPv4 reads four decimal numbers. Zeros in front are allowed;
// 255.255.255.255 is nginx's value for "no address".
func parseIPv4(text string) (netip.Addr, bool) {
	var ip [4]byte
	parts := strings.Split(text, ".")
	if len(parts) != 4 {
		return netip.Addr{}, false
	}
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 8)
		if err != nil {
			return netip.Addr{}, false
		}
		ip[i] = byte(n)
	}
	return netip.AddrFrom4(ip), ip != [4]byte{255, 255, 255, 255}
}

// add appends an address for each port of a range.
func (u *URL) add(ip netip.Addr, last uint16) {
	for port := int(u.Port); port <= int(max(last, u.Port)); port++ {
		u.Addrs = append(u.Addrs, IP(netip.AddrPortFrom(ip, uint16(port))))
	}
}

// resolve asks the system for the addresses of the host, IPv4 first as nginx
// lists them.
func (u *URL) resolve(last uint16) error {
	ips, err := net.DefaultResolver.LookupNetIP(context.Background(), "ip", u.Host)
	if err != nil {
		return errNotFound
	}
	for _, want4 := range []bool{true, false} {
		for _, ip := range ips {
			if ip = ip.Unmap(); ip.Is4() == want4 {
				u.add(ip, last)
			}
		}
	}
	if len(u.Addrs) == 0 {
		return errNotFound
	}
	return nil
}
