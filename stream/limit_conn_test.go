package stream

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The capacities are those of nginx 1.31.5 for sessions with keys of this many
// bytes (more or less: they were made of client addresses).
func TestZoneHoldsAsManyKeysAsNginx(t *testing.T) {
	for _, tt := range []struct {
		name      string
		size      int64
		key, room int
	}{
		{"z", 32 << 10, 4, 383},
		{"z", 32 << 10, 28, 383},
		{"z", 32 << 10, 29, 160},
		{"longer_name_0123456789", 40000, 8, 510},
		{"a_name_of_more_than_41_characters_0123456789abcdef", 33 << 10, 8, 383},
		{"z", 50 << 10, 128, 144},
		{"z", 64 << 10, 228, 104},
		{"z", 36 << 10, 4, 447},
	} {
		c := newKeyCounts(tt.size, tt.name)
		key := make([]byte, tt.key)
		for i := range tt.room {
			binary.BigEndian.PutUint32(key, uint32(i))
			_, result := c.enter(key, 1)
			require.Equal(t, counted, result, "%+v: key %d", tt, i)
		}
		binary.BigEndian.PutUint32(key, uint32(tt.room))
		_, result := c.enter(key, 1)
		assert.Equal(t, zoneIsFull, result, "%+v", tt)

		// A full zone still knows its keys.
		binary.BigEndian.PutUint32(key, 0)
		_, result = c.enter(key, 1)
		assert.Equal(t, tooMany, result, "%+v", tt)
		_, result = c.enter(key, 2)
		assert.Equal(t, counted, result, "%+v", tt)
	}
}

// Room that one size of keys gives back is fit for another once a page is empty.
func TestZonePagesChangeSize(t *testing.T) {
	c := newKeyCounts(32<<10, "z")
	fill := func(size int) (nodes []nodeRef) {
		key := make([]byte, size)
		for {
			binary.BigEndian.PutUint32(key, uint32(len(nodes)))
			node, result := c.enter(key, 1)
			if result == zoneIsFull {
				return nodes
			}
			nodes = append(nodes, node)
		}
	}
	short := fill(8)
	require.Len(t, short, 383)
	assert.Empty(t, fill(100), "no page is empty")
	for _, node := range short[:63+64] {
		c.leave(node)
	}
	// The first page, with room for 63 keys, has a chunk that nginx needs itself.
	assert.Len(t, fill(100), 16, "the second page is")
}

// A long random history against a simple model.
func TestKeyCountsAgainstMap(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	c, model := newKeyCounts(256<<10, "z"), map[string]int{}
	type session struct {
		key  string
		node nodeRef
	}
	var live []session
	for range 200_000 {
		if len(live) > 0 && rng.IntN(100) < 49 {
			i := rng.IntN(len(live))
			c.leave(live[i].node)
			model[live[i].key]--
			live[i] = live[len(live)-1]
			live = live[:len(live)-1]
			continue
		}
		n := rng.IntN(1500)
		key := fmt.Sprint(n, strings.Repeat("x", n%10*25))
		node, result := c.enter([]byte(key), 3)
		switch {
		case model[key] >= 3:
			require.Equal(t, tooMany, result)
		case model[key] > 0:
			require.Equal(t, counted, result)
		}
		if result == counted {
			model[key]++
			live = append(live, session{key, node})
		}
	}
	for _, s := range live {
		c.leave(s.node)
	}
	assert.Len(t, c.spare, len(c.pages)-1, "only the page with the zone's own chunk is in use")
}

func TestMillionKeys(t *testing.T) {
	c := newKeyCounts(64<<20+1<<20, "z") // 64 bytes for each, and nginx's own
	key := make([]byte, 16)
	for i := range 1_000_000 {
		binary.BigEndian.PutUint32(key, uint32(i))
		if _, result := c.enter(key, 1); result != counted {
			require.FailNow(t, "no room", "key %d", i)
		}
	}
	for i := range 1_000_000 {
		binary.BigEndian.PutUint32(key, uint32(i))
		if _, result := c.enter(key, 1); result != tooMany {
			require.FailNow(t, "not counted", "key %d", i)
		}
	}
}

func TestReloadKeepsCounts(t *testing.T) {
	text := "x"
	cfg := func(size int64, key string) *Config {
		return &Config{
			LimitConnZones: []*LimitConnZone{{Name: "z", Size: size, Key: key}},
			Servers: []*ServerConfig{{Listen: []Listen{{Address: "unix:/none/x.sock"}}, Return: &text,
				LimitConn: LimitConnConfig{Limits: []ConnLimit{{Zone: "z", Max: 1}}}}},
		}
	}
	first, err := compileConfig(cfg(65536, "$remote_addr"), nil)
	require.NoError(t, err)
	same, err := compileConfig(cfg(65536, "$remote_addr"), first)
	require.NoError(t, err)
	assert.Same(t, first.zones["z"].counts, same.zones["z"].counts)
	larger, err := compileConfig(cfg(131072, "$remote_port"), first)
	require.NoError(t, err)
	assert.NotSame(t, first.zones["z"].counts, larger.zones["z"].counts)
	_, err = compileConfig(cfg(65536, "$remote_port"), first)
	assert.EqualError(t, err, `limit_conn_zone "z" uses the "$remote_port" key while previously it used the "$remote_addr" key`)
}

func TestLimitsOfSeveralZones(t *testing.T) {
	file := filepath.Join(t.TempDir(), "log")
	g, f := compileText("/none/conf", `stream {
		error_log `+file+` info;
		limit_conn_zone $a zone=a:1m;
		limit_conn_zone "$a-$b" zone=ab:1m;
		server { listen unix:/none/x.sock; set $a ""; set $b ""; limit_conn a 2; limit_conn ab 1; return x; }
		server { listen unix:/none/y.sock; limit_conn_dry_run on; limit_conn_log_level info; limit_conn a 1; return x; }
	}`)
	require.NotNil(t, g, f.log)
	enter := func(i int, a, b string) *Session {
		s := g.client().give("a", a).give("b", b)
		s.srv, s.ln = g.servers[f.stream.Servers[i]], &listener{text: "x"}
		status := s.limitConnections()
		assert.Equal(t, s.limitStatus == limitRejected, status == statusUnavailable)
		return s
	}
	status := func(s *Session) string { return s.text(t, "$limit_conn_status") }

	first := enter(0, "x", "1")
	assert.Equal(t, "PASSED", status(first))
	assert.Equal(t, "REJECTED", status(enter(0, "x", "1")), "what it had of zone a is given back")
	second := enter(0, "x", "2")
	assert.Equal(t, "PASSED", status(second))
	assert.Equal(t, "REJECTED", status(enter(0, "x", "3")))
	assert.Equal(t, "REJECTED_DRY_RUN", status(enter(1, "x", "")))
	first.releaseLimits()
	assert.Equal(t, "PASSED", status(enter(0, "x", "3")))

	assert.Equal(t, "", status(enter(1, "", "")), "no key, no limit")
	assert.Equal(t, "", status(enter(1, strings.Repeat("k", 256), "")), "nor for one too long")

	log, err := os.ReadFile(file)
	require.NoError(t, err)
	for _, line := range []string{
		`[error] limiting connections by zone "a", client`, `[error] limiting connections by zone "ab", client`,
		`[info] limiting connections, dry run, by zone "a", client`,
		`[error] the value of the "$a" key is more than 255 bytes: "kkkk`,
	} {
		level, text, _ := strings.Cut(line, " ")
		assert.Regexp(t, regexp.QuoteMeta(level)+` \d+#\d+: (\*0 )?`+regexp.QuoteMeta(text), string(log))
	}
}

func TestFullZoneIsLogged(t *testing.T) {
	file := filepath.Join(t.TempDir(), "log")
	_, f := compileText("/none/conf", `stream { error_log stderr; limit_conn_zone $a zone=z:32k; limit_conn z 1;
		server { listen unix:/none/x.sock; set $a ""; return x; } }`)
	f.stream.ErrorLog = []ErrorLog{{file}} // of the main context
	g, err := compileConfig(f.stream, nil)
	require.NoError(t, err)
	for i := range 384 {
		s := g.client().give("a", fmt.Sprint(i))
		s.srv = g.servers[f.stream.Servers[0]]
		assert.Equal(t, i == 383, s.limitConnections() == statusUnavailable, i)
	}
	log, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Regexp(t, `\[crit\] \d+#\d+: ngx_slab_alloc\(\) failed: no memory in limit_conn_zone "z"\n$`, string(log))
}

func BenchmarkKeyCounts(b *testing.B) {
	c := newKeyCounts(64<<20+1<<20, "z")
	key := make([]byte, 16)
	for i := range 900_000 {
		binary.BigEndian.PutUint32(key, uint32(i))
		c.enter(key, 1)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		binary.BigEndian.PutUint32(key, uint32(1_000_000+i))
		node, _ := c.enter(key, 1)
		c.leave(node)
	}
}
