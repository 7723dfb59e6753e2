package stream

// ssl_ocsp_http.go - what OCSP responders answer over HTTP. Like nginx it knows
// no header line but Content-Type: a body goes on to the end of the connection,
// and is not decoded.

import (
	"bytes"
	"errors"
	"strings"
)

// ocspReply is an answer that is being read. Its zero value has read nothing.
type ocspReply struct {
	buf  [maxReply]byte
	n    int // how much of buf is filled
	read int // how much of that was looked at, up to the body

	state       replyState
	code        int
	digits      int    // of the code
	matched     int    // of the name of the protocol
	name, value []byte // of a header line
	spaces      int    // after the value so far
}

// maxReply is how many bytes of an answer count, those of responders that were
// asked before included.
const maxReply = 16384

const protocolName = "HTTP/"

// replyState is where in an answer the next byte is.
type replyState int

const (
	inProtocol replyState = iota
	firstOfMajor
	inMajor
	firstOfMinor
	inMinor
	inCode
	afterCode
	inReason
	endOfStatus
	firstOfLine
	inName
	beforeValue
	inValue
	endOfLine
	endOfHeader
	inBody
)

var errReply = errors.New("OCSP responder sent invalid response")

// again begins with the answer of another responder. The code of the last one
// stays: nginx does not forget it.
func (r *ocspReply) again() { r.n, r.state, r.digits, r.matched = r.read, inProtocol, 0, 0 }

// room is where more of the answer goes. None is left: it counts as its end.
func (r *ocspReply) room() []byte { return r.buf[r.n:] }

// body is what follows the header.
func (r *ocspReply) body() []byte { return r.buf[r.read:r.n] }

// take looks at n bytes more. Its error is a complete message.
func (r *ocspReply) take(n int) error {
	for r.n += n; r.read < r.n && r.state != inBody; r.read++ {
		step := r.status
		if r.state >= firstOfLine {
			step = r.header
		}
		next, ok := step(r.buf[r.read])
		if !ok {
			return errReply
		}
		if ended := r.state != firstOfLine && next == firstOfLine; ended {
			if err := r.check(); err != nil {
				return err
			}
		}
		r.state = next
	}
	return nil
}

// check looks at a header line.
func (r *ocspReply) check() error {
	const want = "application/ocsp-response"
	kind := string(r.value)
	if bytes.EqualFold(r.name, []byte("Content-Type")) && !strings.EqualFold(kind, want) {
		return errors.New("OCSP responder sent invalid \"Content-Type\" header: \"" + kind + "\"")
	}
	r.name, r.value, r.spaces = r.name[:0], r.value[:0], 0
	return nil
}

// status looks at a byte of the status line.
func (r *ocspReply) status(c byte) (next replyState, ok bool) {
	digit := isDigit(c)
	switch r.state {
	case inProtocol:
		ok = c == protocolName[r.matched]
		if r.matched++; r.matched == len(protocolName) {
			return firstOfMajor, ok
		}
		return inProtocol, ok
	case firstOfMajor:
		return inMajor, digit && c != '0'
	case inMajor:
		if c == '.' {
			return firstOfMinor, true
		}
		return inMajor, digit
	case firstOfMinor:
		return inMinor, digit
	case inMinor:
		if c == ' ' {
			return inCode, true
		}
		return inMinor, digit
	case inCode:
		return r.codeByte(c)
	case endOfStatus:
		return firstOfLine, c == '\n'
	}
	switch c {
	case '\r':
		return endOfStatus, true
	case '\n':
		return firstOfLine, true
	}
	return inReason, r.state == inReason || c == ' ' || c == '.' // IIS has codes like 403.1
}

func (r *ocspReply) codeByte(c byte) (next replyState, ok bool) {
	if c == ' ' {
		return inCode, true
	}
	r.code = r.code*10 + int(c-'0')
	if r.digits++; r.digits == 3 {
		return afterCode, isDigit(c)
	}
	return inCode, isDigit(c)
}

// header looks at a byte of a header line.
func (r *ocspReply) header(c byte) (next replyState, ok bool) {
	switch r.state {
	case endOfLine:
		return firstOfLine, c == '\n'
	case endOfHeader:
		return inBody, c == '\n'
	case firstOfLine:
		switch c {
		case '\r':
			return endOfHeader, true
		case '\n':
			return inBody, true
		}
		r.name = append(r.name, c)
		return inName, isLetter(c) || isDigit(c)
	}
	switch {
	case c == '\r':
		return endOfLine, true
	case c == '\n':
		return firstOfLine, true
	case r.state == inName && c == ':':
		return beforeValue, true
	case r.state == inName:
		r.name = append(r.name, c)
		return inName, isLetter(c) || isDigit(c) || c == '-'
	case c == ' ' && r.state == beforeValue:
		return beforeValue, true
	case c == ' ':
		r.spaces++
	default:
		r.value = append(append(r.value, bytes.Repeat([]byte(" "), r.spaces)...), c)
		r.spaces = 0
	}
	return inValue, true
}

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
