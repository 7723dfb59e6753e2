package stream

// log.go - what a session writes to the error log.

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"

	"github.com/gostream/gostream/internal/errlog"
)

// errorLog is where the session's lines go.
func (s *Session) errorLog() *errlog.Log {
	switch {
	case s.gen.counters.silent.Load():
		return nil
	case s.debugged:
		return s.srv.debugLog
	}
	return s.srv.errorLog
}

// log writes a line with the session's context. err, if not nil, is shown
// behind the text the way nginx shows system errors.
func (s *Session) log(level errlog.Level, text string, err error) {
	if !s.errorLog().Enabled(level) {
		return
	}
	s.errorLog().Write(level, errlog.Record{Conn: s.number, Text: text, Err: err, Context: s.appendContext})
}

func (s *Session) logf(level errlog.Level, format string, args ...any) {
	if s.errorLog().Enabled(level) {
		s.log(level, fmt.Sprintf(format, args...), nil)
	}
}

// debug writes a step of the session's life. The text should cost nothing to
// make, as it mostly is for nobody.
func (s *Session) debug(text string) {
	if s.errorLog().Enabled(errlog.Debug) {
		s.logPlain(errlog.Debug, text)
	}
}

// logPlain writes a line without context: those that tell the milestones of a
// session name both ends themselves.
func (s *Session) logPlain(level errlog.Level, text string) {
	s.errorLog().Write(level, errlog.Record{Conn: s.number, Text: text})
}

// appendContext writes what nginx adds to each line of a session.
func (s *Session) appendContext(b []byte) []byte {
	if s.action != "" {
		b = append(append(b, " while "...), s.action...)
	}
	b = append(b, ", "...)
	if s.udp {
		b = append(b, "udp "...)
	}
	b = s.remote.appendLogged(append(b, "client: "...))
	b = append(append(b, ", server: "...), s.ln.text...)
	if !s.up.active {
		return b
	}
	if s.up.name != "" {
		b = append(append(append(b, ", upstream: \""...), s.up.name...), '"')
	}
	return s.appendBytes(b)
}

// appendBytes writes the byte counters of both sides.
func (s *Session) appendBytes(b []byte) []byte {
	b = append(b, ", bytes from/to client:"...)
	b = strconv.AppendInt(b, s.received(), 10)
	b = strconv.AppendInt(append(b, '/'), s.sent(), 10)
	b = append(b, ", bytes from/to upstream:"...)
	b = strconv.AppendInt(b, s.upstreamReceived(), 10)
	return strconv.AppendInt(append(b, '/'), s.upstreamSent(), 10)
}

// clientError reports a failed system call on the client's connection.
func (s *Session) clientError(op string, err error) {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		s.log(errlog.Info, "connection timed out", syscall.ETIMEDOUT)
		return
	}
	s.log(peerErrorLevel(err, errlog.Info), op+"() failed", err)
}

// sendCall is the call that nginx sends to the client with.
func (s *Session) sendCall() string {
	if s.udp {
		return "sendmsg"
	}
	return "writev"
}

// peerErrorLevel tells errors that the other side or the network causes every
// day from those that point to a defect here, which are alerts.
func peerErrorLevel(err error, usual errlog.Level) errlog.Level {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return usual
	}
	switch errno {
	case 0, syscall.ECONNRESET, syscall.EPIPE, syscall.ENOTCONN, syscall.ETIMEDOUT, syscall.ECONNREFUSED,
		syscall.ENETDOWN, syscall.ENETUNREACH, syscall.EHOSTDOWN, syscall.EHOSTUNREACH:
		return usual
	}
	return errlog.Alert
}

// panicRecord is the line of a defect.
func panicRecord(p any, stack []byte) errlog.Record {
	return errlog.Record{Text: fmt.Sprintf("panic in session: %v, the session is closed", p), Stack: stack}
}
