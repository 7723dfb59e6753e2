// Package relay moves bytes between a client and an upstream, once both are
// connected, the way nginx's stream proxy does: one idle timeout over both
// directions, at most one buffer of data in hand for each, and an end of
// session rule that is nginx's, with and without proxy_half_close.
//
// On Linux [Relay] does it on an event loop, with no stack and no buffer for an
// idle session; [Copy] does the same on goroutines for any pair of connections
// and on any system.
package relay

import "time"

// Options of a relay. They are only read and may be shared by many.
type Options struct {
	Timeout    time.Duration // longest silence of both sides; 0 ends at once
	BufferSize int           // bytes read at a time
	HalfClose  bool          // pass on the end of one direction, and wait for the other

	// Of datagrams only.
	Requests  int64 // taken from the client; 0: any number
	Responses int64 // to each of them, after which the session is over; negative: it does not end so
}

// Rates are the limits of a session in bytes per second; 0 is none.
type Rates struct {
	Upload, Download int64
	Start            time.Time // when the session was handed to the proxy
}

// Side is one of the two connections.
type Side uint8

// The sides.
const (
	Client Side = iota
	Upstream
)

func (s Side) other() Side { return 1 - s }

// End tells why a relay is over.
type End uint8

// The reasons. A side that disconnected is the one whose event ended it.
const (
	ClientDisconnected End = iota
	UpstreamDisconnected
	TimedOut
	SendFailed // reported as an [Error] before
	Stopped    // by Stop or Quit
	Panicked   // told before
	Answered   // datagrams: all are answered
	Unanswered // datagrams: nothing has come for too long, though there should be answers
	Orphaned   // datagrams: the socket that the client sends to is closed
)

// Error is a failed system call on one of the connections.
type Error struct {
	Side Side
	Op   string // "recv()", "writev()", "splice()" or "sendmsg()"
	Err  error
}

// Error returns the log text behind the name of this package.
func (e *Error) Error() string { return "relay: " + e.Op + " failed: " + e.Err.Error() }

// Action says what was being done, for the log.
func (e *Error) Action() string {
	if e.Op == "recv()" {
		return recvActions[e.Side]
	}
	return sendActions[e.Side]
}

var (
	recvActions = [...]string{Client: "proxying and reading from client", Upstream: "proxying and reading from upstream"}
	sendActions = [...]string{Client: "proxying and sending to client", Upstream: "proxying and sending to upstream"}
)

// FirstByteHandler is a [Handler] that is also told when the upstream is first
// heard of.
type FirstByteHandler interface{ RelayFirstByte(at time.Time) }

// Handler is told of errors, of defects, and of the end. The connections are its own to
// close.
type Handler interface {
	RelayError(e *Error)
	RelayPanicked(value any, stack []byte)
	RelayDone(end End)
}

// Counters are the bytes that have passed.
type Counters struct {
	FromClient, ToClient, FromUpstream, ToUpstream int64

	// FirstByte is when the upstream was first heard of, be it that it closed.
	// Zero: not yet.
	FirstByte time.Time

	// Requests and Responses are the datagrams of client and upstream. An error
	// on the way to or from the upstream has made Failed true.
	Requests, Responses int64
	Failed              bool
}

// limit is nginx's rate limiting of one direction.
type limit struct {
	rate  int64 // bytes per second
	start int64 // Unix seconds
}

// allow returns how many bytes may be read now, given those read so far, or how
// long to wait until some may.
func (l limit) allow(now time.Time, received int64) (n int64, wait time.Duration) {
	n = l.rate*(now.Unix()-l.start+1) - received
	if n <= 0 {
		return 0, time.Duration(-n*1000/l.rate+1) * time.Millisecond
	}
	return n, 0
}

// pause is how long to wait after n bytes were read.
func (l limit) pause(n int) time.Duration {
	return time.Duration(int64(n)*1000/l.rate) * time.Millisecond
}
