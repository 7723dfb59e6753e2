package parser

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tufanbarisyildirim/gonginx/config"
)

// outline writes what nginx would see: names and values, unquoted, with
// includes replaced by what is in the files. An error is "!".
func outline(b config.IBlock) string {
	var out strings.Builder
	for _, d := range Directives(b, "") {
		if _, ok := d.(*Broken); ok {
			out.WriteString("!")
			continue
		}
		out.WriteString(word(d.GetName()))
		for _, p := range d.GetParameters() {
			out.WriteString(" " + word(p.Value))
		}
		if b := d.GetBlock(); b != nil {
			out.WriteString("{" + outline(b) + "}")
			continue
		}
		out.WriteString(";")
	}
	return out.String()
}

var plain = regexp.MustCompile(`^[\w.:*/=~-]+$`)

func word(raw string) string {
	if value := Unquote(raw); !plain.MatchString(value) {
		return strconv.Quote(value)
	} else {
		return value
	}
}

// firstError is what an nginx says that knows no directive except include.
func firstError(c *config.Config) string {
	for at, d := range Directives(c, c.FilePath) {
		if b, ok := d.(*Broken); ok {
			return b.Err.Error()
		}
		msg := `unknown directive "` + Unquote(d.GetName()) + `"`
		if Unquote(d.GetName()) == "include" {
			msg = `invalid number of arguments in "include" directive`
			if d.GetBlock() != nil {
				msg = `directive "include" is not terminated by ";"`
			}
		}
		return (&Error{File: at.File, Line: at.Line, Msg: msg}).Error()
	}
	return ""
}

// write makes files below a new directory and gives its name.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	return dir
}

func TestParseFile(t *testing.T) {
	dir := write(t, map[string]string{
		"main": "user x;\nstream {\n  include s/*.conf;\n}\n",
		"s/b.conf": "server {\n" +
			"  listen\n    1;\n}",
		"s/a.conf": "map a b { include m; }",
		"m":        "k v;",
	})
	var files, texts []string
	c, err := ParseFile(dir+"/main", Options{OnFile: func(path string, text []byte) {
		files, texts = append(files, path), append(texts, string(text))
	}})
	require.NoError(t, err)
	assert.Equal(t, dir+"/main", c.FilePath)
	assert.Equal(t, "user x;stream{map a b{k v;}server{listen 1;}}", outline(c))
	assert.Equal(t, []string{dir + "/main", dir + "/s/a.conf", dir + "/m", dir + "/s/b.conf"}, files)
	assert.Equal(t, "k v;", texts[2])
}

func TestParents(t *testing.T) {
	dir := write(t, map[string]string{"main": "a { include f; }", "f": "b { c; }"})
	c, err := ParseFile(dir+"/main", Options{})
	require.NoError(t, err)
	a := c.Directives[0]
	inc := a.GetBlock().GetDirectives()[0].(*config.Include)
	b := inc.Configs[0].Directives[0]
	assert.Nil(t, a.GetParent())
	assert.Equal(t, a, a.GetBlock().GetParent())
	assert.Equal(t, a, inc.GetParent())
	assert.Equal(t, inc, b.GetParent())
	assert.Equal(t, b, b.GetBlock().GetDirectives()[0].GetParent())
}

func TestEndLine(t *testing.T) {
	c, err := ParseString("f", "a\n{\n b {}\n}\nc\n;\n", Options{})
	require.NoError(t, err)
	a, last := c.Directives[0], c.Directives[1]
	assert.Equal(t, 2, a.GetLine())
	assert.Equal(t, 4, EndLine(a))
	assert.Equal(t, 3, EndLine(a.GetBlock().GetDirectives()[0]))
	assert.Equal(t, 6, EndLine(last))
	assert.Equal(t, 7, EndLine(&config.Directive{Line: 7, Block: &config.Block{}}), "of another parser")
}

func TestEndLineOfBrokenBlock(t *testing.T) {
	c, err := ParseString("f", "a {\n\n;", Options{})
	require.Error(t, err)
	assert.Zero(t, c.Directives[0].GetBlock().(*Block).EndLine)
}

func TestTreeGoesUpToTheError(t *testing.T) {
	c, err := ParseString("f", "a 1;\nb {\n c { d;\n }\n e {\n f; }\n ;\n g; } h;", Options{})
	require.EqualError(t, err, `unexpected ";" in f:7`)
	assert.Equal(t, "a 1;b{c{d;}e{f;}!}", outline(c))
	at := c.Directives[1].GetBlock().GetDirectives()[2].(*Broken)
	assert.Same(t, err, at.Err)
	assert.Equal(t, 7, at.GetLine())
	assert.Empty(t, at.GetName())
}

func TestParametersKeepTheText(t *testing.T) {
	c, err := ParseString("f", "\"lis\\ten\" 'a b' c\\;d\n  \"\" ${e};", Options{})
	require.NoError(t, err)
	assert.Equal(t, `"lis\ten"`, c.Directives[0].GetName())
	assert.Equal(t, []config.Parameter{{Value: `'a b'`}, {Value: `c\;d`},
		{Value: `""`, RelativeLineIndex: 1}, {Value: `${e}`, RelativeLineIndex: 1}}, c.Directives[0].GetParameters())
}

func TestParametersDoNotShareRoom(t *testing.T) {
	c, err := ParseString("f", "a 1; b 2; x { y; } z;", Options{})
	require.NoError(t, err)
	a := c.Directives[0].(*config.Directive)
	a.Parameters = append(a.Parameters, config.Parameter{Value: "new"})
	b := c.Directives[2].GetBlock().(*Block)
	b.Directives = append(b.Directives, a)
	assert.Equal(t, "a 1 new;b 2;x{y;a 1 new;}z;", outline(c))
}

func TestOpaque(t *testing.T) {
	skip := Options{Opaque: []string{"http", "mail"}}
	for _, tt := range []struct{ text, tree, err string }{
		{"http { include nosuch; a { b; } }\nstream { c; }", `http{}stream{c;}`, ""},
		{"'http' x { a }", `http x{}!`, `unexpected "}" in f:1`},
		{"http {\n a {\n", `http{}!`, `unexpected end of file, expecting "}" in f:3`},
		{"mail {\n } }", `mail{}!`, `unexpected "}" in f:2`},
		{"http a;", `http a;`, ""},
		{"stream { http { a; } }", `stream{http{a;}}`, ""},
	} {
		c, err := ParseString("f", tt.text, skip)
		assert.Equal(t, tt.tree, outline(c), tt.text)
		assertError(t, tt.err, err, tt.text)
	}
}

func TestNoInclude(t *testing.T) {
	dir := write(t, map[string]string{"main": "include x;", "x": "a { include nosuch; 'include' b; } c { include y; }", "y": "d;"})
	c, err := ParseFile(dir+"/main", Options{NoInclude: []string{"a"}})
	require.NoError(t, err)
	assert.Equal(t, "a{include nosuch;include b;}c{d;}", outline(c))
}

func TestOpaqueInIncludedFile(t *testing.T) {
	dir := write(t, map[string]string{"main": "include h; stream { include h; }", "h": "http { x; }"})
	c, err := ParseFile(dir+"/main", Options{Opaque: []string{"http"}})
	require.NoError(t, err)
	assert.Equal(t, "http{}stream{http{x;}}", outline(c), "only top-level blocks are opaque")
}

func TestOpaqueEndLine(t *testing.T) {
	c, err := ParseString("f", "http {\n a;\n}", Options{Opaque: []string{"http"}})
	require.NoError(t, err)
	assert.Equal(t, 3, EndLine(c.Directives[0]))
}

func assertError(t *testing.T, want string, err error, msg string) {
	t.Helper()
	if want == "" {
		assert.NoError(t, err, msg)
		return
	}
	assert.EqualError(t, err, want, msg)
}

func TestUnquote(t *testing.T) {
	for _, tt := range [][2]string{
		{``, ``}, {`a`, `a`}, {`"a b"`, `a b`}, {`'a'`, `a`}, {`""`, ``}, {`"`, `"`}, {`"a'`, `"a'`}, {`a"b"`, `a"b"`},
		{`\"`, `"`}, {`\'`, `'`}, {`\\`, `\`}, {`\t\r\n`, "\t\r\n"}, {`\d\.\;`, `\d\.\;`}, {`a\`, `a\`},
		{`"\\d"`, `\d`}, {`\\n`, `\n`}, {`'it\'s'`, `it's`}, {`"\"`, `\`}, {"`a`", "`a`"},
	} {
		assert.Equal(t, tt[1], Unquote(tt[0]), tt[0])
	}
}

// Nothing behind the directive that ends the reading is in the tree.
func TestUntil(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"a; end; b;", "a end"},
		{"a; in { c; end { d; } } b;", "a in c end"},
		{"a; end { end { end {", "a end"},
		{"a; b; } end;", "a b"},
	} {
		var asked []string
		o := Options{Until: func(owner, d config.IDirective) bool {
			asked = append(asked, d.GetName())
			assert.Equal(t, d.GetName() == "c", owner != nil && d.GetName() == "c", "the owner")
			return d.GetName() == "end"
		}}
		tree, err := ParseString("x", tt.text, o)
		assert.Error(t, err)
		assert.Equal(t, tt.want, strings.Join(asked, " "))
		assert.NotEmpty(t, tree.Directives)
	}
}
