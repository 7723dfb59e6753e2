//go:build unix

package conformance

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestSNI serves three TLS servers on one port, by the name the client asks for.
func TestSNI(t *testing.T) {
	curl, openssl := need(t, "curl"), need(t, "openssl")
	p := takePorts(t, "Listen", "App", "API", "APIPlain", "Web", "WebPlain")
	ca := newAuthority(t)
	headers := serveTLS(t, p["App"], ca.issue(t, "app.example.com"), true)
	startOpenSSL(t, openssl, p["API"], ca.issue(t, "api.example.com", "*.api.example.com"))
	serveTLS(t, p["Web"], ca.issue(t, "www.example.com"), false)
	proxy := startProxy(t, "sni", p)
	listen := strconv.Itoa(p["Listen"])

	t.Run("PROXY header and log", func(t *testing.T) {
		client := askTLS(t, p["Listen"], ca, "app.example.com")
		header := fmt.Sprintf("PROXY TCP4 127.0.0.1 127.0.0.1 %d %d\r\n", client.port, p["Listen"])
		assert.Equal(t, header, <-headers)

		line := proxy.lines(t, "logs/access.log", 1)[0]
		assert.Regexp(t, regexp.MustCompile(fmt.Sprintf(
			`^127\.0\.0\.1 \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] TCP 200 %d %d \d\.\d{3} `+
				`"app\.example\.com" "127\.0\.0\.1:%d" "%d" "%[1]d" "\d\.\d{3}"$`,
			client.in, client.out, p["App"], client.out+len(header))), line)
	})
	for _, c := range []struct{ name, body string }{
		{"app.example.com", "app.example.com"},
		{"api.example.com", "s_server"},
		{"v2.api.example.com", "s_server"},
		{"www.example.com", "www.example.com"},
	} {
		t.Run("curl "+c.name, func(t *testing.T) {
			// That curl accepts the certificate shows that it is the server's own.
			body := output(t, "", curl, "-sS", "--noproxy", "*", "--cacert", ca.file,
				"--connect-to", c.name+":443:127.0.0.1:"+listen, "https://"+c.name+"/")
			assert.Contains(t, body, c.body)
		})
	}
	for _, c := range []struct{ name, certificate string }{
		{"app.example.com", "app.example.com"},
		{"v2.api.example.com", "api.example.com"},
		{"unknown.example.org", "www.example.com"},
		{"", "www.example.com"},
	} {
		t.Run("s_client "+c.name, func(t *testing.T) {
			args := []string{"s_client", "-connect", local(p["Listen"]), "-CAfile", ca.file, "-verify_return_error"}
			if c.name == "" {
				args = append(args, "-noservername")
			} else {
				args = append(args, "-servername", c.name)
			}
			assert.Contains(t, output(t, "", openssl, args...), "subject=CN = "+c.certificate)
		})
	}

	t.Run("log of the others", func(t *testing.T) {
		log := strings.Join(proxy.lines(t, "logs/access.log", 9), "\n")
		for what, count := range map[string]int{
			fmt.Sprintf(`"v2.api.example.com" "127.0.0.1:%d"`, p["APIPlain"]):  2,
			fmt.Sprintf(`"unknown.example.org" "127.0.0.1:%d"`, p["WebPlain"]): 1,
			fmt.Sprintf(`"" "127.0.0.1:%d"`, p["WebPlain"]):                    1,
		} {
			assert.Equal(t, count, strings.Count(log, what), what)
		}
	})
}

// serveTLS answers HTTP requests on a port with the name in the certificate. If
// connections begin with a PROXY header, those are sent to the channel.
func serveTLS(t *testing.T, port int, pair keyPair, proxied bool) chan string {
	t.Helper()
	ln, err := net.Listen("tcp", local(port))
	require.NoError(t, err)
	headers := make(chan string, 100)
	if proxied {
		ln = &proxiedListener{ln, headers}
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, pair.name)
	})}
	go func() {
		_ = srv.Serve(tls.NewListener(ln, &tls.Config{Certificates: []tls.Certificate{pair.load(t)}}))
	}()
	t.Cleanup(func() { srv.Close() })
	return headers
}

// proxiedListener takes the PROXY header off its connections.
type proxiedListener struct {
	net.Listener
	headers chan string
}

func (l *proxiedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	r := bufio.NewReader(c)
	_ = c.SetReadDeadline(time.Now().Add(patience))
	header, _ := r.ReadString('\n')
	_ = c.SetReadDeadline(time.Time{})
	l.headers <- header
	return &bufferedConn{c, r}, nil
}

// bufferedConn is a connection whose first bytes are in a buffer.
type bufferedConn struct {
	net.Conn
	r *bufio.Reader
}

func (c *bufferedConn) Read(b []byte) (int, error) { return c.r.Read(b) }

// startOpenSSL runs OpenSSL's test server on a port.
func startOpenSSL(t *testing.T, openssl string, port int, pair keyPair) {
	t.Helper()
	p := start(t, exec.Command(openssl, "s_server", "-accept", local(port), "-cert", pair.cert, "-key", pair.key, "-www"))
	p.await(t, func() bool { return accepts(port) })
}

// tlsClient is what a client has seen.
type tlsClient struct {
	port    int // its own
	in, out int // bytes on the wire
}

// askTLS makes one request and waits for the end of the connection.
func askTLS(t *testing.T, port int, ca *authority, name string) tlsClient {
	t.Helper()
	raw, err := net.Dial("tcp", local(port))
	require.NoError(t, err)
	defer raw.Close()
	require.NoError(t, raw.SetDeadline(time.Now().Add(patience)))
	counted := &countedConn{Conn: raw}
	c := tls.Client(counted, &tls.Config{ServerName: name, RootCAs: ca.pool})
	_, err = fmt.Fprintf(c, "GET / HTTP/1.0\r\nHost: %s\r\n\r\n", name)
	require.NoError(t, err)
	reply, err := io.ReadAll(c)
	require.NoError(t, err)
	assert.Contains(t, string(reply), name)
	return tlsClient{raw.LocalAddr().(*net.TCPAddr).Port, counted.in, counted.out}
}

// countedConn counts what passes it.
type countedConn struct {
	net.Conn
	in, out int
}

func (c *countedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.in += n
	return n, err
}

func (c *countedConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.out += n
	return n, err
}
