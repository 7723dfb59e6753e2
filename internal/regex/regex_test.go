package regex

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// outcome describes what a pattern does with a subject, as testdata/pcre2.tsv
// does: "E OFFSET MESSAGE", or "M 1" or "M -1" for match or none, the number of
// groups, their names, and the offsets of each.
func outcome(pattern, subject string, caseless bool) string {
	re, err := Compile(pattern, caseless)
	if err != nil {
		e := err.(*Error)
		return fmt.Sprintf("E %d %s", e.Offset, e.Msg)
	}
	loc, ok, err := re.Find(nil, []byte(subject))
	var b strings.Builder
	switch {
	case err != nil:
		b.WriteString("M -47")
	case ok:
		b.WriteString("M 1")
	default:
		b.WriteString("M -1")
	}
	fmt.Fprintf(&b, " %d", re.NumCaptures())
	for _, n := range re.Names() {
		fmt.Fprintf(&b, " %s=%d", n.Name, n.Group)
	}
	b.WriteString(" :")
	for _, x := range loc[min(2, len(loc)):] {
		fmt.Fprintf(&b, " %d", x)
	}
	return b.String()
}

// TestRecordedPCRE2 replays what PCRE2 10.42 answered.
func TestRecordedPCRE2(t *testing.T) {
	raw, err := os.ReadFile("testdata/pcre2.tsv")
	require.NoError(t, err)
	replayed := 0
	for in := bufio.NewScanner(bytes.NewReader(raw)); in.Scan(); {
		if strings.HasPrefix(in.Text(), "#") {
			continue
		}
		f := strings.Split(in.Text(), "\t")
		require.Len(t, f, 4)
		pattern, err := strconv.Unquote(f[1])
		require.NoError(t, err)
		subject, err := strconv.Unquote(f[2])
		require.NoError(t, err)
		assert.Equal(t, f[3], outcome(pattern, subject, f[0] == "i"), "%s %s on %s", f[0], f[1], f[2])
		replayed++
	}
	require.Greater(t, replayed, 900)
}

// The texts are those of nginx 1.31.5 for a map line "~PATTERN value;".
func TestErrorTexts(t *testing.T) {
	tests := []struct{ pattern, want string }{
		{`(`, `missing closing parenthesis in "("`},
		{`a)b`, `unmatched closing parenthesis in "a)b" at ")b"`},
		{`*a`, `quantifier does not follow a repeatable item in "*a" at "*a"`},
		{`[a`, `missing terminating ] for character class in "[a"`},
		{`[b-a]x`, `range out of order in character class in "[b-a]x" at "a]x"`},
		{`[[:foo:]]`, `unknown POSIX class name in "[[:foo:]]" at "foo:]]"`},
		{`(?<1>x)`, `subpattern name must start with a non-digit in "(?<1>x)" at "1>x)"`},
		{`(?<a>x)(?<a>y)`, `two named subpatterns have the same name (PCRE2_DUPNAMES not set) in "(?<a>x)(?<a>y)" at "y)"`},
		{`(?<=a+)b`, `lookbehind assertion is not fixed length in "(?<=a+)b" at "(?<=a+)b"`},
		{`(?z)`, `unrecognized character after (? or (?- in "(?z)" at "z)"`},
		{`\y`, `unrecognized character follows \ in "\y" at "y"`},
		{`a\`, `\ at end of pattern in "a\"`},
		{`a{3,2}`, `numbers out of order in {} quantifier in "a{3,2}" at "}"`},
		{`(a)\2b`, `reference to non-existent subpattern in "(a)\2b" at "2b"`},
	}
	for _, tt := range tests {
		_, err := Compile(tt.pattern, false)
		assert.EqualError(t, err, "pcre2_compile() failed: "+tt.want)
	}
	_, err := Compile(strings.Repeat("a", 1500)+"(", false)
	assert.Len(t, err.Error(), maxError, "nginx cuts it there")
}

func TestRefusedFeatures(t *testing.T) {
	for pattern, at := range map[string]string{
		`a(?R)?b`: "(?R)?b", `(a)(?1)`: "(?1)", `(?<n>a)\g<n>`: "n>", `(?C1)a`: "(?C1)a", `a(*SKIP)b`: "(*SKIP)b", `(*UTF)a`: "(*UTF)a",
		`(?*a)b`: "(?*a)b", `(?(R)a)`: "R)a)",
	} {
		_, err := Compile(pattern, false)
		if assert.Error(t, err, pattern) {
			assert.Contains(t, err.Error(), "is not supported here", pattern)
			assert.True(t, strings.HasSuffix(err.Error(), ` at "`+at+`"`), err)
		}
	}
	// What is wrong with the pattern is said first.
	_, err := Compile(`(?R)(`, false)
	assert.ErrorContains(t, err, errMissingParen)
}

func TestNames(t *testing.T) {
	re, err := Compile(`(?<b>.)(.)(?P<a>.)(?'c'.)`, false)
	require.NoError(t, err)
	require.Equal(t, []Name{{"a", 3}, {"b", 1}, {"c", 4}}, re.Names())
	require.Equal(t, 4, re.NumCaptures())
	require.Equal(t, `(?<b>.)(.)(?P<a>.)(?'c'.)`, re.String())
}

// Find adds to dst, and keeps what is in it.
func TestFindAppends(t *testing.T) {
	for _, pattern := range []string{`b(.)(x)?`, `b(.)(x)?(?!x)`} {
		re, err := Compile(pattern, false)
		require.NoError(t, err)
		loc, ok, err := re.Find([]int{7}, []byte("abc"))
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, []int{7, 1, 3, 2, 3, -1, -1}, loc)
		loc, ok, err = re.Find([]int{7}, []byte("xyz"))
		require.NoError(t, err)
		require.False(t, ok)
		require.Equal(t, []int{7}, loc)
	}
	re, err := Compile(`b`, false)
	require.NoError(t, err)
	loc, ok, _ := re.Find([]int{7}, []byte("abc"))
	require.True(t, ok)
	require.Equal(t, []int{7}, loc, "no captures, no offsets")
}

func TestFindGivesUp(t *testing.T) {
	re, err := Compile(`^(a+)+(?!a)\1$`, false)
	require.NoError(t, err)
	subject := strings.Repeat("a", 40) + "b"
	_, ok, err := re.Find(nil, []byte(subject))
	require.False(t, ok)
	require.EqualError(t, err, `pcre2_match() failed: -47 on "`+subject+`" using "^(a+)+(?!a)\1$"`)
}

// What regexp can do must not be left to the engine that backtracks.
func TestEngineChoice(t *testing.T) {
	for pattern, fast := range map[string]bool{
		``: true, `^www\.(?<n>.+)\.com$`: true, `(?i)[^\W\d]+?\s{2,3}$`: true, `a{1000}`: true, `\p{Lu}\Qa\E(?#c)`: true,
		`a(?!b)`: false, `(a)\1`: false, `a++`: false, `(?>a)`: false, `a{1001}`: false,
	} {
		re, err := Compile(pattern, false)
		require.NoError(t, err, pattern)
		assert.Equal(t, fast, re.fast != nil, pattern)
	}
}

func TestFindAllocations(t *testing.T) {
	buf := make([]int, 0, 16)
	for pattern, most := range map[string]float64{`^www\.`: 0, `^(www)\.`: 1} {
		re, err := Compile(pattern, false)
		require.NoError(t, err)
		s := []byte("www.example.com")
		got := testing.AllocsPerRun(100, func() { buf, _, _ = re.Find(buf[:0], s) })
		assert.LessOrEqual(t, got, most, pattern)
		s = []byte("api.example.com")
		got = testing.AllocsPerRun(100, func() { buf, _, _ = re.Find(buf[:0], s) })
		assert.Zero(t, got, "%s does not match", pattern)
	}
}

// FuzzCompile: no pattern may panic here or in an engine, and one that Compile
// accepts can be written for both engines with the same groups.
func FuzzCompile(f *testing.F) {
	raw, err := os.ReadFile("testdata/pcre2.tsv")
	require.NoError(f, err)
	for line := range strings.Lines(string(raw)) {
		if fields := strings.Split(line, "\t"); len(fields) == 4 {
			pattern, _ := strconv.Unquote(fields[1])
			subject, _ := strconv.Unquote(fields[2])
			f.Add(pattern, subject, fields[0] == "i")
		}
	}
	f.Fuzz(func(t *testing.T, pattern, subject string, caseless bool) {
		if len(pattern) > 60 || len(subject) > 20 {
			return // leave the engines' own limits alone
		}
		re, err := Compile(pattern, caseless)
		if err != nil {
			if e := err.(*Error); e.Offset < 0 || e.Offset > len(pattern) {
				t.Fatalf("%q: offset %d", pattern, e.Offset)
			}
			return
		}
		loc, ok, err := re.Find(nil, []byte(subject))
		if err != nil {
			return
		}
		if want := 2 * (re.captures + 1); ok && re.captures > 0 && len(loc) != want {
			t.Fatalf("%q on %q: %v, want %d offsets", pattern, subject, loc, want)
		}
		if re.fast == nil || strings.Contains(pattern, "{") {
			return
		}
		slow, slowOK, err := re.findSlow(nil, []byte(subject))
		if err == nil && slowOK != ok && !(re.trailing && strings.HasSuffix(subject, "\n")) {
			t.Fatalf("%q on %q: regexp says %v %v, regexp2 %v %v", pattern, subject, ok, loc, slowOK, slow)
		}
	})
}

func BenchmarkFind(b *testing.B) {
	tests := []struct{ name, pattern, subject string }{
		{"plain", `^www\.`, "www.example.com"},
		{"miss", `\.example\.org$`, "www.example.com"},
		{"captures", `^(?<name>[^.]+)\.(com|net)$`, "shop.net"},
		{"bytes", `^.+x$`, "\xe9\xe9x"},
		{"lookahead", `^(?!www\.).+\.com$`, "api.example.com"},
	}
	for _, tt := range tests {
		re, err := Compile(tt.pattern, false)
		require.NoError(b, err)
		subject := []byte(tt.subject)
		b.Run(tt.name, func(b *testing.B) {
			loc := make([]int, 0, 16)
			b.ReportAllocs()
			for b.Loop() {
				loc, _, _ = re.Find(loc[:0], subject)
			}
		})
	}
}
