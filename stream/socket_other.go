//go:build !linux

package stream

// socket_other.go - listening sockets by way of package net, with the options
// that the system has.

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"github.com/gostream/gostream/internal/addr"
)

// socket is a listening socket: one of the two.
type socket struct {
	stream net.Listener
	packet net.PacketConn
}

func (sk socket) close() {
	if sk.packet != nil {
		sk.packet.Close()
		return
	}
	sk.stream.Close()
}

func (sk socket) addr() net.Addr {
	if sk.packet != nil {
		return sk.packet.LocalAddr()
	}
	return sk.stream.Addr()
}

func (sk socket) listener() (net.Listener, error)     { return sk.stream, nil }
func (sk socket) packetConn() (net.PacketConn, error) { return sk.packet, nil }

// openSocket creates, binds and, for TCP, starts listening on a socket.
func openSocket(a addr.Addr, opt *Listen) (sk socket, err error) {
	c := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) (err error) {
		if e := raw.Control(func(fd uintptr) { err = tuneSocket(fd, opt) }); e != nil {
			return e
		}
		return err
	}}
	if opt.UDP {
		sk.packet, err = c.ListenPacket(context.Background(), networkOf(a, opt), a.HostPort())
	} else {
		sk.stream, err = c.Listen(context.Background(), networkOf(a, opt), a.HostPort())
	}
	if err != nil {
		return socket{}, listenError(a, err)
	}
	if err = sk.finish(a, opt); err != nil {
		sk.close()
	}
	return sk, err
}

// networkOf is the network in the words of package net, where only "tcp" and
// "udp" serve both versions of IP with one wildcard address.
func networkOf(a addr.Addr, opt *Listen) string {
	network := "tcp"
	if opt.UDP {
		network = "udp"
	}
	switch {
	case a.IsUnix() && opt.UDP:
		return "unixgram"
	case a.IsUnix():
		return "unix"
	case a.AddrPort().Addr().Is4():
		return network + "4"
	case opt.IPv6Only == Off:
		return network
	}
	return network + "6"
}

// finish does what comes after bind.
func (sk socket) finish(a addr.Addr, opt *Listen) error {
	if a.IsUnix() {
		// Whoever may reach the folder may connect.
		if err := os.Chmod(a.Path(), 0o666); err != nil {
			return callError("chmod()", a, plainError(err))
		}
	}
	if opt.UDP {
		return nil
	}
	if u, ok := sk.stream.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false)
	}
	raw, err := sk.stream.(syscall.Conn).SyscallConn()
	if err != nil {
		return err
	}
	backlog := opt.backlog()
	if e := raw.Control(func(fd uintptr) { err = setBacklog(fd, backlog) }); e != nil {
		return e
	}
	if err != nil {
		return callError(fmt.Sprintf("listen() to %s, backlog %d", a, backlog), addr.Addr{}, err)
	}
	return nil
}

// listenError words an error of package net.
func listenError(a addr.Addr, err error) error {
	call := "bind()"
	var e *os.SyscallError
	if errors.As(err, &e) {
		call = e.Syscall + "()"
	}
	return callError(call, a, plainError(err))
}
