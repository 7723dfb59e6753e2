package process

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// keepCapabilities makes all threads keep their capabilities over a change of
// user. In a program built with cgo the C library owns the threads, and this is
// not possible.
func keepCapabilities() error {
	_, _, errno := syscall.AllThreadsSyscall(unix.SYS_PRCTL, unix.PR_SET_KEEPCAPS, 1, 0)
	return failure(errno)
}

// onlyRawSockets gives all capabilities up but CAP_NET_RAW.
func onlyRawSockets() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	only := [2]unix.CapUserData{{Effective: 1 << unix.CAP_NET_RAW, Permitted: 1 << unix.CAP_NET_RAW}}
	_, _, errno := syscall.AllThreadsSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&only)), 0)
	return failure(errno)
}

func failure(errno syscall.Errno) error {
	if errno != 0 {
		return errno
	}
	return nil
}

// AllowDump lets the kernel write a core file after a change of user.
func AllowDump() error { return unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0) }
