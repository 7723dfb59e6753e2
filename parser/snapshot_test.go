package parser

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestSnapshot reads a configuration again after all its files are gone.
func TestSnapshot(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"main": "include *.conf; include last;", "a.conf": "a;", "b.conf": "b;", "last": "c;"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	var kept Snapshot
	names := func() (names []string) {
		tree, err := ParseFile(filepath.Join(dir, "main"), Options{Snapshot: &kept})
		require.NoError(t, err)
		for _, d := range Directives(tree, tree.FilePath) {
			if d.GetName() != "include" {
				names = append(names, d.GetName())
			}
		}
		return names
	}
	assert.Equal(t, []string{"a", "b", "c"}, names())
	require.NoError(t, os.RemoveAll(dir))
	assert.Equal(t, []string{"a", "b", "c"}, names())
}
