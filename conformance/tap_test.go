package conformance

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// tapResult is what a test program in the Test Anything Protocol said.
type tapResult struct {
	passed int      // checks that were made and held
	failed []string // names of those that did not hold, or "check N"
	names  []string // of those that held
	plan   string   // "1..N", with the reason if all is skipped
}

var (
	tapCheck = regexp.MustCompile(`^(not )?ok (\d+)(?: - (.*?))?(?: # (?i:(skip|todo))\b.*)?$`)
	tapPlan  = regexp.MustCompile(`^1\.\.\d+`)
)

// readTAP reads the output of a program. Checks that are skipped, or are to
// fail (TODO), count neither way.
func readTAP(r io.Reader) (tapResult, error) {
	var result tapResult
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := lines.Text()
		if tapPlan.MatchString(line) {
			result.plan = line
			continue
		}
		m := tapCheck.FindStringSubmatch(line)
		if m == nil || m[4] != "" {
			continue
		}
		name := m[3]
		if name == "" {
			name = "check " + m[2]
		}
		if m[1] != "" {
			result.failed = append(result.failed, name)
			continue
		}
		result.passed++
		result.names = append(result.names, name)
	}
	return result, lines.Err()
}

// complete reports whether as many checks were made as announced.
func (r tapResult) complete(output string) bool {
	var planned int
	if _, err := fmt.Sscanf(r.plan, "1..%d", &planned); err != nil {
		return false
	}
	made := 0
	for line := range strings.Lines(output) {
		if tapCheck.MatchString(strings.TrimRight(line, "\n")) {
			made++
		}
	}
	return made == planned
}

func TestReadTAP(t *testing.T) {
	const output = `1..7
ok 1 - first
not ok 2 - second # is not a comment
#   Failed test 'second'
ok 3
not ok 4
ok 5 # skip relies on error log contents
not ok 6 - later # TODO not yet
ok 7 - no alerts
`
	got, err := readTAP(strings.NewReader(output))
	require.NoError(t, err)
	assert.Equal(t, tapResult{
		passed: 3,
		failed: []string{"second # is not a comment", "check 4"},
		names:  []string{"first", "check 3", "no alerts"},
		plan:   "1..7",
	}, got)
	assert.True(t, got.complete(output))
	assert.False(t, got.complete("1..7\nok 1\n"))

	got, err = readTAP(strings.NewReader("1..0 # SKIP no stream_ssl available\n"))
	require.NoError(t, err)
	assert.Equal(t, tapResult{plan: "1..0 # SKIP no stream_ssl available"}, got)
}
