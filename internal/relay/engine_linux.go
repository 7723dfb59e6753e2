package relay

import (
	"golang.org/x/sys/unix"

	"github.com/gostream/gostream/internal/loop"
)

// Engine is what the relays of one event loop share: buffers and pipes, taken
// only while there is data in flight.
type Engine struct {
	loop    *loop.Loop
	buffers [][]byte
	pipes   []pipe
	inbox   *loop.Batch // for datagrams of upstreams; nil: there have been none
}

// NewEngine makes the engine of a loop. It may only be used on that loop.
func NewEngine(l *loop.Loop) *Engine { return &Engine{loop: l} }

// pipe carries spliced data between two sockets.
type pipe struct{ r, w int }

const (
	// pipeSize is asked of the kernel for each pipe (bytes): a pipe that holds
	// more saves system calls. 1 MB is what a user may have without privileges.
	pipeSize = 1 << 20

	// sparePipes bounds how many empty pipes are kept.
	sparePipes = 32
	// spareBuffers bounds the buffers kept.
	spareBuffers = 64
)

// takePipe returns an empty pipe; false when descriptors have run out.
func (e *Engine) takePipe() (pipe, bool) {
	if n := len(e.pipes); n > 0 {
		p := e.pipes[n-1]
		e.pipes = e.pipes[:n-1]
		return p, true
	}
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_NONBLOCK|unix.O_CLOEXEC); err != nil {
		return pipe{}, false
	}
	// Users have a budget for large pipes; past it this fails, and the pipe
	// keeps its usual 64 KB.
	_, _ = unix.FcntlInt(uintptr(fds[1]), unix.F_SETPIPE_SZ, pipeSize)
	return pipe{fds[0], fds[1]}, true
}

// putPipe gives an empty pipe back. One with data in it must be dropped.
func (e *Engine) putPipe(p pipe, empty bool) {
	if empty && len(e.pipes) < sparePipes {
		e.pipes = append(e.pipes, p)
		return
	}
	unix.Close(p.r)
	unix.Close(p.w)
}

// batch is room for datagrams until it is used again.
func (e *Engine) batch() *loop.Batch {
	if e.inbox == nil {
		e.inbox = loop.NewBatch()
	}
	return e.inbox
}

func (e *Engine) takeBuffer(size int) []byte {
	if n := len(e.buffers); n > 0 && cap(e.buffers[n-1]) >= size {
		b := e.buffers[n-1]
		e.buffers = e.buffers[:n-1]
		return b[:0]
	}
	return make([]byte, 0, size)
}

func (e *Engine) putBuffer(b []byte) {
	if len(e.buffers) < spareBuffers {
		e.buffers = append(e.buffers, b)
	}
}

// Close closes the spare pipes. To be called when the loop has ended.
func (e *Engine) Close() {
	for _, p := range e.pipes {
		unix.Close(p.r)
		unix.Close(p.w)
	}
	e.pipes = nil
}
