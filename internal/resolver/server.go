package resolver

// server.go - the sockets of a name server.

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"syscall"

	"github.com/gostream/gostream/internal/addr"
)

// server is a name server.
type server struct {
	resolver *Resolver
	addr     addr.Addr
	udp      net.Conn // guarded by the resolver's lock; nil: not open
}

// send sends a query by UDP. The resolver's lock is held.
func (s *server) send(msg []byte) bool {
	if s.udp == nil {
		network := "udp"
		if s.addr.IsUnix() {
			network = "unixgram" // from a socket without a name, so that nobody can answer
		}
		conn, err := net.Dial(network, s.addr.HostPort())
		if err != nil {
			s.resolver.problems = append(s.resolver.problems, s.problem("connect() failed", err, true))
			return false
		}
		s.udp = conn
		s.resolver.background(func() { s.read(conn) })
	}
	if _, err := s.udp.Write(msg); err != nil {
		s.resolver.problems = append(s.resolver.problems, s.problem("send() failed", err, false))
		s.close()
		return false
	}
	return true
}

// close closes the UDP socket. The resolver's lock is held.
func (s *server) close() {
	if s.udp != nil {
		s.udp.Close()
		s.udp = nil
	}
}

// read takes the responses from a UDP socket until that is closed or fails. The
// next query opens another.
func (s *server) read(conn net.Conn) {
	buf := make([]byte, maxUDP)
	for {
		n, err := conn.Read(buf)
		if err == nil {
			s.resolver.guarded(func() { s.resolver.received(buf[:n], false) })
			continue
		}
		if !errors.Is(err, net.ErrClosed) {
			s.failed(conn, err)
		}
		return
	}
}

// failed closes a socket that cannot be read from.
func (s *server) failed(conn net.Conn, err error) {
	r := s.resolver
	r.mu.Lock()
	defer r.unlock()
	if s.udp == conn {
		s.close()
	}
	r.problems = append(r.problems, s.problem("recv() failed", err, false))
}

// exchange asks by TCP, on a connection of its own. If that fails, the question
// is overdue soon.
func (s *server) exchange(q *query) {
	r := s.resolver
	ctx, cancel := context.WithTimeout(r.life, r.resendAfter)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, s.addr.Network(), s.addr.HostPort())
	if err != nil {
		s.report(ctx, s.problem("connect() to "+s.addr.String()+" failed", err, false))
		return
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if _, err := conn.Write(framed(q.msg)); err != nil {
		s.report(ctx, s.problem("send() failed", err, false))
		return
	}
	for !r.answered(q) {
		msg, err := readFramed(conn)
		if err != nil {
			if !errors.Is(err, io.EOF) {
				s.report(ctx, s.problem("recv() failed", err, false))
			}
			return
		}
		r.received(msg, true)
	}
}

func (r *Resolver) answered(q *query) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return q.done
}

// framed puts the length before a message.
func framed(msg []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(msg))), msg...)
}

// readFramed reads a message with its length before it.
func readFramed(conn io.Reader) ([]byte, error) {
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return nil, err
	}
	msg := make([]byte, binary.BigEndian.Uint16(size[:]))
	_, err := io.ReadFull(conn, msg)
	return msg, err
}

// report tells of a problem, unless it is only that the time is over.
func (s *server) report(ctx context.Context, p Problem) {
	if ctx.Err() == nil && s.resolver.cfg.Report != nil {
		s.resolver.cfg.Report(p)
	}
}

func (s *server) problem(text string, err error, grave bool) Problem {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		err = errno
	}
	return Problem{Text: text, Err: err, Server: s.addr.String(), Grave: grave}
}
