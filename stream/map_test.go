package stream

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestMapVectors(t *testing.T) {
	vectors := recordings(t, "map")
	first := strings.Replace(vectors[0].Input.Config, "$v {", "$m1 {", 1)
	for _, v := range vectors {
		block, value := shown(v.Input.Config, "$v")
		if strings.Contains(block, "$m1") {
			block = first + block
		}
		got := compiled(t, block, "key").client().give("key", latin1(v.Input.Key)).text(t, value)
		assert.Equal(t, v.text(t), got, "vector %d: %q of %s", v.ID, v.Input.Key, v.Input.Config)
	}
}

func TestMapHostnamesVectors(t *testing.T) {
	for _, v := range recordings(t, "map hostnames") {
		got := compiled(t, v.Input.Config, "key").client().give("key", latin1(v.Input.Key)).text(t, "$v")
		assert.Equal(t, v.text(t), got, "vector %d: %q of %s", v.ID, v.Input.Key, v.Input.Config)
	}
}

// Patterns that Go's regexp refuses work like others, captures included.
func TestMapPatternsOfPCRE(t *testing.T) {
	for _, tt := range []struct{ pattern, key, want string }{
		{`^(?!bad)(\w+)$`, "good", "1=good n="},
		{`^(?!bad)(\w+)$`, "badly", "none"},
		{`^(?<n>\w)\w*\k<n>$`, "abca", "1=a n=a"},
		{`^(\w)\w*\1$`, "abcd", "none"},
		{`^(?<n>a++)b`, "aab", "1=aa n=aa"},
		{`^(?>a+)ab`, "aaab", "none"},
		{`(?<=x)(?<n>y)`, "xy", "1=y n=y"},
		{`(?<!x)y`, "xy", "none"},
		{`^(a+)+$`, "aaa", "1=aaa n="},
	} {
		g := compiled(t, `map $key $v { default none; "~`+strings.ReplaceAll(tt.pattern, `\`, `\\`)+`" "1=$1 n=$n"; } map x $never { "~(?<n>z)" ""; }`, "key")
		assert.Equal(t, tt.want, g.client().give("key", tt.key).text(t, "$v"), "%s on %s", tt.pattern, tt.key)
	}
}
