//go:build linux || darwin || freebsd

package stream

import (
	"net"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/gostream/gostream/internal/addr"
	"github.com/gostream/gostream/internal/errlog"
)

// prepareUpstream sets what the configuration wants of a new upstream socket, in
// nginx's order. Buffers and keepalive are not worth failing for.
func (s *Session) prepareUpstream(fd int, o *dialOptions, toUnix bool) error {
	set := func(name, value int, call string) {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, name, value); err != nil {
			s.logIgnored(call, value, err)
		}
	}
	if o.rcvbuf > 0 {
		set(unix.SO_RCVBUF, o.rcvbuf, "SO_RCVBUF")
	}
	if o.sndbuf > 0 {
		set(unix.SO_SNDBUF, o.sndbuf, "SO_SNDBUF")
	}
	if o.keepalive {
		set(unix.SO_KEEPALIVE, 1, "SO_KEEPALIVE")
	}
	if s.up.local != nil {
		return s.bindUpstream(fd, toUnix)
	}
	return nil
}

// logIgnored reports a socket option that could not be set.
func (s *Session) logIgnored(name string, value int, err error) {
	if name != "SO_KEEPALIVE" {
		name += ", " + strconv.Itoa(value)
	}
	s.log(errlog.Alert, "setsockopt("+name+") failed, ignored", err)
}

// bindUpstream gives a socket its local address.
func (s *Session) bindUpstream(fd int, toUnix bool) error {
	local := s.up.local
	if local.transparent {
		if call, err := setTransparent(fd, local.addr.Addr()); err != nil {
			return &localError{errlog.Alert, "setsockopt(" + call + ")", err}
		}
	}
	if local.addr.Port() == 0 && !toUnix {
		if err := setBindNoPort(fd); err != nil {
			s.log(errlog.Alert, "setsockopt(IP_BIND_ADDRESS_NO_PORT) failed, ignored", err)
		}
	}
	if s.udp && local.addr.Port() != 0 {
		// The sessions of all clients come from this port.
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
			return &localError{errlog.Alert, "setsockopt(SO_REUSEADDR)", err}
		}
	}
	if err := unix.Bind(fd, addr.IP(local.addr).Sockaddr()); err != nil {
		return &localError{errlog.Crit, "bind(" + local.text + ")", err}
	}
	return nil
}

// prepareDialer makes package net prepare its sockets.
func (s *Session) prepareDialer(d *net.Dialer, o *dialOptions, toUnix bool) {
	if !o.tuned() && s.up.local == nil {
		return
	}
	d.Control = func(_, _ string, raw syscall.RawConn) (err error) {
		if e := raw.Control(func(fd uintptr) { err = s.prepareUpstream(int(fd), o, toUnix) }); e != nil {
			return e
		}
		return err
	}
}
