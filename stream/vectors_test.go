package stream

// vectors_test.go - what single clients got from nginx 1.31.5, and what it
// logged for them.

import (
	"encoding/hex"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/streamtest"
	"github.com/gostream/gostream/proxyproto"
)

// names is a set of virtual servers as the recordings have it, with a line to
// tell them apart.
const names = `
	server { listen 127.0.0.1:PORT0; ssl_preread on; server_name first.com; return "S1|LINE"; }
	server { listen 127.0.0.1:PORT0; ssl_preread on; server_name exact.example.com .dot.com; return "S2|LINE"; }
	server { listen 127.0.0.1:PORT0; ssl_preread on; server_name *.example.com; return "S3|LINE"; }
	server { listen 127.0.0.1:PORT0; ssl_preread on; server_name www.example.*; return "S4|LINE"; }
	server { listen 127.0.0.1:PORT0; ssl_preread on; server_name *.sub.example.com; return "S5|LINE"; }
	server { listen 127.0.0.1:PORT0; ssl_preread on; server_name ~^(?<u>[a-z]+)\d+\.re\.com$; return "S6|LINE|u=$u|1=$1"; }
	server { listen 127.0.0.1:PORT0; ssl_preread on; server_name ~^first; return "S7|LINE"; }
	server { listen 127.0.0.1:PORT0; ssl_preread on; server_name ~Upper\.CASE; return "S8|LINE"; }
	server { listen 127.0.0.1:PORT0; ssl_preread on; server_name ""; return "S9|LINE"; }
	server { listen 127.0.0.1:PORT0; ssl_preread on; server_name *.org ~.*\.org$; return "S10|LINE"; }
	server { listen 127.0.0.1:PORT0 default_server; ssl_preread on; server_name deflt.com; return "S11|LINE"; }
	server { listen 127.0.0.1:PORT0; ssl_preread on; server_name mail.*; return "S12|LINE"; }
	map x $reserved { "~(?<u>zz)" ""; }
`

func TestServerNameSessions(t *testing.T) {
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		s := startWith(t, change, names, "LINE", "$server_name|$ssl_preread_server_name|$ssl_preread_protocol|$ssl_preread_alpn_protocols")
		for _, raw := range rawRecordings(t, "server_name (ssl_preread SNI)") {
			var v struct {
				Input struct{ SNI *string }
				Full  string
			}
			require.NoError(t, json.Unmarshal(raw, &v))
			name := ""
			if v.Input.SNI != nil {
				name = latin1(*v.Input.SNI)
			}
			assert.Equal(t, latin1(v.Full), s.ask("PORT0", string(streamtest.ClientHello(name))), "%q", name)
		}
	})
}

func TestFirstServerNameVectors(t *testing.T) {
	for _, v := range recordings(t, "$server_name") {
		want, config := v.text(t), strings.Trim(v.Input.Config, "()")
		if !strings.HasSuffix(config, ";") {
			config = ""
		}
		text := "$server_name"
		switch {
		case strings.HasPrefix(want, "["):
			text = "[$server_name]"
		case strings.HasPrefix(want, "nopr|"):
			text = "nopr|$server_name|$ssl_preread_server_name|"
		}
		s := start(t, `server { listen unix:DIR/s; `+config+` return "`+text+`"; }`)
		assert.Equal(t, want, s.ask("DIR/s", ""), config)
	}
}

// headers are the words that recordings of PROXY headers show.
const headers = `log_format l escape=none "r:$remote_addr:$remote_port a:$proxy_protocol_addr:$proxy_protocol_port s:$proxy_protocol_server_addr:$proxy_protocol_server_port ra:$realip_remote_addr sa:$server_addr:$server_port";
	access_log DIR/access.log l; set_real_ip_from 127.0.0.0/8;
	server { listen 127.0.0.1:PORT0 proxy_protocol; return ok; }`

// ownPort is what stands for a client's own port in recordings.
var ownPort = regexp.MustCompile(`^r:127\.0\.0\.1:\d+ `)

func TestHeaderVectors(t *testing.T) {
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		for _, raw := range rawRecordings(t, "PROXY read") {
			var v struct {
				Input  struct{ Case, Bytes string }
				Output string
				Errors []string `json:"error_log"`
			}
			require.NoError(t, json.Unmarshal(raw, &v))
			s := startWith(t, change, headers)
			answer := "ok"
			if v.Output == "" {
				answer = ""
			}
			ask := s.ask
			if proxyproto.Missing([]byte(latin1(v.Input.Bytes))) > 0 {
				ask = s.askAndEnd // nginx does not wait for the rest
			}
			if got := ask("PORT0", latin1(v.Input.Bytes)); got != answer {
				// Closing with unread bytes may be a reset that overtakes the text.
				assert.Contains(t, v.Input.Case, "extra data", "got %q", got)
			}
			line := strings.Replace(s.line("access.log"), ":"+s.ports["PORT0"], ":12803", 1)
			if v.Output != "" {
				assert.Equal(t, ownPort.ReplaceAllString(v.Output, ""), ownPort.ReplaceAllString(line, ""), v.Input.Case)
			}
			s.shutdown()
			var logged []string
			for _, line := range s.errors("error", "crit", "alert") {
				logged = append(logged, strings.NewReplacer("] *1", "] PID#TID: *N", ":"+s.ports["PORT0"], ":12803").Replace(line))
			}
			assert.ElementsMatch(t, v.Errors, logged, v.Input.Case)
		}
	})
}

func TestHeaderV2Vectors(t *testing.T) {
	for _, raw := range rawRecordings(t, "PROXY v2 read") {
		var v struct {
			Input struct {
				Src, Dst string
				SP, DP   uint16
			}
			Output string
		}
		require.NoError(t, json.Unmarshal(raw, &v))
		s := start(t, headers)
		s.ask("PORT0", v2Header(t, v.Input.Src, v.Input.Dst, v.Input.SP, v.Input.DP, nil))
		assert.Equal(t, v.Output, strings.Replace(s.line("access.log"), ":"+s.ports["PORT0"], ":12803", 1))
	}
}

func TestTLVVectors(t *testing.T) {
	for _, raw := range rawRecordings(t, "PROXY TLV variables") {
		var v struct {
			Input  struct{ Format string }
			Output []string
		}
		require.NoError(t, json.Unmarshal(raw, &v))
		format := ""
		for name := range strings.SplitSeq(v.Input.Format, "|") {
			format += "|$proxy_protocol_tlv_" + name
		}
		s := start(t, `log_format l "`+format[1:]+`"; access_log DIR/access.log l;
			server { listen 127.0.0.1:PORT0 proxy_protocol; return ok; }`)
		s.ask("PORT0", v2Header(t, "192.0.2.1", "192.0.2.2", 1, 2, allTLVs()))
		s.ask("PORT0", v2Header(t, "192.0.2.1", "192.0.2.2", 1, 2, nil))
		s.ask("PORT0", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n")
		assert.Equal(t, v.Output, s.lines("access.log", 3))
	}
}

// allTLVs are those whose values are recorded.
func allTLVs() []byte {
	ssl := []byte{1, 0, 0, 0, 2} // client flags; verify
	for _, sub := range []struct {
		kind byte
		text string
	}{{0x21, "TLSv1.3"}, {0x22, "cn1"}, {0x23, "CIPH"}, {0x24, "SHA256"}, {0x25, "RSA2048"}} {
		ssl = appendTLV(ssl, sub.kind, sub.text)
	}
	var b []byte
	for _, tlv := range []struct {
		kind byte
		text string
	}{{0x01, "h2"}, {0x02, "host.example"}, {0x05, "uid"}, {0x30, "ns1"}, {0xee, "custom"}} {
		b = appendTLV(b, tlv.kind, tlv.text)
	}
	return appendTLV(b, 0x20, string(ssl))
}

func TestVariableVectors(t *testing.T) {
	want := map[string]string{}
	for _, raw := range rawRecordings(t, "variables") {
		var v struct {
			Input  struct{ Listen, Format string }
			Output string
		}
		require.NoError(t, json.Unmarshal(raw, &v))
		want[v.Input.Listen] = v.Output + "|" + v.Input.Format
	}
	for listen, block := range map[string][2]string{
		"unix socket, unbound client":            {"unix:DIR/s.sock", "DIR/s.sock"},
		"[::1]:12805":                            {"[::1]:PORT0", "[::1]:PORT0"},
		"12806 (wildcard), connect to 127.0.0.1": {"PORT0", "PORT0"},
	} {
		output, format, found := strings.Cut(want[listen], "|")
		require.True(t, found, listen)
		s := start(t, `log_format l "`+format+`"; access_log DIR/access.log l; server { listen `+block[0]+`; return x; }`)
		assert.Equal(t, "x", s.ask(block[1], ""))
		got := s.line("access.log")
		got = strings.Replace(got, s.dir, "PREFIX", 1)
		got = strings.Replace(got, "sp="+s.ports["PORT0"], "sp="+regexp.MustCompile(`sp=(\d*)`).FindStringSubmatch(output)[1], 1)
		assert.Equal(t, output, got)
	}
}

func TestAccessLogIfVectors(t *testing.T) {
	var v struct{ Output []string }
	require.NoError(t, json.Unmarshal(rawRecordings(t, "access_log if=")[0], &v))
	s := start(t, `map $proxy_protocol_addr $if { a 1; b 0; c ""; d 00; e yes; }
		log_format l "$proxy_protocol_addr"; access_log DIR/access.log l if=$if;
		server { listen 127.0.0.1:PORT0 proxy_protocol; return x; }`)
	for _, key := range []string{"a", "b", "c", "d", "e"} {
		s.ask("PORT0", "PROXY TCP4 "+key+" 1.1.1.1 1 2\r\n")
	}
	s.shutdown()
	assert.Equal(t, v.Output, s.lines("access.log", 3))
}

func TestHeaderWriteVectors(t *testing.T) {
	for _, raw := range rawRecordings(t, "PROXY v2 write") {
		var v struct {
			Input  struct{ Case string }
			Output string
		}
		require.NoError(t, json.Unmarshal(raw, &v))
		want, err := hex.DecodeString(v.Output)
		require.NoError(t, err)
		listen, version := "", "v2"
		switch {
		case strings.Contains(v.Input.Case, "::1"):
			listen = "[::1]:PORT0"
		case strings.Contains(v.Input.Case, "127.0.0.1"):
			listen = "127.0.0.1:PORT0"
		case strings.Contains(v.Input.Case, "pp1.sock"):
			listen, version = "unix:DIR/s", "on"
		case strings.Contains(v.Input.Case, "unix"):
			listen = "unix:DIR/s"
		default:
			continue // TLS: replayed where there is TLS
		}
		address, received := streamtest.Recorder(t)
		s := start(t, `proxy_protocol `+version+`; server { listen `+listen+`; proxy_pass UPSTREAM; }`, "UPSTREAM", address)
		c := s.dial(strings.TrimPrefix(listen, "unix:"))
		streamtest.Send(t, c, "D")
		require.NoError(t, c.Close())
		assert.Equal(t, withoutPorts(want), withoutPorts([]byte(streamtest.Receive(t, received))), v.Input.Case)
	}
}

// withoutPorts blanks the ports of a version 2 header, and the checksum at its
// end, which depends on them.
func withoutPorts(b []byte) []byte {
	const fixed = 16
	addresses := map[byte]int{0x11: 8, 0x21: 32}
	if len(b) < fixed || b[0] != '\r' || addresses[b[13]] == 0 {
		return b
	}
	out := append([]byte(nil), b...)
	ports := out[fixed+addresses[b[13]]:]
	copy(ports, "PORT")
	checksum := out[len(out)-5 : len(out)-1]
	copy(checksum, "CRC!")
	return out
}

func TestLogEscapeVectors(t *testing.T) {
	const block = `
		log_format default "$v"; log_format json escape=json '{"v":"$v","n":"$upstream_addr"}'; log_format none escape=none "$v|$upstream_addr|";
		log_format missing "[$upstream_addr][$limit_conn_status]"; log_format multi "a" "b$protocol" 'c $status' d;`
	g := compiled(t, block, "v")
	line := func(format, v string) string {
		s := g.client().give("v", v)
		s.status = statusOK
		return string(g.formats[format].Append(nil, s))
	}
	for _, raw := range rawRecordings(t, "log escape") {
		var v struct {
			Input struct {
				Value *string `json:"value_hex"`
			}
			Output json.RawMessage
		}
		require.NoError(t, json.Unmarshal(raw, &v))
		if v.Input.Value == nil {
			assert.JSONEq(t, string(v.Output), `"`+line("missing", "")+`"`)
			continue
		}
		text, err := hex.DecodeString(*v.Input.Value)
		require.NoError(t, err)
		var want map[string]string
		require.NoError(t, json.Unmarshal(v.Output, &want))
		require.NotEmpty(t, want)
		for format, output := range want {
			assert.Equal(t, latin1(output), line(format, string(text)), "%s of %q", format, text)
		}
		assert.Equal(t, string(text)+"||", line("none", string(text)))
	}
	for _, v := range recordings(t, "log format") {
		assert.Equal(t, v.text(t), line("multi", ""))
	}
}
