package stream

// sessions_test.go - whole sessions as nginx 1.31.5 was seen to serve them:
// what the client gets, the error log and the access log.

import (
	"crypto/tls"
	"encoding/json"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/streamtest"
)

// scenario is a recorded session, or several that follow each other.
type scenario struct {
	ID    int
	Input struct {
		Scenario  string
		Config    string `json:"server_config"`
		LogFormat string `json:"log_format"`
	}
	Output struct {
		Got    string   `json:"client_got"`
		Errors []string `json:"error_log"`
		Access []string
	}
}

// play is what the clients of a scenario do. It returns what they get.
type play func(s *site) string

// plays has the clients of each scenario. Those that end without a word only
// wait for the end of the connection.
var plays = map[string]play{
	"upstream reset":    message("x"),
	"echo client close": asking("abc", "E:abc"),
	"preread eof":       closing(""),
	"pp eof":            closing(""),
	"preread full":      message("\x16\x03\x01\x01\x00\x01\x00\x00\x00\x00"),
	"proxy_protocol on": header,
	"ssl plain http":    message("GET / HTTP/1.0\r\n\r\n"),
	"ssl eof":           closing(""),
	"ssl reject":        shakingHands("EXC [SSL: TLSV1_UNRECOGNIZED_NAME] tlsv1 unrecognized name (_ssl.c:1006)", ""),

	"ssl verify on no cert": shakingHands("", ""),
	"ssl verify bad cert":   shakingHands("", "stranger"),

	"limit_conn":     besides(""),
	"limit_conn dry": besides("E:y"),
	"max_conns":      besides(""),

	"udp echo":                datagrams("a U:a"),
	"udp echo two msgs":       datagramSessions(1, "a U:a", "b U:b"),
	"udp no reply expected 1": datagrams("drop"),
	"udp responses unlimited": datagrams("two U:two U:two", "x U:x"),
	"udp responses 0":         datagrams("x"),
	"udp refused":             datagrams("x"),
	"udp pp v1":               datagramBehindHeader,
	"udp pp v2":               datagramBehindHeader,
	"udp deny":                datagrams("drop"),
}

// blocks is what stands beside the server in scenarios that need more.
const blocks = `
	limit_conn_zone $server_addr zone=lc:1m;
	map x $bad { default "a b"; } map x $np { default 127.0.0.1; } map x $nm { default some.name:80; }
	map x $ok { default 127.0.0.1:13102; } map x $grp { default n1; } map x $url { default http://x; } map x $emp { default ""; }
	map x $rate { default x1; } map x $lb { default bogus; }
	upstream d2 { server 127.0.0.1:13198; server 127.0.0.1:13199; }
	upstream n1 { server 127.0.0.1:13102; }
	upstream n2 { server 127.0.0.1:13198; server 127.0.0.1:13102; }
	upstream n3 { server 127.0.0.1:13198; server 127.0.0.1:13102; }
	upstream mc { server 127.0.0.1:13101 max_conns=1; }
	log_format l "LOGFORMAT"; access_log DIR/access.log l;
`

func TestRecordedSessions(t *testing.T) {
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		for _, group := range scenarios(t) {
			name := group[0].Input.Scenario
			t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) { replaySessions(t, change, group) })
		}
	})
}

// scenarios are the recordings; those that go on with the server of the one
// before are with it.
func scenarios(t *testing.T) (groups [][]scenario) {
	for _, raw := range rawRecordings(t, "scenario") {
		var v scenario
		require.NoError(t, json.Unmarshal(raw, &v))
		if v.Input.Config == "" && v.Input.Scenario != "no handler" {
			last := len(groups) - 1
			groups[last] = append(groups[last], v)
			continue
		}
		groups = append(groups, []scenario{v})
	}
	return groups
}

func replaySessions(t *testing.T, change func(*Config), group []scenario) {
	first := group[0]
	names := upstreamsOf(t, first.Input.Config)
	listen := "listen 127.0.0.1:PORT0"
	if strings.HasPrefix(first.Input.Scenario, "pp ") {
		listen += " proxy_protocol"
	}
	if strings.HasPrefix(first.Input.Scenario, "ssl ") {
		listen += " ssl"
	}
	if strings.HasPrefix(first.Input.Scenario, "udp ") {
		listen += " udp"
		names = append(names, "127.0.0.1:13106", prefixing(t))
		names[11] = streamtest.RefusedDatagrams(t)
	}
	names = append(names, "CERTS", tlsFiles(t))
	replace := append([]string{"LOGFORMAT", first.Input.LogFormat}, names...)
	config := strings.ReplaceAll(first.Input.Config, "%d", "PORT0")
	s := startWith(t, change, blocks+"server { "+listen+"; "+config+" }", replace...)

	var want, got scenario
	for _, v := range group {
		want.Output.Errors = append(want.Output.Errors, ofProxy(v.Output.Errors)...)
		want.Output.Access = append(want.Output.Access, v.Output.Access...)
	}
	for _, v := range group {
		act := plays[v.Input.Scenario]
		switch {
		case slices.Contains(followUps, v.Input.Scenario):
			continue
		case act == nil:
			act = message("")
		}
		assert.Equal(t, masked(v.Output.Got), masked(act(s)), "sent to the client")
	}
	got.Output.Access = s.lines("access.log", len(want.Output.Access))
	s.shutdown()
	got.Output.Errors = s.errors()

	listener := regexp.MustCompile(`^\d+`).FindString(want.Output.Access[0])
	back := strings.NewReplacer(backwards(append(names, listener, s.ports["PORT0"]))...)
	assert.Equal(t, maskedLines(want.Output.Errors), maskedLines(replaced(back, got.Output.Errors)), "error log")
	assert.Equal(t, maskedLines(want.Output.Access), maskedLines(replaced(back, got.Output.Access)), "access log")
}

// ofProxy leaves out what the upstream with TLS, which was another server of the
// same nginx, said itself.
func ofProxy(lines []string) []string {
	return slices.DeleteFunc(lines, func(line string) bool {
		return strings.HasSuffix(line, "connected to 127.0.0.1:13107") || strings.HasSuffix(line, "server: 127.0.0.1:13107")
	})
}

// followUps are recordings that the scenario before them brings about.
var followUps = []string{"..", "limit_conn first closes"}

// upstreamsOf makes the upstreams that a configuration, or the blocks above,
// name: pairs of recorded words and addresses.
func upstreamsOf(t *testing.T, config string) []string {
	words := []string{
		"127.0.0.1:13101", streamtest.Echo(t, "E:"), "127.0.0.1:13102", streamtest.Greeter(t, "hi"),
		"127.0.0.1:13103", streamtest.Resetter(t), "127.0.0.1:13104", streamtest.Silent(t),
		"127.0.0.1:13198", streamtest.Refused(t), "127.0.0.1:13199", streamtest.Refused(t),
	}
	if strings.Contains(config, "proxy_ssl") {
		// The greeter closed with what it had not read, which is a reset.
		words[3] = words[5]
		words = append(words, "127.0.0.1:13107", tlsUpstream(t, "a", nil, func(c *tls.Conn) { _ = c.Handshake() }))
	}
	if strings.Contains(config, "127.0.0.1:13105") {
		words = append(words, "127.0.0.1:13105", streamtest.Full(t))
	}
	return words
}

// backwards swaps the words of each pair.
func backwards(pairs []string) []string {
	out := slices.Clone(pairs)
	for i := 0; i < len(out); i += 2 {
		out[i], out[i+1] = out[i+1], out[i]
	}
	return out
}

func replaced(r *strings.Replacer, lines []string) (out []string) {
	for _, line := range lines {
		out = append(out, r.Replace(line))
	}
	return out
}

var (
	clientPort = regexp.MustCompile(`((?:client|proxy) 127\.0\.0\.1):\d+ connected`)
	headerPort = regexp.MustCompile(`(PROXY TCP4 127\.0\.0\.1 127\.0\.0\.1) \d+ \d+`)
	seconds    = regexp.MustCompile(`\b\d+\.\d{3}\b`)
	connection = regexp.MustCompile(`(\*|\|)(\d+)( .*|$)`)
)

// masked takes ports that the kernel chose, and times, out of a text.
func masked(text string) string {
	text = clientPort.ReplaceAllString(text, "$1:PORT connected")
	text = headerPort.ReplaceAllString(text, "$1 PORT PORT")
	return seconds.ReplaceAllString(strings.Replace(text, " PID#TID:", "", 1), "TIME")
}

// maskedLines masks lines, and counts connections from the first of them.
func maskedLines(lines []string) (out []string) {
	lowest := 0
	for _, line := range lines {
		if m := connection.FindStringSubmatch(line); m != nil {
			if n, _ := strconv.Atoi(m[2]); lowest == 0 || n < lowest {
				lowest = n
			}
		}
	}
	for _, line := range lines {
		line = connection.ReplaceAllStringFunc(line, func(found string) string {
			m := connection.FindStringSubmatch(found)
			n, _ := strconv.Atoi(m[2])
			return m[1] + strconv.Itoa(n-lowest+1) + m[3]
		})
		out = append(out, masked(line))
	}
	return out
}

// message sends a text and waits for the end.
func message(text string) play {
	return func(s *site) string { return s.ask("PORT0", text) }
}

// asking sends a text and closes when the answer has come.
func asking(text, answer string) play {
	return func(s *site) string {
		c := s.dial("PORT0")
		streamtest.Send(s.t, c, text)
		streamtest.Expect(s.t, c, answer)
		require.NoError(s.t, c.Close())
		return answer
	}
}

// closing sends a text and closes at once.
func closing(text string) play {
	return func(s *site) string {
		c := s.dial("PORT0")
		streamtest.Send(s.t, c, text)
		require.NoError(s.t, c.Close())
		return ""
	}
}

// shakingHands speaks TLS, with a certificate if it has the name of one. Python
// had its own words for an alert, which the recording shows.
func shakingHands(alert, name string) play {
	return func(s *site) string {
		config := &tls.Config{InsecureSkipVerify: true}
		if name != "" {
			showing(s.t, name)(config)
		}
		c := tls.Client(s.dial("PORT0"), config)
		text, err := io.ReadAll(c)
		if err != nil {
			assert.ErrorContains(s.t, err, "unrecognized name")
			return alert
		}
		return string(text)
	}
}

// besides has one connection open, and then a second one, which either gets an
// answer to its message or is refused. The first one goes last.
func besides(answer string) play {
	return func(s *site) string {
		first := s.dial("PORT0")
		streamtest.Send(s.t, first, "x")
		streamtest.Expect(s.t, first, "E:x")
		second := s.dial("PORT0")
		if answer == "" {
			require.Empty(s.t, streamtest.Rest(s.t, second))
		} else {
			streamtest.Send(s.t, second, "y")
			streamtest.Expect(s.t, second, answer)
			require.NoError(s.t, second.Close())
		}
		s.lines("access.log", 1)
		require.NoError(s.t, first.Close())
		return ""
	}
}

// header waits for the answer to a PROXY header and a message.
func header(s *site) string {
	c := s.dial("PORT0")
	streamtest.Send(s.t, c, "abc")
	var got []byte
	buf := make([]byte, 256)
	for !strings.HasSuffix(string(got), "abc") {
		n, err := c.Read(buf)
		require.NoError(s.t, err)
		got = append(got, buf[:n]...)
	}
	require.NoError(s.t, c.Close())
	return string(got)
}
