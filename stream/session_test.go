package stream

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/streamtest"
)

// The steps come in nginx's order: each of these would end the session, and the
// first of them does.
func TestOrderOfPhases(t *testing.T) {
	const settings = `limit_conn z 1; deny all; ssl_preread on; preread_timeout 10ms;`
	for _, tt := range []struct{ say, settings, status, text string }{
		{"", "proxy_protocol_timeout 10ms; " + settings, "200", "client timed out (110: Connection timed out) while reading PROXY protocol, client: 127.0.0.1"},
		{"nonsense\r\n", settings, "400", `broken header: "nonsense" while reading PROXY protocol, client: 127.0.0.1`},
		{header1, settings, "503", `limiting connections by zone "z" while initializing session, client: 192.0.2.9`},
		{header1, `deny all; ssl_preread on; preread_timeout 10ms;`, "403", "access forbidden by rule while initializing session, client: 192.0.2.9"},
		{header1, `allow 192.0.2.9; deny all; ssl_preread on; preread_timeout 10ms;`, "200", ""},
		{header1, `deny 127.0.0.1; allow 192.0.2.0/24; deny all;`, "200", ""},
	} {
		eachTransport(t, func(t *testing.T, change func(*Config)) {
			s := startWith(t, change, `
				limit_conn_zone all zone=z:1m; set_real_ip_from 127.0.0.1;
				log_format l "$status $limit_conn_status"; access_log DIR/access.log l;
				server { listen unix:DIR/hold.sock; limit_conn z 1; proxy_pass SILENT; access_log off; }
				server { listen 127.0.0.1:PORT0 proxy_protocol; `+tt.settings+` return text; }`, "SILENT", streamtest.Silent(t))
			s.dial("DIR/hold.sock")
			streamtest.Eventually(t, "the first session", func() bool { return len(s.errors()) >= 2 })
			s.ask("PORT0", tt.say)
			assert.Equal(t, tt.status, s.line("access.log")[:3])
			said := s.errors("info", "error")[2:]
			if tt.text == "" {
				assert.Len(t, said, 1, "only the announcement")
				return
			}
			assert.Contains(t, said[len(said)-1], tt.text+", server: 127.0.0.1:"+s.ports["PORT0"])
		})
	}
}

// header1 tells of a client that is allowed in some of the tests.
const header1 = "PROXY TCP4 192.0.2.9 198.51.100.1 1000 80\r\n"

// set and map are evaluated when the session begins and when they are needed.
func TestSetAndMap(t *testing.T) {
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		s := startWith(t, change, `
			map $a $m { default "m($a)"; two "is two"; }
			map $a $v { volatile; default "v($a)"; }
			server { listen unix:DIR/s; set $a one; set $b "$a-$a"; set $c $m; set $a two; return "$a $b $c $m $v"; }
			server { listen unix:DIR/t; return "[$a][$b][$m]"; }`)
		assert.Equal(t, "two one-one m(one) m(one) v(two)", s.ask("DIR/s", ""))
		assert.Equal(t, "[][][m()]", s.ask("DIR/t", ""), "another server's set has not run")
	})
}

// Later rules of a server replace those of the stream block as a whole.
func TestAccessOfServers(t *testing.T) {
	s := start(t, `
		deny all;
		server { listen 127.0.0.1:PORT0; return denied; }
		server { listen 127.0.0.1:PORT1; allow 127.0.0.0/8; return allowed; }
		server { listen unix:DIR/s; allow 127.0.0.1; allow unix:; deny all; return unix; }
		server { listen unix:DIR/t; deny unix:; return unix; }
		server { listen [::1]:PORT2; allow ::/64; deny all; return six; }
		server { listen [::1]:PORT3; allow 0.0.0.0/0; deny ::1; return six; }`)
	for address, want := range map[string]string{
		"PORT0": "", "PORT1": "allowed", "DIR/s": "unix", "DIR/t": "", "[::1]:PORT2": "six", "[::1]:PORT3": "",
	} {
		assert.Equal(t, want, s.ask(address, ""), address)
	}
}

// The address in the header counts only if the peer may be trusted with it.
func TestRealIP(t *testing.T) {
	const show = `return "$remote_addr:$remote_port $realip_remote_addr $proxy_protocol_addr";`
	s := start(t, `
		server { listen 127.0.0.1:PORT0 proxy_protocol; set_real_ip_from 10.0.0.0/8; set_real_ip_from 127.0.0.1; `+show+` }
		server { listen 127.0.0.1:PORT1 proxy_protocol; set_real_ip_from 10.0.0.0/8; `+show+` }
		server { listen unix:DIR/s proxy_protocol; set_real_ip_from unix:; `+show+` }
		server { listen unix:DIR/t proxy_protocol; set_real_ip_from localhost; `+show+` }
		server { listen 127.0.0.1:PORT2 proxy_protocol; set_real_ip_from localhost; `+show+` }`)
	const head = "PROXY TCP6 2001:db8::9 2001:db8::1 1000 80\r\n"
	assert.Equal(t, "2001:db8::9:1000 127.0.0.1 2001:db8::9", s.ask("PORT0", head))
	assert.Regexp(t, `^127\.0\.0\.1:\d+ 127\.0\.0\.1 2001:db8::9$`, s.ask("PORT1", head))
	assert.Equal(t, "2001:db8::9:1000 unix: 2001:db8::9", s.ask("DIR/s", head))
	assert.Equal(t, "unix:: unix: 2001:db8::9", s.ask("DIR/t", head))
	assert.Equal(t, "2001:db8::9:1000 127.0.0.1 2001:db8::9", s.ask("PORT2", head))
}

// A ClientHello may come in pieces, and stays for the upstream to see.
func TestPrereadInPieces(t *testing.T) {
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		address, received := streamtest.Recorder(t)
		s := startWith(t, change, `
			map $ssl_preread_server_name $to { a.example REC; default 127.0.0.1:1; }
			server { listen 127.0.0.1:PORT0; ssl_preread on; proxy_pass $to; }`, "REC", address)
		hello := streamtest.ClientHello("a.example", "h2")
		c := s.dial("PORT0")
		for _, b := range hello {
			streamtest.Send(t, c, string(b))
		}
		streamtest.Send(t, c, "rest")
		require.NoError(t, c.Close())
		assert.Equal(t, string(hello)+"rest", streamtest.Receive(t, received))
	})
}

// What is no TLS goes on without the variables; as soon as that is clear.
func TestPrereadOther(t *testing.T) {
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		s := startWith(t, change, `server { listen 127.0.0.1:PORT0; ssl_preread on; return "[$ssl_preread_server_name$ssl_preread_protocol]"; }`)
		c := s.dial("PORT0")
		streamtest.Send(t, c, "GET / HTTP/1.0\r\n")
		streamtest.Expect(t, c, "[]")
	})
}

// Connections are numbered from one counter, clients' and upstreams' together.
func TestConnectionNumbers(t *testing.T) {
	s := start(t, `log_format l "$connection"; access_log DIR/access.log l;
		server { listen unix:DIR/r; return $connection; } server { listen unix:DIR/p; proxy_pass unix:DIR/r; }`)
	assert.Equal(t, "1", s.ask("DIR/r", ""))
	assert.Equal(t, "4", s.ask("DIR/p", ""), "2 is the client's, 3 our own, 4 is accepted")
	assert.Equal(t, "5", s.ask("DIR/r", ""))
}

// A defect in a session ends that session alone.
func TestPanicEndsOneSession(t *testing.T) {
	for name, workers := range transports {
		t.Run(name, func(t *testing.T) {
			s := &site{t: t, dir: t.TempDir()}
			cfg := s.config(`log_format l "$status"; access_log DIR/access.log l;
				server { listen unix:DIR/a; return a; } server { listen unix:DIR/b; return b; }`)
			cfg.Workers = workers
			var err error
			s.Server, err = New(cfg)
			require.NoError(t, err)
			s.gen.servers[cfg.Servers[0]].content = func(*Session) Status { panic("out of cheese") }
			require.NoError(t, s.Listen())
			require.NoError(t, s.Start())
			defer s.Close()
			assert.Empty(t, s.ask("DIR/a", ""))
			assert.Equal(t, "b", s.ask("DIR/b", ""))
			assert.Equal(t, []string{"500", "200"}, s.lines("access.log", 2))
			log, err := os.ReadFile(s.dir + "/error.log")
			require.NoError(t, err)
			assert.Contains(t, string(log), "[alert]")
			assert.Contains(t, string(log), "panic in session: out of cheese, the session is closed")
		})
	}
}
