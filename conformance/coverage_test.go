package conformance

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"
)

// directiveName is the first column of a row that is a directive. Others are
// parameters, as in "listen: udp", or notes.
var directiveName = regexp.MustCompile(`^[a-z0-9_]+$`)

// TestEveryDirectiveHasAScript looks for each directive of nginx that is open
// source at the start of a statement, in the configuration of some script.
func TestEveryDirectiveHasAScript(t *testing.T) {
	files, err := filepath.Glob("testdata/scripts/*.txtar")
	require.NoError(t, err)
	var all strings.Builder
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		require.NoError(t, err)
		for _, f := range archive.Files {
			if strings.HasSuffix(f.Name, ".conf") {
				all.Write(f.Data)
			}
		}
	}
	used := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?:^|[;{}\n])\s*([a-z0-9_]+)`).FindAllStringSubmatch(all.String(), -1) {
		used[m[1]] = true
	}
	for _, name := range openSourceDirectives(t) {
		assert.True(t, used[name], "no script has %s", name)
	}
}

// openSourceDirectives are those of testdata/directives.tsv.
func openSourceDirectives(t *testing.T) (names []string) {
	const nameColumn, editionColumn = 0, 5
	table, err := os.ReadFile("../testdata/directives.tsv")
	require.NoError(t, err)
	for row := range strings.Lines(string(table)) {
		columns := strings.Split(row, "\t")
		if columns[editionColumn] == "oss" && directiveName.MatchString(columns[nameColumn]) {
			names = append(names, columns[nameColumn])
		}
	}
	require.NotEmpty(t, names)
	return names
}
