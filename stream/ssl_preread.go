package stream

// ssl_preread.go - the preread phase with ngx_stream_ssl_preread_module:
// ssl_preread, $ssl_preread_protocol, $ssl_preread_server_name,
// $ssl_preread_alpn_protocols.

import (
	"errors"
	"io"
	"os"

	"github.com/gostream/gostream/internal/conf"
	"github.com/gostream/gostream/internal/errlog"
	"github.com/gostream/gostream/preread"
)

var sslPrereadTable = &conf.Table[ServerConfig]{
	Name: "stream_ssl_preread",
	Commands: []conf.Command[ServerConfig]{
		{Name: "ssl_preread", Syntax: "on | off", Default: "off", In: inServers,
			Set: conf.FlagOf(func(c *ServerConfig) *Flag { return &c.SSLPreread })},
	},
}

var sslPrereadVariables = []variable{
	{Name: "ssl_preread_protocol", Once: true, Get: helloVariable(func(h *clientHello) []byte { return h.protocol })},
	{Name: "ssl_preread_server_name", Once: true, Get: helloVariable(func(h *clientHello) []byte { return h.serverName })},
	{Name: "ssl_preread_alpn_protocols", Once: true, Get: helloVariable(func(h *clientHello) []byte { return h.alpn })},
}

// clientHello is what a session keeps of the ClientHello. Its slices are used
// again by later sessions.
type clientHello struct {
	found                      bool
	protocol, serverName, alpn []byte
}

// keep copies what the variables show out of the buffer.
func (h *clientHello) keep(from *preread.Hello) {
	h.found = true
	h.protocol = append(h.protocol[:0], from.Protocol()...)
	h.serverName = append(h.serverName[:0], from.ServerName...)
	h.alpn = from.AppendALPN(h.alpn[:0])
}

func helloVariable(field func(*clientHello) []byte) getter {
	return func(s *Session, b []byte) ([]byte, bool) {
		if !s.hello.found {
			return b, false
		}
		return append(b, field(&s.hello)...), true
	}
}

// prereadClient looks at the client's first bytes until the ClientHello is
// complete or clearly is none. The bytes stay in the socket for the proxy.
//
// The timeout runs from the first look and is not renewed. Silence, the end of
// the stream and errors end the session with status 200.
func (s *Session) prereadClient() Status {
	if !s.srv.sslPreread || s.udp {
		return next
	}
	s.action = "prereading client data"
	buf := takePrereadBuffer(s.srv.prereadSize)
	defer buf.release()
	deadline := s.now().Add(s.srv.prereadTimeout)
	for seen := 0; ; {
		n, err := s.transport.peek(buf.b, seen, deadline)
		if err != nil {
			return s.prereadError(err)
		}
		hello, err := preread.ClientHello(buf.b[:n])
		s.hello.keep(&hello) // of what is not complete, what is known
		switch {
		case err == nil:
			return s.selectServer(s.hello.serverName)
		case !errors.Is(err, preread.ErrNeedMore):
			s.hello.found = false
			return next
		case n == len(buf.b):
			s.log(errlog.Error, "preread buffer full", nil)
			return statusBadRequest
		}
		seen = n
	}
}

func (s *Session) prereadError(err error) Status {
	if !errors.Is(err, io.EOF) && !errors.Is(err, os.ErrDeadlineExceeded) {
		s.clientError("recv", err)
	}
	return statusOK
}
