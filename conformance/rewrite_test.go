//go:build unix

package conformance

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// rewrite_test.go - files of nginx-tests that are about processes, logs, the
// command line or pass, and have an http block only because they need some
// server. They are run with a stream block in its place; what they do and check
// stays. A real nginx passes as many checks with the one as with the other.

// replacement is a change to the text of a file, by a regular expression. It
// must match.
type replacement struct{ from, to string }

// toStream are the changes that all these files need.
var toStream = []replacement{
	{`/http `, `/stream `},
	{`(?m)^http \{`, `stream {`},
	{`%%TEST_GLOBALS_HTTP%%`, ``},
}

// debugConnection are the changes to files that ask for a page which is not to
// be logged, and then for one in a location, which becomes a server.
var debugConnection = []replacement{
	{` proxy/`, `/`},
	{`use Test::Nginx;`, `use Test::Nginx; use Test::Nginx::Stream qw/ stream /;`},
	{`server_name .*;`, `return ok;`},
	{`location /debug \{([^}]*\})\s*\}`, `} server { listen 127.0.0.1:8081; $1`},
	{`http_get\('/'\)`, `stream('127.0.0.1:' . port(8080))->read()`},
	{`http_get\('/debug'\)`, `stream('127.0.0.1:' . port(8081))->read()`},
	{`http://(.*?):?/;`, `$1;`},
}

// rewrites has the files, and the changes that each needs besides.
var rewrites = map[string][]replacement{
	"binary_upgrade.t": {{`server_name .*;`, `return ok;`}},
	"config_dump.t": {
		{` map/`, ` stream_map/`},
		{`map \$args`, `map $$remote_addr`},
		{`location / \{ }`, `proxy_pass u;`},
	},
	"debug_connection.t":      debugConnection,
	"debug_connection_unix.t": debugConnection,
	// It passes connections to servers for HTTP, which answer in the other block here.
	"stream_pass.t": {
		{`stream http_ssl `, ``},
		{`\}\s*\n\}\s*stream \{\s*server \{`, `} server { access_log off; return "HTTP/1.0 200 OK\r\n\r\n";`},
	},
}

// rewritten are the names of these files.
func rewritten() []string { return slices.Sorted(maps.Keys(rewrites)) }

// rewrite makes the file of the suite that is to be run. It returns its path.
func (s *suite) rewrite(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, file))
	require.NoError(t, err)
	for _, r := range slices.Concat(toStream, rewrites[file]) {
		from := regexp.MustCompile(r.from)
		require.Regexp(t, from, string(text), "%s is not as it was", file)
		text = from.ReplaceAll(text, []byte(r.to))
	}
	path := filepath.Join(t.TempDir(), file)
	require.NoError(t, os.WriteFile(path, text, 0o644))
	return path
}
