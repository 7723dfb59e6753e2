//go:build unix

package process

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// HasBackground reports whether [Background] works on this system.
const HasBackground = true

func startAgain(ready *os.File) (*os.Process, error) {
	return os.StartProcess(executable(), os.Args, &os.ProcAttr{
		Env:   append(os.Environ(), childMark+"=1"),
		Files: []*os.File{os.Stdin, os.Stdout, os.Stderr, ready}, // ready is readyFile
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
}

func childPipe() *os.File {
	unix.CloseOnExec(readyFile)
	return os.NewFile(readyFile, "ready")
}

// Detach lets go of the terminal: standard input and output lead nowhere, and
// no permissions are masked. keepOutput leaves the standard output alone.
func (c *Child) Detach(keepOutput bool) error {
	if c == nil {
		return nil
	}
	unix.Umask(0)
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	if err := duplicate(null, 0); err != nil || keepOutput {
		return err
	}
	return duplicate(null, 1)
}

// RedirectStderr makes f the standard error output, so that it also gets what
// the Go runtime has to say.
func RedirectStderr(f *os.File) error { return duplicate(f, 2) }

func duplicate(f *os.File, fd int) error { return unix.Dup2(int(f.Fd()), fd) }
