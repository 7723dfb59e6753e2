package loop

import (
	"io"
	"syscall"
)

const (
	// pipeSize is how much a pipe may hold, in bytes.
	pipeSize = 256 << 10
	// maxPipes is how many pipes a loop makes. Beyond that bytes are copied.
	maxPipes = 256
	// maxIdlePipes is how many of them are kept when no data is in flight.
	maxIdlePipes = 16
)

// Pipe takes bytes from one socket to another without copying them.
type Pipe struct {
	// Held is how many bytes are in the pipe.
	Held int
	r, w int
	next *Pipe
}

// TakePipe lends an empty pipe, nil if none can be had.
func (l *Loop) TakePipe() *Pipe {
	if p := l.pipes; p != nil {
		l.pipes, p.next = p.next, nil
		l.nidle--
		return p
	}
	if l.npipes >= maxPipes {
		return nil
	}
	r, w, errno := makePipe(pipeSize)
	if errno != 0 {
		return nil
	}
	l.npipes++
	return &Pipe{r: r, w: w}
}

// ReleasePipe gives a pipe back. One that still holds data is closed.
func (l *Loop) ReleasePipe(p *Pipe) {
	if p.Held > 0 || l.nidle >= maxIdlePipes {
		p.close()
		l.npipes--
		return
	}
	p.next, l.pipes = l.pipes, p
	l.nidle++
}

// Fill moves up to n bytes from c into the pipe. Its errors are those of TryRead.
func (p *Pipe) Fill(c *Conn, n int) (int, error) {
	if c.flags&readable == 0 {
		return 0, syscall.EAGAIN
	}
	n, errno := splice(int(c.fd), p.w, n)
	switch {
	case errno == syscall.EAGAIN:
		c.flags &^= readable
		return 0, errno
	case errno != 0:
		return 0, errno
	case n == 0:
		return 0, io.EOF
	}
	p.Held += n
	return n, nil
}

// Drain moves what the pipe holds to c, as much as it takes. Its errors are those
// of TryWrite.
func (p *Pipe) Drain(c *Conn) (int, error) {
	if c.flags&writable == 0 {
		return 0, syscall.EAGAIN
	}
	n, errno := splice(p.r, int(c.fd), p.Held)
	if errno != 0 && errno != syscall.EAGAIN {
		return 0, errno
	}
	p.Held -= n
	if p.Held > 0 {
		if err := c.full(); err != nil {
			return n, err
		}
		if n == 0 {
			return 0, syscall.EAGAIN
		}
	}
	return n, nil
}

func (p *Pipe) close() {
	closeSocket(p.r)
	closeSocket(p.w)
}
