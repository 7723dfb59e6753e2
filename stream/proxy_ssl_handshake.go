package stream

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gostream/gostream/internal/addr"
	"github.com/gostream/gostream/internal/errlog"
	"github.com/gostream/gostream/internal/pki"
	"github.com/gostream/gostream/internal/tlsconf"
)

// handshakeUpstream is what proxy_ssl adds to connecting: the PROXY header, in
// clear text, the handshake, and a look at the certificate. Unless the server is
// reached then, the status says how to go on, as that of tryUpstream does.
func (s *Session) handshakeUpstream() (status Status, reached bool) {
	p := s.srv.proxy.tls
	if !s.speaksTLS() {
		return next, true
	}
	t := s.transport.(*netTransport) // servers with proxy_ssl serve on goroutines
	if status := s.sendProxyHeader(t); status != next {
		return status, false
	}
	name := p.nameOf(s)
	config, err := p.configFor(s, name)
	if err != nil {
		s.log(errlog.Error, err.Error(), nil)
		return statusInternal, false
	}
	s.action = handshaking
	conn := s.startTLS(t, config)
	if conn == nil || !s.verifyUpstream(conn, name) {
		return s.upstreamFailed(), false
	}
	return next, true
}

// speaksTLS reports whether there is TLS towards the server. Datagrams have none.
func (s *Session) speaksTLS() bool { return s.srv.proxy.tls != nil && !s.udp }

// sendProxyHeader writes the header, if one is wanted, ahead of the handshake.
func (s *Session) sendProxyHeader(t *netTransport) Status {
	if s.srv.proxy.proxyProtocol <= ProxyProtocolOff {
		return next
	}
	buf := takeBuffer()
	defer buf.release()
	var err error
	if buf.b, err = s.appendProxyHeader(buf.b); err != nil {
		s.log(errlog.Error, err.Error(), nil)
		return statusInternal
	}
	t.by(time.Now().Add(s.srv.proxy.relay.Timeout), t.server.SetWriteDeadline)
	n, err := t.server.Write(buf.b)
	_ = t.server.SetWriteDeadline(time.Time{})
	s.lastTry().sent = int64(n)
	if err != nil {
		err = plainError(err)
		s.log(peerErrorLevel(err, errlog.Error), "send() failed", err)
		return statusOK
	}
	return next
}

// nameOf is whom the certificate must be for: proxy_ssl_name or the host of
// proxy_pass, without the port.
func (p *proxyTLS) nameOf(s *Session) string {
	name := strings.TrimPrefix(s.up.group.name, "unix:")
	if p.name != nil {
		name = string(p.name.Append(nil, s))
	}
	host := 0
	if strings.HasPrefix(name, "[") {
		host = max(strings.IndexByte(name, ']'), 0)
	}
	if port := strings.IndexByte(name[host:], ':'); port >= 0 {
		return name[:host+port]
	}
	return name
}

// configFor completes the settings for one connection.
func (p *proxyTLS) configFor(s *Session, name string) (*tls.Config, error) {
	config := p.config.Clone()
	if p.sendName && sendable(name) {
		s.debug("upstream SSL server name: \"" + name + "\"")
		config.ServerName = name
	}
	for _, value := range p.alpn {
		if protocol := value.Append(nil, s); len(protocol) > 0 && len(protocol) <= maxALPN {
			config.NextProtos = append(config.NextProtos, string(protocol))
		}
	}
	identity, err := p.identityFor(s)
	if err != nil {
		return nil, err
	}
	config.GetClientCertificate = func(request *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		return chooseCertificate(identity, request), nil
	}
	if p.reuse {
		config.ClientSessionCache = peerSession{&s.up.group.sessions, s.up.peer.Addr()}
	}
	return config, nil
}

// sendable reports whether a name may be sent to a server: addresses may not.
func sendable(name string) bool {
	_, err := netip.ParseAddr(name)
	return name != "" && name[0] != '[' && err != nil
}

// identityFor is what the server is shown.
func (p *proxyTLS) identityFor(s *Session) ([]tls.Certificate, error) {
	if p.cert == nil {
		return p.identity, nil
	}
	cert := string(p.cert.Append(nil, s))
	if cert == "" {
		return nil, nil
	}
	var id tlsconf.Identity
	key := string(p.key.Append(nil, s))
	err := id.Load(s.gen.conf.certPath(cert), s.gen.conf.keyPath(key), tlsconf.Loader{Passwords: p.passwords, Cache: p.cache, Level: p.settings.Level, Once: true})
	return id.Certificates(), err
}

// chooseCertificate takes the first one that the server can check. Unlike
// crypto/tls, OpenSSL does not mind which authorities the server names.
func chooseCertificate(identity []tls.Certificate, request *tls.CertificateRequestInfo) *tls.Certificate {
	anyone := *request
	anyone.AcceptableCAs = nil
	for i := range identity {
		if anyone.SupportsCertificate(&identity[i]) == nil {
			return &identity[i]
		}
	}
	return &tls.Certificate{}
}

// startTLS makes the handshake and puts TLS on the connection to the server. Nil:
// it failed. Running out of time is not logged, as in nginx.
func (s *Session) startTLS(t *netTransport, config *tls.Config) *tls.Conn {
	if r := s.srv.proxy.tls.refusal; r != nil {
		_, _ = t.server.Write(r.Record(cmp.Or(config.MaxVersion, tls.VersionTLS12)))
		s.upstreamTLSFailed(r)
		return nil
	}
	conn := tls.Client(t.server, config)
	ctx, cancel := context.WithTimeout(t.life, s.srv.proxy.dial.timeout)
	defer cancel()
	err := plainError(conn.HandshakeContext(ctx))
	switch errno := (syscall.Errno)(0); {
	case err == nil:
		t.server = &upstreamTLS{tlsConn: tlsConn{Conn: conn, transport: t}, raw: t.server}
		return conn
	case errors.Is(err, os.ErrDeadlineExceeded):
	case errors.As(err, &errno):
		s.log(peerErrorLevel(err, errlog.Error), "peer closed connection in SSL handshake", err)
	case tlsconf.Closed(err):
		s.log(errlog.Error, "peer closed connection in SSL handshake", nil)
	default:
		s.upstreamTLSFailed(err)
	}
	return nil
}

func (s *Session) upstreamTLSFailed(err error) {
	level := errlog.Error
	if r, refused := errors.AsType[*tlsconf.Refusal](err); refused && r.Unusual() {
		level = errlog.Crit
	}
	s.log(level, "SSL_do_handshake() failed (SSL: "+tlsconf.HandshakeError(err)+")", nil)
}

// upstreamTLS is a connection to a server with TLS on it.
type upstreamTLS struct {
	tlsConn
	raw net.Conn
}

// CloseWrite ends the TCP connection in one direction, without a word in TLS.
func (c *upstreamTLS) CloseWrite() error {
	if half, ok := c.raw.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// Close tells the server that this is the end, unless it has ended itself, and
// does not wait for its answer.
func (c *upstreamTLS) Close() error {
	if !c.over.Load() {
		_ = c.Conn.CloseWrite()
	}
	return c.raw.Close()
}

// verifyUpstream checks the certificate of the server, also that of a session
// which is resumed.
func (s *Session) verifyUpstream(conn *tls.Conn, name string) bool {
	p := s.srv.proxy.tls
	if p.verifier == nil {
		return true
	}
	shown := conn.ConnectionState().PeerCertificates
	if _, result := p.verifier.Verify(shown, s.now()); result != pki.OK {
		s.logf(errlog.Error, "upstream SSL certificate verify error: (%d:%s)", int(result), result)
		return false
	}
	if !pki.MatchesHost(shown[0], name) {
		s.logf(errlog.Error, "upstream SSL certificate does not match \"%s\"", name)
		return false
	}
	return true
}

// upstreamSessions are the TLS sessions that may be resumed, one for each server of a
// group.
type upstreamSessions struct {
	mu     sync.Mutex
	byAddr map[addr.Addr]*tls.ClientSessionState
}

// maxSessions bounds them where servers come and go.
const maxSessions = 4096

// peerSession is the place for the session with one server, a cache for
// crypto/tls.
type peerSession struct {
	*upstreamSessions
	at addr.Addr
}

// Get implements [tls.ClientSessionCache].
func (c peerSession) Get(string) (*tls.ClientSessionState, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	state, ok := c.byAddr[c.at]
	return state, ok
}

// Put implements [tls.ClientSessionCache].
func (c peerSession) Put(_ string, state *tls.ClientSessionState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case state == nil:
		delete(c.byAddr, c.at)
		return
	case c.byAddr == nil || len(c.byAddr) >= maxSessions:
		c.byAddr = map[addr.Addr]*tls.ClientSessionState{}
	}
	c.byAddr[c.at] = state
}
