//go:build unix

package process

import (
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// HasWorkers reports whether [Spawn], [Reap] and [Pair] work on this system.
const HasWorkers = true

// Spawn starts a process. It returns the process id; the process is to be waited
// for with [Reap].
func Spawn(s Spec) (int, error) {
	path := s.Path
	if path == "" {
		path = OwnPath()
	}
	files := make([]uintptr, len(s.Files))
	for i, fd := range s.Files {
		files[i] = uintptr(fd)
	}
	return syscall.ForkExec(path, s.Args, &syscall.ProcAttr{Env: s.Env, Files: files})
}

// OwnPath returns a path that leads to this program. In Linux it does so after
// an update of the file too, so that a program and those it starts are of one
// version. Without /proc it is the path that the program was started by.
func OwnPath() string {
	const self = "/proc/self/exe"
	if runtime.GOOS == "linux" {
		if _, err := os.Readlink(self); err == nil {
			return self
		}
	}
	return executable()
}

// executable is the file of this program.
func executable() string {
	if path, err := os.Executable(); err == nil {
		return path
	}
	if path, err := exec.LookPath(os.Args[0]); err == nil {
		return path
	}
	return os.Args[0]
}

// Reap returns a process that has ended, one at each call, and false if there is
// none.
func Reap() (Exit, bool) {
	for {
		var w syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &w, syscall.WNOHANG, nil)
		switch {
		case err == syscall.EINTR:
			continue
		case err != nil || pid <= 0:
			return Exit{}, false
		case w.Signaled():
			return Exit{PID: pid, Signal: int(w.Signal()), Core: w.CoreDump()}, true
		}
		return Exit{PID: pid, Code: w.ExitStatus()}, true
	}
}

// Pair makes two connected sockets: one to keep, and one, a descriptor, for a
// process to be started. The caller closes both.
func Pair() (*os.File, int, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return nil, -1, os.NewSyscallError("socketpair", err)
	}
	unix.CloseOnExec(fds[0])
	unix.CloseOnExec(fds[1])
	if err := unix.SetNonblock(fds[0], true); err != nil {
		unix.Close(fds[0])
		unix.Close(fds[1])
		return nil, -1, os.NewSyscallError("fcntl", err)
	}
	return os.NewFile(uintptr(fds[0]), "link"), fds[1], nil
}

// Inherited returns a file that was open when the process began. Processes that
// it starts do not get it.
func Inherited(fd int, name string) *os.File {
	unix.CloseOnExec(fd)
	return os.NewFile(uintptr(fd), name)
}

// CloseDescriptor closes a descriptor.
func CloseDescriptor(fd int) { _ = unix.Close(fd) }
