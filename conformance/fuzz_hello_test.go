//go:build unix

package conformance

import (
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	rsaPair = "ssl_certificate tls/rsa.pem; ssl_certificate_key tls/rsa.key; "
	ecPair  = "ssl_certificate tls/one.pem; ssl_certificate_key tls/one.key; "
)

// greeted are the servers that random hellos are sent to. More than one with a
// listening socket have a "|" between them.
var greeted = []string{
	rsaPair,
	ecPair,
	rsaPair + ecPair,
	rsaPair + ecPair + "ssl_protocols TLSv1.2;",
	rsaPair + ecPair + "ssl_prefer_server_ciphers on; ssl_ecdh_curve P-384:P-256; ssl_alpn one two;",
	rsaPair + "ssl_ciphers HIGH:@SECLEVEL=0; ssl_protocols TLSv1 TLSv1.1 TLSv1.2;",
	rsaPair + "ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;",
	rsaPair + "ssl_protocols TLSv1 TLSv1.2; ssl_ciphers ECDHE-RSA-AES128-GCM-SHA256:AES128-SHA;",
	ecPair + "ssl_verify_client optional_no_ca; ssl_alpn one;",
	rsaPair + "ssl_conf_command Groups P-256; ssl_conf_command MaxProtocol TLSv1.2;|" +
		rsaPair + "server_name one.example.com; ssl_ecdh_curve X25519; ssl_protocols TLSv1.3;|" +
		ecPair + "server_name two.example.com; ssl_prefer_server_ciphers on;|" +
		rsaPair + "server_name other.example.com; ssl_reject_handshake on;",
	ecPair + "ssl_ciphers HIGH:@SECLEVEL=3;",
}

// TestFuzzHello compares what nginx and gostream answer to random hellos, and what
// they log.
func TestFuzzHello(t *testing.T) {
	reference := fuzzReference(t)
	if !strings.HasPrefix(reference.openSSL, "3.0.") {
		t.Skipf("-nginx has OpenSSL %s: gostream answers as 3.0 does", reference.openSSL)
	}
	nginx, gostream := newGreeter(t, reference), newGreeter(t, &subject{binary: binary(t)})
	compare := func(g *greeting) *difference {
		d := &difference{input: g.String(), want: nginx.answer(g), got: gostream.answer(g)}
		if d.want == d.got || slices.ContainsFunc(knownAnswers, func(k knownAnswer) bool { return k.matches(d) }) {
			return nil
		}
		return d
	}
	fuzz(t, func(r *rand.Rand) (*difference, func() *difference) {
		g := newGreeting(r)
		d := compare(g)
		return d, func() *difference { return g.minimal(d, compare) }
	})
}

// knownAnswer is a difference that docs/differences-from-nginx.md has.
type knownAnswer struct {
	reason string
	got    *regexp.Regexp // what gostream answers or logs then
}

func (k *knownAnswer) matches(d *difference) bool { return k.got.MatchString(d.got) }

var knownAnswers = []knownAnswer{
	{"crypto/tls cannot read an extension that OpenSSL ignores: its own alerts have version 3.1 in front", regexp.MustCompile(`^alert 2 50 of 0301`)},
	{"crypto/tls has another alert for a key that cannot be read", regexp.MustCompile(`alert 2 47 (?s:.*)SSL routines::length mismatch`)},
	{"crypto/tls does not sign with SHA-1", regexp.MustCompile(`missing signature_algorithms from TLS 1.2 peer`)},
}

// otherwise is what differs and does not matter: crypto/tls chooses the suite of TLS
// 1.3, and it matters to nobody which end of a connection is noticed first.
var otherwise = []struct {
	pattern *regexp.Regexp
	name    string
}{
	{regexp.MustCompile(`((?:ServerHello|HelloRetryRequest) 0304) [0-9a-f]{4}`), "$1"},
	{regexp.MustCompile(`peer closed connection in SSL handshake \(104: Connection reset by peer\)`), "peer closed connection in SSL handshake"},
}

// minimal leaves out what can be left out of a greeting that is answered otherwise.
func (g *greeting) minimal(d *difference, compare func(*greeting) *difference) *difference {
	kind := d.kind()
	differs := func(set func()) bool {
		before := *g
		set()
		if now := compare(g); now != nil && now.kind() == kind {
			d = now
			return true
		}
		*g = before
		return false
	}
	reduce(g.before, func(rest []string) bool { return differs(func() { g.before = rest }) })
	reduce(g.after, func(rest []string) bool { return differs(func() { g.after = rest }) })
	reduce(g.hello.extensions, func(rest []extension) bool { return differs(func() { g.hello.extensions = rest }) })
	reduce(g.hello.ciphers, func(rest []uint16) bool { return differs(func() { g.hello.ciphers = rest }) })
	differs(func() { g.size, g.fill = 0, 0 })
	differs(func() { g.cut = 0 })
	differs(func() { g.flip = 0 })
	return d
}

// greeter is a server that hellos are sent to.
type greeter struct {
	t     *testing.T
	stage *stage
	ports []string
	logs  map[string]int // how much of a log has been read
}

func newGreeter(t *testing.T, s *subject) *greeter {
	t.Helper()
	dir, err := os.MkdirTemp(t.TempDir(), "")
	require.NoError(t, err)
	require.NoError(t, copyKeys(dir))
	g := &greeter{t: t, stage: newStage(dir), logs: map[string]int{}}
	config := "error_log error.log info;\nevents {}\nstream {\nlog_format f '$ssl_protocol|$ssl_server_name|$ssl_ciphers|$ssl_curves|$ssl_sigalgs|$ssl_alpn_protocol|$status';\naccess_log access.log f;\n"
	for i, servers := range greeted {
		port := g.stage.expand(fmt.Sprintf("$PORT%d", i+1))
		g.ports = append(g.ports, port)
		for server := range strings.SplitSeq(servers, "|") {
			config += "server { listen 127.0.0.1:" + port + " ssl; return x; " + server + " }\n"
		}
	}
	config += "}\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "nginx.conf"), []byte(config), 0o644))
	t.Cleanup(g.stage.close)
	require.NoError(t, g.stage.start(s, config))
	require.NoError(t, g.stage.until("listen", func() bool {
		conn, err := net.Dial("tcp", "127.0.0.1:"+g.ports[0])
		if err == nil {
			conn.Close()
		}
		return err == nil
	}))
	g.line("access.log") // of that connection
	g.rest("error.log")
	return g
}

// answer is what the server sends first, and logs.
func (s *greeter) answer(g *greeting) string {
	conn, err := net.Dial("tcp", "127.0.0.1:"+s.ports[g.to])
	require.NoError(s.t, err)
	defer conn.Close()
	require.NoError(s.t, conn.SetDeadline(time.Now().Add(scriptPatience)))
	_, _ = io.WriteString(conn, g.bytes()) // of which the server may not want all
	_ = conn.(*net.TCPConn).CloseWrite()
	got, _ := io.ReadAll(conn) // which may end with a reset
	access := s.line("access.log")
	text := describe(got) + "\n" + access
	for line := range strings.Lines(s.rest("error.log")) {
		if _, message, ok := strings.Cut(line, ": *"); ok && !strings.Contains(message, " connected to ") {
			level, _, _ := strings.Cut(line[strings.IndexByte(line, '['):], " ")
			_, message, _ = strings.Cut(message, " ")
			message, _, _ = strings.Cut(message, ", client: ")
			text += level + " " + message + "\n"
		}
	}
	for _, o := range otherwise {
		text = o.pattern.ReplaceAllString(text, o.name)
	}
	return text
}

// rest is what has not been read of a log.
func (s *greeter) rest(name string) string {
	text := readText(filepath.Join(s.stage.dir, name))[s.logs[name]:]
	s.logs[name] += len(text)
	return text
}

// line waits for the next one of a log.
func (s *greeter) line(name string) (line string) {
	require.NoError(s.t, s.stage.until(name, func() bool {
		line += s.rest(name)
		return strings.HasSuffix(line, "\n")
	}))
	return line
}

// describe names the first thing that a server has sent, and alerts after it.
func describe(got []byte) string {
	var words []string
	for rest := got; len(rest) >= 5; {
		n := min(5+int(rest[3])<<8+int(rest[4]), len(rest))
		record := rest[5:n]
		switch {
		case rest[0] == 21 && len(record) == 2:
			words = append(words, fmt.Sprintf("alert %d %d of %x", record[0], record[1], rest[1:3]))
		case rest[0] == 22 && len(words) == 0 && len(record) >= 42 && record[0] == 2:
			words = append(words, serverHello(record))
		case len(words) == 0:
			words = append(words, fmt.Sprintf("record of type %d", rest[0]))
		}
		rest = rest[n:]
	}
	if words == nil {
		return fmt.Sprintf("%d bytes", len(got))
	}
	return strings.Join(words, ", ")
}

// retryRandom is how the random number of a hello begins that asks for another one.
const retryRandom = "cf21ad74e59a6111"

// serverHello is the version, suite and group of a hello.
func serverHello(message []byte) string {
	name := "ServerHello"
	if hex.EncodeToString(message[6:14]) == retryRandom {
		name = "HelloRetryRequest"
	}
	version, group := hex.EncodeToString(message[4:6]), ""
	rest := message[39+int(message[38]):]
	cipher := hex.EncodeToString(rest[:2])
	for rest = rest[min(5, len(rest)):]; len(rest) >= 4; {
		n := min(4+int(rest[2])<<8+int(rest[3]), len(rest))
		switch data := rest[4:n]; {
		case rest[1] == 43:
			version = hex.EncodeToString(data)
		case rest[1] == 51:
			group = hex.EncodeToString(data[:2])
		}
		rest = rest[n:]
	}
	return strings.TrimSpace(strings.Join([]string{name, version, cipher, group}, " "))
}
