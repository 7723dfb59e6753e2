package proxyproto

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const sig = "\r\n\r\n\x00\r\nQUIT\n"

// v2 puts a version 2 header together.
func v2(verCmd, famTrans byte, body string) string {
	return sig + string([]byte{verCmd, famTrans, byte(len(body) >> 8), byte(len(body))}) + body
}

const (
	v4Body = "\x01\x02\x03\x04\x05\x06\x07\x08\x04\x57\x08\xae" // 1.2.3.4:1111 to 5.6.7.8:2222
	v6Body = "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01" +
		"\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02" + "\x00\x01\x00\x02"
)

// show writes both addresses the way the vectors do.
func show(h Header) string {
	if !h.Known {
		return "a:: s::"
	}
	b := h.Source.AppendHost([]byte("a:"))
	b = h.Source.AppendPort(append(b, ':'))
	b = h.Destination.AppendHost(append(b, " s:"...))
	return string(h.Destination.AppendPort(append(b, ':')))
}

type parseTest struct {
	name, in, want string // want: as show, or ! and the log text
	valid          bool   // the source is an address for realip
}

// parseTests begin with P1 to P12 where they show a difference between nginx
// and other readers.
func parseTests() []parseTest {
	long := strings.Repeat("0", 300)
	return []parseTest{
		{"v1", "PROXY TCP4 1.1.1.1 2.2.2.2 10 20\r\n", "a:1.1.1.1:10 s:2.2.2.2:20", true},
		{"v1 with data", "PROXY TCP4 1.1.1.1 2.2.2.2 10 20\r\nDATA\r\n", "a:1.1.1.1:10 s:2.2.2.2:20", true},
		{"P1 text as sent", "PROXY TCP6 2001:DB8:0:0:0:0:0:1 ::2 1 2\r\n", "a:2001:DB8:0:0:0:0:0:1:1 s:::2:2", true},
		{"P2 mapped v1", "PROXY TCP6 ::ffff:1.2.3.4 ::2 1 2\r\n", "a:::ffff:1.2.3.4:1 s:::2:2", true},
		{"P2 mapped v2", v2(0x21, 0x21, strings.Repeat("\x00", 10)+"\xff\xff\x01\x02\x03\x04"+v6Body[16:]), "a:::ffff:1.2.3.4:1 s:2001:db8::2:2", true},
		{"P3 mixed TCP6", "PROXY TCP6 2001:db8::1 10.0.0.1 1 2\r\n", "a:2001:db8::1:1 s:10.0.0.1:2", true},
		{"P3 mixed TCP4", "PROXY TCP4 10.0.0.1 ::1 1 2\r\n", "a:10.0.0.1:1 s:::1:2", true},
		{"P4 no octet", "PROXY TCP4 999.1.1.1 2.2.2.2 1 2\r\n", "a:999.1.1.1:1 s:2.2.2.2:2", false},
		{"P4 no address", "PROXY TCP4 abc def 1 2\r\n", "a:abc:1 s:def:2", false},
		{"P4 port with zeros", "PROXY TCP4 1.1.1.1 2.2.2.2 01234 00002\r\n", "a:1.1.1.1:1234 s:2.2.2.2:2", true},
		{"P5 long line", "PROXY TCP4 " + long + " " + long + " 1 2\r\n", "a:" + long + ":1 s:" + long + ":2", false},
		{"P5 long port", "PROXY TCP4 1.1.1.1 2.2.2.2 " + long + "7 2\r\n", "a:1.1.1.1:7 s:2.2.2.2:2", true},
		{"P5 long unknown", "PROXY UNKNOWN " + long + "\r\n", "a:: s::", false},
		{"P5 unknown without blank", "PROXY UNKNOWNxyz\r\n", "a:: s::", false},
		{"unknown, lone CR", "PROXY UNKNOWN \r \n\r\n", "a:: s::", false},
		{"unknown, no end", "PROXY UNKNOWN \r \n", `!broken header: "PROXY UNKNOWN "`, false},
		{"P6 unspecified", v2(0x21, 0x00, v4Body), "a:: s::", false},
		{"P6 family unspecified", v2(0x21, 0x01, v4Body), "a:: s::", false},
		{"P6 command 2", v2(0x22, 0x11, v4Body), "a:: s::", false},
		{"P6 transport 3", v2(0x21, 0x13, v4Body), "a:: s::", false},
		{"P6 family 4", v2(0x21, 0x41, v4Body), "a:: s::", false},
		{"P7 UDP", v2(0x21, 0x12, v4Body+"\x01\x00\x02h2"), "a:: s::", false},
		{"P7 unix", v2(0x21, 0x31, strings.Repeat("a", 216)), "a:: s::", false},
		{"P7 LOCAL", v2(0x20, 0x11, v4Body), "a:: s::", false},
		{"P8 largest", v2(0x21, 0x11, v4Body+strings.Repeat("\x00", MaxHeader-16-12)), "a:1.2.3.4:1111 s:5.6.7.8:2222", true},
		{"P8 larger", v2(0x21, 0x11, v4Body+strings.Repeat("\x00", MaxHeader-16-11))[:MaxHeader], "!header is too large", false},
		{"P9 v2 split", v2(0x21, 0x11, v4Body)[:20], "!header is too large", false},
		{"P9 v2 split early", sig + "\x21\x11\x00", `!broken header: ""`, false},
		{"P9 v1 split", "PROXY TCP4 1.1.1.1 2.2.2.2 10 20\r", `!broken header: "PROXY TCP4 1.1.1.1 2.2.2.2 10 20"`, false},
		{"P12 port 0", "PROXY TCP4 1.1.1.1 2.2.2.2 0 0\r\n", "a:1.1.1.1: s:2.2.2.2:", true},
		{"v2 TCP6", v2(0x21, 0x21, v6Body), "a:2001:db8::1:1 s:2001:db8::2:2", true},
		{"v2 version", v2(0x31, 0x11, v4Body), "!unknown PROXY protocol version: 3", false},
		{"v2 no room, v4", v2(0x21, 0x11, v4Body[:11]), "!", false},
		{"v2 no room, v6", v2(0x21, 0x21, v6Body[:35]), "!", false},
		{"empty addresses", "PROXY TCP4   1 2\r\n", "a::1 s::2", false},
		{"empty", "", `!broken header: ""`, false},
		{"port empty", "PROXY TCP4 1.1.1.1 2.2.2.2  2\r\n", `!broken header: "PROXY TCP4 1.1.1.1 2.2.2.2  2"`, false},
		{"port negative", "PROXY TCP4 1.1.1.1 2.2.2.2 -1 2\r\n", `!broken header: "PROXY TCP4 1.1.1.1 2.2.2.2 -1 2"`, false},
		{"port 65535", "PROXY TCP4 1.1.1.1 2.2.2.2 65535 65535\r\n", "a:1.1.1.1:65535 s:2.2.2.2:65535", true},
		{"port 65536", "PROXY TCP4 1.1.1.1 2.2.2.2 1 65536\r\n", `!broken header: "PROXY TCP4 1.1.1.1 2.2.2.2 1 65536"`, false},
		{"zone", "PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n", `!broken header: "PROXY TCP6 fe80::1%eth0 ::1 1 2"`, false},
		{"no LF", "PROXY TCP4 1.1.1.1 2.2.2.2 1 2\rX", `!broken header: "PROXY TCP4 1.1.1.1 2.2.2.2 1 2"`, false},
		{"fifth field", "PROXY TCP4 1.1.1.1 2.2.2.2 1 2 3\r\n", `!broken header: "PROXY TCP4 1.1.1.1 2.2.2.2 1 2 3"`, false},
		{"only LF", "PROXY TCP4 1.1.1.1 2.2.2.2 1 2\n", `!broken header: "PROXY TCP4 1.1.1.1 2.2.2.2 1 2"`, false},
		{"other protocol", "GET / HTTP/1.0\r\n\r\n", `!broken header: "GET / HTTP/1.0"`, false},
		{"lower case", "proxy TCP4 1.1.1.1 2.2.2.2 1 2\r\n", `!broken header: "proxy TCP4 1.1.1.1 2.2.2.2 1 2"`, false},
	}
}

func TestParse(t *testing.T) {
	for _, tt := range parseTests() {
		t.Run(tt.name, func(t *testing.T) {
			h, n, err := Parse([]byte(tt.in))
			if text, bad := strings.CutPrefix(tt.want, "!"); bad {
				var e *Error
				require.ErrorAs(t, err, &e)
				assert.Equal(t, text, e.Text)
				assert.Zero(t, n)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tt.want, show(h))
			assert.Equal(t, tt.valid, h.Source.AddrPort().IsValid())
			if tt.name == "v1 with data" {
				assert.Equal(t, len(tt.in)-len("DATA\r\n"), n)
			} else {
				assert.Equal(t, len(tt.in), n)
			}
		})
	}
}

// A header is missing bytes until it is whole, whatever the pieces.
func TestMissing(t *testing.T) {
	for _, in := range []string{
		"PROXY TCP4 192.0.2.1 192.0.2.2 1111 443\r\n", "PROXY UNKNOWN whatever\r\n",
		v2(0x21, 0x11, "\xc0\x00\x02\x01\xc0\x00\x02\x02\x00\x01\x00\x02"), v2(0x20, 0, ""),
		v2(0x21, 0x11, strings.Repeat("x", MaxRead-v2HeaderLen)),
	} {
		_, size, err := Parse([]byte(in))
		require.NoError(t, err)
		require.Len(t, in, size)
		assert.Zero(t, Missing([]byte(in)))
		assert.Zero(t, Missing([]byte(in+"PROXY ")))
		for n := range in {
			missing := Missing([]byte(in[:n]))
			assert.Positive(t, missing, in[:n])
			assert.LessOrEqual(t, n+missing, len(in), in[:n])
		}
	}
	for _, in := range []string{
		"GET / HTTP/1.0", "PROXZ", "PROXY\r", "\r\n\r\n\x01", "\x16\x03\x01", "PROXY TCP4 1\n", "PROXY TCP4 1\rx", "PROXY INVALID", "PROXY TCP4 x",
		"PROXY UNKNOWN" + strings.Repeat(" ", maxV1), v2(0x21, 0x11, "")[:14] + "\xff\xff",
	} {
		assert.Zero(t, Missing([]byte(in)), in)
	}
}

func TestHeaderOutlivesBuffer(t *testing.T) {
	for _, in := range []string{
		"PROXY TCP6 2001:DB8::1 abc 1 2\r\n",
		v2(0x21, 0x11, v4Body+"\x01\x00\x02h2"),
	} {
		b := []byte(in)
		h, _, err := Parse(b)
		require.NoError(t, err)
		want := show(h) + string(h.TLVs)
		clear(b)
		assert.Equal(t, want, show(h)+string(h.TLVs))
	}
}

func TestParseAllocations(t *testing.T) {
	for _, in := range []string{
		"PROXY TCP4 192.168.100.100 192.168.100.101 56324 443\r\n",
		"PROXY UNKNOWN\r\n",
		v2(0x21, 0x11, v4Body),
		v2(0x21, 0x21, v6Body),
	} {
		b := []byte(in)
		var h Header
		assert.Zero(t, testing.AllocsPerRun(100, func() { h, _, _ = Parse(b) }), "%q", in)
		_ = h
	}
}

func TestErrorTexts(t *testing.T) {
	_, _, err := Parse([]byte("x\ny"))
	assert.EqualError(t, err, `proxyproto: broken header: "x"`)
	_, _, err = Parse([]byte(v2(0x21, 0x11, "")))
	assert.EqualError(t, err, "proxyproto: no room for the addresses")
}

func TestParseIP(t *testing.T) {
	tests := []struct{ in, want string }{ // want: "" if nginx's realip takes it for no address
		{"1.2.3.4", "1.2.3.4"},
		{"001.02.3.004", "1.2.3.4"},
		{"1..2.3", "1.0.2.3"},
		{"255.255.255.255", ""},
		{"256.1.1.1", ""},
		{"1.2.3", ""},
		{"1.2.3.4.5", ""},
		{"::", "::"},
		{"2001:db8::1", "2001:db8::1"},
		{"2001:DB8:0:0::1", "2001:db8::1"},
		{"::ffff:1.2.3.4", "::ffff:1.2.3.4"},
		{"1::2::3", ""},
		{":", ""},
		{"", ""},
		{strings.Repeat("0", 60) + "::1", ""},
	}
	for _, tt := range tests {
		ip := parseIP([]byte(tt.in))
		assert.Equal(t, tt.want != "", ip.IsValid(), tt.in)
		if ip.IsValid() {
			assert.Equal(t, tt.want, ip.String(), tt.in)
		}
	}
}

func TestAddressString(t *testing.T) {
	h, _, err := Parse([]byte("PROXY TCP4 2001:DB8::1 1.2.3.4 1 0\r\n"))
	require.NoError(t, err)
	assert.Equal(t, "[2001:DB8::1]:1", h.Source.String())
	assert.Equal(t, "1.2.3.4:0", h.Destination.String())
	assert.Equal(t, ":0", Address{}.String())
}

// vector is an outcome recorded from nginx.
type vector struct {
	ID       int             `json:"id"`
	Category string          `json:"category"`
	Input    json.RawMessage `json:"input"`
	Output   json.RawMessage `json:"output"`
	ErrorLog []string        `json:"error_log"`
}

func vectors(t *testing.T, category string) []vector {
	text, err := os.ReadFile("../testdata/vectors.json")
	require.NoError(t, err)
	var file struct{ Vectors []vector }
	require.NoError(t, json.Unmarshal(text, &file))
	var vs []vector
	for _, v := range file.Vectors {
		if v.Category == category {
			vs = append(vs, v)
		}
	}
	require.NotEmpty(t, vs)
	return vs
}

func decode[T any](t *testing.T, text json.RawMessage) (v T) {
	require.NoError(t, json.Unmarshal(text, &v))
	return v
}

// latin1 undoes the way the vectors store bytes.
func latin1(s string) []byte {
	var b []byte
	for _, r := range s {
		b = append(b, byte(r))
	}
	return b
}

func TestVectorsRead(t *testing.T) {
	for _, v := range vectors(t, "PROXY read") {
		in := decode[struct{ Case, Bytes string }](t, v.Input)
		t.Run(in.Case, func(t *testing.T) {
			h, _, err := Parse(latin1(in.Bytes))
			want := decode[string](t, v.Output)
			if want != "" {
				require.NoError(t, err)
				checkLine(t, want, h)
				return
			}
			var e *Error
			require.True(t, errors.As(err, &e))
			if len(v.ErrorLog) == 0 {
				assert.Empty(t, e.Text)
				return
			}
			assert.Contains(t, v.ErrorLog[0], "*N "+e.Text+" while reading")
		})
	}
}

// checkLine compares a header with what nginx logged: r: is the client address
// after realip, which is that of the header if it is an address.
func checkLine(t *testing.T, want string, h Header) {
	assert.Contains(t, want, " "+show(h)+" ra:")
	if a := h.Source.AddrPort(); a.IsValid() {
		port := string(h.Source.AppendPort(nil))
		assert.True(t, strings.HasPrefix(want, "r:"+a.Addr().String()+":"+port+" a:"), want)
	} else {
		assert.True(t, strings.HasPrefix(want, "r:127.0.0.1:"), want)
	}
}
