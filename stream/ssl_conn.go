package stream

// ssl_conn.go - a client's connection with TLS on it.

import (
	"crypto/tls"
	"errors"
	"io"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gostream/gostream/internal/tlsconf"
)

// shutdownWait is how long the end of TLS waits for the client's.
const shutdownWait = 3 * time.Second

// tlsConn has nginx's manners at the end of TLS.
type tlsConn struct {
	*tls.Conn
	transport *netTransport
	over      atomic.Bool // the client has ended, or cannot be understood
}

// sslError is a failed read or write, in OpenSSL's words.
type sslError struct {
	text  string // complete, but for the errno
	errno error  // nil: none
}

// Error implements error.
func (e *sslError) Error() string { return e.text }

// Read makes an end of all that nginx takes for one: a connection that was cut
// off or reset, too.
func (c *tlsConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	switch {
	case err == nil, errors.Is(err, os.ErrDeadlineExceeded):
		return n, err
	case tlsconf.Closed(err), errors.As(err, new(syscall.Errno)):
		c.over.Store(true)
		return n, io.EOF
	}
	c.over.Store(true)
	return n, sslErrorOf("SSL_read() failed", err)
}

func (c *tlsConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		return n, err
	}
	c.over.Store(true)
	return n, sslErrorOf("SSL_write() failed", err)
}

func sslErrorOf(text string, err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return &sslError{text, errno}
	}
	return &sslError{text + " (SSL: " + tlsconf.HandshakeError(err) + ")", nil}
}

// CloseWrite ends the TCP connection in one direction, without a word in TLS.
func (c *tlsConn) CloseWrite() error {
	if half, ok := c.transport.accepted.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// Close tells the client that this is the end, unless it has ended itself, and
// waits a while for its answer.
func (c *tlsConn) Close() error {
	if !c.over.Load() {
		c.transport.by(time.Now().Add(shutdownWait), c.transport.accepted.SetDeadline)
		if c.Conn.CloseWrite() == nil {
			c.transport.by(time.Now().Add(shutdownWait), c.transport.accepted.SetReadDeadline)
			_, _ = c.Conn.Read(make([]byte, 1))
		}
	}
	return c.transport.accepted.Close()
}
