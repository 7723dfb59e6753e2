package stream

// ssl_ocsp_query.go - one question to an OCSP responder, over HTTP/1.0.

import (
	"bufio"
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/textproto"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/gostream/gostream/internal/addr"
	"github.com/gostream/gostream/internal/errlog"
	"github.com/gostream/gostream/internal/resolver"
	"github.com/gostream/gostream/internal/tlsconf"
)

// ocspQuery is a question about a certificate.
type ocspQuery struct {
	cert, issuer *x509.Certificate
	trusted      bool // the signer of the answer is checked
	responder    *ocspResponder
	names        nameSource
	name         string // of the certificate's file; empty: it has none

	// log writes a line; the context is there already.
	log func(level errlog.Level, r errlog.Record)

	peer string // the address that is being asked
}

const (
	ocspTimeout = 60 * time.Second
	maxOCSP     = 64 << 10 // bytes of a response
)

var errOCSP = errors.New("no answer")

// ask returns the answer, and its encoding. What goes wrong is logged.
func (q *ocspQuery) ask(ctx context.Context) (*tlsconf.OCSPAnswer, []byte, error) {
	addrs, err := q.resolve(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, a := range addrs {
		q.peer = a.HostPort()
		der, err := q.exchange(ctx, a)
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		if err != nil {
			continue
		}
		answer, err := tlsconf.ParseOCSP(der, q.cert, q.issuer, q.trusted, time.Now())
		if err != nil {
			q.report(errlog.Error, err.Error(), nil)
			return nil, nil, err
		}
		return answer, der, nil
	}
	return nil, nil, errOCSP
}

func (q *ocspQuery) report(level errlog.Level, text string, err error) {
	q.log(level, errlog.Record{Text: text, Err: err, Context: func(b []byte) []byte {
		b = append(b, " while requesting certificate status, responder: "+q.responder.host...)
		if q.peer != "" {
			b = append(b, ", peer: "+q.peer...)
		}
		if q.name != "" {
			b = append(b, ", certificate: \""+q.name+"\""...)
		}
		return b
	}})
}

// resolve finds the addresses of the responder.
func (q *ocspQuery) resolve(ctx context.Context) ([]addr.Addr, error) {
	r := q.responder
	literal := strings.Trim(r.host, "[]")
	if ip, err := netip.ParseAddr(literal); err == nil {
		return []addr.Addr{withPort(ip, r.port)}, nil
	}
	if q.names.resolver == nil {
		level := errlog.Error
		if len(r.addrs) > 0 {
			level = errlog.Warn
		}
		q.report(level, "no resolver defined to resolve "+r.host, nil)
		if len(r.addrs) == 0 {
			return nil, errOCSP
		}
		return r.addrs, nil
	}
	answers := make(chan *resolver.Answer, 1)
	request := q.names.resolver.Ask(resolver.Question{Name: r.host, Timeout: q.names.timeout}, func(a *resolver.Answer) { answers <- a })
	select {
	case <-ctx.Done():
		request.Cancel()
		return nil, ctx.Err()
	case a := <-answers:
		if a.Code != resolver.Found {
			q.report(errlog.Error, a.String(), nil)
			return nil, errOCSP
		}
		addrs := make([]addr.Addr, len(a.Addrs))
		for i := range a.Addrs {
			addrs[i] = withPort(a.Addrs[i].IP, r.port)
		}
		return addrs, nil
	}
}

// exchange asks one address.
func (q *ocspQuery) exchange(ctx context.Context, a addr.Addr) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, ocspTimeout)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, a.Network(), a.HostPort())
	if err != nil {
		return nil, q.failed("connect()", err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(longAgo) })()
	request, err := tlsconf.OCSPRequest(q.cert, q.issuer)
	if err != nil {
		q.report(errlog.Crit, "i2d_OCSP_REQUEST() failed (SSL: "+err.Error()+")", nil)
		return nil, err
	}
	uri := q.responder.uri
	if !strings.HasSuffix(uri, "/") {
		uri += "/"
	}
	if _, err := fmt.Fprintf(conn, "GET %s%s HTTP/1.0\r\nHost: %s\r\n\r\n", uri, escapeURI(base64.StdEncoding.EncodeToString(request)), q.responder.host); err != nil {
		return nil, q.failed("send()", err)
	}
	return q.response(conn)
}

func (q *ocspQuery) failed(call string, err error) error {
	var errno syscall.Errno
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		q.report(errlog.Error, "OCSP responder timed out", syscall.ETIMEDOUT)
	case errors.Is(err, context.Canceled):
	case errors.As(err, &errno):
		q.report(errlog.Error, call+" failed", errno)
	default:
		q.report(errlog.Error, "OCSP responder prematurely closed connection", nil)
	}
	return err
}

// response reads an HTTP response.
func (q *ocspQuery) response(conn io.Reader) ([]byte, error) {
	r := textproto.NewReader(bufio.NewReader(io.LimitReader(conn, maxOCSP)))
	status, err := r.ReadLine()
	if err != nil {
		return nil, q.failed("recv()", err)
	}
	invalid := func() ([]byte, error) {
		q.report(errlog.Error, "OCSP responder sent invalid response", nil)
		return nil, errOCSP
	}
	code, ok := httpStatus(status)
	if !ok {
		return invalid()
	}
	header, err := r.ReadMIMEHeader()
	var bad textproto.ProtocolError
	switch {
	case errors.As(err, &bad):
		return invalid()
	case err != nil:
		return nil, q.failed("recv()", err)
	}
	const want = "application/ocsp-response"
	if kind := header.Get("Content-Type"); kind != "" && !strings.EqualFold(kind, want) {
		q.report(errlog.Error, "OCSP responder sent invalid \"Content-Type\" header: \""+kind+"\"", nil)
		return nil, errOCSP
	}
	body, err := io.ReadAll(r.R)
	if err != nil {
		return nil, q.failed("recv()", err)
	}
	if code != "200" {
		return nil, errOCSP
	}
	return body, nil
}

// httpStatus is the code in a status line of HTTP/1.
func httpStatus(line string) (code string, ok bool) {
	version, rest, ok := strings.Cut(line, " ")
	if !ok || !strings.HasPrefix(version, "HTTP/1.") || len(rest) < 3 {
		return "", false
	}
	return rest[:3], strings.Trim(rest[:3], "0123456789") == ""
}
