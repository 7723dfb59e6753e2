//go:build unix

package process

import (
	"os/signal"
	"syscall"
)

// Signals lists the signals that a server takes.
func Signals() []Signal {
	return []Signal{
		{syscall.SIGHUP, "SIGHUP", Reload},
		{syscall.SIGUSR1, "SIGUSR1", Reopen},
		{syscall.SIGWINCH, "SIGWINCH", Drain},
		{syscall.SIGTERM, "SIGTERM", Stop},
		{syscall.SIGQUIT, "SIGQUIT", Quit},
		{syscall.SIGUSR2, "SIGUSR2", Upgrade},
		{syscall.SIGALRM, "SIGALRM", None},
		{syscall.SIGINT, "SIGINT", Stop},
		{syscall.SIGIO, "SIGIO", None},
		{syscall.SIGCHLD, "SIGCHLD", Ended},
	}
}

// IgnoreSignals makes the process live through the signals that a server has no
// use for: a broken pipe is an error of the write that met it.
func IgnoreSignals() { signal.Ignore(syscall.SIGPIPE, syscall.SIGSYS) }

// Parent returns the id of the parent process.
func Parent() int { return syscall.Getppid() }

// Send sends a signal to a process. The error is a syscall.Errno.
func Send(pid int, s Signal) error { return syscall.Kill(pid, s.Number) }

// Kill ends a process by force.
func Kill(pid int) error { return syscall.Kill(pid, syscall.SIGKILL) }
