package stream

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/streamtest"
)

// tlsUpstream serves TLS with a certificate of the kit. change, if not nil,
// alters what the server wants.
func tlsUpstream(t *testing.T, name string, change func(*tls.Config), handle func(*tls.Conn)) (address string) {
	t.Helper()
	config := &tls.Config{Certificates: []tls.Certificate{tlsPair(t, name)}}
	if change != nil {
		change(config)
	}
	return streamtest.Upstream(t, func(c net.Conn) { handle(tls.Server(c, config)) })
}

// tells answers the first bytes with what it knows of the client.
func tells(c *tls.Conn) {
	buf := make([]byte, 100)
	n, err := c.Read(buf)
	if err != nil {
		return
	}
	state := c.ConnectionState()
	shown := "none"
	if len(state.PeerCertificates) > 0 {
		shown = state.PeerCertificates[0].Subject.CommonName
	}
	resumed := map[bool]string{true: "resumed", false: "new"}[state.DidResume]
	_, _ = io.WriteString(c, strings.Join([]string{string(buf[:n]), state.ServerName, state.NegotiatedProtocol, shown, resumed}, "|"))
	_ = c.Close()
}

// startProxy serves servers that pass on to upstreams with TLS.
func startProxy(t *testing.T, block string, replace ...string) *site {
	t.Helper()
	return start(t, "log_format f \"$status|$upstream_addr|$upstream_bytes_sent|$upstream_bytes_received\"; access_log DIR/access.log f;\n"+
		"proxy_ssl on;\n"+block, append(replace, "CERTS", tlsFiles(t))...)
}

func TestProxySSL(t *testing.T) {
	up := tlsUpstream(t, "signed", func(c *tls.Config) {
		c.ClientAuth, c.NextProtos, c.MinVersion = tls.RequestClientCert, []string{"h2", "http/1.1"}, tls.VersionTLS10
		// Not those that the certificates come from, which nginx does not mind.
		c.ClientCAs = x509.NewCertPool()
		c.ClientCAs.AppendCertsFromPEM(madeTLS()["other-ca.crt"])
	}, tells)
	_, port, _ := net.SplitHostPort(up)
	for name, test := range map[string]struct{ settings, want string }{
		"plain":                    {"", "x|||none|new"},
		"name is not sent":         {"proxy_ssl_name b.example;", "x|||none|new"},
		"name is sent":             {"proxy_ssl_server_name on; proxy_ssl_name b.example:443;", "x|b.example||none|new"},
		"name of a variable":       {"proxy_ssl_server_name on; proxy_ssl_name $v;", "x|v.example||none|new"},
		"host of proxy_pass":       {"proxy_ssl_server_name on; proxy_pass localhost:" + port + ";", "x|localhost||none|new"},
		"host of a variable":       {"proxy_ssl_server_name on; proxy_pass $to;", "x|group||none|new"},
		"no address is sent":       {"proxy_ssl_server_name on;", "x|||none|new"},
		"no IPv6 address is sent":  {`proxy_ssl_server_name on; proxy_ssl_name "[::1]:1";`, "x|||none|new"},
		"protocols":                {`proxy_ssl_alpn "" spdy $alpn;`, "x||http/1.1|none|new"},
		"certificate":              {"proxy_ssl_certificate CERTS/client.crt; proxy_ssl_certificate_key CERTS/client.key;", "x|||client one|new"},
		"certificate of variables": {"proxy_ssl_certificate CERTS/$who.crt; proxy_ssl_certificate_key CERTS/$who.key; proxy_ssl_certificate_cache max=2;", "x|||client one|new"},
		"certificate is data":      {"proxy_ssl_certificate data:$crt; proxy_ssl_certificate_key data:$key;", "x|||stranger|new"},
		"no certificate":           {"proxy_ssl_certificate $empty; proxy_ssl_certificate_key $empty;", "x|||none|new"},
		"certificate of a command": {"proxy_ssl_certificate CERTS/client.crt; proxy_ssl_certificate_key CERTS/client.key; proxy_ssl_conf_command Certificate CERTS/stranger.crt; proxy_ssl_conf_command PrivateKey CERTS/stranger.key;", "x|||stranger|new"},
		"verified":                 {"proxy_ssl_verify on; proxy_ssl_trusted_certificate CERTS/ca.crt; proxy_ssl_name signed.example.com;", "x|||none|new"},
		"key is too weak":          {"proxy_ssl_verify on; proxy_ssl_trusted_certificate CERTS/ca.crt; proxy_ssl_name signed.example.com; proxy_ssl_conf_command CipherString DEFAULT@SECLEVEL=4;", ""},
		"TLS 1.2":                  {"proxy_ssl_protocols TLSv1.2; proxy_ssl_ciphers ECDHE-ECDSA-AES128-SHA;", "x|||none|new"},
		"TLS 1.1 at level 0":       {"proxy_ssl_protocols TLSv1.1; proxy_ssl_ciphers HIGH:@SECLEVEL=0;", "x|||none|new"},
		"no cipher is left":        {"proxy_ssl_protocols TLSv1.2; proxy_ssl_ciphers DHE-RSA-AES128-SHA;", ""},
	} {
		t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
			pass := ""
			if !strings.Contains(test.settings, "proxy_pass") {
				pass = "proxy_pass UP; "
			}
			s := startProxy(t, `
				upstream group { server UP; }
				map x $to { default group; } map x $alpn { default http/1.1; } map x $v { default v.example:1; } map x $who { default client; } map x $empty { default ""; }
				map x $crt { default "CRT"; } map x $key { default "KEY"; }
				server { listen 127.0.0.1:PORT0; `+pass+test.settings+` }`,
				"UP", up, "CRT", string(madeTLS()["stranger.crt"]), "KEY", string(madeTLS()["stranger.key"]))
			assert.Equal(t, test.want, s.ask("PORT0", "x"))
		})
	}
}

// Mistakes that nginx finds in what several directives say together.
func TestProxySSLRefusals(t *testing.T) {
	for settings, want := range map[string]string{
		`proxy_ssl_ciphers "";`:                                          `SSL_CTX_set_cipher_list("") failed (SSL: error:0A0000B9:SSL routines::no cipher match)`,
		`proxy_ssl_ciphers x; proxy_ssl_verify on;`:                      `SSL_CTX_set_cipher_list("x") failed (SSL: error:0A0000B9:SSL routines::no cipher match)`,
		`proxy_ssl_verify on; proxy_ssl_certificate c;`:                  `no "proxy_ssl_certificate_key" is defined for certificate "c"`,
		`proxy_ssl_verify on; proxy_ssl_conf_command Foo bar;`:           `no proxy_ssl_trusted_certificate for proxy_ssl_verify`,
		`proxy_ssl_conf_command Protocol TLSv1.2,x;`:                     `SSL_CONF_cmd("Protocol", "TLSv1.2,x") failed (SSL: error:0A000180:SSL routines::bad value:cmd=Protocol, value=TLSv1.2,x)`,
		`proxy_ssl_certificate ""; proxy_ssl_certificate_key $nothing;`:  `unknown "nothing" variable`,
		`proxy_ssl_certificate data:x; proxy_ssl_certificate_key data:;`: `cannot load certificate "data:x": PEM_read_bio_X509_AUX() failed (SSL: error:0480006C:PEM routines::no start line:Expecting: TRUSTED CERTIFICATE)`,
	} {
		// Where the setting stands, and what the server does, does not matter.
		for _, block := range []string{
			"server { listen 127.0.0.1:1; return x; proxy_ssl on; " + settings + " }",
			"proxy_ssl on; " + settings + " server { listen 127.0.0.1:1; proxy_pass 127.0.0.1:1; }",
		} {
			_, f := compileText(filepath.Join(t.TempDir(), "conf"), "stream { "+block+" }")
			assert.Equal(t, []string{"[emerg] " + want}, f.log, settings)
		}
		_, f := compileText(filepath.Join(t.TempDir(), "conf"), "stream { server { listen 127.0.0.1:1; return x; "+strings.ReplaceAll(settings, "$nothing", "$pid")+" } }")
		assert.Empty(t, f.log, "without proxy_ssl: "+settings)
	}
}

// What cannot be done is told once, with the place.
func TestProxySSLWarnings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "conf")
	_, f := compileText(path, `stream { server { listen 127.0.0.1:1; proxy_pass 127.0.0.1:1; proxy_ssl on;
		proxy_ssl_ciphers HIGH:DHE-RSA-AES128-SHA;
		proxy_ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;
		proxy_ssl_conf_command MinProtocol TLSv1.2; } }`)
	assert.Equal(t, []string{
		`[warn] "proxy_ssl_ciphers" names ciphers that are not supported, ignored: DHE-RSA-AES128-SHA in ` + path + ":2",
		`[warn] "proxy_ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256" has no effect in ` + path + ":3",
	}, f.log)
}

// A server gives sessions back that it has had before, unless that is not wanted
// or they are of another server.
func TestProxySSLSessionReuse(t *testing.T) {
	for _, version := range []string{"TLSv1.2", "TLSv1.3"} {
		t.Run(version, func(t *testing.T) {
			up, other := tlsUpstream(t, "a", nil, tells), tlsUpstream(t, "a", nil, tells)
			s := startProxy(t, `
				proxy_ssl_protocols `+version+`;
				upstream two { server UP; server OTHER; }
				map x $fresh { default OTHER; }
				server { listen 127.0.0.1:PORT0; proxy_pass UP; }
				server { listen 127.0.0.1:PORT1; proxy_pass UP; proxy_ssl_session_reuse off; }
				server { listen 127.0.0.1:PORT2; proxy_pass two; }
				server { listen 127.0.0.1:PORT3; proxy_pass $fresh; }`, "UP", up, "OTHER", other)
			for _, step := range [][2]string{
				{"PORT1", "new"}, {"PORT0", "new"}, {"PORT0", "resumed"}, {"PORT0", "resumed"}, {"PORT1", "new"},
				{"PORT2", "new"}, {"PORT2", "new"}, {"PORT2", "resumed"}, {"PORT2", "resumed"}, {"PORT3", "new"}, {"PORT3", "new"},
			} {
				assert.Equal(t, "x|||none|"+step[1], s.ask(step[0], "x"), step[0])
			}
		})
	}
}

// Whatever ends a session, it ends TLS in order. What is sent is counted as it
// was before it was encrypted, together with the PROXY header in clear text.
func TestProxySSLRelay(t *testing.T) {
	ends := make(chan error, 1)
	config := &tls.Config{Certificates: []tls.Certificate{tlsPair(t, "a")}}
	up := streamtest.Upstream(t, func(raw net.Conn) {
		streamtest.Expect(t, raw, "PROXY TCP4 ")
		for b := []byte{0}; b[0] != '\n'; {
			if _, err := raw.Read(b); err != nil {
				return
			}
		}
		c := tls.Server(raw, config)
		buf := make([]byte, 100)
		for {
			n, err := c.Read(buf)
			if err != nil {
				ends <- err
				return
			}
			_, _ = c.Write(buf[:n])
		}
	})
	s := startProxy(t, `server { listen 127.0.0.1:PORT0; proxy_pass UP; proxy_protocol on; }`, "UP", up)
	c := s.dial("PORT0")
	streamtest.Send(t, c, "there")
	streamtest.Expect(t, c, "there")
	header := len("PROXY TCP4 127.0.0.1 127.0.0.1  \r\n") + len(strings.Split(c.LocalAddr().String(), ":")[1]) + len(s.ports["PORT0"])
	c.Close()
	assert.Equal(t, io.EOF, streamtest.Receive(t, ends))
	assert.Equal(t, s.text("200|UP|"+strconv.Itoa(header+5)+"|5"), s.line("access.log"))
}

// A server that just goes ends the session as well as one that says so.
func TestProxySSLCutOff(t *testing.T) {
	up := tlsUpstream(t, "a", nil, func(c *tls.Conn) {
		_, _ = io.WriteString(c, "half")
		_ = c.NetConn().Close()
	})
	s := startProxy(t, `server { listen 127.0.0.1:PORT0; proxy_pass UP; }`, "UP", up)
	assert.Equal(t, "half", s.ask("PORT0", ""))
	assert.Equal(t, s.text("200|UP|0|4"), s.line("access.log"))
	assert.Empty(t, s.errors("error", "crit", "alert"))
}

// Servers with proxy_ssl, and those that share an address with one, are reached
// by every way that leads to them.
func TestProxySSLByOtherWays(t *testing.T) {
	up := tlsUpstream(t, "a", nil, func(c *tls.Conn) {
		buf := make([]byte, 1000)
		n, _ := c.Read(buf)
		_, _ = c.Write(buf[:n])
		_ = c.Close()
	})
	hello := string(streamtest.ClientHello("tls.example"))
	s := startProxy(t, `
		server { listen 127.0.0.1:PORT0; pass 127.0.0.1:PORT1; }
		server { listen 127.0.0.1:PORT1; proxy_pass UP; }
		server { listen 127.0.0.1:PORT2; ssl_preread on; server_name plain.example; return "no TLS"; }
		server { listen 127.0.0.1:PORT2; server_name tls.example; proxy_pass UP; }
		server { listen 127.0.0.1:PORT3; return "no upstream"; }`, "UP", up)
	assert.Equal(t, "x", s.ask("PORT0", "x"))
	assert.Equal(t, hello, s.ask("PORT2", hello))
	assert.Equal(t, "no TLS", s.ask("PORT2", string(streamtest.ClientHello("plain.example"))))
	assert.Equal(t, "no upstream", s.ask("PORT3", ""))
	assert.False(t, s.gen.plan[3].places.onGoroutines, "for what would TLS be there")
}

// What a certificate must be for is decided as in OpenSSL.
func TestUpstreamCertificateName(t *testing.T) {
	for _, raw := range rawRecordings(t, "upstream certificate name") {
		var v struct {
			Input struct {
				Pass string `json:"proxy_pass"`
			}
			Output string
		}
		require.NoError(t, json.Unmarshal(raw, &v))
		pair, file := addressCertificate(t)
		up := tlsUpstream(t, "a", func(c *tls.Config) { c.Certificates = []tls.Certificate{pair} }, func(c *tls.Conn) {
			_ = c.Handshake()
			_, _ = io.WriteString(c, "SNI "+c.ConnectionState().ServerName)
		})
		settings := strings.NewReplacer("127.0.0.1:14481", "UP", " (proxy_ssl_verify on)", "; proxy_ssl_server_name on").Replace(v.Input.Pass)
		s := startProxy(t, `proxy_ssl_verify on; proxy_ssl_trusted_certificate FILE; server { listen 127.0.0.1:PORT0; proxy_pass `+settings+`; }`, "UP", up, "FILE", file)
		got := s.ask("PORT0", "")
		status, more, _ := strings.Cut(v.Output, ", ")
		assert.True(t, strings.HasPrefix(s.line("access.log"), strings.Fields(status)[0]+"|"), v.Output)
		if log, failed := strings.CutPrefix(more, "[error] "); failed {
			assert.Contains(t, strings.Join(s.errors("error"), ""), log)
			assert.Empty(t, got)
			continue
		}
		assert.Equal(t, more, got)
	}
}

// addressCertificate makes the certificate of the recordings: CN=foo, with an
// address and no name of a host.
func addressCertificate(t *testing.T) (pair tls.Certificate, file string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "foo"}, IPAddresses: []net.IP{{127, 0, 0, 1}},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	require.NoError(t, err)
	file = filepath.Join(t.TempDir(), "foo.crt")
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

// A program fills the fields itself, and may bring its own connections.
func TestProxySSLByHand(t *testing.T) {
	up := tlsUpstream(t, "signed", nil, tells)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	name, dir, dialed := "signed.example.com", tlsFiles(t), ""
	srv, err := New(&Config{ConfDir: dir, Servers: []*ServerConfig{{Listener: ln, Proxy: ProxyConfig{
		Pass: "192.0.2.1:443",
		SSL:  ProxySSLConfig{Enabled: On, Name: &name, ServerName: On, Verify: On, TrustedCertificate: "ca.crt"},
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			dialed = network + " " + address
			return (&net.Dialer{}).DialContext(ctx, "tcp", up)
		},
	}}}})
	require.NoError(t, err)
	require.NoError(t, srv.Listen())
	require.NoError(t, srv.Start())
	defer srv.Close()
	c := dial(t, ln.Addr())
	streamtest.Send(t, c, "x")
	assert.Equal(t, "x|signed.example.com||none|new", streamtest.Rest(t, c))
	assert.Equal(t, "tcp 192.0.2.1:443", dialed)
}
