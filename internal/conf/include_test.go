package conf_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/conf"
	"github.com/gostream/gostream/parser"
)

// write puts files into a new folder and loads main from it. Errors show the
// folder as "DIR".
func loadFiles(t *testing.T, files map[string]string) (*world, error) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	tree, _ := parser.ParseFile(dir+"/main", parser.Options{})
	w := &world{}
	err := conf.Apply(tree, schema(), conf.Main, nil, w)
	if err, ok := err.(*parser.Error); ok {
		err.File = "DIR" + err.File[len(dir):]
	}
	return w, err
}

func TestIncludes(t *testing.T) {
	w, err := loadFiles(t, map[string]string{
		"main":     "stream {\n include servers;\n map a b {\n a 1; include entries; d 4;\n }\n include no*;\n}",
		"servers":  "server { include settings; }\nserver { t_size 2; }\n",
		"settings": "t_size 1;",
		"entries":  "\nb 2;\nc 3;",
	})
	require.NoError(t, err)
	require.Len(t, w.servers, 2)
	assert.Equal(t, int64(1), w.servers[0].size)
	assert.Equal(t, int64(2), w.servers[1].size)
	assert.Equal(t, []string{"a=1:4", "b=2:2", "c=3:3", "d=4:4"}, w.entries)
}

func TestErrorsInIncludes(t *testing.T) {
	for _, tt := range []struct {
		name, main, inc, want string
	}{
		{"names its file", "stream {\n include inc; }", "\nserver { t_size x; }",
			`"t_size" directive invalid value in DIR/inc:2`},
		{"back in the outer file", "stream {\n include inc; \n nosuch; }", "server { }",
			`unknown directive "nosuch" in DIR/main:3`},
		{"text", "stream {\n include inc; }", "server { t_size 1; }}",
			`unexpected "}" in DIR/inc:1`},
		{"earlier mistake wins", "stream {\n include inc; }", "server { t_size x; }}",
			`"t_size" directive invalid value in DIR/inc:1`},
		{"duplicate over files", "stream { t_size 1; include inc; }", "t_size 2;",
			`"t_size" directive is duplicate in DIR/inc:1`},
		{"entry", "stream { map a b { include inc; } }", "\na {",
			`unexpected "{" in DIR/inc:2`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := loadFiles(t, map[string]string{"main": tt.main, "inc": tt.inc})
			assert.EqualError(t, err, tt.want)
		})
	}
}

// The text ends inside a block: what its directives say comes first, then the
// missing brace, and the block itself is not completed.
func TestUnclosedBlock(t *testing.T) {
	_, err := loadFiles(t, map[string]string{"main": "stream { server { t_end {\n"})
	assert.EqualError(t, err, `unexpected end of file, expecting "}" in DIR/main:2`)
}
