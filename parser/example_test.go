package parser_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/gostream/gostream/parser"
	"github.com/tufanbarisyildirim/gonginx/config"
)

func ExampleParseString() {
	cfg, err := parser.ParseString("nginx.conf", `
stream {
    server { listen 12345; proxy_pass "127.0.0.1:80"; }
}`, parser.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	server := cfg.FindDirectives("server")[0]
	for at, d := range parser.Directives(server.GetBlock(), cfg.FilePath) {
		fmt.Println(at.File, at.Line, d.GetName(), parser.Unquote(d.GetParameters()[0].Value))
	}
	// Output:
	// nginx.conf 3 listen 12345
	// nginx.conf 3 proxy_pass 127.0.0.1:80
}

// The tree holds what stood before the error, and then the error.
func ExampleParseString_error() {
	cfg, err := parser.ParseString("nginx.conf", "user www;\nworker_processes 2\n}", parser.Options{})
	fmt.Println(err)
	for _, d := range parser.Directives(cfg, cfg.FilePath) {
		if broken, ok := d.(*parser.Broken); ok {
			fmt.Println("broken:", broken.Err.Msg)
			continue
		}
		fmt.Println(d.GetName())
	}
	// Output:
	// unexpected "}" in nginx.conf:3
	// user
	// broken: unexpected "}"
}

// nginx -T prints the files.
func ExampleParseFile() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	files := map[string]string{
		"nginx.conf": "stream { include stream.d/*; }",
		"stream.d/b": "server { }",
		"stream.d/a": "upstream u { }",
	}
	os.Mkdir(filepath.Join(dir, "stream.d"), 0o755)
	for name, text := range files {
		os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644)
	}

	_, err = parser.ParseFile(filepath.Join(dir, "nginx.conf"), parser.Options{
		OnFile: func(path string, text []byte) {
			name, _ := filepath.Rel(dir, path)
			fmt.Printf("# %s\n%s\n", filepath.ToSlash(name), text)
		},
	})
	fmt.Println(err)
	// Output:
	// # nginx.conf
	// stream { include stream.d/*; }
	// # stream.d/a
	// upstream u { }
	// # stream.d/b
	// server { }
	// <nil>
}

func ExampleUnquote() {
	for _, raw := range []string{`"a b"`, `it\'s`, `~^\d+$`, `'\\d'`} {
		fmt.Println(parser.Unquote(raw))
	}
	// Output:
	// a b
	// it's
	// ~^\d+$
	// \d
}

// nginx complains about a block that lacks something at its closing brace.
func ExampleEndLine() {
	cfg, _ := parser.ParseString("nginx.conf", "upstream u {\n\n}\n", parser.Options{})
	var upstream config.IDirective = cfg.Directives[0]
	fmt.Println(upstream.GetLine(), parser.EndLine(upstream))
	// Output: 1 3
}
