//go:build linux || darwin || freebsd

package addr

import "golang.org/x/sys/unix"

// Sockaddr is the address in the form of package unix, which treats paths as
// package net does; see [Addr.HostPort].
func (a Addr) Sockaddr() unix.Sockaddr {
	switch {
	case a.IsUnix():
		return &unix.SockaddrUnix{Name: a.HostPort()}
	case a.ip.Addr().Is4():
		return &unix.SockaddrInet4{Port: int(a.ip.Port()), Addr: a.ip.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.ip.Port()), Addr: a.ip.Addr().As16()}
}
