package errlog

import (
	"sync"
	"time"
)

// Ring keeps the newest lines in memory: error_log memory:SIZE.
type Ring struct {
	mu   sync.Mutex
	buf  []byte
	next int  // where the next byte goes
	full bool // the buffer has been filled once
}

// NewRing makes a ring of so many bytes.
func NewRing(size int) *Ring { return &Ring{buf: make([]byte, size)} }

// Write adds a line. It is a [Sink]'s.
func (r *Ring) Write(line []byte, _ Level, _ time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(line) > 0 {
		n := copy(r.buf[r.next:], line)
		line = line[n:]
		if r.next += n; r.next == len(r.buf) {
			r.next, r.full = 0, true
		}
	}
}

// Bytes returns a copy of what the ring holds, oldest first. The first line may
// be cut.
func (r *Ring) Bytes() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.full {
		return append([]byte(nil), r.buf[:r.next]...)
	}
	return append(append([]byte(nil), r.buf[r.next:]...), r.buf[:r.next]...)
}
