//go:build !linux

package loop

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
)

// sys_other.go - the calls of sys_linux.go where there is no loop to make them.

const unsupported = syscall.ENOSYS

func recv(int, []byte) (int, syscall.Errno) { return 0, unsupported }

func peek(int, []byte) (int, syscall.Errno) { return 0, unsupported }

func send(int, []byte) (int, syscall.Errno) { return 0, unsupported }

func splice(_, _, _ int) (int, syscall.Errno) { return 0, unsupported }

func makePipe(int) (r, w int, errno syscall.Errno) { return -1, -1, unsupported }

func closeSocket(int) error { return unsupported }

func shutdownWrite(int) error { return unsupported }

func socket(int) (int, syscall.Errno) { return -1, unsupported }

func connect(int, []byte) syscall.Errno { return unsupported }

func socketError(int) syscall.Errno { return unsupported }

// SetOption is for Linux only.
func SetOption(_, _, _, _ int) error { return errors.ErrUnsupported }

// SetNoDelay is for Linux only.
func SetNoDelay(int) error { return errors.ErrUnsupported }

func accept(int) (int, Remote, syscall.Errno) { return -1, Remote{}, unsupported }

func tcpAddr(netip.AddrPort) Addr { return Addr{} }

func unixAddr(string) Addr { return Addr{} }

func localAddr(int) net.Addr { return nil }

func remoteAddr(int) net.Addr { return nil }
