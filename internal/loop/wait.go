package loop

import (
	"io"
	"net"
	"syscall"
)

// wait.go - the methods of Conn that suspend the task.

// Read reads at least one byte.
func (c *Conn) Read(p []byte) (int, error) {
	for {
		if !c.Open() {
			return 0, net.ErrClosed
		}
		n, err := c.TryRead(p)
		if err != syscall.EAGAIN {
			return n, err
		}
		if err := c.wait(readable, c.read); err != nil {
			return 0, err
		}
	}
}

// Write writes all of p. With an error it returns how much was taken.
func (c *Conn) Write(p []byte) (int, error) {
	for written := 0; ; {
		if !c.Open() {
			return written, net.ErrClosed
		}
		n, err := c.TryWrite(p[written:])
		written += n
		if written == len(p) {
			return written, nil
		}
		if err != nil && err != syscall.EAGAIN {
			return written, err
		}
		if err := c.wait(writable, c.write); err != nil {
			return written, err
		}
	}
}

// Peek copies what has arrived into p and leaves it in the socket. It waits until
// there is more than the Peek before has seen, unless that filled p. At the end
// of the stream it returns what is there together with io.EOF.
func (c *Conn) Peek(p []byte) (int, error) {
	for {
		if !c.Open() {
			return 0, net.ErrClosed
		}
		// Events up to here are covered by the look that follows.
		c.flags &^= arrived
		n, errno := peek(int(c.fd), p)
		switch {
		case errno != 0 && errno != syscall.EAGAIN:
			return 0, errno
		case errno == 0 && n == 0 && len(p) > 0:
			return 0, io.EOF
		case n > int(c.peeked) || n == len(p):
			c.peeked = uint32(n)
			return n, nil
		case c.flags&hangup != 0:
			return n, io.EOF
		}
		if err := c.wait(arrived, c.read); err != nil {
			return n, err
		}
	}
}

// Discard takes the next n bytes, which must have been seen by Peek, off the
// socket.
func (c *Conn) Discard(n int) error {
	for n > 0 {
		p := c.loop.Scratch()
		got, err := c.Read(p[:min(n, len(p))])
		if err != nil {
			return err
		}
		n -= got
	}
	return nil
}

// wait suspends the task until one of the flags is raised.
func (c *Conn) wait(want flags, deadline int64) error {
	co := c.loop.task()
	if err := c.register(); err != nil {
		return err
	}
	return co.wait(c, want, deadline)
}
