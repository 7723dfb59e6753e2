package hostmatch

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// build makes a table in which every name is its own value.
func build(t testing.TB, names ...string) *Table[string] {
	table := &Table[string]{}
	for _, name := range names {
		require.NoError(t, table.Add(name, true, name), name)
	}
	return table
}

func TestFindPrecedence(t *testing.T) {
	table := build(t, "example.com", "*.example.com", ".dot.com", "www.tail.*", "*.sub.example.com",
		"mail.*", "*.a.b.c", "foo.bar.*", "foo.*", "", ".", "*.com.", ".*", "UPPER.org")
	tests := []struct{ name, want string }{
		{"example.com", "example.com"},
		{"EXAMPLE.com", "example.com"},
		{"upper.ORG", "UPPER.org"},
		{"www.example.com", "*.example.com"},
		{"a.b.example.com", "*.example.com"},
		{"x.sub.example.com", "*.sub.example.com"},
		{"y.x.sub.example.com", "*.sub.example.com"},
		{"sub.example.com", "*.example.com"},
		{".example.com", "*.example.com"},
		{"xexample.com", ""},
		{"dot.com", ".dot.com"},
		{"a.dot.com", ".dot.com"},
		{"xdot.com", ""},
		{"www.tail", ""},
		{"www.tail.org", "www.tail.*"},
		{"www.tail.a.b", "www.tail.*"},
		{"mail.example.com", "*.example.com"},
		{"mail.org", "mail.*"},
		{"a.b.c", ""},
		{"x.a.b.c", "*.a.b.c"},
		{"foo.bar", "foo.*"},
		{"foo.bar.x", "foo.bar.*"},
		{"foo.barx.x", "foo.*"},
		{"foo.", "foo.*"},
		{".", "."},
		{"x.com.", "*.com."},
		{"*", ".*"},
		{"a.*", ".*"},
		{"nowhere", ""},
	}
	for _, tt := range tests {
		got, ok := table.Find([]byte(tt.name))
		assert.Equal(t, tt.want, got, tt.name)
		assert.Equal(t, tt.want != "", ok, tt.name)
		got, _ = table.FindString(tt.name)
		assert.Equal(t, tt.want, got, tt.name)
	}
	_, ok := table.Find(nil)
	assert.True(t, ok, "the empty name is a name")
	_, ok = new(Table[int]).FindString("")
	assert.False(t, ok, "nothing is in an empty table")
}

func TestFindLongNames(t *testing.T) {
	long := strings.Repeat("Abcdefghi.", 60) + "com"
	table := build(t, long, "*.com")
	got, _ := table.FindString(strings.ToUpper(long))
	require.Equal(t, long, got)
	got, _ = table.FindString("x." + long)
	require.Equal(t, "*.com", got)
}

// The verdicts are those of nginx 1.31.5 for a map block with hostnames.
func TestAddErrors(t *testing.T) {
	tests := []struct {
		names string
		want  error // for the last one
	}{
		{"X x", ErrConflict},
		{"*.X.com .x.COM", ErrConflict},
		{"x.com .X.com", ErrConflict},
		{".x.com X.com", ErrConflict},
		{"*.x.com *.x.com", ErrConflict},
		{"www.X.* www.x.*", ErrConflict},
		{"*.x.com x.com", nil},
		{"*.x x.*", nil},
		{".*", nil},
		{".x*", nil},
		{"*.x.", nil},
		{".", nil},
		{"A\xc9 a\xe9", nil},
		{"*", ErrInvalid},
		{"*.", ErrInvalid},
		{"*.*.x", ErrInvalid},
		{"X..y", ErrInvalid},
		{"..", ErrInvalid},
		{"a*b.com", ErrInvalid},
		{"*a.com", ErrInvalid},
		{"www.*.com", ErrInvalid},
		{"a.b*", ErrInvalid},
		{"a\x00b", ErrInvalid},
	}
	for _, tt := range tests {
		var table Table[int]
		names := strings.Fields(tt.names)
		for i, name := range names {
			err := table.Add(name, true, i)
			if i < len(names)-1 {
				require.NoError(t, err, tt.names)
			} else {
				assert.ErrorIs(t, err, tt.want, tt.names)
			}
		}
		for _, name := range names {
			assert.NoError(t, new(Table[int]).Add(name, false, 0), "without masks anything goes")
		}
	}
}

// Once ".a.com" was refused, nginx takes a plain "a.com" for a conflict, too.
func TestAddAfterConflict(t *testing.T) {
	table := build(t, "*.a.com")
	require.ErrorIs(t, table.Add(".a.com", true, "2"), ErrConflict)
	require.ErrorIs(t, table.Add("A.com", true, "3"), ErrConflict)
	_, ok := table.FindString("a.com")
	require.False(t, ok)
	got, _ := table.FindString("x.a.com")
	require.Equal(t, "*.a.com", got)
}

// TestRecordedServerNames replays the lookups of nginx whose outcome depends
// on names alone, not on how they are made fit or on regular expressions.
func TestRecordedServerNames(t *testing.T) {
	names := map[string]string{
		"first.com": "S1", "exact.example.com": "S2", ".dot.com": "S2", "*.example.com": "S3", "www.example.*": "S4",
		"*.sub.example.com": "S5", "*.org": "S10", "deflt.com": "S11", "mail.*": "S12",
	}
	table := &Table[string]{}
	for name, server := range names {
		require.NoError(t, table.Add(name, true, server))
	}
	replayed := 0
	for _, v := range readVectors(t, "server_name (ssl_preread SNI)") {
		want := strings.Trim(string(v.Output), `"`)
		if strings.ContainsAny(v.Input.SNI, " /:") || strings.Contains(v.Input.SNI, "..") || strings.HasSuffix(v.Input.SNI, ".") ||
			strings.HasPrefix(want, "S6 ") || want == "S7" || want == "S8" {
			continue
		}
		replayed++
		got, ok := table.FindString(v.Input.SNI)
		if !ok {
			got = "S11" // the default server
		}
		assert.Equal(t, want, got, v.Input.SNI)
	}
	require.Greater(t, replayed, 15)
}

type vector struct {
	ID       int
	Category string
	Input    struct{ Config, Key, SNI string }
	Output   json.RawMessage
}

// readVectors returns what was recorded of nginx in one category.
func readVectors(t testing.TB, category string) (found []vector) {
	t.Helper()
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
	for _, raw := range file.Vectors {
		if raw.Category != category {
			continue
		}
		v := vector{ID: raw.ID, Category: raw.Category, Output: raw.Output}
		require.NoError(t, json.Unmarshal(raw.Input, &v.Input))
		found = append(found, v)
	}
	return found
}

func TestFindDoesNotAllocate(t *testing.T) {
	table := build(t, "example.com", "*.example.com", "www.*")
	for _, name := range []string{"EXAMPLE.com", "a.b.c.EXAMPLE.com", "www.org", "nowhere", strings.Repeat("x.", 126)} {
		key := []byte(name)
		assert.Zero(t, testing.AllocsPerRun(100, func() { table.Find(key) }), name)
		assert.Zero(t, testing.AllocsPerRun(100, func() { table.FindString(name) }), name)
	}
}

// FuzzTable: a name that was added is found under itself, and what a mask
// matches is what it says.
func FuzzTable(f *testing.F) {
	for _, s := range []string{"a.com", "*.a.com", ".a.com", "a.*", ".*", "*", "..", ""} {
		f.Add(s, "x.a.com")
		f.Add(s, "a.b")
	}
	f.Fuzz(func(t *testing.T, name, key string) {
		var table Table[bool]
		if table.Add(name, true, true) != nil {
			return
		}
		low, key := Lower(name), Lower(key)
		n := len(low)
		want := key == low
		switch {
		case n > 1 && low[0] == '.':
			want = key == low[1:] || strings.HasSuffix(key, low)
		case n > 2 && low[:2] == "*.":
			want = strings.HasSuffix(key, low[1:])
		case n > 2 && low[n-2:] == ".*":
			want = strings.HasPrefix(key, low[:n-1])
		}
		if got, _ := table.FindString(key); got != want {
			t.Fatalf("%q finds %q: %v", name, key, got)
		}
	})
}

func manyNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("host%d.example%d.com", i, i%1000)
	}
	return names
}

func BenchmarkAdd100000(b *testing.B) {
	names := manyNames(100_000)
	b.ReportAllocs()
	for b.Loop() {
		var table Table[int32]
		for i, name := range names {
			_ = table.Add(name, true, int32(i))
		}
	}
}

func BenchmarkFind(b *testing.B) {
	table := build(b, manyNames(100_000)...)
	for _, name := range []string{"*.example.com", "www.*"} {
		require.NoError(b, table.Add(name, true, name))
	}
	for _, name := range []string{"host777.example777.com", "a.b.c.Example.com", "www.org", "nothing.to.be.found"} {
		key := []byte(name)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				table.Find(key)
			}
		})
	}
}
