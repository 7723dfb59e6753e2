//go:build !unix

package process

import "syscall"

// Signals lists the signals that a server takes.
func Signals() []Signal {
	return []Signal{
		{syscall.SIGTERM, "SIGTERM", Stop},
		{syscall.SIGINT, "SIGINT", Stop},
	}
}

// IgnoreSignals does nothing here.
func IgnoreSignals() {}

// Send is not supported here.
func Send(int, Signal) error { return ErrUnsupported }

// Parent is not known here.
func Parent() int { return 0 }

// Kill is not supported here.
func Kill(int) error { return ErrUnsupported }
