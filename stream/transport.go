package stream

import (
	"errors"
	"time"

	"github.com/gostream/gostream/internal/relay"
	"github.com/gostream/gostream/upstream"
)

// transport is what a session runs on: its connections and its clock. There are
// two: an event loop with sockets of its own (transport_linux.go), and a
// goroutine with any [net.Conn] (transport_net.go). Methods that wait do so in
// the way of the transport; the session's code is the same.
type transport interface {
	now() time.Time

	// peek waits until more than seen bytes have come from the client and
	// copies them to p, without taking them. io.EOF: the client has ended.
	peek(p []byte, seen int, deadline time.Time) (int, error)

	// discard takes bytes that were peeked at.
	discard(n int) error

	// write sends text to the client; timeout bounds each wait.
	write(p []byte, timeout time.Duration) (int, error)

	// await waits until the function that start is given has been called, from
	// whichever goroutine, which may be at once. An error means that the session
	// is to end before; what start has returned is called then.
	await(start func(done func()) (cancel func())) error

	// refuse makes the close of a session without an upstream a reset if the
	// client has sent something, which nobody has got.
	refuse()

	// consumed reports whether bytes that were peeked at are out of the stream.
	consumed() bool

	// toGoroutine takes a session that was passed to another address away from
	// a transport that cannot serve it there. It returns relaying if the session
	// has left, else passed, or the status to end with.
	toGoroutine(at *socketPlan) Status

	setNoDelay(on bool)
	localAddr() endpoint

	// connect numbers and opens the connection to a server; an error is the
	// system's.
	connect(peer *upstream.Peer, o *dialOptions) error

	// upstreamAddr is our end of the upstream connection.
	upstreamAddr() endpoint

	// relay moves bytes until the session is over. first goes to the upstream
	// before anything else. It returns relaying if it will call finish itself.
	relay(first []byte) Status

	counters() relay.Counters
	closeUpstream()
	close()

	// abort ends what the session waits for, as if its time were up.
	abort()

	// released is told that the session is over and nothing refers to it.
	released()
}

// errNoConnections means that worker_connections are used up.
var errNoConnections = errors.New("worker_connections are not enough")

// dialOptions say how upstream connections of a server are made.
type dialOptions struct {
	timeout   time.Duration // 0: at once
	nodelay   bool
	keepalive bool
	rcvbuf    int // bytes; 0 leaves the system's
	sndbuf    int
	dialer    Dialer
}

// tuned reports whether sockets need more than TCP_NODELAY.
func (o *dialOptions) tuned() bool { return o.keepalive || o.rcvbuf > 0 || o.sndbuf > 0 }

// buffer of the preread step.
func takePrereadBuffer(size int) *buffer {
	buf := takeBuffer()
	if cap(buf.b) < size {
		buf.b = make([]byte, size)
	}
	buf.b = buf.b[:size]
	return buf
}
