package logfile

import (
	"bytes"
	"sync"
	"syscall"
	"time"

	"github.com/gostream/gostream/internal/guard"
)

const (
	maxQueued  = 1 << 20 // bytes that wait in a queue; as many may be on their way
	pipeAtomic = 4096    // what pipes take as a whole, so that lines of several processes do not mix
)

// queue takes lines for what makes its writer wait when nobody reads: a pipe, a
// socket, a terminal. A goroutine writes them, which there is only as long as
// there are lines. What does not fit is dropped and counted: no log may stop the
// sessions.
type queue struct {
	handle handle
	path   string
	report func(error) // told of lines that were dropped, and of failed writes

	mu      sync.Mutex
	lines   []byte
	lengths []int // of lines
	spare   []byte
	dropped int
	done    chan struct{} // closed when all is written; nil: it is
	closed  bool
}

// add queues a line, or several that were kept in a buffer.
func (q *queue) add(line []byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		return
	case len(q.lines) > 0 && len(q.lines)+len(line) > maxQueued:
		q.dropped += max(bytes.Count(line, []byte{'\n'}), 1)
		return
	}
	q.lines = append(q.lines, line...)
	q.lengths = append(q.lengths, len(line))
	if q.done == nil {
		q.done = make(chan struct{})
		writing.begin(q)
		guard.Go("log queue", q.panicked, q.run)
	}
}

// panicked drops what waits, so that the next line begins anew.
func (q *queue) panicked(p *guard.Panic) {
	q.mu.Lock()
	writing.end(q)
	close(q.done)
	q.lines, q.lengths, q.done = nil, nil, nil
	q.mu.Unlock()
	q.report(p)
}

// run writes until nothing is left.
func (q *queue) run() {
	for lines, lengths := q.take(); len(lengths) > 0; lines, lengths = q.take() {
		q.write(lines, lengths)
		q.mu.Lock()
		q.spare = lines[:0]
		dropped := q.dropped
		q.dropped = 0
		q.mu.Unlock()
		if dropped > 0 {
			q.report(&DroppedError{q.path, dropped})
		}
	}
}

// take returns what waits. If that is nothing, the goroutine ends.
func (q *queue) take() ([]byte, []int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	lines, lengths := q.lines, q.lengths
	q.lines, q.lengths, q.spare = q.spare[:0], nil, nil
	if len(lengths) == 0 {
		writing.end(q)
		close(q.done)
		q.done = nil
		if q.lines = nil; q.closed {
			q.handle.close()
		}
	}
	return lines, lengths
}

// write writes lines, several at once where that leaves them whole.
func (q *queue) write(lines []byte, lengths []int) {
	for len(lengths) > 0 {
		size := 0
		for len(lengths) > 0 && (size == 0 || size+lengths[0] <= pipeAtomic) {
			size += lengths[0]
			lengths = lengths[1:]
		}
		if n, errno := q.handle.writeAll(lines[:size]); errno != 0 {
			q.report(&WriteError{Path: q.path, Err: errno, Written: n, Wanted: size})
		}
		lines = lines[size:]
	}
}

// close closes the handle when all is written, and does not wait for that.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	if q.closed = true; q.done == nil {
		q.handle.close()
	}
}

// writing are the queues of the process that have something to write.
var writing queues

type queues struct {
	mu sync.Mutex
	of map[*queue]chan struct{}
}

func (w *queues) begin(q *queue) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.of == nil {
		w.of = map[*queue]chan struct{}{}
	}
	w.of[q] = q.done
}

func (w *queues) end(q *queue) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.of, q)
}

func (w *queues) all() (done []chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, d := range w.of {
		done = append(done, d)
	}
	return done
}

// Drain waits until the lines of all logs are written, which are those for pipes,
// sockets and terminals that somebody else may be slow to read. It waits for that
// long at most. A program calls it before it ends.
func Drain(patience time.Duration) {
	late := time.NewTimer(patience)
	defer late.Stop()
	for done := writing.all(); len(done) > 0; done = writing.all() {
		for _, d := range done {
			select {
			case <-d:
			case <-late.C:
				return
			}
		}
	}
}

// writeAll writes everything, or returns an errno with the bytes written.
func (h handle) writeAll(b []byte) (written int, errno syscall.Errno) {
	for written < len(b) {
		n, errno := h.write(b[written:])
		written += n
		switch {
		case errno == syscall.EAGAIN: // somebody else has made it non-blocking
			h.awaitRoom()
		case errno != 0:
			return written, errno
		}
	}
	return written, 0
}
