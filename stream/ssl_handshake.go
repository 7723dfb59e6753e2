package stream

// ssl_handshake.go - the ssl phase: the handshake with a client, the choice of
// the virtual server in it, and what is asked of the client's certificate.

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"syscall"
	"time"

	"github.com/gostream/gostream/internal/errlog"
	"github.com/gostream/gostream/internal/pki"
	"github.com/gostream/gostream/internal/tlsconf"
)

// clientTLS is what a session knows of the TLS that its client speaks.
type clientTLS struct {
	conn  *tls.Conn
	front *tlsconf.Front // below it

	hello      *tlsconf.Hello // what the client has offered; empty until it has
	config     *tls.Config    // the answer to it
	rejected   bool           // the handshake was, by ssl_reject_handshake
	done       bool           // the handshake
	state      tls.ConnectionState
	certs      []tls.Certificate // from which one was chosen
	verified   pki.Result
	chain      []*x509.Certificate // from the client's certificate to the root
	ocsp       string              // what is wrong with it, by OCSP; empty: nothing
	shown      *x509.Certificate   // what the client was shown, or the last one there is
	resumption *resumption
	sessionID  string // in hexadecimal digits
	stored     string // number of a session that was put into a cache
}

// handshake is the ssl phase of listen ... ssl.
func (s *Session) handshake() Status {
	if !s.place.ssl {
		return next
	}
	t := s.transport.(*netTransport) // listeners with ssl serve on goroutines
	if s.ssl == nil {                // else it was done before the session was passed on
		s.action = "SSL handshaking"
		t.setNoDelay(s.srv.nodelay)
		if status := s.shakeHands(t); status != next {
			return status
		}
	}
	return s.checkClientCertificate()
}

// shakeHands makes the handshake and puts TLS on the transport.
func (s *Session) shakeHands(t *netTransport) Status {
	timeout := max(s.srv.conf.SSL.HandshakeTimeout, 0)
	front := tlsconf.NewFront(t.unread(), s.decide)
	c := &clientTLS{front: front, hello: &tlsconf.Hello{}}
	s.ssl = c
	c.conn = tls.Server(front, &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return c.config, nil }})
	if r := s.defaultTLS().settings.CheckServer(); r != nil {
		s.handshakeFailed(front.Refuse(r), front)
		return statusInternal
	}
	ctx, cancel := context.WithTimeout(t.life, timeout)
	defer cancel()
	if err := c.conn.HandshakeContext(ctx); err != nil {
		s.handshakeFailed(err, front)
		return statusInternal
	}
	c.finished()
	t.client = &tlsConn{Conn: c.conn, transport: t}
	if peers := c.state.PeerCertificates; len(peers) > 0 {
		own := s.effectiveTLS()
		c.chain, c.verified = own.verifier.Verify(peers, time.Now())
		if own.ocsp != nil && c.verified == pki.OK {
			c.ocsp = own.ocsp.check(ctx, s)
			if ctx.Err() != nil {
				return statusInternal
			}
		}
	}
	return next
}

// finished takes down what the handshake came to.
func (c *clientTLS) finished() {
	c.done, c.state = true, c.conn.ConnectionState()
	if c.sessionID == "" && c.state.Version == tls.VersionTLS13 {
		c.sessionID = newSessionID() // OpenSSL's sessions have one, be they resumable or not
	}
	if !c.state.DidResume {
		return
	}
	if certs := c.certs; len(certs) > 0 {
		c.shown = certs[len(certs)-1].Leaf
	}
	c.hello.Signatures = nil // for OpenSSL has not read these
	if c.state.Version < tls.VersionTLS13 {
		c.hello.Groups = nil
	}
}

// handshakeFailed logs why, in OpenSSL's words. Silence is not worth a line.
func (s *Session) handshakeFailed(err error, front *tlsconf.Front) {
	if front.Retry {
		s.ssl.hello.Groups = nil // which OpenSSL reads again then
	}
	var errno syscall.Errno
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), errors.Is(err, os.ErrDeadlineExceeded):
	case s.ssl.rejected:
		s.log(errlog.Info, "handshake rejected", nil)
	case tlsconf.Closed(err):
		s.log(errlog.Info, "peer closed connection in SSL handshake", nil)
	case errors.As(err, &errno):
		s.log(errlog.Info, "peer closed connection in SSL handshake", errno)
	default:
		level := errlog.Info
		text, unusual := front.HandshakeError(err)
		if unusual {
			level = errlog.Crit
		}
		s.log(level, "SSL_do_handshake() failed (SSL: "+text+")", nil)
	}
}

// effectiveTLS is that of the server in effect, or of the default server if
// that has none.
func (s *Session) effectiveTLS() *serverTLS {
	if s.srv.tls == nil {
		return s.place.def.tls
	}
	return s.srv.tls
}

// defaultTLS is that of the default server.
func (s *Session) defaultTLS() *serverTLS { return s.place.def.tls }

// decide chooses what is spoken with a client. Where an address has several
// servers, the one that the client names takes over.
func (s *Session) decide(front *tlsconf.Front, hello *tlsconf.Hello) error {
	c := s.ssl
	c.hello = hello
	s.selectServer(hello.Name)
	if s.srv.conf.SSL.RejectHandshake.On() {
		c.rejected = true
		return tlsconf.NameRefused
	}
	t := s.effectiveTLS()
	choice, err := hello.Negotiate(&tlsconf.Terms{
		Own: &t.settings, Default: &s.defaultTLS().settings, Protocols: t.conf.ALPN,
		Certificates: func() (_ []tls.Certificate, err error) {
			if c.certs, err = s.certificates(t); err != nil {
				s.log(errlog.Error, err.Error(), nil)
				err = tlsconf.NoCertificate
			}
			return c.certs, err
		},
	})
	if err != nil {
		return err
	}
	c.config = t.configFor(hello, choice)
	c.shown = choice.Certificate.Leaf
	c.resumption = newResumption(s.defaultTLS(), t, c)
	c.resumption.attach(c.config)
	front.ClientCertificate, front.Retry = c.config.ClientAuth != tls.NoClientCert, choice.Retry
	return nil
}

// certificates returns those of a server, which it may have to read.
func (s *Session) certificates(t *serverTLS) ([]tls.Certificate, error) {
	if t.certs == nil {
		return t.static, nil
	}
	identity := t.settings.Identity
	var pairs [][2]string
	for i := range t.certs {
		cert := s.gen.conf.certPath(string(t.certs[i].Append(nil, s)))
		key := s.gen.conf.keyPath(string(t.keys[i].Append(nil, s)))
		pairs = append(pairs, [2]string{cert, key})
	}
	_, err := identity.LoadAll(pairs, tlsconf.Loader{Passwords: t.conf.Passwords, Cache: t.cache, Level: t.settings.Level, Once: true})
	return identity.Certificates(), err
}

// configFor is the configuration for one client. It leaves no choice to
// crypto/tls, which would make another one.
func (t *serverTLS) configFor(hello *tlsconf.Hello, choice *tlsconf.Choice) *tls.Config {
	config := t.base.Clone()
	config.Certificates = t.stapled(hello, []tls.Certificate{choice.Certificate})
	config.MinVersion, config.MaxVersion = hello.Version, hello.Version
	if choice.Suite != 0 {
		config.CipherSuites = []uint16{choice.Suite}
	}
	if choice.Group != 0 {
		config.CurvePreferences = []tls.CurveID{choice.Group}
	}
	if hello.Protocol != "" {
		config.NextProtos = []string{hello.Protocol}
	}
	return config
}

// checkClientCertificate is what ssl_verify_client asks for. The client learns
// of a refusal only by the end of the connection.
func (s *Session) checkClientCertificate() Status {
	verify := s.srv.conf.SSL.VerifyClient
	if verify <= VerifyOff {
		return next
	}
	result := s.ssl.verified
	if result != pki.OK && (verify != VerifyOptionalNoCA || !result.Optional()) {
		s.logf(errlog.Info, "client SSL certificate verify error: (%d:%s)", int(result), result)
		s.ssl.resumption.forget()
		return statusInternal
	}
	if verify == VerifyOn && peerOf(&s.ssl.state) == nil {
		s.log(errlog.Info, "client sent no required SSL certificate", nil)
		s.ssl.resumption.forget()
		return statusInternal
	}
	if s.ssl.ocsp != "" {
		s.log(errlog.Info, "client SSL certificate verify error: "+s.ssl.ocsp, nil)
		s.ssl.resumption.forget()
		return statusInternal
	}
	return next
}
