package stream

// conn_linux.go - a socket that an event loop has accepted, as a connection for
// sessions on goroutines.

import (
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gostream/gostream/internal/loop"
)

// socketConn is a stream socket as a [net.Conn]. What package net makes of one
// needs a second descriptor for a moment, of which there may be none, and gets a
// keepalive that nobody has asked for. Errors are bare, as those of [loop.Conn].
type socketConn struct {
	file    *os.File
	local   endpoint // known after Close, too
	remote  endpoint
	nodelay bool // is set on the socket
}

// newSocketConn takes over a non-blocking socket, which it closes if that fails.
func newSocketConn(fd int, remote endpoint, nodelay bool) (*socketConn, error) {
	c := &socketConn{file: os.NewFile(uintptr(fd), "socket"), local: sockname(fd), remote: remote, nodelay: nodelay}
	// A file does not say that Go's poller has not taken it, but has no deadlines then.
	if err := c.file.SetDeadline(time.Time{}); err != nil {
		c.file.Close()
		return nil, err
	}
	return c, nil
}

// bare takes the wrapping of package os off.
func bare(err error) error {
	var path *fs.PathError
	switch {
	case err == nil, err == io.EOF:
		return err
	case errors.Is(err, os.ErrClosed):
		return net.ErrClosed
	case errors.As(err, &path):
		return path.Err
	}
	return err
}

func (c *socketConn) Read(p []byte) (int, error) {
	n, err := c.file.Read(p)
	return n, bare(err)
}

func (c *socketConn) Write(p []byte) (int, error) {
	n, err := c.file.Write(p)
	return n, bare(err)
}

func (c *socketConn) Close() error { return bare(c.file.Close()) }

func (c *socketConn) SetDeadline(t time.Time) error { return c.file.SetDeadline(t) }

func (c *socketConn) SetReadDeadline(t time.Time) error { return c.file.SetReadDeadline(t) }

func (c *socketConn) SetWriteDeadline(t time.Time) error { return c.file.SetWriteDeadline(t) }

// control calls f with the descriptor, unless that is closed.
func (c *socketConn) control(f func(fd int) error) error {
	raw, err := c.file.SyscallConn()
	if err == nil {
		if e := raw.Control(func(fd uintptr) { err = f(int(fd)) }); e != nil {
			err = e
		}
	}
	return err
}

// CloseWrite ends the direction towards the peer.
func (c *socketConn) CloseWrite() error {
	return c.control(func(fd int) error { return unix.Shutdown(fd, unix.SHUT_WR) })
}

// SetNoDelay mostly has nothing to do: accepted sockets inherit TCP_NODELAY from
// the listening one.
func (c *socketConn) SetNoDelay(on bool) error {
	if on == c.nodelay {
		return nil
	}
	c.nodelay = on
	value := 0
	if on {
		value = 1
	}
	return c.control(func(fd int) error { return loop.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, value) })
}

func (c *socketConn) LocalAddr() net.Addr { return streamAddr(c.local) }

func (c *socketConn) RemoteAddr() net.Addr { return streamAddr(c.remote) }

// streamAddr is an endpoint in the words of package net; nil if it is not known.
func streamAddr(e endpoint) net.Addr {
	switch {
	case e.isIP():
		return net.TCPAddrFromAddrPort(e.ip)
	case e.unix:
		return &net.UnixAddr{Name: e.text, Net: "unix"}
	}
	return nil
}
