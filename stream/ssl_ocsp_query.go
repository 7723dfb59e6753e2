package stream

// ssl_ocsp_query.go - one question to an OCSP responder, over HTTP/1.0.

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/gostream/gostream/internal/addr"
	"github.com/gostream/gostream/internal/errlog"
	"github.com/gostream/gostream/internal/pki"
	"github.com/gostream/gostream/internal/resolver"
)

// ocspQuery is a question about a certificate.
type ocspQuery struct {
	pki.OCSPQuestion
	responder *ocspResponder
	names     nameSource
	timeout   time.Duration // for each address; 0: none
	name      string        // of the certificate's file; empty: it has none

	// log writes a line; the context is there already.
	log func(level errlog.Level, r errlog.Record)

	request []byte // as HTTP has it
	peer    string // the address that is being asked; empty: none yet
}

var errOCSP = errors.New("no answer")

// ask returns the answer, and its encoding. What goes wrong is logged.
func (q *ocspQuery) ask(ctx context.Context) (*pki.OCSPAnswer, []byte, error) {
	if err := q.makeRequest(); err != nil {
		return nil, nil, err
	}
	addrs, err := q.resolve(ctx)
	if err != nil {
		return nil, nil, err
	}
	reply := &ocspReply{}
	for _, a := range addrs {
		q.peer = a.String()
		if !q.exchange(ctx, a, reply) {
			if ctx.Err() != nil {
				break
			}
			reply.again()
			continue
		}
		if reply.code != 200 {
			break
		}
		answer, err := q.Check(reply.body(), time.Now())
		if err != nil {
			q.report(errlog.Error, err.Error(), nil)
			return nil, nil, err
		}
		return answer, reply.body(), nil
	}
	return nil, nil, errOCSP
}

// makeRequest encodes the question.
func (q *ocspQuery) makeRequest() error {
	der, err := pki.OCSPRequest(q.Cert, q.Issuer)
	if err != nil {
		q.report(errlog.Crit, "i2d_OCSP_REQUEST() failed (SSL: "+err.Error()+")", nil)
		return err
	}
	uri := q.responder.uri
	if !strings.HasSuffix(uri, "/") {
		uri += "/"
	}
	q.request = fmt.Appendf(nil, "GET %s%s HTTP/1.0\r\nHost: %s\r\n\r\n", uri, escapeURI(base64.StdEncoding.EncodeToString(der)), q.responder.host)
	return nil
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
	if ip, err := netip.ParseAddr(r.host); err == nil && ip.Is4() {
		return []addr.Addr{withPort(ip, r.port)}, nil // others go to the resolver
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

// exchange asks one address and reads the reply. False: another one is to be
// asked.
func (q *ocspQuery) exchange(ctx context.Context, a addr.Addr, reply *ocspReply) bool {
	if q.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, q.timeout)
		defer cancel()
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, a.Network(), a.HostPort())
	if err != nil {
		q.notConnected(a, err)
		return false
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(longAgo) })()
	if _, err := conn.Write(q.request); err != nil {
		q.failed("send()", err)
		return false
	}
	return q.receive(conn, reply)
}

// receive reads up to the end of a connection. A connection that breaks has
// ended.
func (q *ocspQuery) receive(conn io.Reader, reply *ocspReply) bool {
	for len(reply.room()) > 0 {
		n, err := conn.Read(reply.room())
		if problem := reply.take(n); problem != nil {
			q.report(errlog.Error, problem.Error(), nil)
			return false
		}
		if err == nil {
			continue
		}
		if err != io.EOF && !q.failed("recv()", err) {
			return false
		}
		break
	}
	if reply.state != inBody {
		q.report(errlog.Error, "OCSP responder prematurely closed connection", nil)
	}
	return reply.state == inBody
}

// failed logs that a call failed. False: there is no more time.
func (q *ocspQuery) failed(call string, err error) bool {
	var errno syscall.Errno
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		if q.timeout > 0 {
			q.report(errlog.Error, "OCSP responder timed out", syscall.ETIMEDOUT)
		}
		return false
	case errors.As(err, &errno):
		q.report(peerErrorLevel(errno, errlog.Error), call+" failed", errno)
	}
	return true
}

// notConnected logs that nobody is there. What connect() tells at once has a
// line of its own; that a TCP connection is refused comes later, when nginx
// reads.
func (q *ocspQuery) notConnected(a addr.Addr, err error) {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		q.failed("connect()", err)
		return
	}
	later := errno == syscall.ECONNREFUSED || errno == syscall.ECONNRESET || errno == syscall.ETIMEDOUT || errno == syscall.EHOSTUNREACH
	if a.IsUnix() || !later {
		q.report(connectLevel(errno), "connect() to "+q.peer+" failed", errno)
		return
	}
	q.failed("recv()", errno)
	q.report(errlog.Error, "OCSP responder prematurely closed connection", nil)
}
