package parser

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// nginxSays holds errors of nginx 1.31.5; the configuration is file F. Names
// in the texts are unknown to nginx, so a text that can be read is an error too:
// it tells the first word and the line of its directive.
var nginxSays = []struct{ text, want string }{
	{"", ""},
	{"# nothing", ""},
	{" \t\r\n", ""},

	// Which characters are expected where.
	{";", `unexpected ";" in F:1`},
	{"{", `unexpected "{" in F:1`},
	{"\n}", `unexpected "}" in F:2`},
	{"a }", `unexpected "}" in F:1`},
	{"a b\n\n }", `unexpected "}" in F:3`},
	{"a;;", `unknown directive "a" in F:1`},
	{"a", `unexpected end of file, expecting ";" or "}" in F:1`},
	{"a\n", `unexpected end of file, expecting ";" or "}" in F:2`},
	{"a # ;", `unexpected end of file, expecting ";" or "}" in F:1`},
	{`"a`, `unexpected end of file, expecting ";" or "}" in F:1`},
	{"'a\n;\n", `unexpected end of file, expecting ";" or "}" in F:3`},
	{`"a"`, `unexpected end of file, expecting ";" or "}" in F:1`},
	{`\`, `unexpected end of file, expecting ";" or "}" in F:1`},
	{`"\`, `unexpected end of file, expecting ";" or "}" in F:1`},
	{"a\\\n", `unexpected end of file, expecting ";" or "}" in F:2`},
	{"a\n\n {", `unknown directive "a" in F:3`},
	{"a b\n c\n;", `unknown directive "a" in F:3`},

	// The byte after a quoted word.
	{`"a""b";`, `unexpected """ in F:1`},
	{`"a"'b';`, `unexpected "'" in F:1`},
	{"\"a\nb\"c;", `unexpected "c" in F:2`},
	{`"a"#`, `unexpected "#" in F:1`},
	{`"a"}`, `unexpected "}" in F:1`},
	{`"a"\n;`, `unexpected "\" in F:1`},
	{`"a"$b;`, `unexpected "$" in F:1`},
	{"\"a\"\xe9;", "unexpected \"\xe9\" in F:1"},
	{"\"a\"\x00;", "unexpected \"\x00\" in F:1"},
	{`"a");`, `unknown directive "a" in F:1`},
	{`"a"){`, `unknown directive "a" in F:1`},
	{`"a")`, `unexpected end of file, expecting ";" or "}" in F:1`},
	{"\"a\"\t;", `unknown directive "a" in F:1`},

	// What a word is.
	{`"";`, `unknown directive "" in F:1`},
	{"a#b;", `unknown directive "a#b" in F:1`},
	{`a"b c";`, `unknown directive "a"b" in F:1`},
	{"a'b;", `unknown directive "a'b" in F:1`},
	{"`a b`;", "unknown directive \"`a\" in F:1"},
	{"a}b;", `unknown directive "a}b" in F:1`},
	{"a};", `unknown directive "a}" in F:1`},
	{"a{", `unknown directive "a" in F:1`},
	{"${a{ b;", `unknown directive "${a" in F:1`},
	{"${{{a;", `unknown directive "${{{a" in F:1`},
	{"a$ {", `unknown directive "a$" in F:1`},
	{"a$${;", `unknown directive "a$${" in F:1`},
	{"$\\${;", `unknown directive "$\$" in F:1`},
	{`a\{b;`, `unknown directive "a\{b" in F:1`},
	{`a\ b;`, `unknown directive "a\ b" in F:1`},
	{`\;a;`, `unknown directive "\;a" in F:1`},
	{`\#a;`, `unknown directive "\#a" in F:1`},
	{`\"a;`, `unknown directive ""a" in F:1`},
	{"a\\\nb;", "unknown directive \"a\\\nb\" in F:2"},
	{`a\\;`, `unknown directive "a\" in F:1`},
	{`a\tb\rc\nd\q;`, "unknown directive \"a\tb\rc\nd\\q\" in F:1"},
	{`"a\"b\\";`, `unknown directive "a"b\" in F:1`},
	{"'a\"b';", `unknown directive "a"b" in F:1`},
	{"'a;{}#b';", `unknown directive "a;{}#b" in F:1`},
	{"\"a\nb\"\n;", "unknown directive \"a\nb\" in F:3"},
	{"a\r\n;\r\n", `unknown directive "a" in F:2`},
	{"a\vb;", "unknown directive \"a\vb\" in F:1"},
	{"\xef\xbb\xbfa;", "unknown directive \"\xef\xbb\xbfa\" in F:1"},
	{"\xef\xbb\xbf# a\n;", "unknown directive \"\xef\xbb\xbf#\" in F:2"},
	{"\xe9a;", "unknown directive \"\xe9a\" in F:1"},
	{"# c\ra;\n{", `unexpected "{" in F:2`},
	{"# c\\\n{", `unexpected "{" in F:2`},

	// Words and nginx's buffer.
	{rep("x", 4095) + ";", `unknown directive "` + rep("x", 1005) + ` in F:1`},
	{rep("x", 4096) + ";", `too long parameter "xxxxxxxxxx..." started in F:1`},
	{rep("x", 4096), `unexpected end of file, expecting ";" or "}" in F:1`},
	{rep("x", 4097), `too long parameter "xxxxxxxxxx..." started in F:1`},
	{rep("x", 4094) + " ;", `unknown directive "` + rep("x", 1005) + ` in F:1`},
	{rep("x", 4095) + "\n;", `too long parameter "xxxxxxxxxx..." started in F:1`},
	{rep("x", 4095) + " ", `unexpected end of file, expecting ";" or "}" in F:1`},
	{"\n\n a\n" + rep("x\\\n", 2000) + ";", "too long parameter \"x\\\nx\\\nx\\\nx...\" started in F:4"},
	{"\n'" + rep("x", 4094) + "';", `unknown directive "` + rep("x", 1005) + ` in F:2`},
	{"\n'" + rep("x", 4094) + "' ;", `too long parameter "xxxxxxxxxx..." started in F:2`},
	{"\n'" + rep("x", 4095) + "';", `too long parameter "xxxxxxxxxx..." started in F:2`},
	{"\n'" + rep("x", 4096) + "';", `too long parameter, probably missing terminating "'" character in F:2`},
	{"a \"\n" + rep("x", 4096) + ";\n", `too long parameter, probably missing terminating """ character in F:1`},
	{"a \"" + rep("x", 4096), `unexpected end of file, expecting ";" or "}" in F:1`},
	{"#" + rep("x", 4094) + "\n;", `unexpected ";" in F:2`},
	{"\n #" + rep("x", 4095) + "\n;", `too long parameter "#xxxxxxxxx..." started in F:2`},
	{"#" + rep("x", 4095), ""},
	{rep(" ", 9000) + ";", `unexpected ";" in F:1`},
	{rep("a ", 9000) + ";", `unknown directive "a" in F:1`},

	// include.
	{"include a b;", `invalid number of arguments in "include" directive in F:1`},
	{"include;", `invalid number of arguments in "include" directive in F:1`},
	{"include a { b; }", `directive "include" is not terminated by ";" in F:1`},
	{"include {", `directive "include" is not terminated by ";" in F:1`},
	{"\ninclude nosuch\n;", `open() "DIR/nosuch" failed (2: No such file or directory) in F:3`},
	{"include nosuch*; a;", `unknown directive "a" in F:1`},
	{"include [a; b;", `unknown directive "b" in F:1`},
	{"include ../nosuch/./x//y;", `open() "DIR/../nosuch/./x//y" failed (2: No such file or directory) in F:1`},
	{"'include' \"/nosuch\";", `open() "/nosuch" failed (2: No such file or directory) in F:1`},
	{"include F/x;", `open() "F/x" failed (20: Not a directory) in F:1`},
	{`include "";`, `pread() "DIR/" failed (21: Is a directory)`},
	{"include .;", `pread() "DIR/." failed (21: Is a directory)`},
	{"include " + rep("x", 300) + ";", `open() "DIR/` + rep("x", 300) + `" failed (36: File name too long) in F:1`},
	{"include /" + rep("x", 3000) + ";", `open() "/` + rep("x", 974-len(`open() "/`)) + `... (36: File name too long) in F:1`},
	{"include nosuch\x00; a;", `open() "DIR/nosuch" failed (2: No such file or directory) in F:1`},
	{"include /dev/null; a;", `unknown directive "a" in F:1`},
	{`inc\lude a b;`, `unknown directive "inc\lude" in F:1`},
}

// nginxSaysOfParameter is the same for the text of the option -g.
var nginxSaysOfParameter = []struct{ text, want string }{
	{"a;", `unknown directive "a" in command line`},
	{"\n\na\n;", `unknown directive "a" in command line`},
	{"a", `unexpected end of parameter, expecting ";" in command line`},
	{"'a", `unexpected end of parameter, expecting ";" in command line`},
	{";", `unexpected ";" in command line`},
	{"}", `unexpected "}" in command line`},
	{"a {", `block directives are not supported in -g option in command line`},
	{"a }", `unexpected "}" in command line`},
	{`"a"b;`, `unexpected "b" in command line`},
	{"# a", ``},
	{rep("x", 9000), `unexpected end of parameter, expecting ";" in command line`},
	{"include nosuch;", `open() "DIR/nosuch" failed (2: No such file or directory) in command line`},
}

func rep(s string, n int) string { return strings.Repeat(s, n) }

// adapt fills in the directory of a test and the file in it.
func adapt(s, dir string) string {
	s = strings.ReplaceAll(s, "F/", dir+"/F/")
	s = strings.ReplaceAll(s, "DIR", dir)
	s = strings.ReplaceAll(s, "\"F", `"`+dir+"/F")
	return strings.ReplaceAll(s, " F:", " "+dir+"/F:")
}

func TestErrors(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range nginxSays {
		text := adapt(tt.text, dir)
		require.NoError(t, os.WriteFile(dir+"/F", []byte(text), 0o644))
		c, _ := ParseFile(dir+"/F", Options{})
		assert.Equal(t, cut(adapt(tt.want, dir)), cut(firstError(c)), "%.100q", tt.text)
	}
	for _, tt := range nginxSaysOfParameter {
		c, _ := ParseString(CommandLine, tt.text, Options{Dir: dir})
		assert.Equal(t, adapt(tt.want, dir), firstError(c), "%.100q", tt.text)
	}
}

// cut leaves out the middle of a long message: how much of it there is room
// for depends on the length of the directory's name.
func cut(s string) string {
	if i := strings.Index(s, rep("x", 900)); i >= 0 {
		return s[:i] + "[...]" + strings.TrimLeft(s[i:], "x")
	}
	return s
}

// TestErrorsOfNginx compares the tables with the nginx that GOSTREAM_NGINX names.
func TestErrorsOfNginx(t *testing.T) {
	nginx := os.Getenv("GOSTREAM_NGINX")
	if nginx == "" {
		t.Skip("GOSTREAM_NGINX is not set")
	}
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "logs"), 0o755))
	says := func(args ...string) string {
		var out bytes.Buffer
		c := exec.Command(nginx, append([]string{"-p", dir, "-t"}, args...)...)
		c.Stderr = &out
		_ = c.Run()
		_, msg, _ := strings.Cut(out.String(), "] ")
		msg, _, _ = strings.Cut(msg, "\nnginx: ")
		if strings.HasPrefix(msg, `no "events"`) {
			return ""
		}
		return msg
	}
	for _, tt := range nginxSays {
		require.NoError(t, os.WriteFile(dir+"/F", []byte(adapt(tt.text, dir)), 0o644))
		assert.Equal(t, cut(adapt(tt.want, dir)), cut(says("-c", dir+"/F")), "%.100q", tt.text)
	}
	require.NoError(t, os.WriteFile(dir+"/F", nil, 0o644))
	for _, tt := range nginxSaysOfParameter {
		assert.Equal(t, adapt(tt.want, dir), says("-c", dir+"/F", "-g", tt.text), "%.100q", tt.text)
	}
}
