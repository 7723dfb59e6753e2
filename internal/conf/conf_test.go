package conf_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tufanbarisyildirim/gonginx/config"

	"github.com/gostream/gostream/internal/conf"
	"github.com/gostream/gostream/parser"
)

// world is what the tests' directives fill: stream and its servers.
type world struct {
	defaults server
	servers  []*server
	entries  []string
	stream   bool
}

type server struct {
	timeout time.Duration
	ttl     time.Duration
	size    int64
	limit   int64
	tries   int64
	flag    conf.Flag
	mode    mode
	protos  protos
	name    string
	value   string
	rules   []string
	key     *string
}

type (
	mode   int
	protos uint8
)

const both = conf.Stream | conf.Server

var serverTable = &conf.Table[server]{
	Name: "stream_test",
	Commands: []conf.Command[server]{
		{Name: "t_timeout", Default: "10m", In: both, Set: conf.Msec(func(s *server) *time.Duration { return &s.timeout })},
		{Name: "t_ttl", In: both, Set: conf.Sec(func(s *server) *time.Duration { return &s.ttl })},
		{Name: "t_size", Default: "16k", In: both, Set: conf.Size(func(s *server) *int64 { return &s.size })},
		{Name: "t_limit", In: both, Set: conf.Offset(func(s *server) *int64 { return &s.limit })},
		{Name: "t_tries", Default: "0", In: both, Set: conf.Number(func(s *server) *int64 { return &s.tries })},
		{Name: "t_flag", Default: "on", In: both, Set: conf.FlagOf(func(s *server) *conf.Flag { return &s.flag })},
		{Name: "t_mode", Default: "fast", In: both,
			Set: conf.Enum(func(s *server) *mode { return &s.mode }, map[string]mode{"fast": 1, "slow": 2})},
		{Name: "t_protos", Args: conf.AtLeast(1), In: both,
			Set: conf.Bits(func(s *server) *protos { return &s.protos }, map[string]protos{"a": 1, "b": 2})},
		{Name: "t_name", Default: `"none"`, In: both, Set: conf.String(func(s *server) *string { return &s.name })},
		{Name: "t_value", In: both, Set: conf.Value(func(s *server) *string { return &s.value })},
		{Name: "t_allow", In: both, Set: rule("allow ")},
		{Name: "t_deny", In: both, Set: rule("deny ")},
		{Name: "t_key", In: conf.Server, Set: keySetter},
		{Name: "t_two", In: both, Args: conf.Take(2, 3), Set: conf.Func(func(*server, *conf.Directive) error { return nil })},
		{Name: "t_end", In: both, Block: true, Args: conf.None, Set: conf.Func(func(_ *server, d *conf.Directive) error {
			if err := d.Apply(nil, conf.Upstream); err != nil {
				return err
			}
			return d.End().Errorf("nothing inside %s", d.Name)
		})},
	},
	Finish: func(s *server) error {
		if s.name == "bad" {
			return errors.New("bad name")
		}
		return nil
	},
}

func rule(word string) conf.Setter[server] {
	return conf.List(func(s *server) *[]string { return &s.rules }, func(d *conf.Directive) (string, error) {
		return word + d.Args[0], nil
	})
}

var keySetter = func() conf.Setter[server] {
	s := conf.Slot(func(s *server) **string { return &s.key }, func(d *conf.Directive) (*string, error) { return &d.Args[0], nil })
	s.Duplicate = "may stand only once"
	return s
}()

var worldTable = &conf.Table[world]{
	Name: "stream_world",
	Commands: []conf.Command[world]{
		{Name: "stream", In: conf.Main, Block: true, Args: conf.None, Set: conf.Func(func(w *world, d *conf.Directive) error {
			if w.stream {
				return d.Duplicate()
			}
			w.stream = true
			return d.Apply(nil, conf.Stream, w, &w.defaults)
		})},
		{Name: "server", In: conf.Stream, Block: true, Args: conf.None, Set: conf.Func(func(w *world, d *conf.Directive) error {
			s := &server{}
			w.servers = append(w.servers, s)
			return d.Apply(nil, conf.Server, s)
		})},
		{Name: "map", In: conf.Stream, Block: true, Args: conf.Take(2, 2), Set: conf.Func(func(w *world, d *conf.Directive) error {
			for e, err := range d.Entries() {
				if err != nil {
					return err
				}
				w.entries = append(w.entries, fmt.Sprintf("%s=%s:%d", e.Name, strings.Join(e.Args, "+"), e.Line))
			}
			return nil
		})},
	},
}

func schema() *conf.Schema {
	return conf.NewSchema(worldTable, serverTable).KnowElsewhere("location", "stream")
}

// load reads text as the file "f" and sends it to a new world.
func load(t *testing.T, text string) (w *world, log []string, err error) {
	t.Helper()
	w = &world{}
	tree, _ := parser.ParseString("f", text, parser.Options{Dir: t.TempDir()})
	env := &conf.Env{Log: func(level, msg string) { log = append(log, level+" "+msg) }}
	err = conf.Apply(tree, schema(), conf.Main, env, w)
	return w, log, err
}

func TestErrors(t *testing.T) {
	const timeout = "t_timeout 1s;\n"
	for _, tt := range []struct{ in, want string }{
		// What is wrong with a directive as such, in nginx's order.
		{"nosuch;", `unknown directive "nosuch" in f:3`},
		{"nosuch {", `unknown directive "nosuch" in f:3`},
		{"server;", `"server" directive is not allowed here in f:3`},
		{"stream { }", `"stream" directive is not allowed here in f:3`},
		{"location / { }", `"location" directive is not allowed here in f:3`},
		{"t_size 1 2 { }", `directive "t_size" is not terminated by ";" in f:3`},
		{"t_end 1;", `directive "t_end" has no opening "{" in f:3`},
		{"t_size;", `invalid number of arguments in "t_size" directive in f:3`},
		{"t_size 1 2;", `invalid number of arguments in "t_size" directive in f:3`},
		{"t_two 1;", `invalid number of arguments in "t_two" directive in f:3`},
		{"t_two 1 2 3 4;", `invalid number of arguments in "t_two" directive in f:3`},
		{"t_end 1 { }", `invalid number of arguments in "t_end" directive in f:3`},
		{"t_protos;", `invalid number of arguments in "t_protos" directive in f:3`},
		{"include;", `invalid number of arguments in "include" directive in f:3`},
		{"include a b;", `invalid number of arguments in "include" directive in f:3`},
		{"include a { }", `directive "include" is not terminated by ";" in f:3`},

		// Duplicates come before values.
		{timeout + "t_timeout x;", `"t_timeout" directive is duplicate in f:4`},
		{"t_timeout 0;\nt_timeout 0;", `"t_timeout" directive is duplicate in f:4`},
		{"t_flag off; t_flag off;", `"t_flag" directive is duplicate in f:3`},
		{"t_mode slow; t_mode slow;", `"t_mode" directive is duplicate in f:3`},
		{"t_name a; t_name b;", `"t_name" directive is duplicate in f:3`},
		{"t_value a; t_value b;", `"t_value" directive is duplicate in f:3`},
		{`t_key ""; t_key "";`, `"t_key" directive may stand only once in f:3`},

		{"t_timeout 1y;", `"t_timeout" directive invalid value in f:3`},
		{"t_ttl 1ms;", `"t_ttl" directive invalid value in f:3`},
		{"t_size 1g;", `"t_size" directive invalid value in f:3`},
		{"t_limit 1t;", `"t_limit" directive invalid value in f:3`},
		{"t_tries -1;", `"t_tries" directive invalid number in f:3`},
		{"t_flag yes;", `invalid value "yes" in "t_flag" directive, it must be "on" or "off" in f:3`},
		{"t_mode x;", `invalid value "x" in f:3`},
		{"t_protos a c;", `invalid value "c" in f:3`},
		{"t_value $;", `invalid variable name in f:3`},
		{"t_value ${a;", `the closing bracket in "a" variable is missing in f:3`},

		// The first mistake of any kind, in the order of the text.
		{"nosuch;\n\"", `unknown directive "nosuch" in f:3`},
		{"t_size 1;\n;", `unexpected ";" in f:4`},
		{"t_size x ", `unexpected "}" in f:3`},
		{"t_end {\n}", `nothing inside t_end in f:4`},
		{"t_end { t_end { t_end {", `"t_end" directive is not allowed here in f:3`},
	} {
		_, _, err := load(t, "stream {\nserver {\n"+tt.in+"}}")
		assert.EqualError(t, err, tt.want, tt.in)
	}
}

func TestErrorsOfEntries(t *testing.T) {
	for in, want := range map[string]string{
		"a { }":       `unexpected "{" in f:2`,
		"a 1; b {":    `unexpected "{" in f:2`,
		"a 1;;":       `unexpected ";" in f:2`,
		"a 1;\nb 2\n": `unexpected "}" in f:4`,
	} {
		_, _, err := load(t, "stream { map a b {\n"+in+"} }")
		assert.EqualError(t, err, want, in)
	}
	_, _, err := load(t, "stream { } stream { }")
	assert.EqualError(t, err, `"stream" directive is duplicate in f:1`)
}

func TestValues(t *testing.T) {
	w, log, err := load(t, `
stream {
	t_timeout 1m; t_size 0; t_flag OFF; t_mode Slow; t_allow 1; t_name a;
	server {
		"t_size" '1k'; t_protos A a; t_protos B; t_deny 2; t_allow 3; t_value x$y; t_ttl 1y; t_limit 1g; t_tries 7; t_key "";
	}
	server { }
	map a b { "x y" 1; z; include 1 2; }
}`)
	require.NoError(t, err)
	assert.Equal(t, []string{`warn duplicate value "a" in f:5`}, log)
	assert.Equal(t, []string{"x y=1:8", "z=:8", "include=1+2:8"}, w.entries)
	assert.Equal(t, server{timeout: time.Minute, size: conf.Zero, flag: conf.Off, mode: 2, rules: []string{"allow 1"}, name: "a"}, w.defaults)
	empty := ""
	s := w.servers[0]
	assert.Equal(t, &server{
		size: 1024, protos: 3, rules: []string{"deny 2", "allow 3"}, value: "x$y", key: &empty,
		ttl: 365 * 24 * time.Hour, limit: 1 << 30, tries: 7,
	}, s)

	conf.Inherit(serverTable, s, &w.defaults)
	assert.Equal(t, &server{
		timeout: time.Minute, size: 1024, flag: conf.Off, mode: 2, protos: 3, rules: []string{"deny 2", "allow 3"},
		value: "x$y", key: &empty, ttl: 365 * 24 * time.Hour, limit: 1 << 30, tries: 7, name: "a",
	}, s)

	bare := w.servers[1]
	conf.Inherit(serverTable, bare, &w.defaults)
	require.NoError(t, conf.Defaults(serverTable, bare))
	assert.Equal(t, &server{
		timeout: time.Minute, size: conf.Zero, flag: conf.Off, mode: 2, tries: conf.Zero, rules: []string{"allow 1"}, name: "a",
	}, bare)
}

func TestDefaults(t *testing.T) {
	s := &server{}
	require.NoError(t, conf.Defaults(serverTable, s))
	assert.Equal(t, &server{timeout: 10 * time.Minute, size: 16384, tries: conf.Zero, flag: conf.On, mode: 1, name: "none"}, s)
	assert.True(t, s.flag.On())
	assert.EqualError(t, conf.Defaults(serverTable, &server{name: "bad"}), "bad name")
}

// Words may be kept by setters: the ones of a later directive must not
// overwrite them.
func TestArgsMayBeKept(t *testing.T) {
	var text strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&text, "server { t_key %d; }\n", i)
	}
	w, _, err := load(t, "stream {"+text.String()+"}")
	require.NoError(t, err)
	for i, s := range w.servers {
		require.Equal(t, fmt.Sprint(i), *s.key)
	}
}

func TestCommandLine(t *testing.T) {
	tree, err := parser.ParseString(parser.CommandLine, "nosuch 1;", parser.Options{})
	require.NoError(t, err)
	err = conf.Apply(tree, schema(), conf.Main, nil, &world{})
	assert.EqualError(t, err, `unknown directive "nosuch" in command line`)
	var place *parser.Error
	require.ErrorAs(t, err, &place)
	assert.Equal(t, 0, place.Line)
}

func TestMissingTarget(t *testing.T) {
	tree, err := parser.ParseString("f", "stream { }", parser.Options{})
	require.NoError(t, err)
	assert.PanicsWithValue(t, `conf: no target of type *conf_test.world for directive "stream"`, func() {
		_ = conf.Apply(tree, schema(), conf.Main, nil, &server{})
	})
}

func TestRows(t *testing.T) {
	rows := map[string]conf.Row{}
	for r := range schema().Rows() {
		rows[r.Name] = r
	}
	assert.Equal(t, conf.Row{Name: "t_size", Default: "16k", In: both, Module: "stream_test"}, rows["t_size"])
	assert.Equal(t, "stream, server", rows["t_size"].In.String())
	assert.Equal(t, "main, events, stream, server, upstream", rows["include"].In.String())
	assert.NotContains(t, rows, "location")
	assert.Contains(t, conf.HTTPDirectives(), "proxy_set_header")
}

func TestPaths(t *testing.T) {
	env := conf.Env{Prefix: "/p/", ConfDir: "conf"}
	assert.Equal(t, "/p/logs/../x", env.PrefixPath("logs/../x"))
	assert.Equal(t, "/x", env.PrefixPath("/x"))
	assert.Equal(t, "conf/x", env.ConfPath("x"))
	assert.Equal(t, "x", (&conf.Env{}).ConfPath("x"))
}

// A block may be open around an include.
func TestRefusesInIncludes(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(dir+"/part", []byte("line { a; } b;"), 0o600))
	s := conf.NewSchema(&conf.Table[struct{}]{Commands: []conf.Command[struct{}]{{Name: "server", In: conf.Stream}, {Name: "line", In: conf.Server}}})
	for text, want := range map[string]string{
		"include part;":            "b",
		"server { include part; }": "b",
		"line { include part; }":   "line",
	} {
		got := ""
		_, err := parser.ParseString("x", text, parser.Options{Dir: dir, Until: func(owner, d config.IDirective) bool {
			if s.Refuses(owner, d) {
				got += d.GetName()
				return true
			}
			return false
		}})
		assert.Error(t, err)
		assert.Equal(t, want, got, text)
	}
}

func TestRefuses(t *testing.T) {
	s := conf.NewSchema(&conf.Table[struct{}]{Commands: []conf.Command[struct{}]{{Name: "server", In: conf.Stream}, {Name: "map", In: conf.Stream}}}).KnowElsewhere("location")
	for text, want := range map[string]string{
		"server; map; location; include x y;":     "",
		"unknown;":                                "unknown",
		"server { unknown; }":                     "unknown",
		"'server' { \"unknown\"; }":               "\"unknown\"",
		"map { unknown; server; }":                "",
		"map { unknown { server; } }":             "unknown",
		"unknown { unknown { unknown { unknown {": "unknown",
	} {
		got := ""
		_, _ = parser.ParseString("x", text, parser.Options{Until: func(owner, d config.IDirective) bool {
			if s.Refuses(owner, d) {
				got += d.GetName()
				return true
			}
			return false
		}})
		assert.Equal(t, want, got, text)
	}
}
