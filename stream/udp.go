package stream

// udp.go - listen ... udp: who has sent a datagram, and how sessions of
// datagrams end. The sockets are in udp_linux.go (event loops) and udp_net.go
// (goroutines).

import (
	"net/netip"
	"strconv"

	"github.com/gostream/gostream/internal/errlog"
	"github.com/gostream/gostream/internal/relay"
)

// datagramKey tells the sessions of a socket apart.
type datagramKey struct {
	remote endpoint
	local  netip.Addr // for sockets bound to a wildcard
}

// known reports whether later datagrams of the client can be told from those of
// others.
func (k *datagramKey) known() bool { return k.remote.isNamed() }

// receiveFailed logs trouble with getting datagrams; a nil error is one that did
// not fit.
func (ln *listener) receiveFailed(err error) {
	text := "recvmsg() failed"
	if err == nil {
		text = "recvmsg() truncated data"
	}
	ln.places.Load().log().Write(errlog.Alert, errlog.Record{Text: text, Err: err})
}

// datagramsEnd is the counterpart of relayEnd for what sessions of datagrams end
// with otherwise.
func (s *Session) datagramsEnd(end relay.End) Status {
	switch s.action = "proxying connection"; end {
	case relay.Answered:
		s.logPackets("udp done")
	case relay.TimedOut:
		s.logPackets("udp timed out")
	case relay.Orphaned:
		s.logPlain(errlog.Info, "disconnected on shutdown")
	}
	return statusOK
}

func (s *Session) logPackets(text string) {
	if !s.errorLog().Enabled(errlog.Info) {
		return
	}
	buf := takeBuffer()
	defer buf.release()
	c := s.transport.counters()
	buf.b = append(append(buf.b, text...), ", packets from/to client:"...)
	buf.b = strconv.AppendInt(buf.b, c.Requests, 10)
	buf.b = strconv.AppendInt(append(buf.b, '/'), c.Responses, 10)
	buf.b = s.appendBytes(buf.b)
	s.logPlain(errlog.Info, string(buf.b))
}
