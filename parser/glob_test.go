package parser

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The expected values are those of glob(3) of glibc 2.36.

func TestFnmatch(t *testing.T) {
	for _, tt := range []struct {
		pattern, name string
		want          bool
	}{
		{"", "", true}, {"", "a", false}, {"a", "", false}, {"a", "a", true}, {"a", "A", false},
		{"*", "", true}, {"*", "abc", true}, {"*.conf", "a.conf", true}, {"*.conf", "a.conf~", false},
		{"a*b*c", "aXbYbZc", true}, {"a*b*c", "aXbYbZ", false}, {"**", "a", true}, {"*a", "aaab", false},
		{"?", "a", true}, {"?", "", false}, {"??", "a", false}, {"?", "\xe9", true}, {"?", "é", false},
		{"*", ".a", false}, {"?a", ".a", false}, {"[.]a", ".a", false}, {".*", ".a", true}, {`\.a`, ".a", true}, {"a*", "a.b", true},
		{"[abc]", "b", true}, {"[abc]", "d", false}, {"[!a]", "b", true}, {"[!a]", "a", false}, {"[^a]", "b", true}, {"[^a]", "a", false},
		{"[a-c]x", "bx", true}, {"[a-c]x", "dx", false}, {"[c-a]", "b", false}, {"[a-]", "-", true}, {"[-a]", "-", true}, {"[+--]", ",", true},
		{"[]a]", "]", true}, {"[!]a]", "]", false}, {"[!]a]", "b", true}, {`[\]]`, "]", true}, {`[a\-c]`, "b", false}, {`[a\-c]`, "-", true},
		{"[a", "[a", true}, {"[a", "a", false}, {"[]", "[]", true}, {"[[]", "[", true}, {"a[", "a[", true},
		{"[[:digit:]]", "5", true}, {"[[:digit:]x]", "x", true}, {"[![:digit:]]", "5", false}, {"[[:digit:]", ":", false}, {"[[:digit:]", "]", false},
		{"[[:upper:][:space:]]", "\t", true}, {"[[:upper:][:space:]]", "b", false},
		{`\*`, "*", true}, {`\*`, "a", false}, {`\a`, "a", true}, {`a\`, "a", false}, {`a\`, `a\`, false}, {`\\`, `\`, true},
		{"*[0-9]?.c", "ab12.c", true}, {"*[0-9]?.c", "ab.c", false},
		{rep("*a", 40) + "b", rep("a", 200), false}, // takes no time
	} {
		assert.Equal(t, tt.want, fnmatch(tt.pattern, tt.name), "%q %q", tt.pattern, tt.name)
	}
}

func TestClasses(t *testing.T) {
	for class, want := range map[string]string{
		"lower": "a", "upper": "A", "digit": "0", "alpha": "aA", "alnum": "aA0", "xdigit": "aA0", "blank": " ",
		"space": " \n", "cntrl": "\n", "graph": "aA0-", "print": "aA0- ", "punct": "-", "nosuch": "",
	} {
		got := ""
		for _, c := range []byte("aA0- \n") {
			if fnmatch("[[:"+class+":]]", string([]byte{c})) {
				got += string([]byte{c})
			}
		}
		assert.ElementsMatch(t, []byte(want), []byte(got), class)
	}
}

func TestGlob(t *testing.T) {
	dir := write(t, map[string]string{
		"a/x": "", "a/y": "", "a-b/x": "", "b/.x": "", ".h/x": "", "f": "", "[f": "", "f*": "", "a/s/x": "", "UP": "",
	})
	require.NoError(t, os.Symlink("nowhere", dir+"/dangling"))
	t.Chdir(dir)
	for pattern, want := range map[string][]string{
		"*":            {"UP", "[f", "a", "a-b", "b", "dangling", "f", "f*"},
		"*/x":          {"a-b/x", "a/x"},
		"*/*":          {"a-b/x", "a/s", "a/x", "a/y"},
		"*/s/*":        {"a/s/x"},
		".h/*":         {".h/x"},
		".*/x":         {".h/x"},
		"./a/[xz]":     {"./a/x"},
		"a//?":         {"a//s", "a//x", "a//y"},
		"[f":           {"[f"},
		"nosuch[":      nil,
		"*/nosuch":     nil,
		"nosuch/*":     nil,
		"f/*":          nil,
		`f\*`:          {"f*"},
		`a\/[xz]`:      {"a/x"},
		`[a]\//x`:      {"a//x"},
		`a\\/x`:        nil,
		`f[*]`:         {"f*"},
		"dang*":        {"dangling"},
		"d*/":          nil,
		"a*/":          {"a-b/", "a/"},
		dir + "/a/?":   {dir + "/a/s", dir + "/a/x", dir + "/a/y"},
		"[a/b]*":       nil,
		"[[:upper:]]*": {"UP"},
		"b/*":          nil,
	} {
		assert.Equal(t, want, append([]string(nil), glob(pattern)...), pattern)
	}
}
