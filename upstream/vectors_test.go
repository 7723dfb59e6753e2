package upstream

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSequenceVectors(t *testing.T) {
	for _, category := range []string{"round robin", "least_conn"} {
		for _, vec := range vectors(t, category) {
			addrs, status := value[[]string](t, vec.Output), value[[]string](t, vec.Status)
			v := visitor{Group: group(t, vec.Input.Upstream), now: noon}
			for i, want := range addrs {
				got, ok := v.visit(t)
				if strings.HasPrefix(want, "rr") { // the recorded group's name
					want = v.Name()
				}
				assert.Equal(t, want, got, "vector %d, session %d", vec.ID, i)
				assert.Equal(t, status[i], map[bool]string{true: "200", false: "502"}[ok], "vector %d, session %d", vec.ID, i)
			}
		}
	}
}

// sameGroup finds the group of a vector. Vectors with the same configuration
// were recorded one after the other.
type sameGroup map[string]*Group

func (s sameGroup) of(t *testing.T, vec vector) *Group {
	text := vec.Input.Upstream
	if s[text] == nil {
		s[text] = group(t, text)
	}
	return s[text]
}

// keyOf undoes the recording of bytes as code points.
func keyOf(vec vector) string {
	var key []byte
	for _, c := range vec.Input.Key {
		key = append(key, byte(c))
	}
	return string(key)
}

func TestHashVectors(t *testing.T) {
	groups := sameGroup{}
	for _, vec := range vectors(t, "hash") {
		g := groups.of(t, vec)
		v := visitor{Group: g, now: noon, key: keyOf(vec)}
		recorded := vec.Plain
		v.tried = func(p *Peer) {
			if len(vec.Plain) == 0 {
				return // an empty key, or a single server
			}
			// Unusable peers are recorded, too, unless they were already tried.
			for len(recorded) > 0 && recorded[0][0] != strconv.Itoa(int(v.sel.hash)) {
				recorded = recorded[1:]
			}
			require.NotEmpty(t, recorded, "vector %d: hash %d", vec.ID, v.sel.hash)
			index, _ := strconv.Atoi(recorded[0][1])
			assert.Same(t, g.primary.list[index], p, "vector %d", vec.ID)
		}
		got, ok := v.visit(t)
		assert.Equal(t, value[string](t, vec.Output), got, "vector %d, key %q", vec.ID, v.key)
		assert.True(t, ok)
		assert.LessOrEqual(t, len(recorded), 1, "vector %d", vec.ID)
	}
}

func TestConsistentVectors(t *testing.T) {
	groups := sameGroup{}
	for _, vec := range vectors(t, "hash consistent") {
		g := groups.of(t, vec)
		v := visitor{Group: g, now: noon, key: keyOf(vec)}
		g.Start(&v.sel, []byte(v.key))
		first := v.sel.hash
		got, ok := v.visit(t)
		assert.True(t, ok)
		assert.Equal(t, value[string](t, vec.Output), got, "vector %d, key %q", vec.ID, v.key)

		if v.key == "" {
			assert.Empty(t, vec.Points)
			continue
		}
		assert.Equal(t, vec.Points[0][0], strconv.Itoa(int(first)), "vector %d", vec.ID)
		assert.Equal(t, vec.Points[len(vec.Points)-1][0], strconv.Itoa(int(v.sel.hash)), "vector %d", vec.ID)
		for _, point := range vec.Points {
			index, err := strconv.Atoi(point[0])
			require.NoError(t, err)
			assert.Equal(t, point[1], serverAt(g, index), "vector %d, point %d", vec.ID, index)
		}
	}
}

// serverAt returns the server of a point on the ring.
func serverAt(g *Group, index int) string {
	c := g.balancer.(*consistent)
	peer := c.servers[uint32(c.ring[index%len(c.ring)])][0]
	return g.primary.list[peer].server
}

// The two recordings of category "fail_timeout timing", with their text as
// numbers: in which seconds the dead server was tried when a session came each
// 100 ms.
func TestFailTimeoutVectors(t *testing.T) {
	require.Len(t, vectors(t, "fail_timeout timing"), 2)
	for _, tt := range []struct {
		dead  string
		tried []int64
	}{
		{"server 127.0.0.1:13099 fail_timeout=1s; server 127.0.0.1:13001;", []int64{0, 2, 4, 6}},
		{"server 127.0.0.1:13099 max_fails=2 fail_timeout=1s; server 127.0.0.1:13001;", []int64{0, 0, 2, 4, 6}},
	} {
		v := visitor{Group: group(t, tt.dead)}
		var tried []int64
		for i := range 79 {
			v.now = later(float64(i) / 10)
			if addrs, _ := v.visit(t); strings.Contains(addrs, "13099") {
				tried = append(tried, v.now.Unix()-noon.Unix())
			}
		}
		assert.Equal(t, tt.tried, tried)
	}
}

func TestConfigVectors(t *testing.T) {
	count := 0
	for _, vec := range vectors(t, "config test") {
		if vec.Input.Context != "upstream" {
			continue
		}
		count++
		want := value[struct{ Messages []string }](t, vec.Output).Messages
		_, log, err := load("\n\n\n\n\nupstream u { " + vec.Input.Snippet + " }")
		if err != nil {
			log = append(log, "[emerg] "+err.Error())
		}
		assert.ElementsMatch(t, want, log, "vector %d: %s", vec.ID, vec.Input.Snippet)
	}
	assert.Greater(t, count, 40)
}
