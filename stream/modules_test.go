package stream

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/conf"
	"github.com/gostream/gostream/parser"
)

// configFile is a configuration under test: what main.go does with a file, up to
// the point where sockets would be opened.
type configFile struct {
	stream *Config
	log    []string // "[level] text" of each message, errors too
}

var configRows = &conf.Table[configFile]{
	Commands: []conf.Command[configFile]{
		{Name: "events", In: conf.Main, Args: conf.None, Block: true,
			Set: conf.Func(func(*configFile, *conf.Directive) error { return nil })},
		{Name: "stream", In: conf.Main, Args: conf.None, Block: true,
			Set: conf.Func(func(f *configFile, d *conf.Directive) (err error) { f.stream, err = Parse(d); return err })},
		{Name: "pid", In: conf.Main, Set: conf.Func(func(*configFile, *conf.Directive) error { return nil })},
		{Name: "error_log", In: conf.Main, Args: conf.AtLeast(1), Set: conf.Func(func(*configFile, *conf.Directive) error { return nil })},
	},
}

// compileText reads and compiles a configuration. The generation is nil if it is
// refused.
func compileText(path, text string) (*generation, *configFile) {
	f := &configFile{}
	dir := filepath.Dir(path)
	env := &conf.Env{Prefix: dir, ConfDir: dir, Log: func(level, msg string) {
		f.log = append(f.log, fmt.Sprintf("[%s] %s", level, msg))
	}}
	tree, _ := parser.ParseString(path, text, parser.Options{Dir: dir, NoInclude: NoInclude()})
	err := conf.Apply(tree, conf.NewSchema(append(Tables(), configRows)...).KnowElsewhere(conf.HTTPDirectives()...), conf.Main, env, f)
	var g *generation
	if err == nil && f.stream != nil {
		g, err = compileConfig(f.stream, nil)
	}
	if err != nil {
		f.log = append(f.log, "[emerg] "+err.Error())
		return nil, f
	}
	return g, f
}

// compiled is a generation with what stands in its stream block, which must be
// fine. The variables named may be assigned with [Session.give].
func compiled(t testing.TB, block string, given ...string) *generation {
	t.Helper()
	var sets strings.Builder
	for _, name := range given {
		fmt.Fprintf(&sets, "set $%s \"\"; ", name)
	}
	text := "stream { " + block + "\nserver { listen unix:/none/x.sock; " + sets.String() + "return x; } }"
	g, f := compileText(filepath.Join(t.TempDir(), "conf"), text)
	require.NotNil(t, g, "%s: %s", block, f.log)
	return g
}

// client is a session without a connection, to look variables up in.
func (g *generation) client() *Session { return &Session{gen: g} }

// give assigns a variable that the generation was compiled with.
func (s *Session) give(name, value string) *Session {
	s.cell(s.gen.cellIndex(name)).set([]byte(value))
	return s
}

// text evaluates a complex value.
func (s *Session) text(t *testing.T, value string) string {
	t.Helper()
	v, err := s.gen.compile(value)
	require.NoError(t, err)
	return string(v.Append(nil, s))
}

// recorded is a vector: what nginx 1.31.5 was seen to do.
type recorded struct {
	ID       int
	Category string
	Input    struct {
		Config, Key, Addr, Text     string
		Directive, Context, Snippet string
	}
	Output json.RawMessage
}

// recordings returns the vectors of a category.
func recordings(t testing.TB, category string) (found []recorded) {
	t.Helper()
	for _, raw := range rawRecordings(t, category) {
		var v recorded
		require.NoError(t, json.Unmarshal(raw, &v))
		found = append(found, v)
	}
	return found
}

// rawRecordings returns the vectors of a category, which is not an empty one.
func rawRecordings(t testing.TB, category string) []json.RawMessage {
	t.Helper()
	found := categories(t)[category]
	require.NotEmpty(t, found, category)
	return found
}

// categories returns all vectors by category.
func categories(t testing.TB) map[string][]json.RawMessage {
	t.Helper()
	text, err := os.ReadFile("../testdata/vectors.json")
	require.NoError(t, err)
	var file struct{ Vectors []json.RawMessage }
	require.NoError(t, json.Unmarshal(text, &file))
	found := map[string][]json.RawMessage{}
	for _, raw := range file.Vectors {
		var kind struct{ Category string }
		require.NoError(t, json.Unmarshal(raw, &kind))
		found[kind.Category] = append(found[kind.Category], raw)
	}
	return found
}

// text is the recorded value with its bytes, which are recorded as code points.
func (v *recorded) text(t *testing.T) string {
	t.Helper()
	var s string
	require.NoError(t, json.Unmarshal(v.Output, &s))
	return latin1(s)
}

// shown splits a recorded configuration into the block and the text that shows
// its variable, which is value unless it is recorded too.
func shown(config, value string) (block, text string) {
	block, rest, found := strings.Cut(config, `return "`)
	if !found {
		return block, value
	}
	text, _, _ = strings.Cut(rest, `";`)
	return strings.TrimSuffix(strings.TrimSpace(block), ";"), text
}

func latin1(s string) string {
	var b []byte
	for _, c := range s {
		b = append(b, byte(c))
	}
	return string(b)
}

// TestRefused reads testdata/refused/*.bad.conf. The comments at the top of each
// are what `nginx -t` of 1.31.5 says to the file, in order; most end with the
// reason for which it is refused.
func TestRefused(t *testing.T) {
	paths, err := filepath.Glob("testdata/refused/*.bad.conf")
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			raw, err := os.ReadFile(path)
			require.NoError(t, err)
			var want []string
			for line := range strings.Lines(string(raw)) {
				message, ok := strings.CutPrefix(line, "# ")
				if !ok {
					break
				}
				want = append(want, strings.TrimSuffix(message, "\n"))
			}
			require.NotEmpty(t, want)
			path, err := filepath.Abs(path)
			require.NoError(t, err)
			_, f := compileText(path, string(raw))
			for i := range f.log {
				f.log[i] = strings.ReplaceAll(f.log[i], filepath.Dir(path)+"/", "")
			}
			assert.Equal(t, want, f.log)
		})
	}
}
