package addr

import (
	"encoding/json"
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// recordedTest is the outcome of nginx -t for a snippet of configuration.
type recordedTest struct {
	ID       int
	Category string
	Input    struct{ Directive, Context, Snippet string }
	Output   struct {
		Messages []string
	}
}

func recordedTests(t *testing.T) (out []recordedTest) {
	t.Helper()
	text, err := os.ReadFile("../../testdata/vectors.json")
	require.NoError(t, err)
	var file struct{ Vectors []json.RawMessage }
	require.NoError(t, json.Unmarshal(text, &file))
	for _, raw := range file.Vectors {
		var v recordedTest
		// Other categories have other shapes.
		if json.Unmarshal(raw, &v) == nil && v.Category == "config test" {
			out = append(out, v)
		}
	}
	return out
}

var (
	// A snippet that begins with an address which is a literal of some kind, or
	// was not found.
	addressOf = regexp.MustCompile(`^(listen|server|proxy_pass) ([^ ;{$]*[.:*\]0-9][^ ;{$]*)( [^;]*)?;`)
	// The errors of Parse among all messages.
	addressError = regexp.MustCompile(`^\[emerg\] (.*) in (?:upstream )?"[^"]*"(?: of the "listen" directive)? in CONF`)
)

// TestVectors checks the first address of each recorded snippet: the error must
// be the recorded one, if that is about an address, and there must be none
// otherwise.
func TestVectors(t *testing.T) {
	checked, refused := 0, 0
	for _, v := range recordedTests(t) {
		m := addressOf.FindStringSubmatch(v.Input.Snippet)
		if m == nil || v.Input.Directive == "set_real_ip_from" {
			continue
		}
		want := ""
		for _, message := range v.Output.Messages {
			if e := addressError.FindStringSubmatch(message); e != nil && isParseError(e[1]) {
				want = e[1]
			}
		}
		u, err := Parse(m[2], Options{Listen: m[1] == "listen", NoResolve: want != errNotFound.Error(), Lookup: fake})
		got := ""
		if err != nil {
			got = err.Error()
		} else if m[1] != "listen" && u.NoPort && want == "no port" {
			got = want // for callers to say
		}
		assert.Equal(t, want, got, "vector %d: %s", v.ID, v.Input.Snippet)
		if checked++; want != "" {
			refused++
		}
	}
	assert.Greater(t, checked, 50)
	assert.Greater(t, refused, 15)
}

// isParseError tells the errors of addresses from those of names and options
// that are worded alike.
func isParseError(text string) bool {
	for _, err := range []error{
		errInvalidHost, errInvalidPort, errInvalidRange, errInvalidIPv6, errNoHost, errNotFound, errNoPath, errLongPath,
	} {
		if text == err.Error() {
			return true
		}
	}
	return text == "no port"
}

func BenchmarkParse(b *testing.B) {
	for _, text := range []string{"127.0.0.1:8080", "[2001:db8::1]:443", "unix:/run/app.sock", "*:80"} {
		b.Run(text, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(text, Options{Listen: true}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkString(b *testing.B) {
	u, err := Parse("[2001:db8::1]:443", Options{})
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		_ = u.Addrs[0].String()
	}
}
