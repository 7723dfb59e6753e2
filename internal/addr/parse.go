package addr

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
)

// Options say what kind of address is expected.
type Options struct {
	Listen      bool   // an address to listen on: PORT, *:PORT and port ranges are allowed
	AnyPort     bool   // port 0 is allowed: the kernel chooses
	NoResolve   bool   // leave host names alone
	DefaultPort uint16 // for addresses without one

	// Lookup finds the addresses of a host name. Nil asks the system, see
	// [Lookup]. Its errors all become "host not found".
	Lookup func(host string) ([]netip.Addr, error)
}

// URL is what an address text says. (The name is nginx's, whose texts begin as
// those of URLs do.)
type URL struct {
	Host   string // as written, with the brackets of IPv6; "*" for a port alone
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

// maxPath is the room for the path of a unix socket, which includes a zero byte
// at the end.
const maxPath = len(syscall.RawSockaddrUnix{}.Path)

// Parse reads an address: HOST:PORT, HOST, [IPv6]:PORT, [IPv6] or unix:PATH, and
// what the options allow besides. An error has the text that nginx puts before
// ` in upstream "x"` and the like.
//
// IPv6 addresses are those of RFC 4291. nginx also takes a lone colon at either
// end of them, and refuses a "::" that stands for a single group at the end.
func Parse(text string, o Options) (URL, error) {
	switch {
	case len(text) >= 5 && strings.EqualFold(text[:5], "unix:"):
		return parseUnix(text[5:])
	case strings.HasPrefix(text, "["):
		return parseIPv6(text, o)
	}
	return parseName(text, o)
}

// ParseIPPort reads an IP address with or without a port (then 0), as proxy_bind
// has it. Only an IPv6 address with a port needs brackets.
func ParseIPPort(text string) (netip.AddrPort, bool) {
	if ip, ok := parseIP(text); ok {
		return netip.AddrPortFrom(ip, 0), true
	}
	host, port, hasPort := strings.Cut(text, ":")
	if inner, bracket := strings.CutPrefix(text, "["); bracket {
		var rest string
		host, rest, bracket = strings.Cut(inner, "]")
		if ip, ok := parseIP(host); ok && bracket && rest == "" {
			return netip.AddrPortFrom(ip, 0), true
		}
		port, hasPort = strings.CutPrefix(rest, ":")
	}
	ip, ok := parseIP(host)
	n, err := parsePort(port, Options{})
	if !ok || !hasPort || err != nil {
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(ip, n), true
}

// parseIP reads an address of either version, without brackets.
func parseIP(text string) (netip.Addr, bool) {
	if ip, ok := parseIPv4(text); ok {
		return ip, true
	}
	ip, err := netip.ParseAddr(text)
	return ip, err == nil && ip.Is6() && ip.Zone() == ""
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
	if !hasPort && o.Listen && isPorts(text) {
		host, port, hasPort = "*", text, true
	}
	u := URL{Host: host, Port: o.DefaultPort, NoPort: !hasPort}
	last := u.Port
	if hasPort {
		var err error
		if u.Port, last, err = parsePorts(port, o); err != nil {
			return URL{}, err
		}
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
	return u, u.resolve(last, o)
}

// isPorts reports whether a text without a colon is a port or a range of ports,
// valid or not, rather than a host.
func isPorts(text string) bool {
	first, last, isRange := strings.Cut(text, "-")
	if _, ok := parseNumber(first); !ok {
		return false
	}
	_, ok := parseNumber(last)
	return ok || !isRange
}

// parsePorts reads a port, or for listen first-last.
func parsePorts(text string, o Options) (first, last uint16, err error) {
	if from, to, isRange := strings.Cut(text, "-"); isRange && o.Listen {
		if last, err = parsePort(to, o); err != nil {
			return 0, 0, err
		}
		text = from
	}
	if first, err = parsePort(text, o); err != nil {
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

func parsePort(text string, o Options) (uint16, error) {
	n, ok := parseNumber(text)
	if !ok || n < 1 && !o.AnyPort || n > 65535 {
		return 0, errInvalidPort
	}
	return uint16(n), nil
}

// parseNumber reads digits; values from a million on are all the same to it, but
// to nginx those above 63 bits are no numbers.
func parseNumber(text string) (n int, ok bool) {
	value, err := strconv.ParseUint(text, 10, 63)
	return int(min(value, 1e6)), err == nil
}

// parseIPv4 reads four decimal numbers. Like nginx it takes zeros in front and
// no digits at all for 0, and reserves 255.255.255.255 for "no address".
func parseIPv4(text string) (netip.Addr, bool) {
	var ip [4]byte
	dots, n := 0, 0
	for _, c := range []byte(text) {
		switch {
		case '0' <= c && c <= '9':
			if n = n*10 + int(c-'0'); n > 255 {
				return netip.Addr{}, false
			}
		case c == '.' && dots < 3:
			ip[dots] = byte(n)
			dots++
			n = 0
		default:
			return netip.Addr{}, false
		}
	}
	ip[3] = byte(n)
	return netip.AddrFrom4(ip), dots == 3 && ip != [4]byte{255, 255, 255, 255}
}

// add appends an address for each port of a range.
func (u *URL) add(ip netip.Addr, last uint16) {
	for port := int(u.Port); port <= int(last); port++ {
		u.Addrs = append(u.Addrs, IP(netip.AddrPortFrom(ip, uint16(port))))
	}
}

// resolve adds the addresses of the host, in the order in which they are found.
func (u *URL) resolve(last uint16, o Options) error {
	lookup := o.Lookup
	if lookup == nil {
		lookup = Lookup
	}
	ips, err := lookup(u.Host)
	if err != nil || len(ips) == 0 {
		return errNotFound
	}
	for _, ip := range ips {
		u.add(ip.Unmap(), last)
	}
	return nil
}
