package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPageIsCurrent(t *testing.T) {
	text, err := Page("../..")
	require.NoError(t, err)
	there, err := os.ReadFile(filepath.Join("../..", page))
	require.NoError(t, err)
	assert.Equal(t, text, string(there), "go run ./conformance/report")
}

func TestLive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "live.json")
	const output = `{"Action":"run","Test":"TestScripts"}
{"Action":"pass","Test":"TestScripts/a"}
{"Action":"fail","Test":"TestScripts/c"}
{"Action":"fail","Test":"TestScripts/b"}
{"Action":"skip","Test":"TestScripts/d"}
{"Action":"fail","Test":"TestScripts"}
`
	require.NoError(t, addLive(path, "1.2.3", strings.NewReader(output)))
	require.NoError(t, addLive(path, "1.2.4", strings.NewReader(`{"Action":"pass","Test":"TestScripts/a"}`)))
	scores := map[string]score{}
	require.NoError(t, readJSON(path, &scores))
	assert.Equal(t, map[string]score{
		"1.2.3": {Same: 1, Older: 1, Differs: []string{"b", "c"}},
		"1.2.4": {Same: 1, Differs: []string{}},
	}, scores)
	assert.Error(t, addLive(path, "1.2.5", strings.NewReader("=== RUN TestScripts")))
}

func TestDiffers(t *testing.T) {
	reason, ok := differs("# since 1.9.0\n# differs: it must\n-- nginx.conf --\n# differs: not this\n")
	assert.True(t, ok)
	assert.Equal(t, "it must", reason)
	_, ok = differs("# since 1.9.0\n-- nginx.conf --\n# differs: not this\n")
	assert.False(t, ok)
}
