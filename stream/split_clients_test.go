package stream

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMurmurHash2Vectors(t *testing.T) {
	for _, v := range recordings(t, "murmurhash2") {
		var want uint32
		require.NoError(t, json.Unmarshal(v.Output, &want))
		assert.Equal(t, want, murmurHash2([]byte(latin1(v.Input.Text))), "vector %d: %q", v.ID, v.Input.Text)
	}
}

func TestSplitClientsVectors(t *testing.T) {
	for _, v := range recordings(t, "split_clients") {
		g := compiled(t, v.Input.Config, "key")
		got := g.client().give("key", latin1(v.Input.Key)).text(t, "$v")
		assert.Equal(t, v.text(t), got, "vector %d: %q of %s", v.ID, v.Input.Key, v.Input.Config)
	}
}

// The part that completes 100% takes what rounding leaves of the hashes, and no
// part after it gets any.
func TestSplitClientsTakesAllThatIsLeft(t *testing.T) {
	parts, err := compileSplit([]SplitPart{{3333, "a"}, {3333, "b"}, {3334, "c"}, {0, "d"}})
	require.NoError(t, err)
	assert.Equal(t, []splitPart{{1431512599, "a"}, {2863025198, "b"}, {0, "c"}, {0, "d"}}, parts)

	_, err = compileSplit([]SplitPart{{10000, "a"}, {1, "b"}})
	assert.EqualError(t, err, "percent total is greater than 100%")
}

// A Config filled by hand does what one from a file does.
func TestSplitClientsByHand(t *testing.T) {
	text := "x"
	g, err := compileConfig(&Config{
		SplitClients: []*SplitClientsConfig{{Source: "$remote_port$protocol", Variable: "v", Parts: []SplitPart{{Value: "all"}}}},
		Servers:      []*ServerConfig{{Listen: []Listen{{Address: "unix:/none/x.sock"}}, Return: &text}},
	}, nil)
	require.NoError(t, err)
	assert.Equal(t, "all", g.client().text(t, "$v"))
}

// In a split_clients block "include" is no directive.
func TestSplitClientsKnowsNoInclude(t *testing.T) {
	g, f := compileText("/none/conf", "stream {\nsplit_clients a $v {\n50% a;\ninclude parts;\n}\n}")
	assert.Nil(t, g)
	assert.Contains(t, f.log, `[emerg] invalid percent value "include" in /none/conf:4`)
}

func TestSplitClientsWithoutMatchIsEmpty(t *testing.T) {
	g := compiled(t, "split_clients $key $v { 0.01% a; }", "key")
	assert.Equal(t, "<>", g.client().give("key", "a").text(t, "<$v>"))
}

func BenchmarkMurmurHash2(b *testing.B) {
	key := []byte(strings.Repeat("k", 40))
	b.ReportAllocs()
	for b.Loop() {
		murmurHash2(key)
	}
}
