//go:build !unix

package logfile

import (
	"net"
	"os"
	"syscall"
)

// handle is an open file.
type handle struct {
	file *os.File
	kept bool // is not closed
}

func openFile(path string, _ bool) (handle, error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return handle{}, &OpenError{path, errnoOf(err)}
	}
	return handle{file: file}, nil
}

// Descriptor returns -1: paths do not stand for descriptors here.
func Descriptor(string) int { return -1 }

// OpenFile opens a log file, or creates it, for who needs an [os.File]. The
// error is an *OpenError.
func OpenFile(path string) (*os.File, error) {
	h, err := openFile(path, false)
	return h.file, err
}

// write returns an errno, or 0, with the bytes written.
func (h handle) write(b []byte) (int, syscall.Errno) {
	n, err := h.file.Write(b)
	if err != nil {
		return n, errnoOf(err)
	}
	return n, 0
}

func (h handle) close() {
	if !h.kept {
		_ = h.file.Close()
	}
}

// openStderr returns the standard error output.
func openStderr() (handle, error) { return handle{os.Stderr, true}, nil }

// mayBlock returns false: nothing is known about what blocks here.
func (h handle) mayBlock() bool { return false }

func (h handle) awaitRoom() {}

func (h handle) same(handle) bool { return false }

// sameAs reports whether path still leads to the open file.
func (h handle) sameAs(path string) bool {
	open, err := h.file.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(path)
	return err == nil && os.SameFile(open, there)
}

// datagramSocket is a connected socket.
type datagramSocket struct{ conn net.Conn }

func newDatagramSocket(conn net.Conn) (*datagramSocket, error) { return &datagramSocket{conn}, nil }

// send returns an errno, or 0.
func (s *datagramSocket) send(datagram []byte) syscall.Errno {
	if _, err := s.conn.Write(datagram); err != nil {
		return errnoOf(err)
	}
	return 0
}
