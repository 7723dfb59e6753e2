package parser

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tufanbarisyildirim/gonginx/config"
	gonginx "github.com/tufanbarisyildirim/gonginx/parser"
)

func TestDirectivesGivesPositions(t *testing.T) {
	dir := write(t, map[string]string{
		"main": "a;\ninclude f;\nb;\ninclude nosuch;",
		"f":    "\nc;\n{", // an error, so main is not read on
		"g":    "d;\ninclude h;\ne;",
		"h":    "\n\nh\n;",
	})
	places := func(text string) (all []Position) {
		c, _ := ParseString("main", text, Options{Dir: dir})
		for at := range Directives(c, c.FilePath) {
			at.File = strings.TrimPrefix(at.File, dir+"/")
			all = append(all, at)
		}
		return all
	}
	assert.Equal(t, []Position{{"main", 1}, {"f", 2}, {"f", 3}}, places("a;\ninclude f;\nb;"))
	assert.Equal(t, []Position{{"g", 1}, {"h", 4}, {"g", 3}, {"main", 4}}, places("include g;\ninclude\n\nnosuch;"))
}

func TestDirectivesStops(t *testing.T) {
	dir := write(t, map[string]string{"f": "b; c;"})
	c, err := ParseString("main", "a; include f; d;", Options{Dir: dir})
	require.NoError(t, err)
	for n := range 5 {
		var names strings.Builder
		for _, d := range Directives(c, "main") {
			if names.Len() == n {
				break
			}
			names.WriteString(d.GetName())
		}
		assert.Equal(t, "abcd"[:min(n, 4)], names.String())
	}
}

func TestDirectivesOfNothing(t *testing.T) {
	for range Directives(nil, "") {
		t.Fatal("yielded")
	}
	for range Directives(&config.Block{}, "") {
		t.Fatal("yielded")
	}
}

// gonginx gives a block, an upstream and its servers types of their own.
func TestDirectivesOfGonginxTree(t *testing.T) {
	text := "stream {\n upstream u { server a:1 weight=2; hash x; }\n" +
		" server { listen 1; include nosuch; }\n geo $a { default 1; }\n}\nfoo_by_lua_block { return }\n"
	c, err := gonginx.NewStringParser(text, gonginx.WithSkipValidDirectivesErr()).Parse()
	require.NoError(t, err)
	assert.Equal(t, `stream{upstream u{hash x;server a:1 weight=2;}`+
		`server{listen 1;include nosuch;}geo "$a"{default 1;}}foo_by_lua_block{}`, outline(c))
}

func TestDirectivesOfGonginxInclude(t *testing.T) {
	dir := write(t, map[string]string{"main": "a;\ninclude f;\n", "f": "b;\nc { include g; }", "g": "d;"})
	p, err := gonginx.NewParser(dir+"/main", gonginx.WithIncludeParsing(), gonginx.WithSkipValidDirectivesErr())
	require.NoError(t, err)
	c, err := p.Parse()
	require.NoError(t, err)
	assert.Equal(t, "a;b;c{d;}", outline(c))
}

func TestDirectivesOfFileIncludingItself(t *testing.T) {
	c := &config.Config{FilePath: "f", Block: &config.Block{}}
	inc := &config.Include{Directive: &config.Directive{Name: "include", Line: 3}, IncludePath: "f", Configs: []*config.Config{c}}
	c.Directives = []config.IDirective{inc, &config.Directive{Name: "a"}}
	assert.Equal(t, "!", outline(c))
	assert.Equal(t, `include of "f" failed, files are nested more than 64 deep in f:3`, firstError(c))
}
