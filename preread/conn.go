package preread

import (
	"errors"
	"io"
	"net"
	"sync"
)

// DefaultSize is how many bytes a [Conn] peeks at by default; it is that of
// nginx's preread_buffer_size.
const DefaultSize = 16 << 10

// ErrBufferFull means that a decision takes more bytes than may be peeked at.
var ErrBufferFull = errors.New("preread buffer full")

// Conn is a net.Conn whose next bytes can be looked at before they are read.
// Deadlines, and all else that is not reading, are those of the connection
// inside. Its methods may be called from several goroutines at once.
type Conn struct {
	net.Conn
	size int

	mu  sync.Mutex // held while a peek is waiting, so that reads come after it
	buf []byte     // peeked at and not read yet
}

// NewConn wraps a connection from which nothing has been read into another
// buffer. At most size bytes are peeked at; 0 means [DefaultSize].
func NewConn(c net.Conn, size int) *Conn {
	if size <= 0 {
		size = DefaultSize
	}
	return &Conn{Conn: c, size: size}
}

// ClientHello waits until the ClientHello is there, and reads it. Nothing is
// taken from the connection. Set a read deadline to limit the wait: a client
// that waits for the server to speak first says nothing here.
//
// Beside the errors of the function [ClientHello], except [ErrNeedMore], it
// returns [ErrBufferFull] and the errors of reading: [io.EOF] if the client is
// done before a decision. The Hello is a copy.
func (c *Conn) ClientHello() (Hello, error) {
	var h Hello
	_, err := c.PeekUntil(func(b []byte) (err error) {
		h, err = ClientHello(b)
		h.ServerName = append([]byte(nil), h.ServerName...)
		h.ALPN = append([]byte(nil), h.ALPN...)
		return err
	})
	return h, err
}

// Peek returns the next n bytes without taking them. If it cannot, it returns
// those that are there together with the error. The bytes are good until the
// next call of any reading or peeking method.
func (c *Conn) Peek(n int) ([]byte, error) {
	return c.PeekUntil(func(b []byte) error {
		if len(b) < n {
			return ErrNeedMore
		}
		return nil
	})
}

// PeekUntil shows the bytes that have come so far, at first those that are
// there already, to decide, and waits for more as long as it returns
// [ErrNeedMore]. It returns what decide saw last and what it said, or the error
// that kept it from seeing more. What holds for the bytes of [Conn.Peek] holds
// for these too.
func (c *Conn) PeekUntil(decide func(b []byte) error) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		if err := decide(c.buf); !errors.Is(err, ErrNeedMore) {
			return c.buf, err
		}
		if err := c.fill(); err != nil {
			return c.buf, err
		}
	}
}

// fill waits for at least one more byte.
func (c *Conn) fill() error {
	if len(c.buf) >= c.size {
		return ErrBufferFull
	}
	if len(c.buf) == cap(c.buf) {
		grown := make([]byte, len(c.buf), min(c.size, max(2048, 2*cap(c.buf))))
		copy(grown, c.buf)
		c.buf = grown
	}
	n, err := c.Conn.Read(c.buf[len(c.buf):cap(c.buf)])
	c.buf = c.buf[:len(c.buf)+n]
	if n > 0 {
		return nil // an error that came along will come again
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

// Buffered returns how many bytes were peeked at and not read yet.
func (c *Conn) Buffered() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.buf)
}

// NetConn returns the connection inside. Reading from it misses the bytes that
// are [Conn.Buffered].
func (c *Conn) NetConn() net.Conn { return c.Conn }

// Read reads what was peeked at, and after that from the connection.
func (c *Conn) Read(p []byte) (int, error) {
	if n := c.readBuffered(p); n > 0 {
		return n, nil
	}
	return c.Conn.Read(p)
}

// readBuffered takes bytes out of the buffer, and drops it when it is empty:
// connections live much longer than their first bytes are of use.
func (c *Conn) readBuffered(p []byte) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := copy(p, c.buf)
	if c.buf = c.buf[n:]; len(c.buf) == 0 {
		c.buf = nil
	}
	return n
}

// WriteTo writes everything that is still to be read to w. Behind the bytes
// peeked at it gets out of the way, so that [io.Copy] between two TCP
// connections stays in the kernel.
func (c *Conn) WriteTo(w io.Writer) (int64, error) {
	written, err := c.writeBuffered(w)
	if err != nil {
		return written, err
	}
	n, err := io.Copy(w, c.Conn)
	return written + n, err
}

func (c *Conn) writeBuffered(w io.Writer) (int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.buf) == 0 {
		return 0, nil
	}
	n, err := w.Write(c.buf)
	if c.buf = c.buf[n:]; len(c.buf) == 0 {
		c.buf = nil
	}
	return int64(n), err
}

// ReadFrom writes everything from r to the connection, for the same reason as
// WriteTo.
func (c *Conn) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(c.Conn, r)
}

// CloseWrite tells the other side that nothing more will come, if the
// connection inside can do that; else it returns [errors.ErrUnsupported].
func (c *Conn) CloseWrite() error {
	if cw, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return cw.CloseWrite()
	}
	return errors.ErrUnsupported
}
