package stream

import (
	"bufio"
	"bytes"
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ocsp"

	"github.com/gostream/gostream/internal/errlog"
	"github.com/gostream/gostream/internal/streamtest"
	"github.com/gostream/gostream/internal/tlsconf"
)

// responder answers OCSP requests over HTTP.
type responder struct {
	addr   string
	status atomic.Int32 // ocsp.Good, ...
	raw    atomic.Pointer[string]
	signer string // name of a certificate
	asked  atomic.Int32
	target atomic.Pointer[string] // path of the last request, before its base64
}

func startResponder(t *testing.T, signer string) *responder {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	r := &responder{addr: ln.Addr().String(), signer: signer}
	pair, ca := tlsPair(t, signer), certOf(t, "ca")
	streamtest.Serve(t, ln, func(c net.Conn) { r.answer(c, pair, ca) })
	return r
}

// answer serves one request.
func (r *responder) answer(c net.Conn, pair tls.Certificate, issuer *x509.Certificate) {
	in := bufio.NewReader(c)
	line, err := in.ReadString('\n')
	if err != nil {
		return
	}
	for rest := ""; rest != "\r\n"; {
		if rest, err = in.ReadString('\n'); err != nil {
			return
		}
	}
	r.asked.Add(1)
	if raw := r.raw.Load(); raw != nil {
		fmt.Fprint(c, *raw)
		return
	}
	path := strings.Fields(line)[1]
	at := strings.LastIndexByte(path, '/') + 1
	dir := path[:at]
	r.target.Store(&dir)
	text, _ := url.PathUnescape(path[at:])
	der, _ := base64.StdEncoding.DecodeString(text)
	request, err := ocsp.ParseRequest(der)
	if err != nil {
		return
	}
	response, err := ocsp.CreateResponse(issuer, pair.Leaf, ocsp.Response{
		Status: int(r.status.Load()), SerialNumber: request.SerialNumber, ThisUpdate: time.Now().Add(-time.Minute),
		NextUpdate: time.Now().Add(time.Hour), RevokedAt: time.Now(), Certificate: pair.Leaf,
	}, pair.PrivateKey.(crypto.Signer))
	if err == nil {
		fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Type: application/ocsp-response\r\n\r\n%s", response)
	}
}

func certOf(t *testing.T, name string) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode(madeTLS()[name+".crt"])
	cert, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	return cert
}

const ocspServer = `ssl_verify_client on; ssl_client_certificate CERTS/ca.crt; ssl_ocsp on; ssl_ocsp_responder http://RESPONDER/path;
	server { listen 127.0.0.1:PORT0 ssl; return $ssl_client_verify; }`

func TestOCSP(t *testing.T) {
	r := startResponder(t, "ca")
	s := startTLS(t, ocspServer, "RESPONDER", r.addr)
	assert.Equal(t, "SUCCESS", s.askTLS("PORT0", showing(t, "client")))
	assert.Equal(t, "/path/", *r.target.Load())
	r.status.Store(ocsp.Revoked)
	assert.Empty(t, s.askTLS("PORT0", showing(t, "client")))
	s.logged("client SSL certificate verify error: certificate revoked while SSL handshaking")
	r.status.Store(ocsp.Unknown)
	assert.Empty(t, s.askTLS("PORT0", showing(t, "client")))
	s.logged("client SSL certificate verify error: certificate status unknown while SSL handshaking")
	assert.EqualValues(t, 3, r.asked.Load(), "nobody asks about the root")
}

// A response that others have signed does not count.
func TestOCSPOfAStranger(t *testing.T) {
	r := startResponder(t, "other-ca")
	s := startTLS(t, ocspServer, "RESPONDER", r.addr)
	assert.Empty(t, s.askTLS("PORT0", showing(t, "client")))
	s.logged("OCSP_basic_verify() failed (SSL: error:13800070:OCSP routines::root ca not trusted) while requesting certificate status, responder: 127.0.0.1, peer: " + r.addr)
	s.logged("client SSL certificate verify error: certificate status request failed while SSL handshaking")
}

func TestOCSPResponses(t *testing.T) {
	const ok = "HTTP/1.0 200 OK\r\nContent-Type: application/ocsp-response\r\n\r\n"
	r := startResponder(t, "ca")
	s := startTLS(t, ocspServer, "RESPONDER", r.addr)
	for raw, want := range map[string]string{
		"":                             "OCSP responder prematurely closed connection",
		"nonsense\r\n\r\n":             "OCSP responder sent invalid response",
		"HTTP/1.0 200 OK\r\nx\r\n\r\n": "OCSP responder sent invalid response",
		"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n": `OCSP responder sent invalid "Content-Type" header: "text/html"`,
		ok + "x":                    "d2i_OCSP_RESPONSE() failed (SSL: error:068000A8:asn1 encoding routines::wrong tag",
		ok + "\x30\x03\x0a\x01\x03": "OCSP response not successful (3: trylater)",
	} {
		r.raw.Store(&raw)
		assert.Empty(t, s.askTLS("PORT0", showing(t, "client")))
		s.logged(want)
	}
	missing := "HTTP/1.0 404 Not Found\r\n\r\n"
	r.raw.Store(&missing)
	assert.Empty(t, s.askTLS("PORT0", showing(t, "client")))
	s.shutdown()
	for _, line := range s.errors("error") {
		assert.Contains(t, line, " while requesting certificate status, responder: 127.0.0.1, peer: 127.0.0.1:")
	}
}

func TestOCSPWithoutResponder(t *testing.T) {
	s := startTLS(t, `ssl_verify_client on; ssl_client_certificate CERTS/ca.crt; ssl_ocsp leaf;
		server { listen 127.0.0.1:PORT0 ssl; return x; }
		server { listen 127.0.0.1:PORT1 ssl; ssl_ocsp_responder http://`+streamtest.Refused(t)+`; return x; }`)
	assert.Empty(t, s.askTLS("PORT0", showing(t, "client")))
	s.logged("[error]")
	s.logged("no OCSP responder URL in certificate while SSL handshaking, client: 127.0.0.1")
	assert.Empty(t, s.askTLS("PORT1", showing(t, "client")))
	s.logged("connect() failed (111: Connection refused) while requesting certificate status, responder: 127.0.0.1, peer: ")
}

func TestOCSPCache(t *testing.T) {
	r := startResponder(t, "ca")
	s := startTLS(t, "ssl_ocsp_cache shared:z:1m; "+ocspServer, "RESPONDER", r.addr)
	for range 3 {
		assert.Equal(t, "SUCCESS", s.askTLS("PORT0", showing(t, "client")))
	}
	assert.EqualValues(t, 1, r.asked.Load())
}

func TestOCSPCacheEntries(t *testing.T) {
	z := newOCSPCache(2 * ocspEntrySize)
	good := &tlsconf.OCSPAnswer{Status: tlsconf.OCSPGood}
	for _, key := range []string{"a", "b", "b", "c"} {
		z.put(key, good)
	}
	_, ok := z.get("a")
	assert.False(t, ok, "there is room for two")
	_, ok = z.get("b")
	assert.True(t, ok)
	z.put("d", &tlsconf.OCSPAnswer{Valid: time.Now().Add(-time.Second)})
	_, ok = z.get("d")
	assert.False(t, ok)
	_, ok = (*ocspCacheZone)(nil).get("a")
	assert.False(t, ok)
}

// stapleOf is the response that a client is shown.
func (s *site) stapleOf(address string) []byte {
	s.t.Helper()
	c := s.tlsClient(address, nil)
	require.NoError(s.t, c.Handshake())
	defer c.Close()
	return c.OCSPResponse()
}

func TestStapling(t *testing.T) {
	r := startResponder(t, "ca")
	s := startTLS(t, `ssl_stapling on; ssl_stapling_responder http://RESPONDER/; ssl_trusted_certificate CERTS/ca.crt;
		server { listen 127.0.0.1:PORT0 ssl; ssl_certificate CERTS/signed.crt; ssl_certificate_key CERTS/signed.key; ssl_stapling_verify on; return x; }`, "RESPONDER", r.addr)
	assert.Empty(t, s.stapleOf("PORT0"), "the first client makes it asked for")
	var text []byte
	streamtest.Eventually(t, "a staple", func() bool {
		text = s.stapleOf("PORT0")
		return len(text) > 0
	})
	answer, err := ocsp.ParseResponseForCert(text, certOf(t, "signed"), nil)
	require.NoError(t, err)
	assert.Equal(t, ocsp.Good, answer.Status)
	assert.EqualValues(t, 1, r.asked.Load())
}

func TestStaplingOfRevoked(t *testing.T) {
	r := startResponder(t, "ca")
	r.status.Store(ocsp.Revoked)
	pair := tlsPair(t, "signed")
	lines := make(chan string, 1)
	q := &ocspQuery{cert: pair.Leaf, issuer: certOf(t, "ca"), name: "signed.crt", log: func(_ errlog.Level, r errlog.Record) { lines <- r.Text }}
	q.responder, _, _ = parseResponder("http://"+r.addr, unresolved)
	answer, text, err := q.ask(context.Background())
	require.NoError(t, err)
	assert.Equal(t, tlsconf.OCSPRevoked, answer.Status)
	assert.NotEmpty(t, text)
}

func TestStaplingFile(t *testing.T) {
	r := startResponder(t, "ca")
	pair := tlsPair(t, "signed")
	q := &ocspQuery{cert: pair.Leaf, issuer: certOf(t, "ca")}
	q.responder, _, _ = parseResponder("http://"+r.addr, unresolved)
	_, text, err := q.ask(context.Background())
	require.NoError(t, err)
	name := writeFile(t, text)
	s := startTLS(t, `ssl_stapling on; ssl_stapling_file FILE; server { listen 127.0.0.1:PORT0 ssl; return x; }`, "FILE", name)
	assert.True(t, bytes.Equal(text, s.stapleOf("PORT0")))
}

func TestParseResponder(t *testing.T) {
	for url, want := range map[string]string{
		"http://127.0.0.1":        "127.0.0.1|80|",
		"HTTP://127.0.0.1:8080/a": "127.0.0.1|8080|/a",
		"http://[::1]:81/":        "[::1]|81|/",
	} {
		r, _, err := parseResponder(url, unresolved)
		require.NoError(t, err)
		assert.Equal(t, want, fmt.Sprintf("%s|%d|%s", r.host, r.port, r.uri))
	}
	for url, want := range map[string]string{
		"foo": "invalid URL prefix foo", "https://x/": "invalid URL prefix https://x/", "http://": "invalid URL prefix http://",
		"http://127.0.0.1:99999/": "invalid port 127.0.0.1:99999/",
	} {
		_, shown, err := parseResponder(url, unresolved)
		require.Error(t, err)
		assert.Equal(t, want, err.Error()+" "+shown)
	}
}

// FuzzOCSPResponse reads what a responder might send.
func FuzzOCSPResponse(f *testing.F) {
	f.Add("HTTP/1.0 200 OK\r\nContent-Type: application/ocsp-response\r\n\r\n\x30\x03\x0a\x01\x03")
	f.Add("HTTP/1.1 404 x\r\nA: b\r\n\r\n")
	f.Add("")
	cert := &x509.Certificate{}
	f.Fuzz(func(t *testing.T, text string) {
		q := &ocspQuery{responder: &ocspResponder{}, log: func(errlog.Level, errlog.Record) {}}
		body, err := q.response(strings.NewReader(text))
		if err != nil {
			return
		}
		if !strings.HasSuffix(text, string(body)) {
			t.Errorf("%q of %q", body, text)
		}
		_, _ = tlsconf.ParseOCSP(body, cert, cert, true, time.Unix(0, 0))
	})
}
