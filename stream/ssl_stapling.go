package stream

// ssl_stapling.go - showing clients the status of the server's own certificates:
// ssl_stapling, ssl_stapling_file, ssl_stapling_responder, ssl_stapling_verify.

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/gostream/gostream/internal/addr"
	"github.com/gostream/gostream/internal/errlog"
	"github.com/gostream/gostream/internal/guard"
	"github.com/gostream/gostream/internal/pki"
	"github.com/gostream/gostream/internal/tlsconf"
)

// staple is the status of a certificate, which is asked for when the first
// client wants it, and renewed before it is out of date.
type staple struct {
	gen       *generation
	leaf      *x509.Certificate
	issuer    *x509.Certificate
	name      string              // of the file
	chain     []*x509.Certificate // what follows it in its file
	verifier  *pki.Verifier       // of who signs responses; nil: anybody may
	responder *ocspResponder      // nil: the response is from a file
	names     nameSource

	mu      sync.Mutex
	text    []byte
	valid   time.Time // zero: there is no end
	refresh time.Time
	loading bool
}

// prepareStapling finds out whom to ask about the certificates. Those of which
// nobody knows are left alone, with a warning.
func (g *generation) prepareStapling(t *serverTLS) error {
	ssl := t.conf
	if !ssl.Stapling.On() {
		return nil
	}
	if ssl.CertificateCompression.On() {
		return errors.New("\"ssl_stapling\" is incompatible with \"ssl_certificate_compression\"")
	}
	certs := t.settings.Identity.Certificates()
	for i := range certs {
		c := &certs[i]
		s := &staple{gen: g, leaf: c.Leaf, name: t.settings.Identity.NameOf(c), chain: tlsconf.ChainOf(c)}
		if ssl.StaplingVerify.On() {
			s.verifier = t.verifier
		}
		if ssl.StaplingFile != "" {
			text, err := tlsconf.ReadOCSPFile(g.conf.confPath(ssl.StaplingFile))
			if err != nil {
				return err
			}
			s.text = text
			t.staples = append(t.staples, s)
			continue
		}
		if problem := s.prepare(t.verifier, ssl.StaplingResponder); problem != "" {
			g.conf.warn("\"ssl_stapling\" ignored, " + problem)
			continue
		}
		t.staples = append(t.staples, s)
	}
	return nil
}

// prepare finds the responder. It returns why there is none.
func (s *staple) prepare(v *pki.Verifier, url string) (problem string) {
	if s.issuer = v.IssuerOf(s.leaf, s.chain, time.Now()); s.issuer == nil {
		return fmt.Sprintf("issuer certificate not found for certificate \"%s\"", s.name)
	}
	if url == "" {
		if len(s.leaf.OCSPServer) == 0 {
			return fmt.Sprintf("no OCSP responder URL in the certificate \"%s\"", s.name)
		}
		url = s.leaf.OCSPServer[0]
	}
	r, shown, err := parseResponder(url, addr.Options{})
	if err != nil {
		return fmt.Sprintf("%s in OCSP responder \"%s\" in the certificate \"%s\"", err, shown, s.name)
	}
	s.responder = r
	return ""
}

// stapled adds to certificates what a client may be shown of their status.
func (t *serverTLS) stapled(hello *tlsconf.Hello, certs []tls.Certificate) []tls.Certificate {
	if len(t.staples) == 0 || !hello.Status {
		return certs
	}
	certs = slices.Clone(certs)
	for i := range certs {
		for _, s := range t.staples {
			if s.leaf == certs[i].Leaf {
				certs[i].OCSPStaple = s.current()
			}
		}
	}
	return certs
}

// current is the response, if there is one that is valid. It sees to it that
// there will be one for clients to come.
func (s *staple) current() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.responder != nil && !s.loading && now.After(s.refresh) {
		s.loading = true
		guard.Go("OCSP stapling", s.onPanic, func() { s.update(s.gen.tls.life) })
	}
	if !s.valid.IsZero() && now.After(s.valid) {
		return nil
	}
	return s.text
}

// Times between two questions about a certificate.
const (
	stapleLeast = 5 * time.Minute
	stapleMost  = time.Hour
)

// onPanic sees to it that the responder is asked again.
func (s *staple) onPanic(p *guard.Panic) {
	s.gen.panicked(p)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loading, s.refresh = false, time.Now().Add(stapleLeast)
}

// stapleTimeout is how long a responder may take.
const stapleTimeout = time.Minute

// update asks the responder.
func (s *staple) update(ctx context.Context) {
	q := &ocspQuery{responder: s.responder, names: s.names, timeout: stapleTimeout, name: s.name, log: s.gen.mainLog.Write}
	q.OCSPQuestion = pki.OCSPQuestion{Cert: s.leaf, Issuer: s.issuer, Chain: s.chain, Verifier: s.verifier, TrustChain: true}
	answer, text, err := q.ask(ctx)
	if err == nil && answer.Status != pki.OCSPGood {
		q.report(errlog.Error, "certificate status \""+answer.Status.String()+"\" in the OCSP response", nil)
		err = errOCSP
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.loading, s.refresh = false, now.Add(stapleLeast)
	if err != nil {
		return
	}
	s.text, s.valid = text, answer.Valid
	next := now.Add(stapleMost)
	if early := answer.Valid.Add(-stapleLeast); !answer.Valid.IsZero() && early.Before(next) {
		next = early
	}
	if next.After(s.refresh) {
		s.refresh = next
	}
}

// close ends it.
func (s *tlsShared) close() {
	if s.end != nil {
		s.end()
	}
}
