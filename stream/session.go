package stream

// session.go - the life of a connection, from accept to log line.
//
// serve is the whole of it; each step is a method in the file of its nginx
// module. A step returns next to go on, or the status the session ends with.

import (
	"runtime/debug"
	"strconv"
	"time"

	"github.com/gostream/gostream/internal/errlog"
	"github.com/gostream/gostream/proxyproto"
	"github.com/gostream/gostream/upstream"
)

// Status is what a session ended with: $status.
type Status int

// The statuses of the stream module. They borrow HTTP's numbers.
const (
	statusOK          Status = 200
	statusBadRequest  Status = 400
	statusForbidden   Status = 403
	statusInternal    Status = 500
	statusBadGateway  Status = 502
	statusUnavailable Status = 503
	next              Status = 0  // go on with the next step
	relaying          Status = -1 // the relay, or a goroutine, has the session and will finish it
	passed            Status = -2 // begin again, at another address
)

// Session is one client connection.
type Session struct {
	gen       *generation // the configuration that the session began with
	srv       *server     // the virtual server in effect
	ln        *listener   // where the client came in
	place     *place      // the address it came in by
	transport transport
	udp       bool
	debugged  bool // a client of debug_connection
	nodelay   bool // a server the session was at has tcp_nodelay

	number   uint64   // $connection
	passes   int      // how often pass has taken it to another address
	remote   endpoint // client address, after realip
	original endpoint // the one before it, if replaced
	replaced bool
	local    endpoint // looked up when first needed; the zero value means not yet
	start    int64    // Unix milliseconds
	status   Status
	ending   bool   // finish is at work
	action   string // what log lines say is being done

	proxyHeader *proxyproto.Header
	headerRead  bool        // by this session, be the client's address in it or not
	ssl         *clientTLS  // of listen ... ssl; nil: no handshake has begun
	hello       clientHello // what ssl_preread found
	cells       []cell
	captures    captures
	limits      []countedKey // what this session is counted under
	limitStatus limitStatus

	bytesReceived, bytesSent int64 // from and to the client, outside the relay

	up upstreamState

	loopTransport loopTransport // the transport, on an event loop
}

// serve runs the session. It returns when the session is over, or in the hands
// of a relay that will call finish.
func (s *Session) serve() {
	defer s.recover()
	status := passed
	for status == passed {
		s.begin()
		status = s.run()
	}
	if status != relaying {
		s.finish(status)
	}
}

// run takes the session through nginx's phases. Up to the preread step it is
// the default server of the address that decides; a server name found there
// may select another for what follows.
func (s *Session) run() Status {
	if status := s.readProxyHeader(); status != next {
		return status
	}
	s.action = "initializing session"
	s.replaceAddress()
	s.setVariables()
	if status := s.limitConnections(); status != next {
		return status
	}
	if status := s.checkAccess(); status != next {
		return status
	}
	if status := s.handshake(); status != next {
		return status
	}
	if status := s.prereadClient(); status != next {
		return status
	}
	s.debug("content phase")
	if s.srv.content == nil {
		return statusInternal
	}
	s.nodelay = s.nodelay || s.srv.nodelay
	s.transport.setNoDelay(s.nodelay)
	return s.srv.content(s)
}

// now is the time of the session's clock.
func (s *Session) now() time.Time { return s.transport.now() }

// remoteAddr is the client's address.
func (s *Session) remoteAddr() endpoint { return s.remote }

// localAddr is the address that the client has connected to.
func (s *Session) localAddr() endpoint {
	if !s.local.known() {
		s.local = s.transport.localAddr()
	}
	return s.local
}

// locate finds the servers that the client has come to: in a socket of several
// addresses the local one decides. It reports false if that is not known.
func (s *Session) locate(at *places) bool {
	if s.place, s.local = at.find(s.transport.localAddr); s.place == nil {
		at.log().Write(errlog.Info, errlog.Record{Text: "getsockname() failed"})
		return false
	}
	s.srv = s.place.def
	return true
}

// begin numbers the session, unless it has been passed, and announces it.
func (s *Session) begin() {
	if s.passes == 0 {
		s.number = s.gen.nextConnection()
	}
	s.start = msec(s.now())
	s.debugged = s.gen.debugs(s.remote)
	s.action = "initializing session"
	if s.errorLog().Enabled(errlog.Info) {
		buf := takeBuffer()
		defer buf.release()
		if s.udp {
			buf.b = append(buf.b, "udp "...)
		}
		buf.b = s.remote.append(append(buf.b, "client "...))
		buf.b = append(append(buf.b, " connected to "...), s.ln.text...)
		s.logPlain(errlog.Info, string(buf.b))
	}
}

// finish ends the session with a status: it frees the upstream, writes the
// access log and closes the client, in nginx's order.
func (s *Session) finish(status Status) {
	defer s.recover()
	s.status, s.ending = status, true
	if s.errorLog().Enabled(errlog.Debug) {
		s.debug("finalize session with status " + strconv.Itoa(int(status)))
	}
	s.closeUpstream()
	s.writeAccessLog()
	s.releaseLimits()
	s.release()
}

// release gives back what the session holds of its transport. Nothing may refer
// to it afterwards.
func (s *Session) release() {
	s.transport.closeUpstream()
	gen := s.gen
	s.transport.close()
	s.transport.released()
	gen.leave() // last, so that a server without sessions holds nothing for one
}

// reset makes the session fit for the next client. It keeps its slices.
func (s *Session) reset() {
	s.forget()
	*s = Session{hello: s.hello, cells: s.cells, captures: s.captures, limits: s.limits[:0]}
}

// forget drops what the session knows of its client's first bytes, and its
// variables. It keeps the slices.
func (s *Session) forget() {
	s.hello = clientHello{protocol: s.hello.protocol[:0], serverName: s.hello.serverName[:0], alpn: s.hello.alpn[:0]}
	s.cells, s.captures = s.cells[:0], captures{s.captures.text[:0], s.captures.at[:0]}
}

// recover keeps a defect in one session from ending the others.
func (s *Session) recover() {
	if p := recover(); p != nil {
		s.panicked(p, debug.Stack())
	}
}

func (s *Session) panicked(p any, stack []byte) {
	s.logPanic(p, stack)
	if s.ending {
		s.release()
		return
	}
	s.finish(statusInternal)
}

func (s *Session) logPanic(p any, stack []byte) {
	r := panicRecord(p, stack)
	r.Conn, r.Context = s.number, s.appendContext
	s.errorLog().Write(errlog.Alert, r)
}

// upstreamState is the proxy's part of a session.
type upstreamState struct {
	active    bool      // the proxy handler has started: log lines show byte counts
	settled   bool      // the relay's counters are in tries and the session's own
	closed    bool      // the connection to the server, or what was one
	began     int64     // Unix milliseconds of the first try
	local     *localEnd // of proxy_bind; nil: the system chooses
	group     *group
	selection upstream.Selection
	peer      *upstream.Peer
	name      string // the peer, or the group if none was available
	tries     []try
	firstTry  [1]try // room for the usual case
}
