package stream

// ssl.go - ngx_stream_ssl_module: TLS on listen ... ssl. The directives are
// here; ssl_setters.go reads those with a syntax of their own, ssl_compile.go
// makes a serverTLS of them, ssl_handshake.go is the step of the session,
// ssl_session.go resumes sessions, ssl_ocsp.go and ssl_stapling.go ask for the
// status of certificates, ssl_variables.go shows $ssl_*.

import (
	"time"

	"github.com/gostream/gostream/internal/conf"
	"github.com/gostream/gostream/internal/tlsconf"
)

// SSLProtocols is a set of versions of TLS.
type SSLProtocols = tlsconf.Protocols

// The versions that are served. SSLv2 and SSLv3 can be named in a
// configuration, but are not.
const (
	TLSv1  = tlsconf.TLSv1
	TLSv11 = tlsconf.TLSv11
	TLSv12 = tlsconf.TLSv12
	TLSv13 = tlsconf.TLSv13
)

// SSLConfig is the TLS side of listen ... ssl. Names of files are relative to
// Config.ConfDir.
//
// Files are read by the rules of OpenSSL, and certificates must be as strong as
// its security level wants: 2, unless Ciphers has @SECLEVEL=N. Certificates of
// clients with a negative number are refused by crypto/tls, unless the main
// package of the program says
//
//	//go:debug x509negativeserial=1
//
// as that of gostream does.
type SSLConfig struct {
	// Certificate and CertificateKey list PEM files in the same order, complete
	// values that are evaluated for each connection if any has variables, or
	// PEM texts behind "data:". Of each kind of key the last one counts. Those that
	// crypto/tls cannot use, such as RSA-PSS keys, are skipped with a
	// warning; if no other is left it is an error.
	Certificate    []string
	CertificateKey []string

	CertificateCache *CertificateCache // of files with variables in their names; nil: off
	Passwords        []string          // pass phrases of keys, tried in turn (ssl_password_file)

	Protocols           SSLProtocols // 0: TLSv12|TLSv13
	Ciphers             string       // an OpenSSL cipher list, for TLSv12 and older; default HIGH:!aNULL:!MD5
	PreferServerCiphers Flag         // the order of Ciphers decides, not the client's
	ECDHCurve           string       // names with ":" between them; default auto
	DHParam             string       // a file that is checked, its strength too, and not used: there are no DHE ciphers
	ConfCommand         []SSLCommand
	ALPN                []string // protocols, the preferred one first; none: ALPN is ignored

	RejectHandshake        Flag          // refuse every client of the server
	HandshakeTimeout       time.Duration // 0: 60s, negative: at once
	CertificateCompression Flag          // not supported, as in an nginx with OpenSSL 3.0
	ECHFile                []string      // not supported, as in an nginx with OpenSSL 3.0

	VerifyClient       SSLVerify
	VerifyDepth        int64  // 0: 1, negative: 0
	ClientCertificate  string // authorities that clients are told of; those that Go cannot read are not trusted
	TrustedCertificate string // others
	CRL                string

	OCSP          SSLOCSP // asks whether certificates of clients have been revoked
	OCSPResponder string  // http://...; default: whom the certificate names
	OCSPCache     SSLZone

	// Stapling shows clients what a responder says of the certificate.
	Stapling          Flag
	StaplingFile      string // has the response; none is asked for
	StaplingResponder string // http://...; default: whom the certificate names
	StaplingVerify    Flag   // who has signed a response is checked

	SessionCache     SSLSessionCache
	SessionTickets   Flag          // default on
	SessionTicketKey []string      // files of 48 or 80 bytes; the first one encrypts
	SessionTimeout   time.Duration // 0: 5m, negative: 0
}

// SSLVerify says what is asked of the certificate of a client.
type SSLVerify uint8

// The values of SSLVerify; the zero value is VerifyOff.
const (
	VerifyOff          SSLVerify = iota + 1
	VerifyOn                     // it must be there and good
	VerifyOptional               // if it is there it must be good
	VerifyOptionalNoCA           // the same, but anyone may have issued it
)

// SSLOCSP says which certificates of a client are asked about.
type SSLOCSP uint8

// The values of SSLOCSP; the zero value is OCSPOff.
const (
	OCSPOff  SSLOCSP = iota + 1
	OCSPOn           // all but the root
	OCSPLeaf         // the first
)

// SSLZone is a cache that servers may have in common. The zero value stands for
// none.
type SSLZone struct {
	Name string
	Size int64 // bytes
	Off  bool  // none, whatever the level around has
}

// CertificateCache keeps certificates and keys that are read while clients
// connect.
type CertificateCache struct {
	Max      int           // how many certificates and keys; 0: off
	Inactive time.Duration // unused ones may go after it; whole seconds
	Valid    time.Duration // files are looked at again after it; whole seconds
}

// SSLSessionCache says where sessions are kept that clients may resume without
// a ticket. The zero value stands for nowhere.
type SSLSessionCache struct {
	Off     bool  // sessions are not resumed without tickets, and clients are told
	Builtin int64 // how many sessions a cache of the server keeps; 0: there is none
	Shared  string
	Size    int64 // bytes of the zone Shared, which servers may have in common

	set bool // by a directive
}

// SSLCommand is a command of OpenSSL's configuration (ssl_conf_command).
type SSLCommand struct{ Name, Value string }

var sslTable = &conf.Table[ServerConfig]{
	Name: "stream_ssl",
	Commands: []conf.Command[ServerConfig]{
		{Name: "ssl_handshake_timeout", Syntax: "time", Default: "60s", In: inServers,
			Set: conf.Msec(func(c *ServerConfig) *time.Duration { return &c.SSL.HandshakeTimeout })},
		{Name: "ssl_certificate", Syntax: "file", In: inServers,
			Set: certificateNames(func(c *ServerConfig) *[]string { return &c.SSL.Certificate })},
		{Name: "ssl_certificate_key", Syntax: "file", In: inServers,
			Set: certificateNames(func(c *ServerConfig) *[]string { return &c.SSL.CertificateKey })},
		{Name: "ssl_certificate_cache", Syntax: "off | max=N [inactive=time] [valid=time]", Default: "off", In: inServers, Args: conf.Take(1, 3),
			Set: certificateCache(func(c *ServerConfig) **CertificateCache { return &c.SSL.CertificateCache })},
		{Name: "ssl_certificate_compression", Syntax: "on | off", Default: "off", In: inServers,
			Set: conf.FlagOf(func(c *ServerConfig) *Flag { return &c.SSL.CertificateCompression })},
		{Name: "ssl_ech_file", Syntax: "file", In: inServers,
			Set: conf.Strings(func(c *ServerConfig) *[]string { return &c.SSL.ECHFile })},
		{Name: "ssl_password_file", Syntax: "file", In: inServers,
			Set: passwordFile(func(c *ServerConfig) *[]string { return &c.SSL.Passwords })},
		{Name: "ssl_dhparam", Syntax: "file", In: inServers, Set: dhParam()},
		{Name: "ssl_ecdh_curve", Syntax: "curve", Default: "auto", In: inServers, Set: ecdhCurve()},
		{Name: "ssl_protocols", Syntax: "[SSLv2] [SSLv3] [TLSv1] [TLSv1.1] [TLSv1.2] [TLSv1.3]", Default: "TLSv1.2 TLSv1.3", In: inServers, Args: conf.AtLeast(1),
			Set: conf.Bits(func(c *ServerConfig) *SSLProtocols { return &c.SSL.Protocols }, tlsconf.ProtocolNames)},
		{Name: "ssl_ciphers", Syntax: "ciphers", Default: "HIGH:!aNULL:!MD5", In: inServers,
			Set: cipherList(func(c *ServerConfig) *string { return &c.SSL.Ciphers })},
		{Name: "ssl_prefer_server_ciphers", Syntax: "on | off", Default: "off", In: inServers,
			Set: conf.FlagOf(func(c *ServerConfig) *Flag { return &c.SSL.PreferServerCiphers })},
		{Name: "ssl_verify_client", Syntax: "on | off | optional | optional_no_ca", Default: "off", In: inServers,
			Set: conf.Enum(func(c *ServerConfig) *SSLVerify { return &c.SSL.VerifyClient }, map[string]SSLVerify{
				"off": VerifyOff, "on": VerifyOn, "optional": VerifyOptional, "optional_no_ca": VerifyOptionalNoCA,
			})},
		{Name: "ssl_verify_depth", Syntax: "number", Default: "1", In: inServers,
			Set: conf.Number(func(c *ServerConfig) *int64 { return &c.SSL.VerifyDepth })},
		{Name: "ssl_client_certificate", Syntax: "file", In: inServers,
			Set: conf.String(func(c *ServerConfig) *string { return &c.SSL.ClientCertificate })},
		{Name: "ssl_trusted_certificate", Syntax: "file", In: inServers,
			Set: conf.String(func(c *ServerConfig) *string { return &c.SSL.TrustedCertificate })},
		{Name: "ssl_session_cache", Syntax: "off | none | [builtin[:size]] [shared:name:size]", Default: "none", In: inServers, Args: conf.Take(1, 2), Set: sessionCache},
		{Name: "ssl_session_tickets", Syntax: "on | off", Default: "on", In: inServers,
			Set: conf.FlagOf(func(c *ServerConfig) *Flag { return &c.SSL.SessionTickets })},
		{Name: "ssl_session_ticket_key", Syntax: "file", In: inServers,
			Set: conf.Strings(func(c *ServerConfig) *[]string { return &c.SSL.SessionTicketKey })},
		{Name: "ssl_session_timeout", Syntax: "time", Default: "5m", In: inServers,
			Set: conf.Sec(func(c *ServerConfig) *time.Duration { return &c.SSL.SessionTimeout })},
		{Name: "ssl_crl", Syntax: "file", In: inServers,
			Set: conf.String(func(c *ServerConfig) *string { return &c.SSL.CRL })},
		{Name: "ssl_ocsp", Syntax: "on | off | leaf", Default: "off", In: inServers,
			Set: conf.Enum(func(c *ServerConfig) *SSLOCSP { return &c.SSL.OCSP }, map[string]SSLOCSP{"off": OCSPOff, "on": OCSPOn, "leaf": OCSPLeaf})},
		{Name: "ssl_ocsp_responder", Syntax: "url", In: inServers,
			Set: conf.String(func(c *ServerConfig) *string { return &c.SSL.OCSPResponder })},
		{Name: "ssl_ocsp_cache", Syntax: "off | shared:name:size", Default: "off", In: inServers, Set: ocspCache},
		{Name: "ssl_stapling", Syntax: "on | off", Default: "off", In: inServers,
			Set: conf.FlagOf(func(c *ServerConfig) *Flag { return &c.SSL.Stapling })},
		{Name: "ssl_stapling_file", Syntax: "file", In: inServers,
			Set: conf.String(func(c *ServerConfig) *string { return &c.SSL.StaplingFile })},
		{Name: "ssl_stapling_responder", Syntax: "url", In: inServers,
			Set: conf.String(func(c *ServerConfig) *string { return &c.SSL.StaplingResponder })},
		{Name: "ssl_stapling_verify", Syntax: "on | off", Default: "off", In: inServers,
			Set: conf.FlagOf(func(c *ServerConfig) *Flag { return &c.SSL.StaplingVerify })},
		{Name: "ssl_conf_command", Syntax: "name value", In: inServers, Args: conf.Take(2, 2),
			Set: confCommand(func(c *ServerConfig) *[]SSLCommand { return &c.SSL.ConfCommand })},
		{Name: "ssl_alpn", Syntax: "protocol ...", In: inServers, Args: conf.AtLeast(1), Set: alpnProtocols},
		{Name: "ssl_reject_handshake", Syntax: "on | off", Default: "off", In: inServers,
			Set: conf.FlagOf(func(c *ServerConfig) *Flag { return &c.SSL.RejectHandshake })},
	},
}
