package parser

import (
	"encoding/json"
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type vector struct {
	ID       int
	Category string
	Input    json.RawMessage
	Output   json.RawMessage
}

type configTest struct {
	input  struct{ Context, Snippet string }
	output struct{ Messages []string }
}

// readErrors are those that nginx has before it looks at a directive.
var readErrors = regexp.MustCompile(`^\[emerg\] (unexpected "|unexpected end|too long parameter)`)

// TestVectors replays the recorded runs of nginx -t: a text that nginx could
// read has to be readable, and if it could not, for the same reason.
func TestVectors(t *testing.T) {
	raw, err := os.ReadFile("../testdata/vectors.json")
	require.NoError(t, err)
	var all struct{ Vectors []vector }
	require.NoError(t, json.Unmarshal(raw, &all))
	tests, failures := 0, 0
	for _, v := range all.Vectors {
		if v.Category != "config test" {
			continue
		}
		var c configTest
		require.NoError(t, json.Unmarshal(v.Input, &c.input))
		require.NoError(t, json.Unmarshal(v.Output, &c.output))
		tests++
		if c.replay(t, v.ID) {
			failures++
		}
	}
	assert.Greater(t, tests, 400)
	assert.GreaterOrEqual(t, failures, 8)
}

// replay reports whether nginx could not read the text.
func (c *configTest) replay(t *testing.T, id int) bool {
	_, err := ParseString("CONF", c.input.Snippet, Options{Dir: t.TempDir()})
	for _, msg := range c.output.Messages {
		if c.input.Context == "raw" && readErrors.MatchString(msg) {
			assert.EqualError(t, err, msg[len("[emerg] "):], "vector %d", id)
			return true
		}
	}
	if err != nil {
		assert.NotEmpty(t, c.output.Messages, "vector %d: %v", id, err)
	}
	return false
}
