package hostmatch_test

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/hostmatch"
	"github.com/gostream/gostream/internal/regex"
	"github.com/gostream/gostream/internal/vars"
)

// mapOf is a map block whose values are plain strings.
func mapOf(hostnames bool) *hostmatch.Map[string, *regex.Regexp] {
	return &hostmatch.Map[string, *regex.Regexp]{Compile: regex.Compile, Hostnames: hostnames}
}

// The errors are those of nginx 1.31.5.
func TestMapErrors(t *testing.T) {
	tests := []struct {
		hostnames bool
		keys      []string
		want      string // for the last one
	}{
		{false, []string{"X", "x"}, `conflicting parameter "x"`},
		{false, []string{"x", `\X`}, `conflicting parameter "x"`},
		{false, []string{`\`, ""}, `conflicting parameter ""`},
		{false, []string{"default", "DEFAULT", "Default"}, `conflicting parameter "default"`},
		{false, []string{"default", "default"}, `duplicate default map parameter`},
		{false, []string{"*.*.x", "a..b", `\default`, "default"}, ""},
		{false, []string{"~("}, `pcre2_compile() failed: missing closing parenthesis in "("`},
		{false, []string{"~*a", "~*a", "~*", "~"}, ""},
		{false, []string{"~*?"}, `pcre2_compile() failed: quantifier does not follow a repeatable item in "?" at "?"`},
		{true, []string{"*.*.x"}, `invalid hostname or wildcard "*.*.x"`},
		{true, []string{"X..y"}, `invalid hostname or wildcard "X..y"`},
		{true, []string{`\X..y`}, `invalid hostname or wildcard "X..y"`},
		{true, []string{"*.X.com", ".x.COM"}, `conflicting parameter ".x.com"`},
		{true, []string{`\.x.com`, "x.com"}, `conflicting parameter "x.com"`},
	}
	for _, tt := range tests {
		m := mapOf(tt.hostnames)
		for i, key := range tt.keys {
			err := m.Add(key, "")
			if i < len(tt.keys)-1 || tt.want == "" {
				require.NoError(t, err, tt.keys)
			} else {
				assert.EqualError(t, err, tt.want, tt.keys)
			}
		}
	}
}

func TestMapLookup(t *testing.T) {
	m := mapOf(false)
	require.NoError(t, m.Add("*.a.com", "plain"))
	m.Hostnames = true
	require.NoError(t, m.Add("*.b.com", "mask"))
	require.NoError(t, m.Add("~^(.)(.)?$", "one"))
	require.NoError(t, m.Add("~^$", "never"))
	tests := []struct{ key, want string }{
		{"*.a.com", "plain"}, {"x.a.com", ""}, {"x.b.com", "mask"}, {"x.B.com.", "mask"}, {"x.b.com..", ""},
		{"q", "one"}, {"Q.", "one"}, {"", ""}, {".", ""},
	}
	for _, tt := range tests {
		hit, err := m.Lookup(nil, []byte(tt.key))
		require.NoError(t, err)
		assert.Equal(t, tt.want, hit.Value, tt.key)
		assert.Equal(t, tt.want == "one", hit.Regexp != nil, tt.key)
	}
	hit, _ := m.Lookup([]int{5}, []byte("Q."))
	assert.Equal(t, []int{5, 0, 1, 0, 1, -1, -1}, hit.Captures, "added to what was there")

	require.NoError(t, m.Add("default", "fallback"))
	hit, _ = m.Lookup(nil, []byte("other"))
	assert.Equal(t, "fallback", hit.Value)
}

// failing is a regular expression that cannot be decided.
type failing struct{}

func (failing) Find(dst []int, _ []byte) ([]int, bool, error) {
	return dst, false, errors.New("too long")
}

func TestMapLookupGivesDefaultOnError(t *testing.T) {
	m := &hostmatch.Map[string, failing]{Compile: func(string, bool) (failing, error) { return failing{}, nil }}
	require.NoError(t, m.Add("~a", "a"))
	require.NoError(t, m.Add("default", "D"))
	hit, err := m.Lookup(nil, []byte("a"))
	assert.EqualError(t, err, "too long")
	assert.Equal(t, "D", hit.Value)
}

// session is what the recorded maps read: $key, captures of the last regular
// expression, and variables set by named groups.
type session struct {
	key      []byte
	source   []byte // what was looked up, and what captures refer to
	captures []int
	names    []regex.Name
}

func (s *session) capture(n int, dst []byte) ([]byte, bool) {
	if 2*n+1 >= len(s.captures) || s.captures[2*n] < 0 {
		return dst, false
	}
	return append(dst, s.source[s.captures[2*n]:s.captures[2*n+1]]...), true
}

// recorded is a map block as it stands in a recorded configuration.
type recorded struct {
	source string
	table  *hostmatch.Map[string, *regex.Regexp]
	vars   vars.Registry[*session]
}

func newRecorded(t *testing.T, config string) *recorded {
	r := &recorded{}
	r.vars.SetCaptures(func(n int) vars.Getter[*session] {
		return func(s *session, dst []byte) ([]byte, bool) { return s.capture(n, dst) }
	})
	r.add(t, "key", func(s *session, dst []byte) ([]byte, bool) { return append(dst, s.key...), true })
	r.add(t, "protocol", func(_ *session, dst []byte) ([]byte, bool) { return append(dst, "TCP"...), true })
	r.table = &hostmatch.Map[string, *regex.Regexp]{Compile: func(pattern string, caseless bool) (*regex.Regexp, error) {
		re, err := regex.Compile(pattern, caseless)
		if err == nil {
			for _, name := range re.Names() {
				r.add(t, name.Name, byName(name.Name))
			}
		}
		return re, err
	}}
	head, block, _ := strings.Cut(config, "{")
	r.source = strings.Trim(strings.Fields(head)[1], `"`)
	for _, line := range statements(block) {
		if len(line) == 1 && line[0] == "hostnames" {
			r.table.Hostnames = true
			continue
		}
		require.Len(t, line, 2)
		require.NoError(t, r.table.Add(line[0], line[1]))
	}
	return r
}

func (r *recorded) add(t *testing.T, name string, get vars.Getter[*session]) {
	require.NoError(t, r.vars.Add(vars.Variable[*session]{Name: name, Get: get, Changeable: true}))
}

// byName reads a named group.
func byName(name string) vars.Getter[*session] {
	return func(s *session, dst []byte) ([]byte, bool) {
		for _, n := range s.names {
			if n.Name == name {
				return s.capture(n.Group, dst)
			}
		}
		return dst, false
	}
}

func (r *recorded) lookup(t *testing.T, s *session) string {
	source, err := vars.Compile(r.source, &r.vars)
	require.NoError(t, err)
	s.source = source.Append(nil, s)
	hit, err := r.table.Lookup(nil, s.source)
	require.NoError(t, err)
	if hit.Regexp != nil {
		s.captures, s.names = hit.Captures, hit.Regexp.Names()
	}
	value, err := vars.Compile(hit.Value, &r.vars)
	require.NoError(t, err)
	return string(value.Append(nil, s))
}

// statements splits the inside of a block into words, well enough for what was
// recorded: no comments, no escapes inside quotes.
func statements(block string) (lines [][]string) {
	var line []string
	for {
		block = strings.TrimLeft(block, " ")
		switch {
		case block == "" || block[0] == '}':
			return lines
		case block[0] == ';':
			lines, line, block = append(lines, line), nil, block[1:]
			continue
		case block[0] == '"':
			word, rest, _ := strings.Cut(block[1:], `"`)
			line, block = append(line, word), rest
			continue
		}
		end := strings.IndexAny(block, " ;")
		line, block = append(line, block[:end]), block[end:]
	}
}

func TestRecordedMaps(t *testing.T) {
	raw, err := os.ReadFile("../../testdata/vectors.json")
	require.NoError(t, err)
	var file struct {
		Vectors []struct {
			ID       int
			Category string
			Input    json.RawMessage
			Output   json.RawMessage
		}
	}
	require.NoError(t, json.Unmarshal(raw, &file))
	replayed := map[string]int{}
	var first *recorded // $m1 in some others
	for _, v := range file.Vectors {
		if v.Category != "map" && v.Category != "map hostnames" {
			continue
		}
		replayed[v.Category]++
		var in struct{ Config, Key string }
		var want string
		require.NoError(t, json.Unmarshal(v.Input, &in))
		require.NoError(t, json.Unmarshal(v.Output, &want))
		m := newRecorded(t, in.Config)
		if first == nil {
			first = m
		}
		m.add(t, "m1", func(s *session, dst []byte) ([]byte, bool) {
			return append(dst, first.lookup(t, s)...), true
		})
		got := m.lookup(t, &session{key: latin1(in.Key)})
		if strings.HasSuffix(in.Config, `return "[$v]";`) {
			got = "[" + got + "]"
		}
		assert.Equal(t, want, got, "vector %d: %q", v.ID, in.Key)
	}
	require.Equal(t, map[string]int{"map": 37, "map hostnames": 38}, replayed)
}

// latin1 gives back the bytes that the vectors hold as code points.
func latin1(s string) (b []byte) {
	for _, r := range s {
		b = append(b, byte(r))
	}
	return b
}
