package process

// background.go - going to the background. A Go program cannot fork, so it
// starts itself once more. The new process shares the standard error output
// until it is ready, so that its complaints reach whoever started it.

import "os"

// childMark is set in the environment of the process that [Background] starts.
const childMark = "GOSTREAM_BACKGROUND"

// readyFile is the descriptor of the pipe to the process that called
// [Background].
const readyFile = 3

// Child is the process in the background, on the way there. The nil Child is a
// process in the foreground.
type Child struct{ ready *os.File }

// StartedBy returns the Child if this process was started by [Background], else
// nil. It can be called once: processes started later are not marked.
func StartedBy() *Child {
	if os.Getenv(childMark) == "" {
		return nil
	}
	os.Unsetenv(childMark)
	return &Child{ready: childPipe()}
}

// Ready lets the process that called [Background] go. The standard error output
// remains; see [RedirectStderr].
func (c *Child) Ready() {
	if c == nil || c.ready == nil {
		return
	}
	// If nobody waits any more there is nobody to tell.
	_, _ = c.ready.Write([]byte{1})
	c.ready.Close()
	c.ready = nil
}

// Background starts this program again, with the same arguments, in a session
// of its own, and waits until it is ready. false means that it has ended
// before, having told why on the standard error output.
func Background() (bool, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return false, err
	}
	defer r.Close()
	p, err := startAgain(w)
	w.Close()
	if err != nil {
		return false, err
	}
	if n, _ := r.Read(make([]byte, 1)); n == 1 {
		return true, p.Release()
	}
	_, err = p.Wait()
	return false, err
}
