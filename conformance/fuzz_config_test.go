//go:build unix

package conformance

// fuzz_config_test.go - random configurations, most of which nginx refuses.

import (
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"slices"
)

// vocabulary are directives with arguments, by context.
type vocabulary map[string][]string

// values are arguments that directives of a type take.
var values = []struct{ kind, list string }{
	{"flag", "on off ON"},
	{"1 arg (msec)", "10s 500ms 1m30s 0"},
	{"1 arg (sec)", "10 1h"},
	{"1 arg (size)", "1k 16k 1m 4096"},
	{"1 arg (number)", "1 64 1000"},
}

// readVocabulary reads testdata/fuzz/vocabulary.txt and the simple types of the
// table of directives.
func readVocabulary(t *testing.T) vocabulary {
	t.Helper()
	v := vocabulary{}
	text, err := os.ReadFile("testdata/fuzz/vocabulary.txt")
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		context, rest, ok := strings.Cut(strings.TrimSpace(line), " ")
		if ok && context != "#" {
			v.add(strings.Replace(context, "shared", "stream,server", 1), rest)
		}
	}
	table, err := os.ReadFile("../testdata/directives.tsv")
	require.NoError(t, err)
	for line := range strings.Lines(string(table)) {
		column := strings.Split(line, "\t")
		if column[5] != "oss" {
			continue
		}
		for _, simple := range values {
			if strings.HasPrefix(column[2], simple.kind) && !strings.ContainsAny(column[0], " :") {
				for _, value := range strings.Fields(simple.list) {
					v.add(column[1], column[0]+" "+value)
				}
			}
		}
	}
	return v
}

func (v vocabulary) add(contexts, line string) {
	for context := range strings.SplitSeq(contexts, ",") {
		v[context] = append(v[context], line)
	}
}

// draft is a configuration in the making: lines of words.
type draft struct {
	*rand.Rand
	v     vocabulary
	lines [][]string
}

// config returns a configuration that may have some mistakes.
func (v vocabulary) config(r *rand.Rand) string {
	d := &draft{Rand: r, v: v}
	d.some("main", 10, "events", "stream")
	if chance(r, 95) {
		d.block("events {", 20)
	}
	d.block("stream {", 100)
	for chance(r, 60) {
		d.mistake()
	}
	text := d.text()
	if chance(r, 20) {
		text = misspell(r, text)
	}
	return text
}

func (d *draft) line(words ...string) { d.lines = append(d.lines, words) }

// directive adds a line of the vocabulary, with what is in it if it is a block.
func (d *draft) directive(line string) {
	if strings.HasSuffix(line, "{") {
		d.block(line, 50)
		return
	}
	d.line(append(strings.Fields(line), ";")...)
}

// some adds directives of a context, but none of the given names.
func (d *draft) some(context string, percent int, but ...string) {
	for chance(d.Rand, percent) {
		line := pick(d.Rand, d.v[context])
		if name, _, _ := strings.Cut(line, " "); !slices.Contains(but, name) {
			d.directive(line)
		}
	}
}

// block adds a block with some directives, and those it must have.
func (d *draft) block(opening string, percent int) {
	words := strings.Fields(opening)
	d.line(words...)
	name := words[0]
	switch {
	case name == "server" && chance(d.Rand, 95):
		d.directive(d.named("server", "listen"))
		d.some(name, 60, "listen", "return", "pass", "proxy_pass")
		d.directive(d.named("server", "return", "return", "proxy_pass", "pass"))
	case name == "upstream" && chance(d.Rand, 95):
		d.directive(d.named("upstream", "server"))
		d.some(name, percent)
	case name == "stream":
		d.some(name, 75, "server")
		for range d.IntN(3) {
			d.block("server {", 0)
		}
	default:
		d.some(name, 70)
	}
	d.line("}")
}

// named returns a directive with one of some names.
func (d *draft) named(context string, names ...string) string {
	name := pick(d.Rand, names)
	return pick(d.Rand, slices.DeleteFunc(slices.Clone(d.v[context]), func(line string) bool {
		return !strings.HasPrefix(line, name+" ")
	}))
}

// oddWords are what no directive takes, or only some.
var oddWords = strings.Split(`""|''|"a b"|'a'|"a|'|a"b|\;|a\ b|\n|"\n"|a#b|#|# x|$|${|${x|${}|$$|$1|$nosuch|${remote_addr}|$remote_addrx|`+
	`$remote_addr:1|{|}|;|;;|{}|x|foo|on|off|On|yes|0|-1|1|00|+1|1.5|65535|65536|1k|1K|1kk|1m|1g|1G|8192p|99999999999999999999|`+
	`9223372036854775807|9223372036854775808|-9223372036854775808|1s|1ms|1d|1M|1y|1w|1h 1m|"1h 1m"|1m1h|10ss|ms|s|1.5s|`+
	`25d|30d|2147483647|2147483648|4294967296|`+
	`1.2.3.4|1.2.3.4/8|1.2.3.4/33|1.2.3/8|1.2.3.4/|1.2.3.4/a|256.1.1.1|::|::1|::1/64|::1/129|[::1]|[::1]:1|[::1|::g|1.2.3.4-1.2.3.5|1.2.3.5-1.2.3.4|`+
	`127.0.0.1|127.0.0.1:|127.0.0.1:0|127.0.0.1:x|127.0.0.1:65536|127.0.0.1:1-2|127.0.0.1:2-1|:80|80|*|*:|*:0|*:80x|localhost|unix:|unix:/x/y|unix:x|`+
	`unix:/x:|unix|all|default|include|volatile|hostnames|ranges|delete|~|~(|~*|~[|~a{2|~(?<n>a)|~(?<1>a)|~*A|~\|\~|*.a|*.|.a|a.*|a.*.b|*.*.a|..a|.|a..b|a/b|`+
	`weight=|weight=0|weight=x|weight=-1|max_fails=x|max_fails=0|fail_timeout=x|fail_timeout=|max_conns=|backup|down|resolve|service=x|slow_start=1|`+
	`zone=|zone=x|zone=x:|zone=x:1k|zone=x:y|zone=:1m|zone=lz:32k|buffer=|buffer=0|buffer=x|flush=|flush=x|gzip|gzip=|gzip=0|gzip=10|if=|if=$x|if=a|`+
	`backlog=|backlog=0|backlog=x|backlog=-1|bind|udp|ssl|proxy_protocol|reuseport|deferred|multipath|ipv6only=|ipv6only=x|ipv6only=off|`+
	`fastopen=|fastopen=x|rcvbuf=x|rcvbuf=|sndbuf=1g|setfib=1|accept_filter=x|so_keepalive=|so_keepalive=x|so_keepalive=::|so_keepalive=off|so_keepalive=1:2:3:4|`+
	`default_server|max=|max=0|max=x|inactive=|inactive=x|min_uses=|min_uses=0|valid=x|escape=|escape=x|escape=json|`+
	`transparent|consistent|two|least_conn|least_time=connect|inflight|last_byte|v1|v2|info|debug|debug_stream|crit|emerg|`+
	`0%|100%|100.01%|10|%|10.123%|.5%|5.%|*%|50%|logs/x.log|/nonexistent/x.log|syslog:|syslog:server=|syslog:server=127.0.0.1:0|`+
	`syslog:server=127.0.0.1,tag=a-b|syslog:x=1|syslog:server=127.0.0.1,nohostname|memory:1k|memory:1m|stderr|http://127.0.0.1:1|tcp://x|a b|u|v|f|e|lz|m|$m|$g|$s|$o`, "|")

// mistake changes some words.
func (d *draft) mistake() {
	i := d.IntN(len(d.lines))
	line := &d.lines[i]
	at := d.IntN(len(*line))
	switch d.IntN(9) {
	case 0, 1, 2: // a bad word, the first ones seldom
		at = min(at+d.IntN(2), len(*line)-1)
		*line = slices.Replace(slices.Clone(*line), at, at+1, pick(d.Rand, oddWords))
	case 3, 4:
		*line = slices.Insert(slices.Clone(*line), at, pick(d.Rand, oddWords))
	case 5:
		*line = slices.Delete(slices.Clone(*line), at, at+1)
	case 6: // twice, here or there
		d.lines = slices.Insert(d.lines, d.IntN(len(d.lines)+1), slices.Clone(*line))
	case 7: // at another place
		j := d.IntN(len(d.lines))
		d.lines[i], d.lines[j] = d.lines[j], d.lines[i]
	case 8: // arguments of another
		j := d.IntN(len(d.lines))
		if len(d.lines[j]) > 1 {
			d.lines[i] = slices.Concat(d.lines[i][:1], d.lines[j][1:])
		}
	}
	if len(d.lines[i]) == 0 {
		d.lines[i] = []string{""}
	}
}

// text writes one directive in a line.
func (d *draft) text() string {
	var b strings.Builder
	for _, words := range d.lines {
		b.WriteString(strings.ReplaceAll(strings.Join(words, " "), " ;", ";") + "\n")
	}
	return b.String()
}

// misspell changes a character, or ends the text there.
func misspell(r *rand.Rand, text string) string {
	at := r.IntN(len(text))
	switch r.IntN(4) {
	case 0:
		return text[:at]
	case 1:
		return text[:at] + text[at+1:]
	case 2:
		return text[:at] + strings.ToUpper(text[at:at+1]) + text[at+1:]
	}
	return text[:at] + pick(r, strings.Split(`;|{|}|"|'|\|$|#| |`+"\n|\r\n|\t|\x01|é|\\\"|${|/*", "|")) + text[at:]
}
