package hostmatch

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The verdicts are those of nginx 1.31.5 for a map block with these keys.
func TestHashSize(t *testing.T) {
	const (
		bucket = "could not build map_hash, you should increase map_hash_bucket_size: 64"
		warned = "could not build optimal map_hash, you should increase either map_hash_max_size: 1 or map_hash_bucket_size: 64; " +
			"ignoring map_hash_bucket_size"
	)
	for _, tt := range []struct {
		max, bucket  int64
		names        string
		warning, err string
	}{
		{2048, 64, "x", "", ""},
		{1, 64, "x y", "", ""},
		{0, 64, "x", "", "could not build map_hash, you should increase map_hash_max_size: 0"},
		{1, 64, "x y z u v", warned, ""},
		{2048, 70000, "x", "", "could not build map_hash, too large map_hash_bucket_size: 70016"},
		{2048, 1, strings.Repeat("a", 46), "", ""},
		{2048, 64, strings.Repeat("a", 47), "", bucket},
		{2048, 65, strings.Repeat("a", 47), "", ""},
		{2048, 64, "*." + strings.Repeat("a", 47), "", bucket},
		{2048, 64, strings.Repeat("a", 47) + ".*", "", bucket},
		{2048, 64, "." + strings.Repeat("a", 47), "", bucket},
		{2048, 64, "*." + strings.Repeat("a", 40) + "." + strings.Repeat("b", 40), "", ""},
	} {
		var table Table[int]
		for _, name := range strings.Fields(tt.names) {
			require.NoError(t, table.Add(name, true, 0))
		}
		warnings, err := table.CheckSize(HashSize{"map_hash", tt.max, Aligned(tt.bucket)})
		assert.Equal(t, tt.warning, strings.Join(warnings, "; "), tt.names)
		if tt.err == "" {
			assert.NoError(t, err, tt.names)
		} else {
			assert.EqualError(t, err, tt.err, tt.names)
		}
	}
}

// Every level of masks has tables of its own.
func TestHashSizeOfLevels(t *testing.T) {
	var table Table[int]
	for c := 'a'; c < 'h'; c++ {
		require.NoError(t, table.Add(fmt.Sprintf("*.%c.x", c), true, 0))
		require.NoError(t, table.Add(fmt.Sprintf("y.%c.*", c), true, 0))
	}
	warnings, err := table.CheckSize(HashSize{"map_hash", 1, 64})
	assert.NoError(t, err)
	assert.Len(t, warnings, 2)
}

// So many names in a table of this size make buckets of more than 64k.
func TestHashSizeOverflow(t *testing.T) {
	names := make([]string, 5000)
	for i := range names {
		names[i] = fmt.Sprint("name", i)
	}
	warning, err := HashSize{"map_hash", 1, 64}.Check(names)
	assert.NotEmpty(t, warning)
	assert.EqualError(t, err, "could not build map_hash, you should increase map_hash_max_size: 1")
}

// Memory is for the buckets that are needed, not for those that may be.
func TestHashSizeWithoutLimit(t *testing.T) {
	warning, err := HashSize{"map_hash", 1 << 40, 64}.Check([]string{"one", "two", "three"})
	assert.NoError(t, err)
	assert.Empty(t, warning)
}
