//go:build unix

package logfile

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// handle is a file descriptor. os.File would do too, but it goes on after an
// incomplete write, and costs more.
type handle int

// openFile opens a file by its name. What is open already but cannot be opened
// once more, a socket or what somebody else has opened, is duplicated instead.
// neverWait is for a FIFO that nobody reads.
func openFile(path string, neverWait bool) (handle, error) {
	flags := unix.O_WRONLY | unix.O_CREAT | unix.O_APPEND | unix.O_CLOEXEC
	if neverWait {
		flags |= unix.O_NONBLOCK
	}
	fd, err := unix.Open(path, flags, 0o644)
	for err == unix.EINTR {
		fd, err = unix.Open(path, flags, 0o644)
	}
	if err == nil {
		return handle(fd), nil
	}
	if open := Descriptor(path); open >= 0 {
		if h, ok := duplicate(open); ok {
			return h, nil
		}
	}
	return 0, &OpenError{path, errnoOf(err)}
}

// write returns an errno, or 0, with the bytes written.
func (h handle) write(b []byte) (int, syscall.Errno) {
	for {
		n, err := unix.Write(int(h), b)
		if err == nil {
			return n, 0
		}
		if err != unix.EINTR {
			return 0, errnoOf(err)
		}
	}
}

// openStderr returns the standard error output.
func openStderr() (handle, error) {
	const stderr = 2
	if h, ok := duplicate(stderr); ok {
		return h, nil
	}
	return 0, &OpenError{"stderr", syscall.EBADF}
}

// mayBlock reports whether a write waits for somebody to read.
func (h handle) mayBlock() bool {
	var info unix.Stat_t
	if unix.Fstat(int(h), &info) != nil {
		return false
	}
	switch info.Mode & unix.S_IFMT {
	case unix.S_IFIFO, unix.S_IFSOCK:
		return true
	case unix.S_IFCHR:
		_, err := unix.IoctlGetWinsize(int(h), unix.TIOCGWINSZ)
		return err == nil
	}
	return false
}

// awaitRoom waits until something can be written.
func (h handle) awaitRoom() {
	_, _ = unix.Poll([]unix.PollFd{{Fd: int32(h), Events: unix.POLLOUT}}, -1)
}

func (h handle) close() { _ = unix.Close(int(h)) }

// sameAs reports whether path still leads to the open file.
func (h handle) sameAs(path string) bool {
	var open, there unix.Stat_t
	return unix.Fstat(int(h), &open) == nil && unix.Stat(path, &there) == nil && open.Dev == there.Dev && open.Ino == there.Ino
}

// same reports whether two handles are of one file.
func (h handle) same(as handle) bool {
	var one, other unix.Stat_t
	return unix.Fstat(int(h), &one) == nil && unix.Fstat(int(as), &other) == nil && one.Dev == other.Dev && one.Ino == other.Ino
}

// datagramSocket is a connected socket that is written to without waiting.
type datagramSocket struct {
	conn     net.Conn
	raw      syscall.RawConn
	attempt  func(fd uintptr) bool // kept, because making it allocates
	datagram []byte
	result   syscall.Errno
}

func newDatagramSocket(conn net.Conn) (*datagramSocket, error) {
	raw, err := conn.(syscall.Conn).SyscallConn()
	if err != nil {
		conn.Close()
		return nil, err
	}
	s := &datagramSocket{conn: conn, raw: raw}
	s.attempt = func(fd uintptr) bool {
		_, s.result = handle(fd).write(s.datagram)
		return true // whatever came of it
	}
	return s, nil
}

// send returns an errno, or 0.
func (s *datagramSocket) send(datagram []byte) syscall.Errno {
	s.datagram = datagram
	err := s.raw.Write(s.attempt)
	s.datagram = nil
	if err != nil {
		return errnoOf(err)
	}
	return s.result
}
