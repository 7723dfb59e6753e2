package parser

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tufanbarisyildirim/gonginx/config"
)

// What gonginx's own parser reads in another way than nginx does. Each case
// was compared with nginx 1.31.5.

func TestWhereGonginxDiffers(t *testing.T) {
	for _, tt := range []struct{ name, text, tree, err string }{
		{"G1 closing brace too many", "foo a; } bar b;", `foo a;!`, `unexpected "}" in f:1`},
		{"G2 no name before {", "{ }", `!`, `unexpected "{" in f:1`},
		{"G2 no name before ;", ";", `!`, `unexpected ";" in f:1`},
		{"G2 double ;", "foo;;", `foo;!`, `unexpected ";" in f:1`},
		{"G2 } first", "} foo;", `!`, `unexpected "}" in f:1`},
		{"G3 escaped backslash at the end", `foo "a\\" b;`, `foo "a\\" b;`, ""},
		{"G4 quotes touch", `foo "a""b";`, `!`, `unexpected """ in f:1`},
		{"G4 word touches quote", `foo "a"b;`, `!`, `unexpected "b" in f:1`},
		{"G4 comment touches quote", `foo "a"#c`, `!`, `unexpected "#" in f:1`},
		{"G5 hidden ;", `a\;b x;`, `"a\\;b" x;`, ""},
		{"G5 hidden blank", `a\ b x;`, `"a\\ b" x;`, ""},
		{"G5 hidden {", `a\{b x;`, `"a\\{b" x;`, ""},
		{"G5 hidden line feed", "a\\\nb x;", `"a\\\nb" x;`, ""},
		{"G6 } in a word", "foo a}b;", `foo "a}b";`, ""},
		{"G6 } ends a word", "foo a};", `foo "a}";`, ""},
		{"G7 backtick", "foo `a b` c;", "foo \"`a\" \"b`\" c;", ""},
		{"G8 not UTF-8", "foo a\xe9b;", `foo "a\xe9b";`, ""},
		{"G9 zero byte", "foo a; \x00 bar c;", `foo a;"\x00" bar c;`, ""},
		{"G10 carriage return in a comment", "# c\rfoo a;\nbar;", `bar;`, ""},
		{"G11 unclosed variable", "foo ${a{ bar; }", `foo "${a"{bar;}`, ""},
		{"G12 long word", "foo " + rep("x", 5000) + ";", `!`, `too long parameter "xxxxxxxxxx..." started in f:1`},
		{"G12 long string", "foo '" + rep("x", 5000) + "';", `!`,
			`too long parameter, probably missing terminating "'" character in f:1`},
		{"G14 end of file in a block", "a {\n b;\n", `a{b;!}`, `unexpected end of file, expecting "}" in f:3`},
		{"G15 unknown word before the error", "server { listen 1;\n foo; }\n bar", `server{listen 1;foo;}!`,
			`unexpected end of file, expecting ";" or "}" in f:3`},
		{"G16 order in upstream", "upstream u { server a:1 weight=1 backup weight=2; hash $x; server b; }",
			`upstream u{server a:1 weight=1 backup weight=2;hash "$x";server b;}`, ""},
		{"G17 all arguments", "upstream u v { } server foo { } http foo { }", `upstream u v{}server foo{}http foo{}`, ""},
		{"G18 server in upstream", "upstream u { server { listen 1; } server; }", `upstream u{server{listen 1;}server;}`, ""},
		{"G26 include with a block", "include a { b; } include a b;", `include a{b;}include a b;`, ""},
		{"G30 Lua is nothing special", "foo_by_lua_block { bar; }", `foo_by_lua_block{bar;}`, ""},
		{"G30 Lua is nothing special", `foo_by_lua_block { local x = "}" }`, `foo_by_lua_block{!}`, `unexpected "}" in f:1`},
	} {
		c, err := ParseString("f", tt.text, Options{})
		assert.Equal(t, tt.tree, outline(c), tt.name)
		assertError(t, tt.err, err, tt.name)
	}
}

// G13: a block is on the line of its {, a simple directive on that of its ;.
func TestLines(t *testing.T) {
	c, err := ParseString("f", "a\n{\n b\n c\n ;\n}\n", Options{})
	require.NoError(t, err)
	a := c.Directives[0]
	assert.Equal(t, 2, a.GetLine())
	b := a.GetBlock().GetDirectives()[0]
	assert.Equal(t, 5, b.GetLine())
	assert.Equal(t, 1, b.GetParameters()[0].GetRelativeLineIndex(), "after its name")
}

// G19 to G25: what is included.
func TestInclude(t *testing.T) {
	dir := write(t, map[string]string{
		"1.inc": "one;", "2.inc": "two;", ".3.inc": "three;", "with space": "space;",
		"d1/a/x": "ax;", "d1/a-b/x": "abx;", "d1/.h/x": "hx;", "d1/[b": "bracket;",
		"d1/nested": "include 1.inc;", "bad": "x;\n}", "open": "x {", "self": "\n\ninclude self;", "empty": "",
	})
	for _, tt := range []struct{ name, text, tree, err string }{
		{"G19 no such file", "a;\ninclude missing.conf;\nb;", `a;!`,
			`open() "DIR/missing.conf" failed (2: No such file or directory) in f:2`},
		{"G20 quoted", `include "1.inc"; "include" with\ space;`, `one;!`,
			`open() "DIR/with\ space" failed (2: No such file or directory) in f:1`},
		{"G20 quoted", `include 'with space';`, `space;`, ""},
		{"G21 negation", "include [!1].inc;", `two;`, ""},
		{"G22 order of paths", "include d1/*/x;", `abx;ax;`, ""},
		{"G23 bad pattern", "include d1/[a;", ``, ""},
		{"a bad pattern is a name", "include d1/[b;", `bracket;`, ""},
		{"G24 itself", "include self;", `!`, `include of "DIR/self" failed, files are nested more than 64 deep in DIR/self:3`},
		{"G25 directory", "a; include d1;", `a;!`, `pread() "DIR/d1" failed (21: Is a directory)`},
		{"hidden files", "include *.inc;", `one;two;`, ""},
		{"hidden files asked for", "include .*.inc;", `three;`, ""},
		{"no match", "include *.nosuch; a;", `a;`, ""},
		{"empty file", "include empty; a;", `a;`, ""},
		{"twice", "include 1.inc; include 1.inc;", `one;one;`, ""},
		{"in blocks", "a { b { include 1.inc; c; } include 2.inc; }", `a{b{one;c;}two;}`, ""},
		{"relative to the main directory", "include d1/nested;", `one;`, ""},
		{"closing brace in it", "a { include bad; b; }", `a{x;!}`, `unexpected "}" in DIR/bad:2`},
		{"block does not span files", "include open; }", `x{!}`, `unexpected end of file, expecting "}" in DIR/open:1`},
		{"error after a good file", "include [1n]*; include nosuch; a;", `one;!`,
			`open() "DIR/nosuch" failed (2: No such file or directory) in f:1`},
	} {
		c, err := ParseString("f", tt.text, Options{Dir: dir})
		assert.Equal(t, tt.tree, outline(c), tt.name)
		assertError(t, strings.ReplaceAll(tt.err, "DIR", dir), err, tt.name)
	}
}

// G27: depth cannot overflow the stack.
func TestDeepNesting(t *testing.T) {
	const depth = 1_000_000
	c, err := ParseString("f", rep("a{", depth), Options{})
	require.EqualError(t, err, `unexpected end of file, expecting "}" in f:1`)
	n := 0
	for b := config.IBlock(c); b != nil; n++ {
		b = b.GetDirectives()[0].GetBlock()
	}
	assert.Equal(t, depth+1, n, "the innermost has no block: it is the error")

	_, err = ParseString("f", rep("a{", depth)+rep("}", depth), Options{})
	assert.NoError(t, err)
	_, err = ParseString("f", rep("a{", depth), Options{Opaque: []string{"a"}})
	assert.EqualError(t, err, `unexpected end of file, expecting "}" in f:1`)
}

// G28: comments come back where gonginx's dumper has room for them.
func TestComments(t *testing.T) {
	c, err := ParseString("f", "# 1\r\n\n  # 2\na b; # 3\n# 4\nc {# 5\n d # 6\n # 7\n e # 8\n ; # 9\n # 10\n} # 11\nf;\n# 12\n", Options{})
	require.NoError(t, err)
	type inline = []config.InlineComment
	check := func(d config.IDirective, above []string, within inline) {
		t.Helper()
		assert.Equal(t, above, d.GetComment())
		assert.Equal(t, within, d.GetInlineComment())
	}
	check(c.Directives[0], []string{"# 1", "# 2"}, inline{{Value: "# 3"}})
	check(c.Directives[1], []string{"# 4"}, nil)
	check(c.Directives[1].GetBlock().GetDirectives()[0], []string{"# 5"},
		inline{{Value: "# 6\n# 7"}, {Value: "# 8\n# 9\n# 10", RelativeLineIndex: 2}})
	check(c.Directives[2], []string{"# 11"}, inline{{Value: "\n# 12"}})
}

func TestCommentsAfterABlock(t *testing.T) {
	c, err := ParseString("f", "a { b { } # 1\n }\nc; d { # 2\n } e; # 3\n", Options{})
	require.NoError(t, err)
	assert.Equal(t, []string{"# 1"}, c.Directives[1].GetComment())
	assert.Equal(t, []string{"# 2"}, c.Directives[3].GetComment())
	assert.Equal(t, "# 3", c.Directives[3].GetInlineComment()[0].Value)
}
