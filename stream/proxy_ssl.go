package stream

// proxy_ssl.go - ngx_stream_proxy_module: TLS towards upstreams. The directives
// are here; proxy_ssl_compile.go makes a proxyTLS of them, and
// proxy_ssl_handshake.go is the step of connecting.

import (
	"slices"

	"github.com/gostream/gostream/internal/conf"
	"github.com/gostream/gostream/internal/tlsconf"
)

// ProxySSLConfig is TLS on connections to upstreams. Names of files are relative
// to Config.ConfDir.
type ProxySSLConfig struct {
	Enabled Flag // default off. The rest is only looked at if it is on

	Protocols   SSLProtocols // 0: TLSv12|TLSv13
	Ciphers     string       // an OpenSSL cipher list, for TLSv12 and older; default DEFAULT
	ConfCommand []SSLCommand
	ALPN        []string // protocols to offer, complex values; those that are empty are left out

	// Name is whom the certificate of a server must be for, a complex value. A
	// port behind it does not count. Nil: the host in Pass, or the name of the
	// upstream.
	Name       *string
	ServerName Flag // send the name, unless it is an address (SNI); default off

	SessionReuse Flag // resume TLS sessions; default on

	Verify             Flag   // check the certificates of servers; default off
	VerifyDepth        int64  // 0: 1, negative: 0
	TrustedCertificate string // the authorities; Verify needs it
	CRL                string // lists of revoked certificates

	// Certificate and CertificateKey are what servers are shown: PEM files, or
	// PEM texts behind "data:". They are complex values, evaluated for each
	// connection if there are variables in them. Nil or empty: nothing.
	Certificate      *string
	CertificateKey   *string
	CertificateCache *CertificateCache // of files with variables in their names; nil: off
	Passwords        []string          // pass phrases of the key, tried in turn (proxy_ssl_password_file)
}

var proxySSLTable = &conf.Table[ServerConfig]{
	Name: "stream_proxy",
	Commands: []conf.Command[ServerConfig]{
		{Name: "proxy_ssl", Syntax: "on | off", Default: "off", In: inServers,
			Set: conf.FlagOf(func(c *ServerConfig) *Flag { return &c.Proxy.SSL.Enabled })},
		{Name: "proxy_ssl_session_reuse", Syntax: "on | off", Default: "on", In: inServers,
			Set: conf.FlagOf(func(c *ServerConfig) *Flag { return &c.Proxy.SSL.SessionReuse })},
		{Name: "proxy_ssl_protocols", Syntax: "[SSLv2] [SSLv3] [TLSv1] [TLSv1.1] [TLSv1.2] [TLSv1.3]", Default: "TLSv1.2 TLSv1.3", In: inServers, Args: conf.AtLeast(1),
			Set: conf.Bits(func(c *ServerConfig) *SSLProtocols { return &c.Proxy.SSL.Protocols }, tlsconf.ProtocolNames)},
		{Name: "proxy_ssl_ciphers", Syntax: "ciphers", Default: "DEFAULT", In: inServers,
			Set: cipherList(func(c *ServerConfig) *string { return &c.Proxy.SSL.Ciphers })},
		{Name: "proxy_ssl_name", Syntax: "name", In: inServers,
			Set: optionalValue(func(c *ServerConfig) **string { return &c.Proxy.SSL.Name })},
		{Name: "proxy_ssl_server_name", Syntax: "on | off", Default: "off", In: inServers,
			Set: conf.FlagOf(func(c *ServerConfig) *Flag { return &c.Proxy.SSL.ServerName })},
		{Name: "proxy_ssl_alpn", Syntax: "protocol ...", In: inServers, Args: conf.AtLeast(1), Set: proxyALPN},
		{Name: "proxy_ssl_verify", Syntax: "on | off", Default: "off", In: inServers,
			Set: conf.FlagOf(func(c *ServerConfig) *Flag { return &c.Proxy.SSL.Verify })},
		{Name: "proxy_ssl_verify_depth", Syntax: "number", Default: "1", In: inServers,
			Set: conf.Number(func(c *ServerConfig) *int64 { return &c.Proxy.SSL.VerifyDepth })},
		{Name: "proxy_ssl_trusted_certificate", Syntax: "file", In: inServers,
			Set: conf.String(func(c *ServerConfig) *string { return &c.Proxy.SSL.TrustedCertificate })},
		{Name: "proxy_ssl_crl", Syntax: "file", In: inServers,
			Set: conf.String(func(c *ServerConfig) *string { return &c.Proxy.SSL.CRL })},
		{Name: "proxy_ssl_certificate", Syntax: "file", In: inServers,
			Set: optionalValue(func(c *ServerConfig) **string { return &c.Proxy.SSL.Certificate })},
		{Name: "proxy_ssl_certificate_key", Syntax: "file", In: inServers,
			Set: optionalValue(func(c *ServerConfig) **string { return &c.Proxy.SSL.CertificateKey })},
		{Name: "proxy_ssl_certificate_cache", Syntax: "off | max=N [inactive=time] [valid=time]", Default: "off", In: inServers, Args: conf.Take(1, 3),
			Set: certificateCache(func(c *ServerConfig) **CertificateCache { return &c.Proxy.SSL.CertificateCache })},
		{Name: "proxy_ssl_password_file", Syntax: "file", In: inServers,
			Set: passwordFile(func(c *ServerConfig) *[]string { return &c.Proxy.SSL.Passwords })},
		{Name: "proxy_ssl_conf_command", Syntax: "name value", In: inServers, Args: conf.Take(2, 2),
			Set: confCommand(func(c *ServerConfig) *[]SSLCommand { return &c.Proxy.SSL.ConfCommand })},
	},
}

// optionalValue takes a complex value that may be empty.
func optionalValue(field func(*ServerConfig) **string) conf.Setter[ServerConfig] {
	return conf.Slot(field, func(d *conf.Directive) (*string, error) { return &d.Args[0], d.CheckValue(d.Args[0]) })
}

// proxyALPN is proxy_ssl_alpn.
var proxyALPN = conf.Setter[ServerConfig]{
	Set: func(c *ServerConfig, d *conf.Directive) error {
		for _, name := range d.Args {
			if err := d.CheckValue(name); err != nil {
				return err
			}
			if !slices.Contains([]byte(name), '$') && len(name) > maxALPN {
				return d.Fail("protocol too long")
			}
		}
		c.Proxy.SSL.ALPN = d.Args
		return nil
	},
	IsSet:   func(c *ServerConfig) bool { return c.Proxy.SSL.ALPN != nil },
	Inherit: func(dst, src *ServerConfig) { dst.Proxy.SSL.ALPN = src.Proxy.SSL.ALPN },
}

// maxALPN is how long the name of a protocol may be, in bytes.
const maxALPN = 255
