package loop

// pool.go - memory and pipes that connections borrow while data is in flight.

// scratchSize is the size of the buffer through which small messages pass: more
// than nginx's 16k, so that a larger proxy_buffer_size works.
const scratchSize = 64 << 10

// pools are what a loop lends to its connections.
type pools struct {
	scratch []byte
	buffers *Buffer
	pipes   *Pipe
	npipes  int // made, lent or not
	nidle   int
}

// Scratch returns the loop's buffer, for use until the caller returns to the loop
// or waits.
func (l *Loop) Scratch() []byte {
	if l.scratch == nil {
		l.scratch = make([]byte, scratchSize)
	}
	return l.scratch
}

// Buffer holds data that could not be written yet.
type Buffer struct {
	// Data is what is left of it.
	Data []byte
	room []byte
	next *Buffer
}

// maxBuffers and maxPipes bound what is kept for later.
const (
	maxBuffers = 64
	bufferSize = 16 << 10
)

// Keep returns a buffer that holds a copy of p.
func (l *Loop) Keep(p []byte) *Buffer {
	b := l.buffers
	if b == nil || len(p) > bufferSize {
		b = &Buffer{room: make([]byte, max(len(p), bufferSize))}
	} else {
		l.buffers, b.next = b.next, nil
	}
	b.Data = b.room[:copy(b.room, p)]
	return b
}

// Release gives a buffer back.
func (l *Loop) Release(b *Buffer) {
	b.Data = nil
	if len(b.room) == bufferSize {
		b.next, l.buffers = l.buffers, b
	}
}

func (p *pools) close() {
	for ; p.pipes != nil; p.pipes = p.pipes.next {
		p.pipes.close()
	}
}
