package upstream

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/addr"
	"github.com/gostream/gostream/internal/conf"
	"github.com/gostream/gostream/parser"
)

// vector is one recorded outcome of nginx.
type vector struct {
	ID       int
	Category string
	Input    struct {
		Upstream string // the inside of the block
		Key      string // value of the hash key, each byte a code point
		Context  string
		Snippet  string
	}
	Output json.RawMessage
	Status json.RawMessage
	Plain  [][2]string `json:"hash_value_and_peer"`
	Points [][2]string `json:"point_index_and_server"`
}

func vectors(t *testing.T, category string) (found []vector) {
	t.Helper()
	text, err := os.ReadFile("../testdata/vectors.json")
	require.NoError(t, err)
	var file struct {
		Vectors []json.RawMessage
	}
	require.NoError(t, json.Unmarshal(text, &file))
	for _, raw := range file.Vectors {
		var v vector
		if !strings.Contains(string(raw), `"category": "`+category+`"`) && !strings.Contains(string(raw), `"category":"`+category+`"`) {
			continue
		}
		require.NoError(t, json.Unmarshal(raw, &v))
		found = append(found, v)
	}
	require.NotEmpty(t, found, category)
	return found
}

// value reads a field whose type depends on the category.
func value[T any](t *testing.T, raw json.RawMessage) (v T) {
	t.Helper()
	require.NoError(t, json.Unmarshal(raw, &v))
	return v
}

// world is a stream block as far as these tests need one.
type world struct {
	zones  Zones
	groups []*Config
}

var worldTable = &conf.Table[world]{Commands: []conf.Command[world]{
	{Name: "upstream", In: conf.Main, Block: true, Set: conf.Func(func(w *world, d *conf.Directive) error {
		c, err := Parse(d, &w.zones)
		if err != nil {
			return err
		}
		for i := range c.Servers { // where nginx was recorded, localhost had no ::1
			c.Servers[i].addrs = slices.DeleteFunc(c.Servers[i].addrs, func(a addr.Addr) bool {
				return strings.HasPrefix(strings.ToLower(c.Servers[i].Address), "localhost:") && !a.AddrPort().Addr().Is4()
			})
		}
		w.groups = append(w.groups, c)
		return nil
	})},
}}

// load reads upstream blocks and makes the groups.
func load(text string) (groups []*Group, log []string, err error) {
	var w world
	env := &conf.Env{Log: func(level, msg string) { log = append(log, "["+level+"] "+msg) }}
	tree, _ := parser.ParseString("CONF", text, parser.Options{}) // Apply meets the error
	schema := conf.NewSchema(append(Tables(), worldTable)...).KnowElsewhere(conf.HTTPDirectives()...)
	if err := conf.Apply(tree, schema, conf.Main, env, &w); err != nil {
		return nil, log, err
	}
	for _, c := range w.groups {
		g, err := New(c)
		if err != nil {
			return nil, log, err
		}
		groups = append(groups, g)
	}
	return groups, log, w.zones.Check()
}

// group makes the group "u" of the inside of an upstream block.
func group(t testing.TB, text string) *Group {
	t.Helper()
	groups, _, err := load("upstream u {" + text + "}")
	require.NoError(t, err, text)
	return groups[0]
}

// noon is when tests take place.
var noon = time.Unix(1_800_000_000, 0)

func later(seconds float64) time.Time { return noon.Add(time.Duration(seconds * float64(time.Second))) }

// visitor runs sessions on a group. Ports ending in 99 and 98 refuse.
type visitor struct {
	*Group
	now      time.Time
	sel      Selection
	key      string
	tried    func(*Peer) // told of each pick
	disabled []string    // servers that Failed reported
}

// visit runs a session to its end and returns what $upstream_addr would be, and
// whether the session was served.
func (v *visitor) visit(t testing.TB) (addrs string, ok bool) {
	t.Helper()
	var tried []string
	v.Start(&v.sel, []byte(v.key))
	for {
		p, err := v.Next(&v.sel, v.now)
		if err != nil {
			require.ErrorIs(t, err, ErrNoLiveUpstreams)
			return strings.Join(append(tried, v.Name()), ", "), false
		}
		tried = append(tried, p.Name())
		if v.tried != nil {
			v.tried(p)
		}
		if port := p.Addr().Port(); port%100 < 98 {
			v.Connected(&v.sel, p, v.now)
			v.Done(&v.sel, p, v.now)
			return strings.Join(tried, ", "), true
		}
		if v.Failed(&v.sel, p, v.now) {
			v.disabled = append(v.disabled, p.Name())
		}
		if v.sel.Tries() == 0 {
			return strings.Join(tried, ", "), false
		}
	}
}

// letters runs sessions on a group whose servers are 127.0.0.1:1, 2 and so on,
// and writes the choices as a, b, ..., or (-) if there was none.
func (v *visitor) letters(t testing.TB, sessions int) string {
	t.Helper()
	var out []string
	for range sessions {
		word := "(-)"
		if addrs, ok := v.visit(t); ok {
			word = string('a' + addrs[len(addrs)-1] - '1')
		}
		out = append(out, word)
	}
	return strings.Join(out, " ")
}
