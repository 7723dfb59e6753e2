package stream

import (
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/streamtest"
)

// TestProxySSLFails has what can go wrong with a server, in the words that nginx
// 1.31.5 has for it. Handshakes end with an answer of the server that is no TLS,
// with an alert, or with nothing at all.
func TestProxySSLFails(t *testing.T) {
	signed := tlsUpstream(t, "signed", nil, tells)
	aged := tlsUpstream(t, "signed", func(c *tls.Config) { c.MinVersion = tls.VersionTLS10 }, tells)
	says := func(text string) string {
		return streamtest.Upstream(t, func(c net.Conn) {
			_, _ = c.Read(make([]byte, 1))
			_, _ = io.WriteString(c, text)
			_ = c.(*net.TCPConn).CloseWrite()
			_, _ = io.Copy(io.Discard, c)
		})
	}
	const handshaking = " while SSL handshaking to upstream, client: 127.0.0.1, server: 127.0.0.1:PORT0, upstream: \"UP\", bytes from/to client:0/0, bytes from/to upstream:0/0"
	for name, test := range map[string]struct{ up, settings, want string }{
		"no TLS":        {says("HELLO WORLD"), "", "[error] *1 SSL_do_handshake() failed (SSL: error:0A00010B:SSL routines::wrong version number)" + handshaking},
		"alert":         {says("\x15\x03\x03\x00\x02\x02\x28"), "", "[error] *1 SSL_do_handshake() failed (SSL: error:0A000410:SSL routines::sslv3 alert handshake failure:SSL alert number 40)" + handshaking},
		"end":           {says(""), "", "[error] *1 peer closed connection in SSL handshake" + handshaking},
		"early end":     {says("\x16\x03"), "", "[error] *1 peer closed connection in SSL handshake" + handshaking},
		"reset":         {streamtest.Resetter(t), "", "[error] *1 peer closed connection in SSL handshake (104: Connection reset by peer)" + handshaking},
		"no answer":     {streamtest.Silent(t), "proxy_connect_timeout 50ms;", ""},
		"no protocol":   {signed, "proxy_ssl_protocols SSLv3;", "[crit] *1 SSL_do_handshake() failed (SSL: error:0A0000BF:SSL routines::no protocols available)" + handshaking},
		"no cipher":     {signed, "proxy_ssl_protocols TLSv1 TLSv1.2; proxy_ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256;", "[crit] *1 SSL_do_handshake() failed (SSL: error:0A0000B5:SSL routines::no ciphers available:No ciphers enabled for max supported SSL/TLS version)" + handshaking},
		"level":         {signed, "proxy_ssl_protocols TLSv1.2; proxy_ssl_ciphers AES128-SHA:@SECLEVEL=3;", "[crit] *1 SSL_do_handshake() failed (SSL: error:0A0000B5:SSL routines::no ciphers available:No ciphers enabled for max supported SSL/TLS version)" + handshaking},
		"old signature": {aged, "proxy_ssl_protocols TLSv1.1;", "[crit] *1 SSL_do_handshake() failed (SSL: error:0A00014D:SSL routines::legacy sigalg disallowed or unsupported)" + handshaking},
		"unknown CA":    {signed, "proxy_ssl_verify on; proxy_ssl_trusted_certificate CERTS/other-ca.crt;", "[error] *1 upstream SSL certificate verify error: (21:unable to verify the first certificate)" + handshaking},
		"wrong name":    {signed, "proxy_ssl_verify on; proxy_ssl_trusted_certificate CERTS/ca.crt; proxy_ssl_name $name;", "[error] *1 upstream SSL certificate does not match \"other.com\"" + handshaking},
		"no name":       {signed, "proxy_ssl_verify on; proxy_ssl_trusted_certificate CERTS/ca.crt; proxy_ssl_name \"\";", "[error] *1 upstream SSL certificate does not match \"\"" + handshaking},
		"name of IPv6":  {signed, "proxy_ssl_verify on; proxy_ssl_trusted_certificate CERTS/ca.crt; proxy_ssl_name [::1]:443;", "[error] *1 upstream SSL certificate does not match \"[::1]\"" + handshaking},
		"behind header": {says(""), "proxy_protocol v2;", "[error] *1 peer closed connection in SSL handshake" + strings.Replace(handshaking, "upstream:0/0", "upstream:0/35", 1)},
	} {
		t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
			s := startProxy(t, `map x $name { default "other.com:443"; } server { listen 127.0.0.1:PORT0; proxy_pass UP; `+test.settings+` }`, "UP", test.up)
			assert.Empty(t, s.ask("PORT0", ""))
			assert.Regexp(t, s.text(`^502\|UP\|(0|35)\|0$`), s.line("access.log"))
			want := []string{s.text(test.want)}
			if test.want == "" {
				want = nil
			}
			assert.Equal(t, want, s.errors("error", "crit", "alert", "warn"))
		})
	}
}

// A certificate that cannot be had is no fault of the server.
func TestProxySSLCertificateFails(t *testing.T) {
	up := tlsUpstream(t, "a", nil, tells)
	s := startProxy(t, `map x $who { default nobody; }
		upstream two { server UP; server UP2; }
		server { listen 127.0.0.1:PORT0; proxy_pass two; proxy_ssl_certificate CERTS/$who.crt; proxy_ssl_certificate_key CERTS/a.key; }
		server { listen 127.0.0.1:PORT1; proxy_pass two; proxy_ssl_certificate CERTS/ec.crt; proxy_ssl_certificate_key CERTS/$who.key; }`, "UP2", up, "UP", up)
	assert.Empty(t, s.ask("PORT0", ""))
	assert.Empty(t, s.ask("PORT1", ""))
	for i, line := range s.lines("access.log", 2) {
		assert.Equal(t, s.text("500|UP|0|0"), line, i)
	}
	const reason = `": BIO_new_file() failed (SSL: error:80000002:system library::No such file or directory:calling fopen(CERTS/nobody.`
	errs := s.errors("error")
	require.Len(t, errs, 2)
	assert.Contains(t, errs[0], s.text(`cannot load certificate "CERTS/nobody.crt`+reason+`crt, r) error:10000080:BIO routines::no such file) while connecting to upstream, client:`))
	assert.Contains(t, errs[1], s.text(`cannot load certificate key "CERTS/nobody.key`+reason+`key, r) error:10000080:BIO routines::no such file) while connecting to upstream, client:`))
}

// What fails in the handshake is tried with the next server, if that is wanted.
func TestProxySSLNextUpstream(t *testing.T) {
	s := startProxy(t, `upstream two { server PLAIN; server GOOD; }
		server { listen 127.0.0.1:PORT0; proxy_pass two; proxy_protocol v2; }
		upstream again { server PLAIN; server GOOD; }
		server { listen 127.0.0.1:PORT1; proxy_pass again; proxy_next_upstream off; }`, "GOOD", headerEater(t), "PLAIN", streamtest.Resetter(t))
	assert.Equal(t, "x|||none|new", s.ask("PORT0", "x"))
	assert.Equal(t, s.text("200|PLAIN, GOOD|35, 36|0, 12"), s.lines("access.log", 1)[0])
	assert.Empty(t, s.ask("PORT1", ""))
	assert.Equal(t, s.text("502|PLAIN|0|0"), s.lines("access.log", 2)[1])
	assert.Contains(t, strings.Join(s.errors("warn"), ""), "upstream server temporarily disabled while SSL handshaking to upstream")
}

// headerEater is a server that wants a PROXY header ahead of TLS.
func headerEater(t *testing.T) string {
	t.Helper()
	config := &tls.Config{Certificates: []tls.Certificate{tlsPair(t, "a")}}
	return streamtest.Upstream(t, func(c net.Conn) {
		header := make([]byte, 35)
		if _, err := io.ReadFull(c, header); err == nil && strings.HasPrefix(string(header), "\r\n\r\n\x00\r\nQUIT\n!") {
			tells(tls.Server(c, config))
		}
	})
}

// In TLS 1.3 a server that misses a certificate says so after the handshake.
func TestProxySSLLateAlert(t *testing.T) {
	up := tlsUpstream(t, "a", func(c *tls.Config) { c.ClientAuth = tls.RequireAnyClientCert }, func(c *tls.Conn) { _ = c.Handshake() })
	s := startProxy(t, `server { listen 127.0.0.1:PORT0; proxy_pass UP; }`, "UP", up)
	assert.Empty(t, s.ask("PORT0", ""))
	assert.Equal(t, s.text("200|UP|0|0"), s.line("access.log"))
	assert.Equal(t, []string{s.text("[error] *1 SSL_read() failed (SSL: error:0A00045C:SSL routines::tlsv13 alert certificate required:SSL alert number 116) " +
		"while proxying and reading from upstream, client: 127.0.0.1, server: 127.0.0.1:PORT0, upstream: \"UP\", bytes from/to client:0/0, bytes from/to upstream:0/0")}, s.errors("error"))
}
