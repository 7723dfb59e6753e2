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
	"github.com/gostream/gostream/internal/pki"
	"github.com/gostream/gostream/internal/resolver"
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
	host, uri := splitURI(shown)
	r = &ocspResponder{uri: uri}
	o.DefaultPort = 80
	u, err := addr.Parse(host, o)
	if err != nil {
		return nil, shown, err
	}
	r.host, r.port, r.addrs = u.Host, u.Port, u.Addrs
	return r, shown, nil
}

// splitURI parts an address from the path after it.
func splitURI(text string) (host, uri string) {
	const unix = "unix:"
	if len(text) >= len(unix) && strings.EqualFold(text[:len(unix)], unix) {
		path, uri, _ := strings.Cut(text[len(unix):], ":")
		return unix + path, uri
	}
	end, from := "/?", 0
	if strings.HasPrefix(text, "[") {
		end, from = "/", strings.IndexByte(text, ']')+1
	}
	i := strings.IndexAny(text[from:], end)
	if i < 0 {
		return text, ""
	}
	return text[:from+i], text[from+i:]
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
		switch status, ok := o.status(ctx, s, i); {
		case !ok:
			return ocspFailed
		case status == pki.OCSPRevoked:
			return ocspRevoked
		case status != pki.OCSPGood:
			return ocspUnknown
		}
	}
	return ""
}

// status is that of one certificate of the chain. It is false if it cannot be
// found out.
func (o *ocspChecks) status(ctx context.Context, s *Session, i int) (pki.OCSPStatus, bool) {
	chain := s.ssl.chain
	q := &ocspQuery{names: o.names, log: s.logOCSP}
	q.OCSPQuestion = pki.OCSPQuestion{Cert: chain[i], Issuer: chain[i+1], Chain: chain, Verifier: s.effectiveTLS().verifier}
	if q.responder = o.responder; q.responder == nil && !q.findResponder(s) {
		return 0, false
	}
	key, ok := ocspKey(q.Cert, q.Issuer)
	if o.cache != nil && !ok {
		return 0, false
	}
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
	if len(q.Cert.OCSPServer) == 0 {
		s.log(errlog.Error, "no OCSP responder URL in certificate", nil)
		return false
	}
	r, shown, err := parseResponder(q.Cert.OCSPServer[0], addr.Options{NoResolve: true})
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
	status pki.OCSPStatus
	until  time.Time
}

func newOCSPCache(size int64) *ocspCacheZone {
	return &ocspCacheZone{max: int(size / ocspEntrySize), items: map[string]*list.Element{}, order: list.New()}
}

// longestSerial is how many bytes of a number a key has room for.
const longestSerial = 20

// ocspKey names a certificate: by the name and the key of its issuer, and its
// number. False: the number is too long.
func ocspKey(cert, issuer *x509.Certificate) (key string, ok bool) {
	name, pub := sha1.Sum(issuer.RawSubject), sha1.Sum(issuer.RawSubjectPublicKeyInfo)
	serial := cert.SerialNumber.Bytes()
	return string(name[:]) + string(pub[:]) + string(serial), len(serial) <= longestSerial
}

func (z *ocspCacheZone) get(key string) (pki.OCSPStatus, bool) {
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

func (z *ocspCacheZone) put(key string, a *pki.OCSPAnswer) {
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
