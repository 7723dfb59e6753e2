//go:build unix

package logfile

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// maxLinks is how many symbolic links [Descriptor] follows, as the kernel does.
const maxLinks = 40

// Descriptor returns the descriptor of this process that a path stands for,
// such as 1 for /dev/stdout, also by way of symbolic links: container images
// have a log file that is one. It returns -1 for all other paths.
func Descriptor(path string) int {
	for range maxLinks {
		if fd := descriptorNamed(filepath.Clean(path)); fd >= 0 {
			return fd
		}
		target, err := os.Readlink(path)
		if err != nil {
			return -1
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(path), target)
		}
		path = target
	}
	return -1
}

// descriptorNamed is Descriptor without links. It needs no /proc.
func descriptorNamed(path string) int {
	switch path {
	case "/dev/stdin":
		return 0
	case "/dev/stdout":
		return 1
	case "/dev/stderr":
		return 2
	}
	for _, folder := range []string{"/dev/fd/", "/proc/self/fd/", "/proc/" + strconv.Itoa(os.Getpid()) + "/fd/"} {
		if number, ok := strings.CutPrefix(path, folder); ok {
			if fd, err := strconv.ParseUint(number, 10, 31); err == nil {
				return int(fd)
			}
		}
	}
	return -1
}

// duplicate makes a handle of a descriptor that can be written to.
func duplicate(fd int) (handle, bool) {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil || flags&unix.O_ACCMODE == unix.O_RDONLY {
		return 0, false
	}
	const afterStandard = 3
	copied, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, afterStandard)
	return handle(copied), err == nil
}

// OpenFile opens a log file, or creates it, for who needs an [os.File]. The
// error is an *OpenError.
func OpenFile(path string) (*os.File, error) {
	h, err := openFile(path, false)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(h), path), nil
}
