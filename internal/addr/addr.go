// Package addr reads addresses the way nginx does wherever a configuration has
// one: listen, server, proxy_pass, set_real_ip_from, syslog servers.
package addr

import (
	"net/netip"
	"strings"
)

// Addr is a socket address: an IP address with a port, or the path of a unix
// socket. It may be compared and used as a key. The zero value is no address.
type Addr struct {
	ip   netip.AddrPort
	path string
}

// IP returns the address of a TCP or UDP socket.
func IP(ap netip.AddrPort) Addr { return Addr{ip: ap} }

// Unix returns the address of a unix socket.
func Unix(path string) Addr { return Addr{path: path} }

// IsUnix reports whether a is the path of a unix socket.
func (a Addr) IsUnix() bool { return a.path != "" }

// Path is the path of a unix socket, else empty.
func (a Addr) Path() string { return a.path }

// AddrPort is the IP address and port; it is not valid for unix sockets.
func (a Addr) AddrPort() netip.AddrPort { return a.ip }

// Port is the port; 0 for unix sockets.
func (a Addr) Port() uint16 { return a.ip.Port() }

// IsWildcard reports whether a stands for all addresses of the machine.
func (a Addr) IsWildcard() bool { return a.ip.IsValid() && a.ip.Addr().IsUnspecified() }

// WithAddr returns a with the host replaced, the port kept.
func (a Addr) WithAddr(ip netip.Addr) Addr { return Addr{ip: netip.AddrPortFrom(ip, a.ip.Port())} }

// String is how nginx prints the address: 127.0.0.1:80, [::1]:80, unix:/path.
func (a Addr) String() string {
	switch {
	case a.IsUnix():
		return "unix:" + a.path
	case !a.ip.IsValid():
		return ""
	}
	return a.ip.String()
}

// Network is "tcp" or "unix", for package net.
func (a Addr) Network() string {
	if a.IsUnix() {
		return "unix"
	}
	return "tcp"
}

// HostPort is the address in the form that package net takes. It would take a
// path that begins with "@" for a name in the abstract space of Linux, and not
// for that of a file.
func (a Addr) HostPort() string {
	if strings.HasPrefix(a.path, "@") {
		return "./" + a.path
	}
	return strings.TrimPrefix(a.String(), "unix:")
}
