package stream

// ssl.go - ngx_stream_ssl_module: TLS on listen. This covers a certificate and
// key per server; its other directives are not served yet and thus unknown.

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/gostream/gostream/internal/conf"
	"github.com/gostream/gostream/internal/errlog"
)

// SSLConfig is the TLS side of listen ... ssl.
type SSLConfig struct {
	Certificate      []string      // PEM files (ssl_certificate)
	CertificateKey   []string      // PEM files, in the same order
	HandshakeTimeout time.Duration // default 60s
}

var sslTable = &conf.Table[ServerConfig]{
	Name: "stream_ssl",
	Commands: []conf.Command[ServerConfig]{
		{Name: "ssl_certificate", Syntax: "file", In: inServers, Set: conf.Strings(func(c *ServerConfig) *[]string { return &c.SSL.Certificate })},
		{Name: "ssl_certificate_key", Syntax: "file", In: inServers, Set: conf.Strings(func(c *ServerConfig) *[]string { return &c.SSL.CertificateKey })},
		{Name: "ssl_handshake_timeout", Syntax: "time", Default: "60s", In: inServers,
			Set: conf.Msec(func(c *ServerConfig) *time.Duration { return &c.SSL.HandshakeTimeout })},
	},
}

func (g *generation) compileTLS(c *ServerConfig, srv *server) error {
	if len(c.SSL.Certificate) == 0 {
		return nil
	}
	if len(c.SSL.CertificateKey) < len(c.SSL.Certificate) {
		return fmt.Errorf("no \"ssl_certificate_key\" is defined for certificate \"%s\"", c.SSL.Certificate[len(c.SSL.CertificateKey)])
	}
	srv.tls = &tls.Config{MinVersion: tls.VersionTLS12}
	for i, name := range c.SSL.Certificate {
		path, key := g.conf.confPath(name), g.conf.confPath(c.SSL.CertificateKey[i])
		pair, err := tls.LoadX509KeyPair(path, key)
		if err != nil {
			return fmt.Errorf("cannot load certificate \"%s\": %w", path, err)
		}
		srv.tls.Certificates = append(srv.tls.Certificates, pair)
	}
	return nil
}

// handshake is the ssl phase of listen ... ssl.
func (s *Session) handshake() Status {
	if !s.place.ssl {
		return next
	}
	s.action = "SSL handshaking"
	t := s.transport.(*netTransport) // listeners with ssl serve on goroutines
	if t.client != t.accepted {
		return next // it was done before the session was passed on
	}
	conn := tls.Server(t.unread(), s.tlsConfig())
	ctx, cancel := context.WithTimeout(t.life, max(s.srv.conf.SSL.HandshakeTimeout, 0))
	defer cancel()
	err := conn.HandshakeContext(ctx)
	switch {
	case err == nil:
		t.client = conn
		return next
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
	case errors.Is(err, io.EOF):
		s.log(errlog.Info, "peer closed connection in SSL handshake", nil)
	default:
		s.logf(errlog.Info, "SSL_do_handshake() failed (SSL: %s)", err)
	}
	return statusInternal
}

// tlsConfig is how the session's handshake goes. Where an address has several
// servers, the one that the client names takes over during it.
func (s *Session) tlsConfig() *tls.Config {
	if s.place.names == nil {
		return s.srv.tls
	}
	return &tls.Config{GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		s.selectServer([]byte(hello.ServerName))
		if s.srv.tls == nil {
			return s.place.def.tls, nil
		}
		return s.srv.tls, nil
	}}
}
