package process

import (
	"os"
	"os/signal"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// FallBySignal makes signals that stand for a crash, sent from outside, end the
// process as they end one in C: at once, by that signal, with a core file if
// there may be one. Go would print stacks and exit with code 2 or, where it is to
// leave a core file, first hand SIGQUIT from thread to thread, which takes many
// seconds in a process that handles that signal itself. Faults of the program's
// own are panics and not concerned.
func FallBySignal() {
	crash := make(chan os.Signal, 1)
	signal.Notify(crash, syscall.SIGSEGV, syscall.SIGABRT, syscall.SIGBUS, syscall.SIGFPE, syscall.SIGILL)
	go func() { fall((<-crash).(syscall.Signal)) }()
}

// fall ends the process by a signal.
func fall(s syscall.Signal) {
	var byDefault [4]uintptr // struct sigaction of the kernel, with SIG_DFL
	const setSize = 8        // of its signal set
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(s), uintptr(unsafe.Pointer(&byDefault)), 0, setSize, 0, 0)
	_ = syscall.Kill(os.Getpid(), s)
}
