// Package relay moves bytes between a client and an upstream that are both
// connected, as nginx's stream proxy does: one idle timeout over both directions,
// at most one buffer in hand for each, and nginx's rule for when it is over, with
// and without proxy_half_close.
//
// [Relay] does it on an event loop, without a stack, buffer or pipe for an idle
// session. [Pair] does it on two goroutines, for any two connections and on any
// system.
package relay

import (
	"time"
)

// Options of a relay. They are only read, so that many relays may share them.
type Options struct {
	// IdleTimeout ends the session when nothing was read or written for so long
	// (proxy_timeout). Zero ends it at the first opportunity, as in nginx.
	IdleTimeout time.Duration
	// BufferSize is how much is read at a time, in bytes, before it is written
	// (proxy_buffer_size). Zero means 16k. A relay on a loop reads at most 64k,
	// and moves longer runs through a pipe.
	BufferSize int
	// HalfClose passes on the end of one direction and waits for the end of the
	// other (proxy_half_close). Without it the end of one direction is the end.
	HalfClose bool
	// NoSplice keeps the data out of pipes.
	NoSplice bool
	// UploadRate and DownloadRate limit what is read from the client and from the
	// upstream, in bytes per second; 0 means no limit.
	UploadRate, DownloadRate int64
	// Start is when the session came to the proxy: the rates count from there, in
	// whole seconds. It is not used without rates.
	Start time.Time
}

func (o *Options) bufferSize() int {
	if o.BufferSize <= 0 {
		return 16 << 10
	}
	return o.BufferSize
}

// Side is one of the two connections.
type Side uint8

// The sides. A direction is named by the side it is read from.
const (
	Client Side = iota
	Upstream
)

// Handler is told of what happens to a session.
type Handler interface {
	// FirstByte is called when the upstream is first heard of, be it that it
	// closed.
	FirstByte()
	// Failed is told of system calls that failed, before their consequences: a
	// failed read counts as the end of that side, all else ends the session.
	Failed(f Failure)
	// Done is called once. Relay and connections are the handler's again: both
	// connections are still open.
	Done(r Result)
}

// Result tells how a session ended.
type Result uint8

// The results. Which side has disconnected is told by the direction in whose turn
// the session ended, as in nginx's log.
const (
	ClientDisconnected Result = iota
	UpstreamDisconnected
	TimedOut   // IdleTimeout
	SendFailed // reported to Failed before
	Broken     // another call failed, reported to Failed before; nginx's status is 500
	Stopped    // by Stop
)

// Failure is a failed system call.
type Failure struct {
	Side Side
	Op   string // "recv()", "send()", "shutdown()" or "epoll_ctl()"
	Err  error  // a syscall.Errno on a loop
}

// Action says what was being done, in the words of nginx's log.
func (f *Failure) Action() string {
	switch {
	case f.Op == "recv()" && f.Side == Client:
		return "proxying and reading from client"
	case f.Op == "recv()":
		return "proxying and reading from upstream"
	case f.Op == "send()" && f.Side == Client:
		return "proxying and sending to client"
	case f.Op == "send()":
		return "proxying and sending to upstream"
	}
	return "proxying connection"
}

// Counters are the bytes that have passed.
type Counters struct {
	FromClient, ToClient, FromUpstream, ToUpstream int64
}
