package stream

// ssl_ocsp.go - asking OCSP responders whether certificates of clients have been
// revoked: ssl_ocsp, ssl_ocsp_responder, ssl_ocsp_cache.

import (
	"container/list"
	"context"
	"crypto/sha1"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/gostream/gostream/internal/addr"
	"github.com/gostream/gostream/internal/errlog"
	"github.com/gostream/gostream/internal/resolver"
	"github.com/gostream/gostream/internal/tlsconf"
)

// ocspChecks is how the certificates of a server's clients are asked about.
type ocspChecks struct {
	leaf      bool           // only the first
	responder *ocspResponder // nil: whom the certificate names
	cache     *ocspCacheZone // nil: none
	names     nameSource
}

// nameSource is what finds addresses of responders.
type nameSource struct {
	resolver *resolver.Resolver // nil: none
	timeout  time.Duration
}

// ocspResponder is where to ask.
type ocspResponder struct {
	host, uri string
	port      uint16
	addrs     []addr.Addr // empty: to be resolved
}

// parseResponder reads the URL of a responder. With an error it returns what
// nginx shows of the URL, too.
func parseResponder(url string, o addr.Options) (r *ocspResponder, shown string, err error) {
	const scheme = "http://"
	if len(url) <= len(scheme) || !strings.EqualFold(url[:len(scheme)], scheme) {
		return nil, url, errors.New("invalid URL prefix")
	}
	shown = url[len(scheme):]
	host, _, _ := strings.Cut(shown, "/")
	r = &ocspResponder{uri: strings.TrimPrefix(shown, host)}
	o.DefaultPort = 80
	u, err := addr.Parse(host, o)
	if err != nil {
		return nil, shown, err
	}
	r.host, r.port, r.addrs = u.Host, u.Port, u.Addrs
	return r, shown, nil
}

func (g *generation) prepareOCSP(t *serverTLS) error {
	ssl := t.conf
	if ssl.OCSP <= OCSPOff {
		return nil
	}
	if ssl.VerifyClient == VerifyOptionalNoCA {
		return errors.New("\"ssl_ocsp\" is incompatible with \"ssl_verify_client optional_no_ca\"")
	}
	t.ocsp = &ocspChecks{leaf: ssl.OCSP == OCSPLeaf}
	if url := ssl.OCSPResponder; url != "" {
		r, shown, err := parseResponder(url, addr.Options{})
		if err != nil {
			return fmt.Errorf("%w in OCSP responder \"%s\" in \"ssl_ocsp_responder\"", err, shown)
		}
		t.ocsp.responder = r
	}
	if z := ssl.OCSPCache; z.Name != "" {
		if g.tls.ocsp == nil {
			g.tls.ocsp = map[string]*ocspCacheZone{}
		}
		if g.tls.ocsp[z.Name] == nil {
			g.tls.ocsp[z.Name] = newOCSPCache(z.Size)
		}
		t.ocsp.cache = g.tls.ocsp[z.Name]
	}
	return nil
}

// findResolver gives what asks responders the resolver of the server.
func (g *generation) findResolver(c *ServerConfig, t *serverTLS) error {
	if t.ocsp == nil && len(t.staples) == 0 {
		return nil
	}
	r, err := g.resolver(c.Core.Resolver)
	names := nameSource{r, max(c.Core.ResolverTimeout, 0)}
	if t.ocsp != nil {
		t.ocsp.names = names
	}
	for _, s := range t.staples {
		s.names = names
	}
	return err
}

// What can be wrong with a certificate, for the log and $ssl_client_verify.
const (
	ocspFailed  = "certificate status request failed"
	ocspRevoked = "certificate revoked"
	ocspUnknown = "certificate status unknown"
)

// check asks about the client's certificates. It returns what is wrong with
// them; empty: nothing.
func (o *ocspChecks) check(ctx context.Context, s *Session) string {
	chain := s.ssl.chain
	for i := range len(chain) - 1 {
		if i == 1 && o.leaf {
			break
		}
		switch status, ok := o.status(ctx, s, chain[i], chain[i+1]); {
		case !ok:
			return ocspFailed
		case status == tlsconf.OCSPRevoked:
			return ocspRevoked
		case status != tlsconf.OCSPGood:
			return ocspUnknown
		}
	}
	return ""
}

// status is that of one certificate. It is false if it cannot be found out.
func (o *ocspChecks) status(ctx context.Context, s *Session, cert, issuer *x509.Certificate) (tlsconf.OCSPStatus, bool) {
	q := &ocspQuery{cert: cert, issuer: issuer, trusted: true, names: o.names, log: s.logOCSP}
	if q.responder = o.responder; q.responder == nil && !q.findResponder(s) {
		return 0, false
	}
	key := ocspKey(cert, issuer)
	if status, ok := o.cache.get(key); ok {
		return status, true
	}
	answer, _, err := q.ask(ctx)
	if err != nil {
		return 0, false
	}
	o.cache.put(key, answer)
	return answer.Status, true
}

// findResponder takes the responder from the certificate.
func (q *ocspQuery) findResponder(s *Session) bool {
	if len(q.cert.OCSPServer) == 0 {
		s.log(errlog.Error, "no OCSP responder URL in certificate", nil)
		return false
	}
	r, shown, err := parseResponder(q.cert.OCSPServer[0], addr.Options{NoResolve: true})
	if err != nil {
		s.logf(errlog.Error, "%s in OCSP responder \"%s\" in certificate", err, shown)
		return false
	}
	q.responder = r
	return true
}

// logOCSP writes a line about a responder, for which there is another context
// than the session's.
func (s *Session) logOCSP(level errlog.Level, r errlog.Record) {
	r.Conn = s.number
	s.errorLog().Write(level, r)
}

// ocspEntrySize is about what an answer takes in shared memory, in bytes.
const ocspEntrySize = 128

// ocspCacheZone keeps answers as long as they are valid: ssl_ocsp_cache. Nil
// keeps none.
type ocspCacheZone struct {
	max int

	mu    sync.Mutex
	items map[string]*list.Element
	order *list.List // of *ocspEntry, the newest in front
}

type ocspEntry struct {
	key    string
	status tlsconf.OCSPStatus
	until  time.Time
}

func newOCSPCache(size int64) *ocspCacheZone {
	return &ocspCacheZone{max: int(size / ocspEntrySize), items: map[string]*list.Element{}, order: list.New()}
}

// ocspKey names a certificate: by the name and the key of its issuer, and its
// number.
func ocspKey(cert, issuer *x509.Certificate) string {
	name, key := sha1.Sum(issuer.RawSubject), sha1.Sum(issuer.RawSubjectPublicKeyInfo)
	return string(name[:]) + string(key[:]) + cert.SerialNumber.String()
}

func (z *ocspCacheZone) get(key string) (tlsconf.OCSPStatus, bool) {
	if z == nil {
		return 0, false
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	e := z.items[key]
	if e == nil {
		return 0, false
	}
	entry := e.Value.(*ocspEntry)
	if time.Now().After(entry.until) {
		z.remove(e)
		return 0, false
	}
	return entry.status, true
}

func (z *ocspCacheZone) put(key string, a *tlsconf.OCSPAnswer) {
	until := a.Valid
	if until.IsZero() {
		until = time.Now().Add(time.Hour)
	}
	if z == nil || until.Before(time.Now()) {
		return
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	if e := z.items[key]; e != nil {
		z.remove(e)
	}
	for len(z.items) >= z.max {
		z.remove(z.order.Back())
	}
	z.items[key] = z.order.PushFront(&ocspEntry{key, a.Status, until})
}

func (z *ocspCacheZone) remove(e *list.Element) {
	delete(z.items, e.Value.(*ocspEntry).key)
	z.order.Remove(e)
}
