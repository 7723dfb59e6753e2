//go:build darwin || freebsd

package stream

import "golang.org/x/sys/unix"

// tuneSocket sets the options of a socket that is not bound yet. Like nginx it
// goes on without those that fail, except for reuseport.
func tuneSocket(fd uintptr, opt *Listen) error {
	set := func(level, name, value int) error { return unix.SetsockoptInt(int(fd), level, name, value) }
	if opt.ReusePort {
		if err := set(unix.SOL_SOCKET, reusePort, 1); err != nil {
			return err
		}
	}
	if opt.RcvBuf > 0 {
		_ = set(unix.SOL_SOCKET, unix.SO_RCVBUF, int(opt.RcvBuf))
	}
	if opt.SndBuf > 0 {
		_ = set(unix.SOL_SOCKET, unix.SO_SNDBUF, int(opt.SndBuf))
	}
	if opt.FastOpen != nil {
		_ = set(unix.IPPROTO_TCP, unix.TCP_FASTOPEN, *opt.FastOpen)
	}
	return nil
}

// setBacklog listens once more: package net has asked for the maximum.
func setBacklog(fd uintptr, n int) error { return unix.Listen(int(fd), n) }
