//go:build unix

package process

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// System names the operating system and its release: "Linux 6.1.0".
func System() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return ""
	}
	return unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:])
}

// FileLimit returns how many files the process may have open, and up to where
// it may raise that itself.
func FileLimit() (soft, hard uint64, err error) {
	var r syscall.Rlimit
	err = syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r)
	return uint64(r.Cur), uint64(r.Max), err
}

// SetFileLimit sets both limits of open files to n, or to the most that the process
// can have: the system's bound if it may go beyond its hard limit, or that.
// It returns what they are then and, if that is not n, why.
func SetFileLimit(n int64) (int64, error) {
	failed := setLimit(syscall.RLIMIT_NOFILE, n)
	if failed == nil {
		return n, nil
	}
	_, hard, err := FileLimit()
	if err != nil {
		return 0, failed
	}
	for _, most := range []int64{mostFiles(), int64(hard)} {
		if most > 0 && most < n && setLimit(syscall.RLIMIT_NOFILE, most) == nil {
			return most, failed
		}
	}
	return int64(hard), failed
}

// SetCoreLimit sets both limits of the size of a core file, in bytes.
func SetCoreLimit(n int64) error { return setLimit(syscall.RLIMIT_CORE, n) }

func setLimit(which int, n int64) error {
	var r syscall.Rlimit
	if err := syscall.Getrlimit(which, &r); err != nil {
		return err
	}
	setFields(n, &r.Cur, &r.Max)
	return syscall.Setrlimit(which, &r)
}

// setFields allows for the types of Rlimit, which differ between systems.
func setFields[T int64 | uint64](n int64, fields ...*T) {
	for _, f := range fields {
		*f = T(n)
	}
}
