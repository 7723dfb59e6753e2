package stream

// proxy_header.go - the PROXY protocol header of incoming connections
// (listen ... proxy_protocol): $proxy_protocol_*.

import (
	"errors"
	"io"
	"os"
	"syscall"

	"github.com/gostream/gostream/internal/errlog"
	"github.com/gostream/gostream/proxyproto"
)

// readProxyHeader takes the header off the connection. Like nginx it looks
// once: what has arrived with the first bytes must hold the entire header.
func (s *Session) readProxyHeader() Status {
	if !s.place.proxyProtocol {
		return next
	}
	s.action = "reading PROXY protocol"
	buf := takePrereadBuffer(proxyproto.MaxHeader)
	defer buf.release()
	n, err := s.transport.peek(buf.b, 0, s.now().Add(s.srv.proxyProtocolTimeout))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		s.log(errlog.Info, "client timed out", syscall.ETIMEDOUT)
		return statusOK
	case err != nil && !errors.Is(err, io.EOF):
		s.clientError("recv", err)
		return statusOK
	}
	header, size, err := proxyproto.Parse(buf.b[:n])
	if err != nil {
		if text := headerErrorText(err); text != "" {
			s.log(errlog.Error, text, nil)
		}
		return statusBadRequest
	}
	if header.Known {
		s.proxyHeader = &header
	}
	if err := s.transport.discard(size); err != nil {
		s.clientError("recv", err)
		return statusOK
	}
	return next
}

// proxyProtocolVariables show what the header said.
var proxyProtocolVariables = []variable{
	{Name: "proxy_protocol_addr", Get: headerVariable(func(h *proxyproto.Header, b []byte) []byte { return h.Source.AppendHost(b) })},
	{Name: "proxy_protocol_port", Get: headerVariable(func(h *proxyproto.Header, b []byte) []byte { return h.Source.AppendPort(b) })},
	{Name: "proxy_protocol_server_addr", Get: headerVariable(func(h *proxyproto.Header, b []byte) []byte { return h.Destination.AppendHost(b) })},
	{Name: "proxy_protocol_server_port", Get: headerVariable(func(h *proxyproto.Header, b []byte) []byte { return h.Destination.AppendPort(b) })},
}

func headerVariable(get func(h *proxyproto.Header, b []byte) []byte) getter {
	return func(s *Session, b []byte) ([]byte, bool) {
		if s.proxyHeader == nil {
			return b, false
		}
		return get(s.proxyHeader, b), true
	}
}

const tlvPrefix = "proxy_protocol_tlv_"

// proxyProtocolTLV makes $proxy_protocol_tlv_NAME. Unknown names are an error
// of each session that has a header.
func proxyProtocolTLV(name string) getter {
	return func(s *Session, b []byte) ([]byte, bool) {
		if s.proxyHeader == nil {
			return b, false
		}
		b, found, err := s.proxyHeader.TLVs.Append(b, name)
		if err != nil {
			s.log(errlog.Error, headerErrorText(err), nil)
		}
		return b, found
	}
}

// headerErrorText is what nginx logs for a bad header; for some it is nothing.
func headerErrorText(err error) string {
	var e *proxyproto.Error
	if errors.As(err, &e) {
		return e.Text
	}
	return err.Error()
}
