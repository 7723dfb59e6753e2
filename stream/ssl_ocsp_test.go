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
	"math/big"
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
	"github.com/gostream/gostream/internal/pki"
	"github.com/gostream/gostream/internal/streamtest"
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
	s.logged("OCSP_basic_verify() failed (SSL: error:13800065:OCSP routines::certificate verify error:Verify error: self-signed certificate) while requesting certificate status, responder: 127.0.0.1, peer: " + r.addr)
	s.logged("client SSL certificate verify error: certificate status request failed while SSL handshaking")
}

func TestOCSPWithoutResponder(t *testing.T) {
	s := startTLS(t, `ssl_verify_client on; ssl_client_certificate CERTS/ca.crt; ssl_ocsp leaf;
		server { listen 127.0.0.1:PORT0 ssl; return x; }
		server { listen 127.0.0.1:PORT1 ssl; ssl_ocsp_responder http://`+streamtest.Refused(t)+`; return x; }`)
	assert.Empty(t, s.askTLS("PORT0", showing(t, "client")))
	s.logged("[error]")
	s.logged("no OCSP responder URL in certificate while SSL handshaking, client: 127.0.0.1")
	assert.Empty(t, s.askTLS("PORT1", showing(t, "client")))
	s.logged("recv() failed (111: Connection refused) while requesting certificate status, responder: 127.0.0.1, peer: ")
	s.logged("OCSP responder prematurely closed connection while requesting certificate status")
}

func TestOCSPCache(t *testing.T) {
	r := startResponder(t, "ca")
	s := startTLS(t, "ssl_ocsp_cache shared:z:1m; "+ocspServer, "RESPONDER", r.addr)
	for range 3 {
		assert.Equal(t, "SUCCESS", s.askTLS("PORT0", showing(t, "client")))
	}
	assert.EqualValues(t, 1, r.asked.Load())
}

// A key has room for numbers of 20 bytes.
func TestOCSPKey(t *testing.T) {
	ca := certOf(t, "ca")
	for bits, want := range map[uint]bool{8: true, 160: true, 161: false} {
		n := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), bits), big.NewInt(1))
		_, ok := ocspKey(&x509.Certificate{SerialNumber: n}, ca)
		assert.Equal(t, want, ok, bits)
	}
}

func TestOCSPCacheEntries(t *testing.T) {
	z := newOCSPCache(2 * ocspEntrySize)
	good := &pki.OCSPAnswer{Status: pki.OCSPGood}
	for _, key := range []string{"a", "b", "b", "c"} {
		z.put(key, good)
	}
	_, ok := z.get("a")
	assert.False(t, ok, "there is room for two")
	_, ok = z.get("b")
	assert.True(t, ok)
	z.put("d", &pki.OCSPAnswer{Valid: time.Now().Add(-time.Second)})
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
	q := &ocspQuery{OCSPQuestion: pki.OCSPQuestion{Cert: pair.Leaf, Issuer: certOf(t, "ca"), Chain: []*x509.Certificate{certOf(t, "ca")}}, name: "signed.crt", log: func(_ errlog.Level, r errlog.Record) { lines <- r.Text }}
	q.responder, _, _ = parseResponder("http://"+r.addr, unresolved)
	answer, text, err := q.ask(context.Background())
	require.NoError(t, err)
	assert.Equal(t, pki.OCSPRevoked, answer.Status)
	assert.NotEmpty(t, text)
}

func TestStaplingFile(t *testing.T) {
	r := startResponder(t, "ca")
	pair := tlsPair(t, "signed")
	q := &ocspQuery{OCSPQuestion: pki.OCSPQuestion{Cert: pair.Leaf, Issuer: certOf(t, "ca"), Chain: []*x509.Certificate{certOf(t, "ca")}}}
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
		"http://[::1]/?x":         "[::1]|80|/?x",
		"http://127.0.0.1?a/b":    "127.0.0.1|80|?a/b",
		"http://unix:/s:/a:b":     "/s|0|/a:b",
		"HTTP://UNIX:/s":          "/s|0|",
	} {
		r, _, err := parseResponder(url, unresolved)
		require.NoError(t, err)
		assert.Equal(t, want, fmt.Sprintf("%s|%d|%s", r.host, r.port, r.uri))
	}
	for url, want := range map[string]string{
		"foo": "invalid URL prefix foo", "https://x/": "invalid URL prefix https://x/", "http://": "invalid URL prefix http://",
		"http://127.0.0.1:99999/": "invalid port 127.0.0.1:99999/", "http://[::1?x": "invalid host [::1?x", "http:///x": "no host /x",
		"http://unix::/x": "no path in the unix domain socket unix::/x",
	} {
		_, shown, err := parseResponder(url, unresolved)
		require.Error(t, err)
		assert.Equal(t, want, err.Error()+" "+shown)
	}
}
