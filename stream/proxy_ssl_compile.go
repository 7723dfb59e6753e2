package stream

import (
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gostream/gostream/internal/pki"
	"github.com/gostream/gostream/internal/tlsconf"
)

// proxyTLS is the compiled [ProxySSLConfig] of a server.
type proxyTLS struct {
	settings tlsconf.Settings
	config   *tls.Config      // what connections have in common
	refusal  *tlsconf.Refusal // why there can be none; nil: there can
	verifier *pki.Verifier    // nil: certificates are not checked
	name     *template        // nil: the host in proxy_pass
	sendName bool
	reuse    bool
	alpn     []*template

	identity  []tls.Certificate // of names without variables
	cert, key *template         // of those with; nil: there are none
	passwords []string
	cache     *tlsconf.Cache
}

// compileProxyTLS prepares proxy_ssl. Like nginx it does so for servers that
// pass nothing on, too.
func (g *generation) compileProxyTLS(c *ServerConfig, srv *server) (err error) {
	from := &c.Proxy.SSL
	if !from.Enabled.On() {
		return nil
	}
	p := &proxyTLS{sendName: from.ServerName.On(), reuse: from.SessionReuse.On(), passwords: from.Passwords}
	p.settings = tlsconf.Settings{Protocols: from.Protocols, Tickets: true, Level: tlsconf.DefaultLevel}
	if err := p.settings.SetCiphers(strings.TrimSpace(from.Ciphers)); err != nil {
		return err
	}
	for _, step := range []func(*ProxySSLConfig, *proxyTLS) error{g.compileProxyIdentity, g.compileProxyVerifier, g.compileProxyNames} {
		if err := step(from, p); err != nil {
			return err
		}
	}
	level := p.settings.Level
	for _, command := range from.ConfCommand {
		if err := p.settings.Run(command.Name, command.Value, g.conf.confPath); err != nil {
			return err
		}
	}
	if p.settings.Level != level {
		if err := g.compileProxyVerifier(from, p); err != nil {
			return err
		}
	}
	p.complete()
	srv.proxy.tls = p
	return nil
}

// complete makes of the settings what crypto/tls wants. Certificates are not
// checked by it, but afterwards.
func (p *proxyTLS) complete() {
	from := &p.settings
	oldest, newest, _ := from.Usable(from).Range()
	p.refusal = from.CheckClient()
	p.config = &tls.Config{
		InsecureSkipVerify: true, SessionTicketsDisabled: !from.Tickets || from.Level >= tlsconf.LevelWithoutTickets,
		MinVersion: oldest, MaxVersion: newest, CurvePreferences: from.Groups(), CipherSuites: from.Suites(),
		Time: sessionTime, VerifyConnection: func(state tls.ConnectionState) error {
			if r := from.CheckSignature(&state); r != nil {
				return r
			}
			return nil
		},
	}
	p.identity = from.Identity.Certificates()
}

// sessionEpoch is when the clock of sessions with servers began to run.
var sessionEpoch = time.Now()

// sessionTime is the time by which crypto/tls finds out how old a session is, and
// that is all: it lies before every certificate expires, for other
// sessions crypto/tls would not resume. Certificates are checked by another clock.
func sessionTime() time.Time { return time.Unix(0, 0).Add(24*time.Hour + time.Since(sessionEpoch)) }

// compileProxyIdentity loads what servers are shown, or makes templates of its
// names.
func (g *generation) compileProxyIdentity(from *ProxySSLConfig, p *proxyTLS) (err error) {
	if from.Certificate == nil || *from.Certificate == "" {
		return nil
	}
	if from.CertificateKey == nil {
		return fmt.Errorf("no \"proxy_ssl_certificate_key\" is defined for certificate \"%s\"", *from.Certificate)
	}
	cert, err := g.compile(*from.Certificate)
	if err != nil {
		return err
	}
	key, err := g.compile(*from.CertificateKey)
	if err != nil {
		return err
	}
	_, fixed := cert.Static()
	if _, static := key.Static(); !fixed || !static {
		p.cert, p.key = cert, key
		p.cache = g.tls.certificateCache(from.CertificateCache)
		return nil
	}
	return p.settings.Identity.Load(g.conf.certPath(*from.Certificate), g.conf.keyPath(*from.CertificateKey), tlsconf.Loader{Passwords: p.passwords, Level: p.settings.Level})
}

// compileProxyVerifier loads the authorities that are trusted. Servers that
// trust the same ones share them.
func (g *generation) compileProxyVerifier(from *ProxySSLConfig, p *proxyTLS) error {
	if !from.Verify.On() {
		return nil
	}
	if from.TrustedCertificate == "" {
		return errors.New("no proxy_ssl_trusted_certificate for proxy_ssl_verify")
	}
	key := verifierKey{from.TrustedCertificate, from.CRL, from.VerifyDepth, p.settings.Level}
	if p.verifier = g.verifiers[key]; p.verifier != nil {
		return nil
	}
	cas, err := tlsconf.CAs(g.conf.confPath(from.TrustedCertificate), g.conf.warn)
	if err != nil {
		return err
	}
	p.verifier = &pki.Verifier{Depth: int(max(from.VerifyDepth, 0)), Level: p.settings.Level, Purpose: pki.Server}
	cas.AddTo(p.verifier)
	if from.CRL != "" {
		if p.verifier.CRLs, err = g.revocationLists(from.CRL); err != nil {
			return err
		}
	}
	if g.verifiers == nil {
		g.verifiers = map[verifierKey]*pki.Verifier{}
	}
	g.verifiers[key] = p.verifier
	return nil
}

// verifierKey is what a verifier of servers is made of.
type verifierKey struct {
	trusted, crl string
	depth        int64
	level        int
}

// compileProxyNames compiles what else is evaluated for each connection.
func (g *generation) compileProxyNames(from *ProxySSLConfig, p *proxyTLS) (err error) {
	if from.Name != nil {
		if p.name, err = g.compile(*from.Name); err != nil {
			return err
		}
	}
	for _, text := range from.ALPN {
		protocol, err := g.compile(text)
		if err != nil {
			return err
		}
		p.alpn = append(p.alpn, protocol)
	}
	return nil
}
