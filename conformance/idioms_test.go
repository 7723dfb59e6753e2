//go:build unix

package conformance

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestIdioms runs configurations of the kind that people publish. They are
// scripts like the others; their names tell what they are for.
func TestIdioms(t *testing.T) {
	files, err := filepath.Glob("testdata/idioms/*.txtar")
	require.NoError(t, err)
	assert.GreaterOrEqual(t, len(files), 60)
	compareAll(t, files, readScript)
}
