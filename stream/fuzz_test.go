package stream

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// FuzzValue compiles and evaluates complex values. A value that is fine yields
// its own text where there is no variable in it.
func FuzzValue(f *testing.F) {
	for _, seed := range []string{
		"", "text", "$v", "${v}x", "$v$remote_addr", "$1$2", "a$", "${", "$nosuch", "$proxy_protocol_tlv_0xe1",
		"$proxy_protocol_tlv_zz", "$upstream_addr|$status|$msec", "$time_local$time_iso8601", "$$", "$ v", "\x00$v\xff",
	} {
		f.Add(seed, "value")
	}
	g := compiled(f, `map $v $m { default $v; ~(.)(.) "$2$1"; }`, "v")
	f.Fuzz(func(t *testing.T, text, v string) {
		if strings.Count(text, "$")*len(v) > 1<<20 {
			t.Skip("many times a long value: gigabytes, in the end")
		}
		value, err := g.compile(text)
		s := g.client().give("v", v)
		s.srv, s.transport = &server{}, fuzzTransport{}
		if err != nil {
			assert.NotEmpty(t, err.Error())
			return
		}
		got := string(value.Append([]byte("before"), s))
		assert.True(t, strings.HasPrefix(got, "before"))
		if !strings.Contains(text, "$") {
			assert.Equal(t, "before"+text, got)
		}
		if text == "$v" {
			assert.Equal(t, "before"+v, got)
		}
	})
}

// fuzzTransport knows the time and nothing else: the session has no connection.
type fuzzTransport struct{ transport }

func (fuzzTransport) now() time.Time { return time.Unix(1, 0) }

func (fuzzTransport) localAddr() endpoint { return endpoint{unix: true, text: "/s"} }

// FuzzConfig reads and compiles whole configurations. What comes of it is the
// same each time, and either a message or something to serve.
func FuzzConfig(f *testing.F) {
	for _, v := range recordings(f, "config test") {
		if text, ok := wrapped(&v); ok {
			f.Add(text)
		}
	}
	f.Add("stream { " + names + " }")
	f.Fuzz(func(t *testing.T, text string) {
		if reachesOut(text) {
			t.Skip()
		}
		g, first := compileText("/nonexistent/conf", text)
		if g == nil && first.stream != nil {
			assert.NotEmpty(t, first.log)
		} else if g != nil {
			g.files.Close()
		}
		again, second := compileText("/nonexistent/conf", text)
		if again != nil {
			again.files.Close()
		}
		assert.Equal(t, g == nil, again == nil)
		assert.Equal(t, first.log, second.log)
	})
}

// reachesOut tells of a text that may name hosts, or make files where it should
// not.
func reachesOut(text string) bool {
	for _, word := range []string{"_log", "include", "syslog", "..", "service", "real_ip", "geoip", "ranges", "/dev", "/proc"} {
		if strings.Contains(text, word) {
			return true
		}
	}
	return hasName.MatchString(text)
}

// hasName finds arguments that would be looked up in the DNS.
var hasName = regexp.MustCompile(`(?i)(listen|server|proxy_pass|pass|resolver|proxy_bind)\s+["']?[^\s;]*[a-z]`)
