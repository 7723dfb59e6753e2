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

// readProxyHeader takes the header off the connection, and waits for one that
// comes in pieces. A session that was passed on has mostly read its header where
// it came in; that one counts, unless another follows.
func (s *Session) readProxyHeader() Status {
	if !s.place.proxyProtocol {
		return next
	}
	s.action = "reading PROXY protocol"
	buf := takePrereadBuffer(proxyproto.MaxHeader)
	defer buf.release()
	if s.headerRead && !s.headerFollows(buf.b) {
		return next
	}
	seen, err := s.peekHeader(buf)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		s.log(errlog.Info, "client timed out", syscall.ETIMEDOUT)
		return statusOK
	case err != nil && !errors.Is(err, io.EOF):
		s.clientError("recv", err)
		return statusOK
	}
	return s.takeHeader(buf.b[:seen])
}

// headerFollows reports whether what has arrived begins like a header.
func (s *Session) headerFollows(b []byte) bool {
	n, err := s.transport.peek(b, 0, s.now())
	if err != nil {
		return false
	}
	_, _, err = proxyproto.Parse(b[:n])
	return err == nil || proxyproto.Missing(b[:n]) > 0
}

// peekHeader looks at the connection until a header is there, or there will be
// none. It returns how much it has seen, also with an error.
func (s *Session) peekHeader(buf *buffer) (seen int, err error) {
	deadline := s.now().Add(s.srv.proxyProtocolTimeout)
	for {
		n, err := s.transport.peek(buf.b, seen, deadline)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded) && seen > 0:
			return seen, nil // it is a broken header
		case err != nil:
			return seen, err
		}
		seen = n
		missing := proxyproto.Missing(buf.b[:seen])
		if missing == 0 {
			return seen, nil
		}
		if size := seen + missing; size > len(buf.b) {
			buf.b = append(buf.b, make([]byte, size-len(buf.b))...)
		}
	}
}

// takeHeader reads the header that b begins with.
func (s *Session) takeHeader(b []byte) Status {
	header, size, err := proxyproto.Parse(b)
	if err != nil {
		if text := headerErrorText(err); text != "" {
			s.log(errlog.Error, text, nil)
		}
		return statusBadRequest
	}
	s.headerRead = true
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
