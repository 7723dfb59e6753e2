package stream

// socket.go - what listening sockets of all systems share.

import (
	"runtime"

	"github.com/gostream/gostream/internal/addr"
	"github.com/gostream/gostream/internal/errlog"
)

// defaultBacklog is nginx's NGX_LISTEN_BACKLOG on most systems.
const defaultBacklog = 511

// What sockets of this system can do.
const (
	hasDeferred  = runtime.GOOS == "linux"
	hasMultipath = runtime.GOOS == "linux"
	hasFastOpen  = runtime.GOOS == "linux" || runtime.GOOS == "darwin" || runtime.GOOS == "freebsd"
	hasReusePort = hasFastOpen
	hasBacklog   = hasFastOpen
	hasBuffers   = hasFastOpen // sizes of their own
)

// callError words a failed system call on a listening socket.
func callError(call string, a addr.Addr, err error) error {
	text := call
	if a != (addr.Addr{}) {
		text += " to " + a.String()
		if call != "bind()" {
			text = call + " " + a.String()
		}
	}
	return &socketError{text: text + " failed", err: err}
}

// socketError is a failed system call with the text of nginx's log line.
type socketError struct {
	text string
	err  error
}

func (e *socketError) Error() string {
	return string(errlog.AppendErrno([]byte(e.text), e.err))
}

func (e *socketError) Unwrap() error { return e.err }
