package parser

import (
	"strings"
	"testing"

	"github.com/tufanbarisyildirim/gonginx/config"
	gonginx "github.com/tufanbarisyildirim/gonginx/parser"
)

func seed(f *testing.F) {
	for _, tt := range nginxSays {
		f.Add(tt.text)
	}
	f.Add("stream { # c\n upstream u { server 1.1.1.1:1 'a b' \"c\\\"d\"; }\n server {\n listen 1\n 2; } }")
}

// written is the configuration that gonginx's dumper would write, without
// indentation: the texts of the words, and line feeds where they were.
func written(b config.IBlock) string {
	var out strings.Builder
	for _, d := range b.GetDirectives() {
		for _, c := range d.GetComment() {
			out.WriteString(c + "\n")
		}
		out.WriteString(d.GetName())
		inline := map[int]string{}
		for _, c := range d.GetInlineComment() {
			inline[c.RelativeLineIndex] = c.Value
		}
		line := 0
		for _, p := range d.GetParameters() {
			if p.RelativeLineIndex != line {
				out.WriteString(" " + inline[line] + "\n")
				line = p.RelativeLineIndex
			}
			out.WriteString(" " + p.Value)
		}
		if b := d.GetBlock(); b != nil {
			out.WriteString(" {\n" + written(b) + "}\n")
			continue
		}
		out.WriteString(";" + inline[line] + "\n")
	}
	return out.String()
}

// FuzzParse: nothing crashes or hangs, every error is in the tree and placed,
// and what a tree is written out as is the same tree again.
func FuzzParse(f *testing.F) {
	seed(f)
	opts := Options{Dir: f.TempDir(), Opaque: []string{"http"}}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "include") && strings.ContainsAny(text, "/.") {
			t.Skip("reads some file")
		}
		c, err := ParseString("f", text, opts)
		if broken := strings.Contains(outlineShape(c), "!"); broken != (err != nil) {
			t.Fatalf("error %v, tree %s", err, outline(c))
		}
		if err != nil {
			checkPlace(t, text, err.(*Error))
			return
		}
		if len(text) > maxWord/2 {
			return // a blank more may be too much for nginx's buffer
		}
		again, err := ParseString("f", written(c), opts)
		if err != nil || outline(again) != outline(c) {
			t.Fatalf("%v\n%s\n%s", err, outline(c), outline(again))
		}
	})
}

// outlineShape is outline without the words.
func outlineShape(b config.IBlock) string {
	var out strings.Builder
	for _, d := range Directives(b, "") {
		if _, ok := d.(*Broken); ok {
			out.WriteString("!")
		}
		if b := d.GetBlock(); b != nil {
			out.WriteString("{" + outlineShape(b) + "}")
		}
	}
	return out.String()
}

func checkPlace(t *testing.T, text string, err *Error) {
	if err.Level == "crit" {
		return
	}
	if err.File != "f" || err.Line < 1 || err.Line > 1+strings.Count(text, "\n") {
		t.Fatalf("%+v", err)
	}
}

// FuzzGonginx compares with gonginx's parser where it follows nginx.
func FuzzGonginx(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, text string) {
		ours, err := ParseString("f", text, Options{})
		if err != nil || !gonginxCan(text, ours) {
			t.Skip()
		}
		theirs, err := gonginx.NewStringParser(text, gonginx.WithSkipValidDirectivesErr()).Parse()
		if err != nil {
			t.Fatal(err)
		}
		same(t, ours, theirs)
	})
}

// gonginxCan leaves out what TestWhereGonginxDiffers is about.
func gonginxCan(text string, b config.IBlock) bool {
	for _, c := range []byte(text) {
		if c >= 0x80 || c < ' ' && c != '\n' && c != '\t' || strings.IndexByte("\\`$", c) >= 0 {
			return false
		}
	}
	for _, d := range b.GetDirectives() {
		switch name := Unquote(d.GetName()); {
		case name == "include", name == "server", name == "upstream", name == "http", name == "location":
			return false // a node of another type
		case strings.HasSuffix(name, "_by_lua_block"):
			return false
		}
		for _, w := range append(d.GetParameters(), config.Parameter{Value: d.GetName()}) {
			if w.Value[0] != '"' && w.Value[0] != '\'' && strings.Contains(w.Value, "}") {
				return false
			}
		}
		if b := d.GetBlock(); b != nil && !gonginxCan("", b) {
			return false
		}
	}
	return true
}

func same(t *testing.T, a, b config.IBlock) {
	as, bs := a.GetDirectives(), b.GetDirectives()
	if len(as) != len(bs) {
		t.Fatalf("%s\n%s", outline(a), outline(b))
	}
	for i, a := range as {
		b := bs[i]
		if a.GetName() != b.GetName() || len(a.GetParameters()) != len(b.GetParameters()) {
			t.Fatalf("%+v\n%+v", a, b)
		}
		for j, p := range a.GetParameters() {
			if p != b.GetParameters()[j] {
				t.Fatalf("%+v\n%+v", a, b)
			}
		}
		if (a.GetBlock() == nil) != (b.GetBlock() == nil) {
			t.Fatalf("%+v\n%+v", a, b)
		}
		if a.GetBlock() != nil {
			same(t, a.GetBlock(), b.GetBlock())
		} else if a.GetLine() != b.GetLine() {
			t.Fatalf("%+v\n%+v", a, b)
		}
	}
}

func FuzzUnquote(f *testing.F) {
	f.Add(`"a\"b"`)
	f.Add(`\`)
	f.Fuzz(func(t *testing.T, raw string) {
		if value := Unquote(raw); len(value) > len(raw) {
			t.Fatalf("%q from %q", value, raw)
		}
	})
}

func FuzzFnmatch(f *testing.F) {
	f.Add("*[a-z]?", "abc")
	f.Add("[[:digit:]!]*]", "1")
	f.Fuzz(func(t *testing.T, pattern, name string) {
		// A pattern with nothing special in it means itself.
		if !strings.ContainsAny(pattern, `*?[\`) && fnmatch(pattern, name) != (pattern == name) {
			t.Fatal("differs")
		}
		if fnmatch(pattern, name) && !strings.HasPrefix(name, ".") && !fnmatch(pattern+"*", name) {
			t.Fatal("not with a * more")
		}
	})
}
