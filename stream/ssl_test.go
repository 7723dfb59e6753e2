package stream

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/streamtest"
)

func tls12(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }

// TestSSLVariableVectors has clients like those that were recorded. Where their
// library showed (ciphers, curves) or chance had its part only the form is
// compared.
func TestSSLVariableVectors(t *testing.T) {
	clients := map[string]func(*tls.Config){
		"TLS1.3 no client cert": nil,
		"TLS1.3 client cert": func(c *tls.Config) {
			showing(t, "client")(c)
			c.NextProtos = []string{"http/1.1"}
		},
		"TLS1.2 client cert": func(c *tls.Config) {
			showing(t, "client")(c)
			tls12(c)
		},
		"TLS1.3 untrusted cert": showing(t, "a"),
	}
	chance := map[string]string{
		"ssl_cipher": `^[A-Z0-9_-]+$`, "ssl_ciphers": `^[A-Za-z0-9_:-]+$`, "ssl_curve": `^\w+$`, "ssl_curves": `^[\w:-]+$`,
		"ssl_sigalgs": `^0x[0-9a-f]{4}(:0x[0-9a-f]{4})+$`, "ssl_session_id": `^[0-9a-f]{64}$`,
		"ssl_client_cert":         `^-----BEGIN CERTIFICATE-----\\x0A\\x09MII?[^-]+\\x0A\\x09-----END CERTIFICATE-----$`,
		"ssl_client_raw_cert":     `^-----BEGIN CERTIFICATE-----\\x0AMII?[^-]+\\x0A-----END CERTIFICATE-----\\x0A$`,
		"ssl_client_escaped_cert": `^-----BEGIN%20CERTIFICATE-----%0AMII?[^-]+%0A-----END%20CERTIFICATE-----%0A$`,
		"ssl_client_serial":       `^([0-9A-F]{2})+$`, "ssl_client_fingerprint": `^[0-9a-f]{40}$`,
		"ssl_client_v_start": `^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4} GMT$`, "ssl_client_v_end": `^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4} GMT$`,
		"ssl_client_v_remain": `^(99|3649)$`,
	}
	for _, raw := range rawRecordings(t, "ssl variables") {
		var v struct {
			Input  struct{ Case string }
			Output map[string]string
		}
		require.NoError(t, json.Unmarshal(raw, &v))
		format := `{"x":""`
		for name := range v.Output {
			format += `,"` + name + `":"$` + name + `"`
		}
		s := startTLS(t, `log_format l '`+format+`}'; access_log DIR/access.log l;
			server { listen 127.0.0.1:PORT0 ssl; ssl_verify_client optional_no_ca; ssl_client_certificate CERTS/ca.crt; ssl_alpn http/1.1; return x; }`)
		assert.Equal(t, "x", s.askTLS("PORT0", func(c *tls.Config) {
			c.ServerName = "s.example"
			if change := clients[v.Input.Case]; change != nil {
				change(c)
			}
		}))
		var got map[string]string
		line := strings.ReplaceAll(s.line("access.log"), `\`, `\\`)
		require.NoError(t, json.Unmarshal([]byte(line), &got))
		for name, want := range v.Output {
			pattern := chance[name]
			if pattern == "" || want == "-" {
				assert.Equal(t, want, got[name], "%s: %s", v.Input.Case, name)
				continue
			}
			if !strings.HasSuffix(want, " bytes)") { // else it was cut
				assert.Regexp(t, pattern, want, name)
			}
			assert.Regexp(t, pattern, got[name], "%s: %s", v.Input.Case, name)
		}
	}
}

// Without TLS there are none of the variables.
func TestSSLVariablesWithoutTLS(t *testing.T) {
	s := start(t, `server { listen 127.0.0.1:PORT0; return "[$ssl_protocol$ssl_cipher$ssl_client_verify$ssl_session_reused]"; }`)
	assert.Equal(t, "[]", s.ask("PORT0", ""))
}

func TestVirtualServerPhases(t *testing.T) {
	s := startTLS(t, `
		server { listen 127.0.0.1:PORT1 ssl; server_name a.com; return a; }
		server { listen 127.0.0.1:PORT1 ssl; server_name b.com; deny all; return b; }
		server { listen 127.0.0.1:PORT2 ssl; server_name a.com; deny all; return a; }
		server { listen 127.0.0.1:PORT2 ssl; server_name b.com; return b; }
		server { listen 127.0.0.1:PORT0 ssl; server_name a.com; ssl_protocols TLSv1.2; return "a $ssl_protocol"; }
		server { listen 127.0.0.1:PORT0 ssl; server_name b.com; ssl_protocols TLSv1.3; return "b $ssl_protocol"; }
		server { listen 127.0.0.1:PORT0 ssl; server_name c.com; ssl_verify_client on; ssl_client_certificate CERTS/ca.crt; return "c"; }`)
	for _, raw := range rawRecordings(t, "virtual server phases") {
		var v struct {
			Input  struct{ Servers, SNI string }
			Output string
		}
		require.NoError(t, json.Unmarshal(raw, &v))
		name, rest, _ := strings.Cut(v.Input.SNI, ",")
		switch {
		case strings.Contains(v.Output, "403"):
			// Not ReadAll, to which an end before the handshake is no error.
			assert.Error(t, s.tlsClient("PORT2", named(name)).Handshake())
		case strings.Contains(v.Input.Servers, "deny"):
			want, _, _ := strings.Cut(v.Output, " ")
			assert.Equal(t, want, s.askTLS("PORT1", named(name)))
		case rest == "":
			assert.Equal(t, v.Output, s.askTLS("PORT0", named(name)))
		case name == "b.com":
			_, err := io.ReadAll(s.tlsClient("PORT0", func(c *tls.Config) { c.ServerName, c.MaxVersion = name, tls.VersionTLS12 }))
			assert.ErrorContains(t, err, "protocol version not supported")
		default:
			assert.Empty(t, s.askTLS("PORT0", named(name)), "the handshake itself is fine")
		}
		if _, line, ok := strings.Cut(v.Output, "log: "); ok {
			s.logged(line)
		}
	}
}

// logged waits for a text in the error log.
func (s *site) logged(text string) {
	s.t.Helper()
	streamtest.Eventually(s.t, text, func() bool {
		raw, _ := os.ReadFile(filepath.Join(s.dir, "error.log"))
		return strings.Contains(string(raw), text)
	})
}

func TestKeyMismatch(t *testing.T) {
	certs := tlsFiles(t)
	for _, v := range recordings(t, "key mismatch") {
		cert, key := "a.crt", "ec.key"
		if strings.Contains(v.text(t), "values mismatch") {
			cert, key = "ec.crt", "client.key" // both are EC keys, which is the same to OpenSSL
		}
		text := "pid x; error_log x;\nevents {}\nstream { server { listen 127.0.0.1:12999 ssl; return x; ssl_certificate " + filepath.Join(certs, cert) +
			"; ssl_certificate_key " + filepath.Join(certs, key) + "; } }\n"
		_, f := compileText(filepath.Join(t.TempDir(), "conf"), text)
		if v.text(t) == "nginx -t succeeds" {
			assert.Empty(t, f.log)
			continue
		}
		assert.Equal(t, []string{strings.ReplaceAll(v.text(t), `"X"`, `"`+filepath.Join(certs, key)+`"`)}, f.log)
	}
}

func TestSeveralCertificates(t *testing.T) {
	s := startTLS(t, `ssl_certificate CERTS/ec.crt; ssl_certificate_key CERTS/ec.key;
		server { listen 127.0.0.1:PORT0 ssl; return $ssl_cipher; }`)
	subject := func(change func(*tls.Config)) string {
		c := s.tlsClient("PORT0", change)
		require.NoError(t, c.Handshake())
		defer c.Close()
		return c.ConnectionState().PeerCertificates[0].Subject.CommonName
	}
	with := func(id uint16) func(*tls.Config) {
		return func(c *tls.Config) { c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{id} }
	}
	assert.Equal(t, "a.example.com", subject(nil), "whose signatures the client prefers")
	assert.Equal(t, "a.example.com", subject(with(tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256)))
	assert.Equal(t, "ec.example.com", subject(with(tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256)))
}

func TestCipherOrder(t *testing.T) {
	s := startTLS(t, `ssl_ciphers ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256; ssl_protocols TLSv1.2;
		server { listen 127.0.0.1:PORT0 ssl; return $ssl_cipher; }
		server { listen 127.0.0.1:PORT1 ssl; ssl_prefer_server_ciphers on; return $ssl_cipher; }
		server { listen 127.0.0.1:PORT2 ssl; ssl_ciphers AES128-SHA; return $ssl_cipher; }`)
	assert.Equal(t, "ECDHE-RSA-AES128-GCM-SHA256", s.askTLS("PORT0", nil), "the client prefers it")
	assert.Equal(t, "ECDHE-RSA-AES256-GCM-SHA384", s.askTLS("PORT1", nil))
	_, err := io.ReadAll(s.tlsClient("PORT2", nil))
	assert.ErrorContains(t, err, "handshake failure")
	s.logged("SSL_do_handshake() failed (SSL: error:0A0000C1:SSL routines::no shared cipher) while SSL handshaking")
}

func TestCertificateOfVariables(t *testing.T) {
	s := start(t, `
		ssl_certificate CERTS/$ssl_server_name.crt; ssl_certificate_key CERTS/$ssl_server_name.key;
		server { listen 127.0.0.1:PORT0 ssl; return $ssl_server_name; }
		server { listen 127.0.0.1:PORT1 ssl; ssl_certificate_cache max=10; return $ssl_server_name; }`, "CERTS", tlsFiles(t))
	for _, port := range []string{"PORT0", "PORT1"} {
		for range 2 {
			assert.Equal(t, "a", s.askTLS(port, named("a")))
			assert.Equal(t, "ec", s.askTLS(port, named("ec")))
		}
	}
	_, err := io.ReadAll(s.tlsClient("PORT0", named("nobody")))
	assert.ErrorContains(t, err, "internal error")
	s.shutdown()
	errors := s.errors("error")
	require.Len(t, errors, 1)
	assert.Contains(t, errors[0], `[error] *9 cannot load certificate "`)
	assert.Contains(t, errors[0], `/nobody.crt": BIO_new_file() failed (SSL: error:80000002:system library::No such file or directory:calling fopen(`)
	assert.Contains(t, strings.Join(s.errors("info"), "\n"), "SSL_do_handshake() failed (SSL: error:0A000179:SSL routines::cert cb error) while SSL handshaking")
}

func TestALPN(t *testing.T) {
	s := startTLS(t, `server { listen 127.0.0.1:PORT0 ssl; ssl_alpn h2 second; return "[$ssl_alpn_protocol]"; }`)
	offering := func(names ...string) func(*tls.Config) { return func(c *tls.Config) { c.NextProtos = names } }
	assert.Equal(t, "[]", s.askTLS("PORT0", nil))
	assert.Equal(t, "[h2]", s.askTLS("PORT0", offering("second", "h2")))
	assert.Equal(t, "[second]", s.askTLS("PORT0", offering("x", "second")))
	for _, name := range []string{"x", "http/1.1"} { // crypto/tls alone would let the latter pass for h2
		_, err := io.ReadAll(s.tlsClient("PORT0", offering(name)))
		assert.ErrorContains(t, err, "no application protocol")
	}
	s.logged("SSL_do_handshake() failed (SSL: error:0A0000EB:SSL routines::no application protocol) while SSL handshaking")
}

func TestRejectHandshake(t *testing.T) {
	s := startTLS(t, `server { listen 127.0.0.1:PORT0 ssl; ssl_reject_handshake on; ssl_protocols TLSv1.3; return x; }
		server { listen 127.0.0.1:PORT0 ssl; server_name good; return good; }`)
	for _, change := range []func(*tls.Config){nil, named("other"), tls12} {
		_, err := io.ReadAll(s.tlsClient("PORT0", change))
		assert.ErrorContains(t, err, "unrecognized name")
	}
	assert.Equal(t, "good", s.askTLS("PORT0", named("good")))
}

func TestVerifyClient(t *testing.T) {
	s := startTLS(t, `ssl_client_certificate CERTS/ca.crt;
		server { listen 127.0.0.1:PORT0 ssl; ssl_verify_client on; return $ssl_client_verify; }
		server { listen 127.0.0.1:PORT1 ssl; ssl_verify_client optional; return $ssl_client_verify; }
		server { listen 127.0.0.1:PORT2 ssl; ssl_verify_client optional_no_ca; return $ssl_client_verify; }
		server { listen 127.0.0.1:PORT3 ssl; ssl_verify_client on; ssl_trusted_certificate CERTS/other-ca.crt; return $ssl_client_verify; }`)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		ask := func(port, name string) string {
			return s.askTLS(port, func(c *tls.Config) {
				c.MaxVersion = version
				if name != "" {
					showing(t, name)(c)
				}
			})
		}
		for _, tt := range []struct{ port, cert, want string }{
			{"PORT0", "client", "SUCCESS"}, {"PORT0", "", ""}, {"PORT0", "stranger", ""},
			{"PORT1", "client", "SUCCESS"}, {"PORT1", "", "NONE"}, {"PORT1", "stranger", ""},
			{"PORT2", "client", "SUCCESS"}, {"PORT2", "", "NONE"}, {"PORT2", "stranger", "FAILED:unable to verify the first certificate"},
			{"PORT3", "stranger", "SUCCESS"}, {"PORT3", "client", "SUCCESS"},
		} {
			assert.Equal(t, tt.want, ask(tt.port, tt.cert), "%s %q", tt.port, tt.cert)
		}
	}
	var told [][]byte
	s.askTLS("PORT3", func(c *tls.Config) {
		pair := tlsPair(t, "client")
		c.GetClientCertificate = func(info *tls.CertificateRequestInfo) (*tls.Certificate, error) {
			told = info.AcceptableCAs
			return &pair, nil
		}
	})
	require.Len(t, told, 1, "those of ssl_trusted_certificate are not told")
	assert.True(t, bytes.Contains(told[0], []byte("My CA")))
}

func TestSessionsResumed(t *testing.T) {
	s := startTLS(t, `
		server { listen 127.0.0.1:PORT0 ssl; return $ssl_session_reused; }
		server { listen 127.0.0.1:PORT1 ssl; ssl_session_tickets off; ssl_session_cache shared:z:1m; return $ssl_session_reused; }
		server { listen 127.0.0.1:PORT2 ssl; ssl_session_tickets off; ssl_session_cache builtin; return $ssl_session_reused; }
		server { listen 127.0.0.1:PORT3 ssl; ssl_session_tickets off; return $ssl_session_reused; }
		server { listen 127.0.0.1:PORT4 ssl; ssl_session_tickets off; ssl_session_cache off; return $ssl_session_reused; }
		server { listen 127.0.0.1:PORT5 ssl; ssl_session_timeout 0; return $ssl_session_reused; }
		server { listen 127.0.0.1:PORT6 ssl; ssl_session_ticket_key TICKETKEY; return $ssl_session_reused; }
		server { listen 127.0.0.1:PORT7 ssl; ssl_session_ticket_key TICKETKEY; return $ssl_session_reused; }
		server { listen 127.0.0.1:PORT8 ssl; ssl_session_ticket_key TICKETKEY; ssl_certificate CERTS/ec.crt; ssl_certificate_key CERTS/ec.key; return $ssl_session_reused; }`,
		"TICKETKEY", ticketKey(t))
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		twice := func(first, second string) string {
			cache := tls.NewLRUClientSessionCache(1)
			change := func(c *tls.Config) { c.ServerName, c.ClientSessionCache, c.MaxVersion = "x", cache, version }
			return s.askTLS(first, change) + s.askTLS(second, change)
		}
		for port, want := range map[string]string{"PORT0": ".r", "PORT1": ".r", "PORT2": ".r", "PORT3": "..", "PORT4": "..", "PORT6": ".r"} {
			assert.Equal(t, want, twice(port, port), port)
		}
		assert.Equal(t, ".r", twice("PORT6", "PORT7"), "the same keys and certificates")
		assert.Equal(t, "..", twice("PORT6", "PORT8"), "another certificate")
		assert.Equal(t, "..", twice("PORT0", "PORT6"), "other keys")
	}
}

func ticketKey(t *testing.T) string {
	t.Helper()
	return writeFile(t, bytes.Repeat([]byte{1}, 48))
}

func TestSessionStoreIsBounded(t *testing.T) {
	st := newSessionStore(2)
	for _, id := range []string{"a", "b", "c"} {
		st.put(id, []byte(id))
	}
	assert.Nil(t, st.get("a"))
	assert.Equal(t, []byte("b"), st.get("b"))
	st.remove("b")
	st.remove("none")
	assert.Nil(t, st.get("b"))
	assert.Equal(t, 1, st.order.Len())
}

// The end of a session is the end of TLS, which waits for the client's; a client
// that ends first gets no answer to it.
func TestEndOfTLS(t *testing.T) {
	s := startTLS(t, `log_format l "$status $bytes_received $bytes_sent";
		server { listen 127.0.0.1:PORT0 ssl; proxy_pass `+streamtest.Greeter(t, "hello")+`; }
		server { listen 127.0.0.1:PORT1 ssl; proxy_pass `+streamtest.Echo(t, "")+`; access_log DIR/access.log l; }`)
	raw := s.dial("PORT0")
	c := tls.Client(raw, &tls.Config{InsecureSkipVerify: true})
	text, err := io.ReadAll(c)
	require.NoError(t, err, "there was a close_notify")
	assert.Equal(t, "hello", string(text))
	require.NoError(t, raw.SetReadDeadline(time.Now().Add(100*time.Millisecond)))
	_, err = raw.Read(make([]byte, 1))
	assert.True(t, isTimeout(err) || err == io.EOF, "the connection stays open for the answer: %v", err)
	require.NoError(t, c.Close())

	c = s.tlsClient("PORT1", nil)
	_, err = io.WriteString(c, "four")
	require.NoError(t, err)
	buf := make([]byte, 4)
	_, err = io.ReadFull(c, buf)
	require.NoError(t, err)
	require.NoError(t, c.CloseWrite())
	_, err = c.Read(buf)
	assert.ErrorIs(t, err, io.EOF)
	assert.Equal(t, "200 4 4", s.line("access.log"))
	s.logged("client disconnected, bytes from/to client:4/4, bytes from/to upstream:4/4")
}

func isTimeout(err error) bool {
	e, ok := err.(net.Error)
	return ok && e.Timeout()
}

// What cannot be decrypted ends the session with a line of OpenSSL's.
func TestGarbageInTLS(t *testing.T) {
	s := startTLS(t, `server { listen 127.0.0.1:PORT0 ssl; proxy_pass `+streamtest.Echo(t, "")+`; }`)
	raw := s.dial("PORT0")
	c := tls.Client(raw, &tls.Config{InsecureSkipVerify: true})
	require.NoError(t, c.Handshake())
	_, err := raw.Write([]byte("\x17\x03\x03\x00\x20" + strings.Repeat("x", 32)))
	require.NoError(t, err)
	_, _ = io.ReadAll(c)
	s.logged("[info]")
	s.logged("SSL_read() failed (SSL: error:0A000119:SSL routines::decryption failed or bad record mac) while proxying")
}

func TestNoCertificateIsDefined(t *testing.T) {
	for text, line := range map[string]string{
		"server { listen 127.0.0.1:1 ssl; return x; }": "4",
		"server { listen 127.0.0.1:1 ssl; ssl_reject_handshake on; return x; }\nserver { listen 127.0.0.1:1; server_name b; return x; }": "5",
	} {
		path := filepath.Join(t.TempDir(), "conf")
		_, f := compileText(path, "pid x; error_log x;\nevents {}\nstream {\n"+text+"\n}\n")
		assert.Equal(t, []string{`[emerg] no "ssl_certificate" is defined for the "listen ... ssl" directive in ` + path + ":" + line}, f.log)
	}
}

func TestEscapedCertificate(t *testing.T) {
	text := string(madeTLS()["a.crt"])
	escaped := escapeURI(text)
	assert.Regexp(t, regexp.MustCompile(`^[A-Za-z0-9%._~-]+$`), escaped)
	back, err := url.PathUnescape(escaped)
	require.NoError(t, err)
	assert.Equal(t, text, back)
}
