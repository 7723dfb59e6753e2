package stream

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/streamtest"
)

// serversOf turns the notation of the vectors, "S1{...}; S2 default_server{...}",
// into server blocks that return their names.
func serversOf(text string) string {
	var b strings.Builder
	for block := range strings.SplitSeq(text, "}; S") {
		head, directives, _ := strings.Cut(strings.TrimPrefix(block, "S"), "{")
		number, option, _ := strings.Cut(head, " ")
		value := "S" + number
		if strings.Contains(directives, "?<u>") {
			value += " u=$u|1=$1"
		}
		b.WriteString("server { listen 127.0.0.1:12999 " + option + "; " + strings.TrimSuffix(directives, "}") + "; return \"" + value + "\"; }\n")
	}
	return b.String()
}

// visit is a session that comes to the first address and asks for a name.
func visit(g *generation, name string) *Session {
	s := g.client()
	s.place = g.plan[0].places.any
	s.srv = s.place.def
	s.selectServer([]byte(name))
	return s
}

func TestServerNameVectors(t *testing.T) {
	text, err := os.ReadFile("../testdata/vectors.json")
	require.NoError(t, err)
	var file struct {
		Vectors []struct {
			ID       int
			Category string
			Input    json.RawMessage
			Output   json.RawMessage
		}
	}
	require.NoError(t, json.Unmarshal(text, &file))
	count := 0
	for _, v := range file.Vectors {
		if v.Category != "server_name (ssl_preread SNI)" {
			continue
		}
		var input struct{ Servers, SNI string }
		var want string
		require.NoError(t, json.Unmarshal(v.Input, &input))
		require.NoError(t, json.Unmarshal(v.Output, &want))
		g, f := compileText("/none/conf", "stream { "+serversOf(input.Servers)+" }")
		require.NotNil(t, g, f.log)
		s := visit(g, input.SNI)
		assert.Equal(t, want, string(s.srv.returnValue.Append(nil, s)), "vector %d: %q", v.ID, input.SNI)
		count++
	}
	assert.Greater(t, count, 30)
}

func TestServerNameVariable(t *testing.T) {
	for names, want := range map[string]string{
		"server_name .lead.com b.com;": "lead.com", "server_name ~^(.*)$ x;": "~^(.*)$", "server_name *.star.com x;": "*.star.com",
		"": "", "server_name Upper.COM;": "upper.com", "server_name $HostName;": hostname(),
	} {
		g, f := compileText("/none/conf", "stream { server { listen 127.0.0.1:12999; "+names+" return x; } }")
		require.NotNil(t, g, f.log)
		assert.Equal(t, want, visit(g, "").text(t, "$server_name"), names)
	}
}

func TestNameCaptures(t *testing.T) {
	g, f := compileText("/none/conf", `stream {
		server { listen 127.0.0.1:12999; server_name "~^(?<sub>\w+)\.(?<zone>net)?"; return "$1 $sub $zone"; }
	}`)
	require.NotNil(t, g, f.log)
	for name, want := range map[string]string{"www.net": "www www net", "WWW.org": "www www ", "": "  ", "www": "  "} {
		s := visit(g, name)
		assert.Equal(t, want, string(s.srv.returnValue.Append(nil, s)), name)
	}
}

func TestValidHost(t *testing.T) {
	for name, want := range map[string]string{
		"a.B-c_d": "a.b-c_d", "a.": "a", "a.:80": "a", "a:": "a", "a:65535": "a", ".a": ".a", "*.a": "*.a", "%41": "%41", "[::1]": "[::1]",
		"[A:b]:1": "[a:b]", "[a.]": "[a.]", "[]": "[]",
		"": "", ".": "", "a..b": "", "a/b": "", "a b": "", "a:65536": "", "a:b": "", "a:1:2": "", "[::1": "", "[::1]x": "", "[%41]": "", "\xe4": "", ":80": "", "a]": "",
	} {
		got, ok := validHost(nil, []byte(name))
		assert.Equal(t, want != "", ok, name)
		if ok {
			assert.Equal(t, want, string(got), name)
		}
	}
}

func FuzzValidHost(f *testing.F) {
	f.Add([]byte("a.B:80"))
	f.Add([]byte("[::1]:80"))
	f.Fuzz(func(t *testing.T, name []byte) {
		host, ok := validHost(nil, name)
		if !ok {
			return
		}
		again, ok := validHost(nil, host)
		if len(host) == 0 || ok && string(again) != strings.TrimSuffix(string(host), ".") {
			t.Fatalf("%q: %q, then %q", name, host, again)
		}
	})
}

// selfSigned writes a certificate and its key to cert.pem and key.pem.
func selfSigned(t *testing.T) (dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	private, err := x509.MarshalECPrivateKey(key)
	require.NoError(t, err)
	dir = t.TempDir()
	for name, block := range map[string]*pem.Block{"cert": {Type: "CERTIFICATE", Bytes: cert}, "key": {Type: "EC PRIVATE KEY", Bytes: private}} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name+".pem"), pem.EncodeToMemory(block), 0o600))
	}
	return dir
}

// The name in a TLS handshake selects the server, after access was checked by the
// rules of the default one (vectors 1324 to 1326).
func TestServerNameOfHandshake(t *testing.T) {
	s := start(t, `
		ssl_certificate CERTS/cert.pem; ssl_certificate_key CERTS/key.pem;
		server { listen 127.0.0.1:PORT0 ssl; server_name a.com; return a; }
		server { listen 127.0.0.1:PORT0; server_name b.com; deny all; return b; }
		server { listen 127.0.0.1:PORT0; server_name "~^(?<sub>.*)\.c\.com$"; return "c $sub"; }
		server { listen 127.0.0.1:PORT1 ssl; server_name a.com; deny all; return a; }
		server { listen 127.0.0.1:PORT1; server_name b.com; allow all; return b; }`, "CERTS", selfSigned(t))
	for name, want := range map[string]string{"": "a", "a.com": "a", "B.com": "b", "x.c.com": "c x", "d.com": "a"} {
		c := tls.Client(s.dial("PORT0"), &tls.Config{ServerName: name, InsecureSkipVerify: true})
		assert.Equal(t, want, streamtest.Rest(t, c), name)
	}
	c := tls.Client(s.dial("PORT1"), &tls.Config{ServerName: "b.com", InsecureSkipVerify: true})
	assert.Error(t, c.Handshake())
	assert.Len(t, s.errors("error"), 1, "access forbidden by rule")
}

// A server name selects the server for what comes after the preread phase only.
func TestServerNameSelectsContent(t *testing.T) {
	s := start(t, `
		log_format l "$server_name"; access_log DIR/default.log l;
		server { listen 127.0.0.1:PORT0; ssl_preread on; server_name a.com; return a; }
		server { listen 127.0.0.1:PORT0; server_name b.com; deny all; set $never x; return b[$never]; error_log DIR/b.log info; access_log DIR/b_access.log l; }
		server { listen 127.0.0.1:PORT1; ssl_preread on; server_name a.com; deny all; return a; }
		server { listen 127.0.0.1:PORT1; allow all; server_name b.com; return b; }`)
	assert.Equal(t, "b[]", s.ask("PORT0", string(streamtest.ClientHello("b.com"))), "neither deny nor set of b.com apply")
	assert.Equal(t, "b.com", s.line("b_access.log"))
	assert.Equal(t, "a", s.ask("PORT0", string(streamtest.ClientHello("a.com"))))
	assert.Equal(t, "a", s.ask("PORT0", string(streamtest.ClientHello("other.com"))))
	assert.Empty(t, s.ask("PORT1", string(streamtest.ClientHello("b.com"))), "deny of the default server applies")
}

// Messages about names come when all servers of an address are known.
func TestServerNameConflicts(t *testing.T) {
	for _, tt := range []struct{ block, want string }{
		{`server { listen 1; server_name A.com; return x; } server { listen 1; server_name a.COM; return x; }`,
			`[warn] conflicting server name "a.com" on 0.0.0.0:1, ignored`},
		{`server { listen 1; server_name a.com a.com; return x; }`, ``},
		{`server { listen 1; server_name a..com; return x; }`, ``},
		{`server { listen 1; server_name A..com; return x; } server { listen 1; server_name b; return x; }`,
			`[emerg] invalid server name or wildcard "a..com" on 0.0.0.0:1`},
		{`server { listen 1; server_name ~(.) a..com; return x; }`,
			`[emerg] invalid server name or wildcard "a..com" on 0.0.0.0:1`},
		{`server { listen 1; server_name ~(.) ~. a..com; return x; }`, ``},
		{`server { listen 1; server_name *.; return x; }`, `[emerg] server name "*." is invalid in CONF:1`},
		{`server { listen 1; server_name ~a/b; return x; }`, `[warn] server name "~a/b" has suspicious symbols in CONF:1`},
		{`server { listen 1; server_name $HOSTNAME; return x; }`, ``},
	} {
		var want []string
		if tt.want != "" {
			want = []string{tt.want}
		}
		assert.Equal(t, want, whatIsSaid(t, "stream { "+tt.block+" }"), tt.block)
	}
}

// A configuration filled by hand is checked as well.
func TestServerNameByHand(t *testing.T) {
	text := "x"
	server := func(names ...string) *ServerConfig {
		return &ServerConfig{Listen: []Listen{{Address: "127.0.0.1:1"}}, ServerName: names, Return: &text}
	}
	_, err := New(&Config{Servers: []*ServerConfig{server("a"), server("a..b")}})
	assert.EqualError(t, err, `invalid server name or wildcard "a..b" on 127.0.0.1:1`)
	_, err = New(&Config{Servers: []*ServerConfig{server("a"), server("~(")}})
	assert.EqualError(t, err, `pcre2_compile() failed: missing closing parenthesis in "("`)
}
