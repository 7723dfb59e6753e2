package stream

// proxy_relay.go - a connected session: what is sent first, the counters, and
// how it ends.

import (
	"errors"
	"io"
	"net/netip"
	"syscall"
	"time"

	"github.com/gostream/gostream/internal/errlog"
	"github.com/gostream/gostream/internal/relay"
	"github.com/gostream/gostream/proxyproto"
)

// relayUpstream hands the session to the relay, with the PROXY header, if one is wanted,
// as the first thing for the upstream. With proxy_ssl the header has gone ahead.
func (s *Session) relayUpstream() Status {
	if s.srv.proxy.proxyProtocol <= ProxyProtocolOff || s.speaksTLS() {
		return s.transport.relay(nil)
	}
	buf := takeBuffer()
	defer buf.release()
	var err error
	if buf.b, err = s.appendProxyHeader(buf.b); err != nil {
		s.log(errlog.Error, err.Error(), nil)
		return statusInternal
	}
	return s.transport.relay(buf.b)
}

// appendProxyHeader writes the header.
func (s *Session) appendProxyHeader(b []byte) ([]byte, error) {
	source, local := s.remote.ip, s.destination()
	if !source.IsValid() || !local.IsValid() {
		source, local = netip.AddrPort{}, netip.AddrPort{}
	}
	if s.srv.proxy.proxyProtocol == ProxyProtocolV2 {
		return proxyproto.AppendV2(b, source, local, s.headerOptions())
	}
	return proxyproto.AppendV1(b, source, local), nil
}

// destination is where the client went to. Where that is a unix socket now, what
// a proxy in front has told counts, or the address before the session was passed
// on.
func (s *Session) destination() netip.AddrPort {
	local := s.localAddr().ip
	switch {
	case local.IsValid():
		return local
	case s.replaced:
		return s.proxyHeader.Destination.AddrPort()
	case s.passes > 0:
		return s.transport.localAddr().ip
	}
	return netip.AddrPort{}
}

// firstByte tells the group that the server has answered.
func (s *Session) firstByte(at time.Time) {
	s.up.group.FirstByte(&s.up.selection, s.up.peer, at)
}

// relayError reports a failed call of the relay, and what was being done.
func (s *Session) relayError(e *relay.Error) {
	s.action = e.Action()
	var ssl *sslError
	switch {
	case errors.As(e.Err, &ssl):
		s.log(map[relay.Side]errlog.Level{relay.Client: errlog.Info, relay.Upstream: errlog.Error}[e.Side], ssl.text, ssl.errno)
	case errors.Is(e.Err, io.ErrUnexpectedEOF):
	case s.udp && e.Side == relay.Client && e.Err == syscall.EAGAIN:
		s.log(errlog.Alert, "shared connection is busy", nil)
	case e.Side == relay.Client:
		s.log(peerErrorLevel(e.Err, errlog.Info), e.Op+" failed", e.Err)
	default:
		s.log(peerErrorLevel(e.Err, errlog.Error), e.Op+" failed", e.Err)
	}
}

// What precedes the relay, in log lines.
const (
	connecting  = "connecting to upstream"
	handshaking = "SSL handshaking to upstream"
)

// relayEnd logs the end of a relayed session. Nearly all ends are a status of
// 200: the session was served.
func (s *Session) relayEnd(end relay.End) Status {
	if s.action == connecting || s.action == handshaking { // and no call has failed
		s.action = "proxying connection"
	}
	switch end {
	case relay.Answered, relay.Orphaned:
		return s.datagramsEnd(end)
	case relay.Unanswered:
		s.action = "proxying connection"
		s.log(errlog.Error, "upstream timed out", syscall.ETIMEDOUT)
		return statusBadGateway
	case relay.ClientDisconnected:
		s.logEnd("client disconnected")
	case relay.UpstreamDisconnected:
		s.logEnd("upstream disconnected")
	case relay.TimedOut:
		if s.udp {
			return s.datagramsEnd(end)
		}
		s.action = "proxying connection"
		s.log(errlog.Info, "connection timed out", syscall.ETIMEDOUT)
	case relay.Stopped:
		s.action = "proxying connection"
		s.log(errlog.Info, "shutdown timeout", nil)
	case relay.Panicked:
		return statusInternal
	}
	return statusOK
}

func (s *Session) logEnd(text string) {
	if s.errorLog().Enabled(errlog.Info) {
		buf := takeBuffer()
		defer buf.release()
		buf.b = s.appendBytes(append(buf.b, text...))
		s.logPlain(errlog.Info, string(buf.b))
	}
}

// closeUpstream settles the last try and lets go of the server.
func (s *Session) closeUpstream() {
	if !s.up.active || len(s.up.tries) == 0 {
		return
	}
	now := s.now()
	t := &s.up.tries[len(s.up.tries)-1]
	s.endTry(now)
	c := s.transport.counters()
	t.sent, t.received = t.sent+c.ToUpstream, c.FromUpstream
	if !c.FirstByte.IsZero() {
		t.firstByte = msec(c.FirstByte) - t.start
	}
	s.bytesReceived, s.bytesSent = s.bytesReceived+c.FromClient, s.bytesSent+c.ToClient
	s.up.settled = true
	if s.up.peer != nil {
		s.releasePeer(c.Failed, now)
	}
	s.transport.closeUpstream()
	s.up.closed = true
}

// releasePeer ends the attempt at the server. With UDP it may have failed after
// all.
func (s *Session) releasePeer(failed bool, now time.Time) {
	peer := s.up.peer
	s.up.peer = nil
	switch {
	case !failed:
		s.up.group.Done(&s.up.selection, peer, now)
	case s.up.group.Failed(&s.up.selection, peer, now):
		s.log(errlog.Warn, "upstream server temporarily disabled", nil)
	}
}

// received and the methods that follow are the byte counters at any time.
func (s *Session) received() int64 { return s.bytesReceived + s.relayed().FromClient }

func (s *Session) sent() int64 { return s.bytesSent + s.relayed().ToClient }

func (s *Session) upstreamReceived() int64 { return s.lastTry().received + s.relayed().FromUpstream }

// upstreamSent is 0 again when the connection is closed, as in nginx: lines of the
// log phase have it.
func (s *Session) upstreamSent() int64 {
	if s.up.closed {
		return 0
	}
	return s.lastTry().sent + s.relayed().ToUpstream
}

// relayed are the counters of a relay that is not yet accounted for.
func (s *Session) relayed() relay.Counters {
	if !s.up.active || s.up.settled {
		return relay.Counters{}
	}
	return s.transport.counters()
}

func (s *Session) lastTry() *try {
	if n := len(s.up.tries); n > 0 {
		return &s.up.tries[n-1]
	}
	return &try{}
}
