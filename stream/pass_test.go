package stream

import (
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
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/addr"
	"github.com/gostream/gostream/internal/streamtest"
)

// show answers with what a session knows of itself.
const show = `return "$server_addr:$server_port $remote_addr $realip_remote_addr $proxy_protocol_addr $connection $x";`

const headerLine = "PROXY TCP4 192.0.2.7 192.0.2.8 1234 80\r\n"

// What nginx answered, for sessions that PORT0 passes.
func TestPass(t *testing.T) {
	for name, test := range map[string]struct{ servers, send, want string }{
		"tcp":     {`server { listen 127.0.0.1:PORT0; set $x one; pass 127.0.0.1:PORT1; } server { listen 127.0.0.1:PORT1; SHOW }`, "", "127.0.0.1:PORT1 127.0.0.1 127.0.0.1  1 "},
		"unix":    {`server { listen 127.0.0.1:PORT0; pass unix:DIR/u; } server { listen unix:DIR/u; SHOW }`, "", "unix:DIR/u: 127.0.0.1 127.0.0.1  1 "},
		"assigns": {`server { listen 127.0.0.1:PORT0; set $x one; pass 127.0.0.1:PORT1; } server { listen 127.0.0.1:PORT1; set $x two; SHOW }`, "", "127.0.0.1:PORT1 127.0.0.1 127.0.0.1  1 two"},
		"value":   {`server { listen 127.0.0.1:PORT0; set $y 127.0.0.1:PORT1; pass $y; } server { listen 127.0.0.1:PORT1; SHOW }`, "", "127.0.0.1:PORT1 127.0.0.1 127.0.0.1  1 "},
		"wildcard": {`server { listen 127.0.0.1:PORT0; pass 127.9.9.9:PORT1; } server { listen PORT1; SHOW }`, "",
			"127.9.9.9:PORT1 127.0.0.1 127.0.0.1  1 "},
		"address behind a wildcard": {`server { listen 127.0.0.1:PORT0; pass 127.0.0.2:PORT1; } server { listen PORT1; return wild; }
			server { listen 127.0.0.2:PORT1; SHOW }`, "", "127.0.0.2:PORT1 127.0.0.1 127.0.0.1  1 "},
		"header first": {`server { listen 127.0.0.1:PORT0 proxy_protocol; set_real_ip_from 127.0.0.0/8; pass 127.0.0.1:PORT1; }
			server { listen 127.0.0.1:PORT1; SHOW }`, headerLine, "127.0.0.1:PORT1 192.0.2.7 192.0.2.7 192.0.2.7 1 "},
		"header second": {`server { listen 127.0.0.1:PORT0; pass 127.0.0.1:PORT1; }
			server { listen 127.0.0.1:PORT1 proxy_protocol; set_real_ip_from 127.0.0.0/8; SHOW }`, headerLine, "127.0.0.1:PORT1 192.0.2.7 127.0.0.1 192.0.2.7 1 "},
		"header twice": {`server { listen 127.0.0.1:PORT0 proxy_protocol; pass 127.0.0.1:PORT1; }
			server { listen 127.0.0.1:PORT1 proxy_protocol; set_real_ip_from 127.0.0.0/8; SHOW }`,
			headerLine + "PROXY TCP4 192.0.2.9 192.0.2.8 1234 80\r\n", "127.0.0.1:PORT1 192.0.2.9 127.0.0.1 192.0.2.9 1 "},
		"trusted twice": {`server { listen 127.0.0.1:PORT0 proxy_protocol; set_real_ip_from 127.0.0.0/8; pass 127.0.0.1:PORT1; }
			server { listen 127.0.0.1:PORT1; set_real_ip_from 192.0.2.0/24; SHOW }`, headerLine, "127.0.0.1:PORT1 192.0.2.7 192.0.2.7 192.0.2.7 1 "},
		"preread on both sides": {`server { listen 127.0.0.1:PORT0; ssl_preread on; pass 127.0.0.1:PORT1; }
			server { listen 127.0.0.1:PORT1; ssl_preread on; proxy_pass ECHO; }`, string(streamtest.ClientHello("a.example")), string(streamtest.ClientHello("a.example"))},
	} {
		t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
			eachTransport(t, func(t *testing.T, change func(*Config)) {
				s := startWith(t, change, "server { listen unix:DIR/other; set $x 0; return x; }"+test.servers, "SHOW", show, "ECHO", streamtest.Echo(t, ""))
				c := s.dial("PORT0")
				streamtest.Send(t, c, test.send)
				streamtest.Expect(t, c, s.text(test.want))
				require.Empty(t, s.errors("error", "alert", "crit"))
			})
		})
	}
}

// The new address knows nothing of what was preread for the old one.
func TestPassForgetsPreread(t *testing.T) {
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		s := startWith(t, change, `log_format f "$ssl_preread_server_name|$x"; access_log DIR/access.log f;
			server { listen 127.0.0.1:PORT0; ssl_preread on; set $x assigned; pass 127.0.0.1:PORT1; }
			server { listen 127.0.0.1:PORT1; proxy_pass ECHO; }`, "ECHO", streamtest.Echo(t, ""))
		hello, c := string(streamtest.ClientHello("a.example")), s.dial("PORT0")
		streamtest.Send(t, c, hello)
		streamtest.Expect(t, c, hello)
		c.Close()
		assert.Equal(t, "-|", s.line("access.log"), "a variable is empty until it is assigned")
	})
}

// Why nginx did not pass a session on, and the status it ended with.
func TestPassFails(t *testing.T) {
	const answer = " server { listen 127.0.0.1:PORT1; return x; }"
	for name, test := range map[string]struct{ servers, status, want string }{
		"nobody":     {`server { listen 127.0.0.1:PORT0; pass 127.0.0.1:PORT1; }`, "200", `port not found for "127.0.0.1:PORT1"`},
		"no file":    {`server { listen 127.0.0.1:PORT0; pass unix:DIR/none; }`, "200", `port not found for "unix:DIR/none"`},
		"datagrams":  {`server { listen 127.0.0.1:PORT0; pass 127.0.0.1:PORT1; } server { listen 127.0.0.1:PORT1 udp; return x; }`, "200", `port not found for "127.0.0.1:PORT1"`},
		"other host": {`server { listen 127.0.0.1:PORT0; pass 127.0.0.2:PORT1; }` + answer, "200", `port not found for "127.0.0.2:PORT1"`},
		"other IP":   {`server { listen 127.0.0.1:PORT0; pass [::1]:PORT1; } server { listen PORT1; return x; }`, "200", `port not found for "[::1]:PORT1"`},
		"port 0":     {`server { listen 127.0.0.1:PORT0; set $y 127.0.0.1:0; pass $y; }`, "500", `invalid port in pass "127.0.0.1:0"`},
		"no port":    {`server { listen 127.0.0.1:PORT0; set $y 127.0.0.1; pass $y; }`, "500", `no port in pass "127.0.0.1"`},
		"empty":      {`server { listen 127.0.0.1:PORT0; set $y ""; pass $y; }`, "500", `no host in pass ""`},
		"name":       {`server { listen 127.0.0.1:PORT0; set $y localhost:PORT1; pass $y; }` + answer, "500", `no addresses in pass "localhost:PORT1"`},
		"URL":        {`server { listen 127.0.0.1:PORT0; set $y http://x; pass $y; }`, "500", `invalid host in pass "http://x"`},
		"no path":    {`server { listen 127.0.0.1:PORT0; set $y unix:; pass $y; }`, "500", `no path in the unix domain socket in pass "unix:"`},
	} {
		t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
			eachTransport(t, func(t *testing.T, change func(*Config)) {
				s := startWith(t, change, "log_format f $status; access_log DIR/access.log f; "+test.servers)
				assert.Empty(t, s.ask("PORT0", ""))
				assert.Equal(t, test.status, s.line("access.log"))
				assert.Equal(t, []string{"[error] *1 " + s.text(test.want+" while passing connection to port, client: 127.0.0.1, server: 127.0.0.1:PORT0")}, s.errors("error"))
			})
		})
	}
}

// Ten passes are allowed.
func TestPassCycle(t *testing.T) {
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		s := startWith(t, change, `log_format f "$status $server_port"; access_log DIR/access.log f;
			server { listen 127.0.0.1:PORT0; pass 127.0.0.1:PORT1; } server { listen 127.0.0.1:PORT1; pass 127.0.0.1:PORT0; }`)
		assert.Empty(t, s.ask("PORT0", ""))
		assert.Equal(t, s.text("500 PORT0"), s.line("access.log"), "one line, by the last server")
		assert.Len(t, s.errors("info"), 11)
		assert.Equal(t, []string{s.text("[error] *1 stream pass cycle while passing connection to port, client: 127.0.0.1, server: 127.0.0.1:PORT0")}, s.errors("error"))
	})
}

// The log of the server that passes on says nothing; what a session is counted
// under, it stays counted under.
func TestPassLogsAndLimits(t *testing.T) {
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		s := startWith(t, change, `log_format f "$status $server_port $bytes_sent $limit_conn_status"; limit_conn_zone $binary_remote_addr zone=z:1m;
			server { listen 127.0.0.1:PORT0; limit_conn z 1; access_log DIR/first.log f; pass 127.0.0.1:PORT1; }
			server { listen 127.0.0.1:PORT1; access_log DIR/access.log f; proxy_pass ECHO; }`, "ECHO", streamtest.Echo(t, ""))
		first := s.dial("PORT0")
		streamtest.Send(t, first, "hello")
		streamtest.Expect(t, first, "hello")
		assert.Empty(t, s.ask("PORT0", ""))
		assert.Equal(t, s.text("503 PORT0 0 REJECTED"), s.line("first.log"))
		first.Close()
		assert.Equal(t, s.text("200 PORT1 5 -"), s.line("access.log"))
		require.NoError(t, s.gen.counters.wait(t.Context())) // limits are released after that

		again := s.dial("PORT0")
		streamtest.Send(t, again, "hello")
		streamtest.Expect(t, again, "hello")
	})
}

// A session goes on with what its client has sent, whatever transport the new
// address takes.
func TestPassToTLS(t *testing.T) {
	certs := certificate(t)
	for name, test := range map[string]struct{ servers, send, want string }{
		"plain to ssl":            {`server { listen 127.0.0.1:PORT0; pass 127.0.0.1:PORT1; } server { listen 127.0.0.1:PORT1 ssl; return $server_port; }`, "", "PORT1"},
		"ssl to plain":            {`server { listen 127.0.0.1:PORT0 ssl; pass 127.0.0.1:PORT1; } server { listen 127.0.0.1:PORT1; return $server_port; }`, "", "PORT1"},
		"ssl to ssl":              {`server { listen 127.0.0.1:PORT0 ssl; pass 127.0.0.1:PORT1; } server { listen 127.0.0.1:PORT1 ssl; return $server_port; }`, "", "PORT1"},
		"after preread":           {`server { listen 127.0.0.1:PORT0; ssl_preread on; pass 127.0.0.1:PORT1; } server { listen 127.0.0.1:PORT1 ssl; return $server_port; }`, "", "PORT1"},
		"header, then ssl":        {`server { listen 127.0.0.1:PORT0 proxy_protocol; pass 127.0.0.1:PORT1; } server { listen 127.0.0.1:PORT1 ssl; return $proxy_protocol_addr; }`, headerLine, "192.0.2.7"},
		"header with ssl":         {`server { listen 127.0.0.1:PORT0; pass 127.0.0.1:PORT1; } server { listen 127.0.0.1:PORT1 ssl proxy_protocol; return $proxy_protocol_addr; }`, headerLine, "192.0.2.7"},
		"one address of a socket": {`server { listen PORT0; return x; } server { listen 127.0.0.1:PORT0 ssl; return $server_addr; }`, "", "127.0.0.1"},
	} {
		t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
			eachTransport(t, func(t *testing.T, change func(*Config)) {
				s := startWith(t, change, `ssl_certificate CERTS/c.pem; ssl_certificate_key CERTS/k.pem; `+test.servers, "CERTS", certs)
				raw := &headed{Conn: s.dial("PORT0"), first: []byte(test.send)}
				c := tls.Client(raw, &tls.Config{InsecureSkipVerify: true, ServerName: "a.example"})
				got, err := io.ReadAll(c)
				require.NoError(t, err)
				assert.Equal(t, s.text(test.want), string(got))
				c.Close()
				s.shutdown()
				assert.Zero(t, s.gen.counters.sessions)
			})
		})
	}
}

// What was recorded of nginx; the third case shows a variable of TLS sessions,
// which are not served yet.
func TestPassRecordings(t *testing.T) {
	certs, replayed := certificate(t), 0
	for _, raw := range rawRecordings(t, "pass") {
		var v struct {
			Input  struct{ From, Return string }
			Output string
		}
		require.NoError(t, json.Unmarshal(raw, &v))
		if strings.Contains(v.Input.Return, "$ssl_protocol") {
			continue
		}
		replayed++
		overTLS := strings.Contains(v.Input.From, "ssl")
		listen := "127.0.0.1:PORT0"
		if overTLS {
			listen += " ssl"
		}
		eachTransport(t, func(t *testing.T, change func(*Config)) {
			s := startWith(t, change, `ssl_certificate CERTS/c.pem; ssl_certificate_key CERTS/k.pem;
				server { listen `+listen+`; pass 127.0.0.1:PORT1; } server { listen 127.0.0.1:PORT1; return "`+v.Input.Return+`"; }`, "CERTS", certs)
			c := s.dial("PORT0")
			if overTLS {
				c = tls.Client(c, &tls.Config{InsecureSkipVerify: true})
			}
			got, err := io.ReadAll(c)
			require.NoError(t, err)
			// The connection had another number, as the server had served before.
			want, _, _ := strings.Cut(strings.ReplaceAll(v.Output, " 5", " 1"), " (")
			assert.Equal(t, want, strings.ReplaceAll(string(got), s.ports["PORT1"], "14476"))
		})
	}
	assert.Equal(t, 2, replayed)
}

// headed sends something before, and together with, what is written first.
type headed struct {
	net.Conn
	first []byte
}

func (c *headed) Write(p []byte) (int, error) {
	if len(c.first) > 0 {
		n, err := c.Conn.Write(append(c.first, p...))
		n = max(n-len(c.first), 0)
		c.first = nil
		return n, err
	}
	return c.Conn.Write(p)
}

// What was preread inside of TLS cannot be put back.
func TestPassWithPrereadData(t *testing.T) {
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		s := startWith(t, change, `ssl_certificate CERTS/c.pem; ssl_certificate_key CERTS/k.pem; log_format f $status; access_log DIR/access.log f;
			server { listen 127.0.0.1:PORT0 ssl; ssl_preread on; pass 127.0.0.1:PORT1; } server { listen 127.0.0.1:PORT1; return x; }`, "CERTS", certificate(t))
		c := tls.Client(s.dial("PORT0"), &tls.Config{InsecureSkipVerify: true})
		streamtest.Send(t, c, "GET / HTTP/1.0\r\n\r\n")
		_, err := c.Read(make([]byte, 1))
		require.Error(t, err)
		assert.Equal(t, "500", s.line("access.log"))
		assert.Equal(t, []string{s.text("[error] *1 cannot pass connection with preread data while passing connection to port, client: 127.0.0.1, server: 127.0.0.1:PORT0")}, s.errors("error"))
	})
}

func TestPassRefusesDatagrams(t *testing.T) {
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		s := startWith(t, change, `log_format f $status; access_log DIR/access.log f; server { listen 127.0.0.1:PORT0 udp; pass 127.0.0.1:PORT1; } server { listen 127.0.0.1:PORT1; return x; }`)
		c, err := net.Dial("udp", s.text("127.0.0.1:PORT0"))
		require.NoError(t, err)
		defer c.Close()
		streamtest.Send(t, c, "x")
		assert.Equal(t, "500", s.line("access.log"))
		assert.Equal(t, []string{s.text("[error] *1 cannot pass udp connection while passing connection to port, udp client: 127.0.0.1, server: 127.0.0.1:PORT0")}, s.errors("error"))
	})
}

// Sessions that were passed before a reload go on; later ones go where the new
// configuration says.
func TestPassAfterReload(t *testing.T) {
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		s := startWith(t, change, `server { listen 127.0.0.1:PORT0; pass 127.0.0.1:PORT1; } server { listen 127.0.0.1:PORT1; proxy_pass ECHO; }`, "ECHO", streamtest.Echo(t, ""))
		c := s.dial("PORT0")
		streamtest.Send(t, c, "one")
		streamtest.Expect(t, c, "one")
		require.NoError(t, s.Reload(s.config(`server { listen 127.0.0.1:PORT0; pass unix:DIR/u; } server { listen unix:DIR/u; return new; }`)))
		assert.Equal(t, "new", s.ask("PORT0", ""))
		streamtest.Send(t, c, "two")
		streamtest.Expect(t, c, "two")
	})
}

func TestStrayPasses(t *testing.T) {
	dir := t.TempDir()
	_, f := compileText(dir+"/conf", `stream {
		server { listen 127.0.0.1:1001; pass 127.0.0.1:1002; }
		server { listen 127.0.0.1:1002; pass 127.0.0.1:1003; }
		server { listen 127.0.0.1:1004 udp; set $x 127.0.0.1:1; pass $x; }
		server { listen 1005; pass 127.0.0.1:1004; }
		server { listen unix:/x; pass 127.1.1.1:1005; }
		server { listen unix:/y; pass [::1]:1005; return x; }
		server { listen unix:/z; return x; pass unix:/x; }
		server { listen unix:/a; pass unix:/none; }
	}`)
	require.Empty(t, f.log)
	var got []string
	for _, err := range f.stream.StrayPasses() {
		got = append(got, strings.ReplaceAll(err.Error(), dir+"/", ""))
	}
	const why = ` leads nowhere: no server of the "stream" block listens there, and those of other blocks are not served in conf:`
	assert.Equal(t, []string{
		`"pass" to "127.0.0.1:1003"` + why + "3",
		`"pass" to "127.0.0.1:1004"` + why + "5",
		`"pass" to "unix:/none"` + why + "9",
	}, got)
}

// A library's servers pass sessions on as well, also those of its own listeners.
func TestPassOfForeignListener(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	text := "passed"
	path := filepath.Join(shortTempDir(t), "s")
	srv, err := New(&Config{Servers: []*ServerConfig{
		{Listener: ln, Pass: "unix:" + path},
		{Listen: []Listen{{Address: "unix:" + path}}, Return: &text},
	}})
	require.NoError(t, err)
	require.NoError(t, srv.Listen())
	require.NoError(t, srv.Start())
	defer srv.Close()
	assert.Equal(t, text, readAll(t, dial(t, ln.Addr())))
	_, err = New(&Config{Servers: []*ServerConfig{{Listener: ln, Pass: "$nothing"}}})
	assert.EqualError(t, err, `unknown "nothing" variable`)
}

func FuzzLeadsTo(f *testing.F) {
	f.Add("127.0.0.1:80", "0.0.0.0:80")
	f.Add("[::1]:80", "[::]:80")
	f.Add("unix:/a", "unix:/a")
	f.Fuzz(func(t *testing.T, to, listening string) {
		a, err := addr.Parse(to, addr.Options{NoResolve: true})
		if err != nil || len(a.Addrs) == 0 {
			return
		}
		b, err := addr.Parse(listening, addr.Options{NoResolve: true})
		if err != nil || len(b.Addrs) == 0 {
			return
		}
		if leadsTo(a.Addrs[0], b.Addrs[0]) {
			assert.Equal(t, a.Addrs[0].Port(), b.Addrs[0].Port())
			assert.True(t, a.Addrs[0] == b.Addrs[0] || b.Addrs[0].IsWildcard())
		}
		assert.True(t, leadsTo(a.Addrs[0], a.Addrs[0]))
	})
}

// certificate makes a folder with a certificate, c.pem, and its key, k.pem.
func certificate(t *testing.T) (dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a.example"}, NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	dir = t.TempDir()
	for name, block := range map[string]*pem.Block{"c.pem": {Type: "CERTIFICATE", Bytes: cert}, "k.pem": {Type: "PRIVATE KEY", Bytes: raw}} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600))
	}
	return dir
}
