//go:build !linux && !darwin && !freebsd

package stream

import "net"

// hasTransparent: the system cannot connect from addresses that are not its own.
const hasTransparent = false

// prepareDialer makes package net bind its sockets.
func (s *Session) prepareDialer(d *net.Dialer, _ *dialOptions, toUnix bool) {
	switch {
	case s.up.local == nil || toUnix:
	case s.udp:
		d.LocalAddr = net.UDPAddrFromAddrPort(s.up.local.addr)
	default:
		d.LocalAddr = net.TCPAddrFromAddrPort(s.up.local.addr)
	}
}
