package stream

import "sync"

// buffer is scratch space for evaluating values. Sessions only borrow one, so
// that an idle session holds none.
type buffer struct{ b []byte }

var buffers = sync.Pool{New: func() any { return &buffer{make([]byte, 0, 512)} }}

func takeBuffer() *buffer {
	buf := buffers.Get().(*buffer)
	buf.b = buf.b[:0]
	return buf
}

func (buf *buffer) release() { buffers.Put(buf) }
