//go:build unix

package conformance

// fuzz_script_test.go - random scripts: servers of all kinds, and clients that
// visit them. What a client does depends on what it receives only, so that the
// outcome is the same each time.

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// until waits for a text, wherever it comes, or the end.
func (p *peer) until(text string) error {
	return p.wait(func() bool {
		p.told = p.told || p.end != ""
		return p.end != "" || strings.Contains(string(p.got), text)
	})
}

// try sends if the connection has not ended.
func (p *peer) try(text string) error {
	p.mu.Lock()
	ended := p.end != ""
	p.mu.Unlock()
	if !ended {
		_, _ = p.conn.Write([]byte(text))
	}
	return nil
}

// play is a script in the making.
type play struct {
	*rand.Rand
	tls      bool       // servers and clients may speak TLS
	ports    []string   // of servers and backends
	taken    int        // how many of the ports are in use
	backends []string   // steps
	stream   [][]string // of the stream block, what belongs together in one
	houses   []house    // servers
	visits   []visit
}

// house is a server, and how it is visited.
type house struct {
	port    string
	proxied bool // the PROXY header comes first
	preread bool // the client speaks first
	tls     bool // after a handshake
	halves  bool // half close
	timeout bool // sessions end by themselves
}

// visit is one client: what it does in the house, and how it leaves.
type visit struct {
	name    string
	in, out []string
	stays   bool // until the next one has left
}

// fuzzLog is the log of sessions, one line for each.
const fuzzLog = `log_format all '$remote_addr $remote_port|$server_addr $server_port|$realip_remote_addr $realip_remote_port|$protocol $status $bytes_sent $bytes_received $session_time|'
'$upstream_addr|$upstream_bytes_sent|$upstream_bytes_received|$upstream_connect_time|$upstream_first_byte_time|$upstream_session_time|'
'$ssl_preread_server_name|$ssl_preread_alpn_protocols|$ssl_preread_protocol|$proxy_protocol_addr $proxy_protocol_port $proxy_protocol_server_addr $proxy_protocol_server_port '
'$proxy_protocol_tlv_authority $proxy_protocol_tlv_0x01|$limit_conn_status|$binary_remote_addr|$connection|$m|$n|$g|$s|$v|'
'$ssl_protocol $ssl_server_name $ssl_alpn_protocol $ssl_client_verify $ssl_client_s_dn $ssl_session_reused END';
access_log access.log all;
`

// newPlay makes up a script that needs some ports.
func newPlay(r *rand.Rand, ports []string, overTLS bool) *play {
	p := &play{Rand: r, tls: overTLS, ports: ports}
	p.variables()
	for i := range 1 + p.IntN(2) {
		p.upstream(fmt.Sprintf("u%d", i))
	}
	for i := range 1 + p.IntN(3) {
		p.house(i)
	}
	for i := range 1 + p.IntN(6) {
		p.visit(fmt.Sprintf("c%d", i))
	}
	return p
}

// fuzzPorts is how many ports a play has at most.
const fuzzPorts = 19

func (p *play) port() string {
	p.taken++
	return p.ports[p.taken-1]
}

// variables defines $m, $n, $g, $s and $v, which all servers log.
func (p *play) variables() {
	address := []string{"127.0.0.1", "127.0.0.2", "~^127\\.0\\.0\\.(?<last>[1-3])$", "~*^(.*)\\.3$", "default", "\"\"", "10.1.2.3"}
	value := []string{"a", "$remote_addr", "x$1y", "$ssl_preread_server_name", "\"\"", "$s$server_port", "-"}
	entries := func(n int, keys, values []string) (lines []string) {
		p.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
		for _, key := range keys[:n] {
			lines = append(lines, key+" "+pick(p.Rand, values)+";")
		}
		return append(lines, "}")
	}
	p.add("map $remote_addr $m {", entries(p.IntN(5), address, value)...)
	names := []string{"a.example", "*.example", ".b.example", "www.*", "default", "~^(?<sub>\\w+)\\.", "\"\""}
	hosts := append([]string{"hostnames;"}, entries(p.IntN(6), names, append(value, "$sub"))...)
	p.add("map $ssl_preread_server_name $n {", hosts...)
	networks := []string{"127.0.0.0/8", "127.0.0.2", "127.0.0.2/31", "default", "10.0.0.0/8", "::/0", "0.0.0.0/0"}
	p.add(pick(p.Rand, []string{"geo $g {", "geo $remote_addr $g {", "geo $proxy_protocol_addr $g {"}),
		entries(p.IntN(6), networks, []string{"1", "two", "\"\"", "x.y"})...)
	p.add(pick(p.Rand, []string{"split_clients $remote_addr $s {", "split_clients \"$remote_addr:$g\" $s {"}),
		entries(1+p.IntN(3), []string{"10% a;\n*", "33.3% b;\n50.05% c;\n10%", "0.01% d;\n98% \"\";\n*", "*"}[:3], []string{"e", "\"\""})[:1]...)
	p.stream[len(p.stream)-1] = append(p.stream[len(p.stream)-1], "}")
}

func (p *play) add(first string, more ...string) {
	p.stream = append(p.stream, append([]string{first}, more...))
}

// destination is an address with something behind it, or nothing.
func (p *play) destination() string {
	port := p.port()
	name := "b" + port
	how := pick(p.Rand, []string{"echo", "echo", "echo", "say", ""})
	if how != "" {
		greeting := "hi-" + name
		if how == "echo" { // and waits: clients that see the newline go on
			greeting += "\n"
		}
		p.backends = append(p.backends, fmt.Sprintf("backend %s 127.0.0.1:%s %s %q", name, port, how, greeting))
	}
	return "127.0.0.1:" + port
}

// tlsProxy passes on to a backend that speaks TLS.
func (p *play) tlsProxy() string {
	port := p.port()
	p.backends = append(p.backends, fmt.Sprintf("backend b%s 127.0.0.1:%[1]s tls-echo \"hi-b%[1]s\\n\"", port))
	return fmt.Sprintf("proxy_pass 127.0.0.1:%s;\nproxy_ssl on;\n", port) + pick(p.Rand, []string{"", "", "proxy_ssl_protocols TLSv1.2;",
		"proxy_ssl_server_name on;\nproxy_ssl_name two.example.com;", "proxy_ssl_session_reuse off;",
		"proxy_ssl_certificate tls/client.pem;\nproxy_ssl_certificate_key tls/client.key;",
		"proxy_ssl_verify on;\nproxy_ssl_trusted_certificate tls/ca.pem;\nproxy_ssl_name one.example.com;",
		"proxy_ssl_verify on;\nproxy_ssl_trusted_certificate tls/ca.pem;\nproxy_ssl_name other.example.com;",
		"proxy_ssl_verify on;\nproxy_ssl_trusted_certificate tls/other-ca.pem;\nproxy_ssl_name $ssl_preread_server_name;"})
}

func (p *play) upstream(name string) {
	lines := []string{}
	method := pick(p.Rand, []string{"", "", "least_conn;", "hash $remote_addr;", "hash $remote_addr consistent;", "hash $g$m consistent;", "hash $m;"})
	if method != "" {
		lines = append(lines, method)
	}
	if chance(p.Rand, 30) {
		lines = append(lines, "zone "+name+" 64k;")
	}
	for i := range 1 + p.IntN(3) {
		server := "server " + p.destination()
		for chance(p.Rand, 30) {
			option := pick(p.Rand, []string{"weight=2", "weight=5", "max_fails=0", "max_fails=2", "fail_timeout=1h", "fail_timeout=1h", "max_conns=1", "down", "backup"})
			if option == "backup" && (i == 0 || strings.HasPrefix(method, "hash")) || strings.Contains(server, strings.SplitN(option, "=", 2)[0]) {
				continue
			}
			server += " " + option
		}
		lines = append(lines, server+";")
	}
	p.add("upstream "+name+" {", append(lines, "}")...)
}

// house adds a server.
func (p *play) house(number int) {
	h := house{port: p.port(), proxied: chance(p.Rand, 20), preread: chance(p.Rand, 25), halves: chance(p.Rand, 20), timeout: chance(p.Rand, 10)}
	h.tls = p.tls && !h.preread && chance(p.Rand, 20)
	listen := "listen 127.0.0.1:" + h.port
	if chance(p.Rand, 15) {
		listen = "listen " + h.port
	}
	if h.proxied {
		listen += " proxy_protocol"
	}
	if h.tls {
		listen += " ssl"
	}
	lines := []string{listen + ";"}
	option := func(percent int, choices ...string) {
		if chance(p.Rand, percent) {
			lines = append(lines, pick(p.Rand, choices))
		}
	}
	if h.preread {
		lines = append(lines, "ssl_preread on;", "preread_timeout 400ms;")
		option(20, "preread_buffer_size 64;", "preread_buffer_size 16;")
	} else {
		option(20, "allow 127.0.0.1;\ndeny all;", "deny 127.0.0.2;", "allow 10.0.0.0/8;\ndeny all;", "deny ::1;", "allow 127.0.0.2/31;\ndeny 127.0.0.0/8;", "deny unix:;")
	}
	if h.proxied {
		option(50, "set_real_ip_from 127.0.0.1;", "set_real_ip_from 127.0.0.0/8;", "set_real_ip_from unix:;", "set_real_ip_from 0.0.0.0/0;")
	}
	if h.tls {
		lines = append(lines, "ssl_certificate tls/one.pem;", "ssl_certificate_key tls/one.key;")
		option(30, "ssl_protocols TLSv1.2;", "ssl_protocols TLSv1.3;", "ssl_session_tickets off;", "ssl_reject_handshake on;")
		option(30, "ssl_alpn one two;", "ssl_alpn two;")
		option(30, "ssl_client_certificate tls/ca.pem;\nssl_verify_client on;", "ssl_client_certificate tls/ca.pem;\nssl_verify_client optional;",
			"ssl_client_certificate tls/ca.pem;\nssl_verify_client on;\nssl_crl tls/crl.pem;", "ssl_verify_client optional_no_ca;\nssl_client_certificate tls/other-ca.pem;")
	}
	if h.halves {
		lines = append(lines, "proxy_half_close on;")
	}
	if h.timeout {
		lines = append(lines, "proxy_timeout 300ms;")
	}
	option(40, "set $v $remote_addr;", "set $v x;", "set $v $server_port-$m;", "set $v \"\";")
	option(20, "proxy_protocol on;")
	option(15, "proxy_bind 127.0.0.9;", "proxy_bind $remote_addr;", "proxy_bind 127.0.0.8:0;")
	if !h.tls { // nginx counts a session until its client has closed, too
		option(20, "limit_conn lz 1;", "limit_conn lz 2;", "limit_conn lm 1;\nlimit_conn_log_level warn;", "limit_conn lz 1;\nlimit_conn_dry_run on;")
	}
	option(15, "proxy_next_upstream off;", "proxy_next_upstream_tries 1;", "proxy_next_upstream_tries 2;")
	option(10, "proxy_buffer_size 16;", "tcp_nodelay off;", "proxy_socket_keepalive on;")
	option(10, "error_log other.log crit;\nerror_log error.log info;")
	content := []string{
		`return "$remote_addr $m|$n|$g|$s|$v|$protocol";`, "return $bytes_received$status;", `return "";`,
		"proxy_pass u0;", "proxy_pass u0;", "proxy_pass u0;", "proxy_pass $unset;",
	}
	for range 2 {
		content = append(content, "proxy_pass "+p.destination()+";")
	}
	if p.tls {
		content = append(content, p.tlsProxy())
	}
	if len(p.houses) > 0 && !h.preread {
		content = append(content, "pass 127.0.0.1:"+p.houses[0].port+";")
	}
	lines = append(lines, pick(p.Rand, content), "}")
	p.houses = append(p.houses, h)
	p.add("server {", lines...)
}

// config is the text of the configuration.
func (p *play) config() string {
	var b strings.Builder
	b.WriteString("error_log error.log info;\nevents {}\nstream {\n" + fuzzLog)
	b.WriteString("limit_conn_zone $binary_remote_addr zone=lz:32k;\nlimit_conn_zone $m zone=lm:32k;\nmap $hostname $unset { default \"u1\"; }\n")
	b.WriteString("map $hostname $v { volatile; }\n")
	for _, lines := range p.stream {
		b.WriteString(strings.Join(lines, "\n") + "\n")
	}
	b.WriteString("}\n")
	return b.String()
}

// firstBytes are what clients say to a server that reads ahead, and how the echo
// of that ends.
var firstBytes = []struct{ step, end string }{
	{"hello NAME sni=a.example", endOfHello}, {"hello NAME sni=www.x alpn=h2,http/1.1", endOfHello}, {"hello NAME sni=A.B.example", endOfHello},
	{"hello NAME", endOfHello}, {"hello NAME alpn=x", endOfHello}, {"hello NAME sni=a.example bytes=40", endOfHello},
	{`send NAME "no TLS at all!"`, "all!"}, {`send NAME "\x16\x03\x01"`, endOfHello}, {`send NAME "\x80\x2e\x01\x03\x01"`, "\x80\x2e\x01\x03\x01"},
	{"half-close NAME", endOfHello},
}

// endOfHello are the versions that the last extension offers.
const endOfHello = "\x02\x03\x04"

// visit adds a client.
func (p *play) visit(name string) {
	h := pick(p.Rand, p.houses)
	connect := "connect " + name + " 127.0.0.1:" + h.port
	if from := p.IntN(5); from > 1 {
		connect += fmt.Sprintf(" from=127.0.0.%d", from)
	}
	if h.tls {
		connect += " tls"
	}
	in := []string{connect}
	do := func(step string) { in = append(in, strings.Replace(step, "NAME", name, 1)) }
	if h.proxied {
		do(pick(p.Rand, []string{
			"proxy NAME v1 10.1.2.3:1000 127.0.0.2:2000", "proxy NAME v1 [2001:db8::1]:5 [::1]:6", `send NAME "PROXY UNKNOWN\r\n"`,
			"proxy NAME v2 10.1.2.3:1000 127.0.0.2:2000", "proxy NAME v2 10.9.2.3:1 127.0.0.3:65535 authority=a.example", "proxy NAME v2 local",
			`send NAME "PROXY TCP4 1.2.3.4 1.2.3.4 1 x\r\n"`, `send NAME "nonsense\r\n"`, `send NAME "PROXY TCP4 127.0.0.3 127.0.0.1 80 81\r\n"`,
		}))
	}
	if h.tls {
		hello := "tls NAME"
		for _, option := range [][]string{{"", "", " sni=one.example.com", " sni=two.example.com"}, {"", "", " alpn=one,two", " alpn=two"},
			{"", " cert=client", " cert=revoked", " cert=expired", " cert=stranger"}, {"", "", " max=1.2"}} {
			hello += pick(p.Rand, option)
		}
		do(hello)
	}
	token := name + "!"
	if h.preread {
		first := pick(p.Rand, firstBytes)
		if h.proxied { // and may be refused already
			first.step = "may " + first.step
		}
		do(first.step)
		do(fmt.Sprintf("until NAME %q", first.end))
	} else {
		do(`until NAME "\n"`)
	}
	if !h.timeout && !h.preread {
		for range p.IntN(3) {
			do(fmt.Sprintf("try NAME %q", pick(p.Rand, []string{"x", "hello\n", strings.Repeat("long", 30), "\x00\xff"})))
		}
		do(fmt.Sprintf("try NAME %q", token))
		do(fmt.Sprintf("until NAME %q", token))
	}
	leave := pick(p.Rand, []string{"close NAME", "close NAME", "reset NAME"})
	if h.timeout {
		leave = "end NAME"
	} else if h.halves && !h.preread && chance(p.Rand, 50) {
		leave = "half-close NAME\nend NAME"
	}
	out := strings.Split(strings.ReplaceAll(leave, "NAME", name), "\n")
	p.visits = append(p.visits, visit{name: name, in: in, out: out, stays: !h.timeout && chance(p.Rand, 40)})
}

// steps are those of the backends and visits. Of visits some stay while others
// come and go; after each that leaves its line must be in the log, where its port
// is that of $realip_remote_port at least.
func (p *play) steps() []string {
	steps := slices.Clone(p.backends)
	leave := func(v visit) {
		steps = append(append(steps, v.out...), fmt.Sprintf("wait access.log %q", " $"+v.name+"|"))
	}
	var staying []visit
	for _, v := range p.visits {
		steps = append(steps, v.in...)
		if v.stays {
			staying = append(staying, v)
			continue
		}
		leave(v)
		if len(staying) > 1 {
			leave(staying[0])
			staying = staying[1:]
		}
	}
	for _, v := range staying {
		leave(v)
	}
	return steps
}

// script is the play as it is performed.
func (p *play) script() *script {
	return &script{files: map[string]string{"nginx.conf": p.config()}, steps: p.steps()}
}
