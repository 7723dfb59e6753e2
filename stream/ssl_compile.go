package stream

// ssl_compile.go - from the ssl_* directives of a server to what its handshakes
// are made with. The order of the steps is nginx's, for the first mistake is the
// one that is told.

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gostream/gostream/internal/pki"
	"github.com/gostream/gostream/internal/tlsconf"
	"github.com/gostream/gostream/parser"
)

// serverTLS is the TLS side of a server.
type serverTLS struct {
	conf     *SSLConfig
	settings tlsconf.Settings
	base     *tls.Config // what all connections have in common

	static      []tls.Certificate // empty if names have variables
	certs, keys []*template       // complete names, or with variables
	cache       *tlsconf.Cache    // of those; nil: off

	verifier *pki.Verifier // of clients' certificates
	ocsp     *ocspChecks   // of them, too; nil: none
	staples  []*staple     // of static
	sessions *tlsSessions  // those that can be resumed
	context  [20]byte      // servers can resume each other's sessions if they have the same
}

// tlsShared is what servers of a generation have in common.
type tlsShared struct {
	caches map[*CertificateCache]*tlsconf.Cache
	zones  map[string]*tlsSessions
	ocsp   map[string]*ocspCacheZone
	life   context.Context // of what runs beside sessions
	end    context.CancelFunc
}

// certificateCache is the cache for a directive that several servers may have
// inherited.
func (s *tlsShared) certificateCache(c *CertificateCache) *tlsconf.Cache {
	if c == nil || c.Max == 0 {
		return nil
	}
	if s.caches == nil {
		s.caches = map[*CertificateCache]*tlsconf.Cache{}
	}
	if s.caches[c] == nil {
		s.caches[c] = tlsconf.NewCache(c.Max, c.Valid, c.Inactive)
	}
	return s.caches[c]
}

func (g *generation) compileTLS(c *ServerConfig, srv *server) error {
	ssl := &c.SSL
	if n := len(ssl.Certificate); n > len(ssl.CertificateKey) {
		return fmt.Errorf("no \"ssl_certificate_key\" is defined for certificate \"%s\"", ssl.Certificate[n-1])
	} else if n == 0 && !ssl.RejectHandshake.On() {
		return nil
	}
	t := &serverTLS{conf: ssl, base: &tls.Config{}}
	t.settings.Protocols, t.settings.Level = ssl.Protocols, tlsconf.DefaultLevel
	t.settings.ServerOrder, t.settings.Tickets = ssl.PreferServerCiphers.On(), ssl.SessionTickets != Off
	if err := t.settings.SetCiphers(strings.TrimSpace(ssl.Ciphers)); err != nil {
		return err
	}
	for _, step := range []func(*serverTLS) error{
		g.loadCertificates, g.loadAuthorities, g.prepareOCSP, g.loadExtras, g.makeSessions, g.prepareStapling, g.runCommands,
	} {
		if err := step(t); err != nil {
			return err
		}
	}
	if err := g.findResolver(c, t); err != nil {
		return err
	}
	t.static = t.settings.Identity.Certificates()
	t.verifier.Level = t.settings.Level
	srv.tls = t
	return nil
}

// loadCertificates reads those whose names have no variables; others are read
// for each connection.
func (g *generation) loadCertificates(t *serverTLS) error {
	ssl := t.conf
	hasVariables := func(name string) bool { return strings.Contains(name, "$") }
	keys := ssl.CertificateKey[:len(ssl.Certificate)]
	if slices.ContainsFunc(ssl.Certificate, hasVariables) || slices.ContainsFunc(keys, hasVariables) {
		t.cache = g.tls.certificateCache(ssl.CertificateCache)
		for i := range keys {
			for _, name := range []struct {
				text string
				to   *[]*template
			}{{ssl.Certificate[i], &t.certs}, {keys[i], &t.keys}} {
				value, err := g.compile(name.text)
				if err != nil {
					return err
				}
				*name.to = append(*name.to, value)
			}
		}
		return nil
	}
	var pairs [][2]string
	for i, name := range ssl.Certificate {
		pairs = append(pairs, [2]string{g.conf.certPath(name), g.conf.keyPath(keys[i])})
	}
	skipped, err := t.settings.Identity.LoadAll(pairs, tlsconf.Loader{Passwords: ssl.Passwords, Level: t.settings.Level})
	if err != nil {
		return err
	}
	for _, text := range skipped {
		g.conf.warn(text + ", ignored")
	}
	if ssl.CertificateCompression.On() && len(ssl.Certificate) > 0 {
		g.conf.warn("\"ssl_certificate_compression\" is not supported on this platform, ignored")
	}
	return nil
}

// certPath is the complete name of a certificate, unless it is the certificate.
func (c *Config) certPath(name string) string {
	if tlsconf.IsData(name) {
		return name
	}
	return c.confPath(name)
}

// keyPath is the complete name of a key, unless it is none of a file.
func (c *Config) keyPath(name string) string {
	if strings.HasPrefix(name, "engine:") || strings.HasPrefix(name, "store:") {
		return name
	}
	return c.certPath(name)
}

// loadAuthorities reads what the certificates of clients are checked with.
func (g *generation) loadAuthorities(t *serverTLS) error {
	ssl := t.conf
	t.verifier = &pki.Verifier{Depth: int(max(ssl.VerifyDepth, 0)), Purpose: pki.Client}
	if ssl.VerifyClient > VerifyOff {
		if ssl.VerifyClient != VerifyOptionalNoCA && ssl.ClientCertificate == "" && ssl.TrustedCertificate == "" {
			return errors.New("no ssl_client_certificate or ssl_trusted_certificate for ssl_verify_client")
		}
		t.base.ClientAuth = tls.RequestClientCert
		if ssl.ClientCertificate != "" {
			cas, err := tlsconf.CAs(g.conf.confPath(ssl.ClientCertificate), g.conf.warn)
			if err != nil {
				return err
			}
			cas.AddTo(t.verifier)
			t.base.ClientCAs = x509.NewCertPool()
			for _, ca := range cas.Named {
				t.base.ClientCAs.AddCert(ca)
			}
		}
	}
	if ssl.TrustedCertificate != "" {
		cas, err := tlsconf.CAs(g.conf.confPath(ssl.TrustedCertificate), g.conf.warn)
		if err != nil {
			return err
		}
		cas.AddTo(t.verifier)
	}
	if ssl.CRL == "" {
		return nil
	}
	crls, err := g.revocationLists(ssl.CRL)
	t.verifier.CRLs = crls
	return err
}

// revocationLists reads a file of revocation lists. Servers that name the same
// one share them, since they can be large.
func (g *generation) revocationLists(name string) ([]*pki.CRL, error) {
	file := g.conf.confPath(name)
	if crls := g.crls[file]; crls != nil {
		return crls, nil
	}
	crls, err := tlsconf.CRLs(file)
	if err != nil {
		return nil, err
	}
	if g.crls == nil {
		g.crls = map[string][]*pki.CRL{}
	}
	g.crls[file] = crls
	return crls, nil
}

// loadExtras reads parameters of the key exchange.
func (g *generation) loadExtras(t *serverTLS) error {
	ssl := t.conf
	if ssl.DHParam != "" {
		if err := tlsconf.CheckDHParams(g.conf.confPath(ssl.DHParam), t.settings.Level); err != nil {
			return err
		}
	}
	if len(ssl.ECHFile) > 0 {
		g.conf.warn("\"ssl_ech_file\" is not supported on this platform, ignored")
	}
	return t.settings.SetCurves(strings.TrimSpace(ssl.ECDHCurve))
}

// runCommands carries ssl_conf_command out, on top of all other settings.
func (g *generation) runCommands(t *serverTLS) error {
	for _, cmd := range t.conf.ConfCommand {
		err := t.settings.Run(cmd.Name, cmd.Value, g.conf.confPath)
		if errors.As(err, new(*tlsconf.UnsupportedError)) && len(t.settings.Identity.Certificates()) > 0 {
			g.conf.warn(err.Error() + ", ignored")
		} else if err != nil {
			return err
		}
	}
	return nil
}

// checkCertificates looks whether the servers of each listen ... ssl can serve:
// the default server, or else all others, must have a certificate or refuse.
func (g *generation) checkCertificates(book *addressBook) error {
	for _, a := range book.byPort() {
		if !a.opt.SSL {
			continue
		}
		if def := g.servers[a.def].conf; len(def.SSL.Certificate) > 0 {
			continue
		} else if !def.SSL.RejectHandshake.On() {
			return lacksCertificate(def)
		}
		for _, s := range a.servers {
			if c := g.servers[s].conf; len(c.SSL.Certificate) == 0 && !c.SSL.RejectHandshake.On() {
				return lacksCertificate(c)
			}
		}
	}
	return nil
}

// lacksCertificate names the place of the server block in the text itself, as
// nginx does.
func lacksCertificate(c *ServerConfig) error {
	return &parser.Error{File: c.file, Line: c.line, Msg: "no \"ssl_certificate\" is defined for the \"listen ... ssl\" directive"}
}
