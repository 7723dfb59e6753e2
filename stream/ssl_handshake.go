package stream

// ssl_handshake.go - the ssl phase: the handshake with a client, the choice of
// the virtual server in it, and what is asked of the client's certificate.

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/gostream/gostream/internal/errlog"
	"github.com/gostream/gostream/internal/pki"
	"github.com/gostream/gostream/internal/tlsconf"
)

// clientTLS is what a session knows of the TLS that its client speaks.
type clientTLS struct {
	conn *tls.Conn

	// What the client has offered.
	hello      bool
	serverName string // empty if that came to nothing
	version    uint16 // that will be spoken, as far as one knows by now
	ciphers    []uint16
	curves     []tls.CurveID
	signatures []tls.SignatureScheme
	rejected   bool // the handshake was, by ssl_reject_handshake
	noCert     bool // or because a certificate could not be had
	done       bool // the handshake
	state      tls.ConnectionState
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
	s.ssl = &clientTLS{version: tls.VersionTLS13}
	watch := &tlsconf.Watch{Conn: t.unread()}
	s.ssl.conn = tls.Server(watch, &tls.Config{GetConfigForClient: s.configForClient})
	ctx, cancel := context.WithTimeout(t.life, timeout)
	defer cancel()
	if err := s.ssl.conn.HandshakeContext(ctx); err != nil {
		s.handshakeFailed(err, watch)
		return statusInternal
	}
	s.ssl.done, s.ssl.state = true, s.ssl.conn.ConnectionState()
	if s.ssl.sessionID == "" && s.ssl.state.Version == tls.VersionTLS13 {
		s.ssl.sessionID = newSessionID() // OpenSSL's sessions have one, be they resumable or not
	}
	t.client = &tlsConn{Conn: s.ssl.conn, transport: t}
	if peers := s.ssl.state.PeerCertificates; len(peers) > 0 {
		own := s.effectiveTLS()
		s.ssl.chain, s.ssl.verified = own.verifier.Verify(peers, time.Now())
		if own.ocsp != nil && s.ssl.verified == pki.OK {
			s.ssl.ocsp = own.ocsp.check(ctx, s)
			if ctx.Err() != nil {
				return statusInternal
			}
		}
	}
	return next
}

// handshakeFailed logs why, in OpenSSL's words. Silence is not worth a line.
func (s *Session) handshakeFailed(err error, watch *tlsconf.Watch) {
	var errno syscall.Errno
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), errors.Is(err, os.ErrDeadlineExceeded):
	case s.ssl.rejected:
		s.log(errlog.Info, "handshake rejected", nil)
	case s.ssl.noCert:
		s.log(errlog.Info, "SSL_do_handshake() failed (SSL: error:0A000179:SSL routines::cert cb error)", nil)
	case tlsconf.Closed(err):
		s.log(errlog.Info, "peer closed connection in SSL handshake", nil)
	case errors.As(err, &errno):
		s.log(errlog.Info, "peer closed connection in SSL handshake", errno)
	default:
		s.log(errlog.Info, "SSL_do_handshake() failed (SSL: "+watch.HandshakeError(err, s.ssl.hello)+")", nil)
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

// errNoCertificate ends a handshake for which there is no certificate.
var errNoCertificate = errors.New("no certificate")

// refusing is a configuration without certificates, which makes crypto/tls send
// the alert unrecognized_name.
var refusing = &tls.Config{MinVersion: tls.VersionTLS10}

// configForClient decides how the handshake goes on. Where an address has
// several servers, the one that the client names takes over.
func (s *Session) configForClient(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	c := s.ssl
	c.hello = true
	c.ciphers, c.curves, c.signatures = hello.CipherSuites, hello.SupportedCurves, hello.SignatureSchemes
	s.selectServer([]byte(hello.ServerName))
	if s.srv.conf.SSL.RejectHandshake.On() {
		c.rejected = true
		return refusing, nil
	}
	t := s.effectiveTLS()
	version := t.settings.Protocols.Choose(hello.SupportedVersions)
	if version == 0 {
		c.version = slices.Max(append(hello.SupportedVersions, 0))
		return t.configFor(hello, nil), nil
	}
	c.version, c.serverName = version, hello.ServerName
	certs, err := s.certificates(t)
	if err != nil {
		s.log(errlog.Error, err.Error(), nil)
		c.noCert = true
		return nil, errNoCertificate
	}
	config := t.configFor(hello, certs)
	c.noteCertificate(config)
	if sessions := s.place.def.tls; sessions != nil {
		c.resumption = &resumption{sessions.sessions, t, c, t.settings.Tickets}
		c.resumption.attach(config)
	}
	return config, nil
}

// noteCertificate takes down which certificate crypto/tls chooses.
func (c *clientTLS) noteCertificate(config *tls.Config) {
	certs := config.Certificates
	if len(certs) == 0 {
		return
	}
	c.shown = certs[len(certs)-1].Leaf
	config.Certificates = nil
	config.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		chosen := max(slices.IndexFunc(certs, func(cert tls.Certificate) bool { return hello.SupportsCertificate(&cert) == nil }), 0)
		c.shown = certs[chosen].Leaf
		return &certs[chosen], nil
	}
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
// crypto/tls where nginx makes another one.
func (t *serverTLS) configFor(hello *tls.ClientHelloInfo, certs []tls.Certificate) *tls.Config {
	config := t.base.Clone()
	certs = t.stapled(hello, certs)
	config.Certificates = certs
	config.NextProtos = t.protocols(hello)
	version := t.settings.Protocols.Choose(hello.SupportedVersions)
	config.MinVersion, config.MaxVersion = version, version
	switch {
	case version == 0:
		config.MinVersion, config.MaxVersion = tls.VersionTLS13, tls.VersionTLS10 // none
	case version < tls.VersionTLS13:
		config.CipherSuites = []uint16{}
		if id, usable := t.chooseCipher(hello, version, certs); id != 0 {
			config.CipherSuites, config.Certificates = []uint16{id}, usable
		}
		if slices.Contains(hello.CipherSuites, tls.TLS_FALLBACK_SCSV) {
			_, config.MaxVersion, _ = t.settings.Protocols.Range()
		}
	}
	return config
}

// noProtocol is no name that a client can offer, since names are not empty.
const noProtocol = ""

// protocols is the protocol of ssl_alpn that comes first and is offered by the
// client. If none is, the handshake must fail.
func (t *serverTLS) protocols(hello *tls.ClientHelloInfo) []string {
	if len(t.conf.ALPN) == 0 {
		return nil
	}
	for _, name := range t.conf.ALPN {
		if slices.Contains(hello.SupportedProtos, name) {
			return []string{name}
		}
	}
	return []string{noProtocol}
}

// chooseCipher is the choice of a suite for TLS 1.2 and older, with the
// certificates that can be used with it.
func (t *serverTLS) chooseCipher(hello *tls.ClientHelloInfo, version uint16, certs []tls.Certificate) (uint16, []tls.Certificate) {
	order, other := hello.CipherSuites, t.settings.Ciphers
	if t.settings.ServerOrder {
		order, other = other, order
	}
	curve := len(hello.SupportedCurves) == 0 || slices.ContainsFunc(hello.SupportedCurves, t.hasCurve)
	for _, id := range order {
		suite, ok := tlsconf.SuiteByID(id)
		if !ok || !slices.Contains(other, id) || suite.TLS12 && version < tls.VersionTLS12 || suite.ECDHE && !curve {
			continue
		}
		var usable []tls.Certificate
		for i := range certs {
			if (tlsconf.IsRSA(&certs[i])) != suite.ECDSA {
				usable = append(usable, certs[i])
			}
		}
		if len(usable) > 0 {
			return id, usable
		}
	}
	return 0, nil
}

// classicCurves are those of crypto/tls that TLS 1.2 has too.
var classicCurves = []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521}

func (t *serverTLS) hasCurve(id tls.CurveID) bool {
	return slices.Contains(classicCurves, id) && (len(t.settings.Curves) == 0 || slices.Contains(t.settings.Curves, id))
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
