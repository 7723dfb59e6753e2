package logfile

import (
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Syslog sends lines to a syslog server, one datagram each, in the form of
// RFC 3164. Make it with [ParseSyslog] or [Set.Syslog]; it may be used from any
// goroutine.
type Syslog struct {
	Network    string // "udp" or "unixgram"
	Address    string
	Facility   int    // 0 to 23
	Severity   int    // 0 to 7, for lines that have none of their own
	Tag        string // may be empty
	NoHostname bool

	// OnError is told of each line that was not sent, as nginx logs it beside
	// the error that [Syslog.Send] returns. It may log to this very server: then
	// its own failure is not told. Nil: nobody is told. Set it before use.
	OnError func(*SyslogError)

	text     string // it was made of
	name     string // in messages
	hostname string
	clock    Clock

	telling atomic.Bool // OnError runs

	mu     sync.Mutex
	closed bool
	socket *datagramSocket
}

// AppendHeader appends what precedes a line of the given severity:
// `<187>Nov 21 02:50:47 host nginx: `.
func (s *Syslog) AppendHeader(b []byte, severity int, now time.Time) []byte {
	b = append(b, '<')
	b = strconv.AppendInt(b, int64(s.Facility*8+severity), 10)
	b = append(b, '>')
	b = s.clock.Append(b, now, SyslogTime)
	b = append(b, ' ')
	if !s.NoHostname {
		b = append(append(b, s.hostname...), ' ')
	}
	return append(append(b, s.Tag...), ": "...)
}

// Send sends a datagram, header included, without waiting for anything: what the
// kernel cannot take at once is lost. A server that is away is tried anew with
// the next line. The error is a *SyslogError.
func (s *Syslog) Send(datagram []byte) error {
	call, errno := s.send(datagram)
	if errno == 0 {
		return nil
	}
	err := &SyslogError{Call: call, Server: s.name, Err: errno}
	if s.OnError != nil && errno != syscall.EAGAIN && s.telling.CompareAndSwap(false, true) {
		defer s.telling.Store(false)
		s.OnError(err)
	}
	return err
}

// send returns the failed call with its errno, or 0.
func (s *Syslog) send(datagram []byte) (call string, errno syscall.Errno) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return "", 0
	}
	if s.socket == nil {
		conn, err := net.Dial(s.Network, s.Address)
		if err == nil {
			s.socket, err = newDatagramSocket(conn)
		}
		if err != nil {
			return "connect", errnoOf(err)
		}
	}
	errno = s.socket.send(datagram)
	if errno != 0 && errno != syscall.EAGAIN {
		s.disconnect()
	}
	return "send", errno
}

func (s *Syslog) disconnect() {
	if s.socket != nil {
		s.socket.conn.Close()
		s.socket = nil
	}
}

// Close closes the socket. Later lines are dropped.
func (s *Syslog) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.disconnect()
}
