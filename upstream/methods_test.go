package upstream

import (
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/addr"
)

// crowd is a number of sessions on a group that are under way.
type crowd struct {
	*Group
	now  time.Time
	open []*attemptAt
}

type attemptAt struct {
	sel Selection
	p   *Peer
}

// join begins a session and returns the port that it went to.
func (c *crowd) join(t testing.TB, key string) int {
	t.Helper()
	a := &attemptAt{}
	c.Start(&a.sel, []byte(key))
	var err error
	a.p, err = c.Next(&a.sel, c.now)
	require.NoError(t, err)
	c.open = append(c.open, a)
	return int(a.p.Addr().Port())
}

// leave ends the session at an index.
func (c *crowd) leave(i int) {
	c.Done(&c.open[i].sel, c.open[i].p, c.now)
	c.open = append(c.open[:i], c.open[i+1:]...)
}

// Recorded from nginx 1.31.5: sessions that stay open. A session that comes is
// "j", a number is the open session that goes.
func TestLeastConn(t *testing.T) {
	const three = "least_conn; server 127.0.0.1:1 weight=%d; server 127.0.0.1:2 weight=%d; server 127.0.0.1:3 weight=%d;"
	for _, tt := range []struct{ group, script, want string }{
		{fmt.Sprintf(three, 2, 1, 1), "j j j j j j j j 1 4 j 0 1 1 j j j", "2 3 1 1 1 3 2 1 3 1 2 3"},
		{fmt.Sprintf(three, 5, 3, 2), "j j j j j j j j j j j j 0 0 0 j j j 5 5 5 5 j j j j j", "2 3 1 1 2 1 3 1 2 1 1 3 2 1 2 3 1 2 3 1"},
		{
			"least_conn; server 127.0.0.1:1 weight=3 max_conns=2; server 127.0.0.1:2 max_conns=3; server 127.0.0.1:3 backup;",
			"j j j j j j j 0 j 2 j j", "1 2 1 2 2 3 3 1 2 3",
		},
	} {
		c := &crowd{Group: group(t, tt.group), now: noon}
		c.join(t, "") // to see that it was up
		c.leave(0)
		var got []string
		for _, word := range strings.Fields(tt.script) {
			if i, err := strconv.Atoi(word); err == nil {
				c.leave(i)
				continue
			}
			got = append(got, strconv.Itoa(c.join(t, "")))
		}
		assert.Equal(t, tt.want, strings.Join(got, " "), tt.group)
	}
}

func TestRandom(t *testing.T) {
	var points []int
	cfg := Config{
		Method: Random,
		Servers: []Server{
			{Address: "127.0.0.1:1", Weight: 2}, {Address: "127.0.0.1:2", Down: true}, {Address: "127.0.0.1:3", Weight: 3},
		},
		Rand: func(n int) int {
			assert.Equal(t, 6, n)
			point := points[0]
			points = points[1:]
			return point
		},
	}
	g, err := New(&cfg)
	require.NoError(t, err)
	c := &crowd{Group: g, now: noon}
	for _, tt := range []struct {
		points []int
		want   int
	}{
		{[]int{0}, 1}, {[]int{1}, 1}, {[]int{3}, 3}, {[]int{5}, 3},
		{[]int{2, 2, 2, 4}, 3}, // down
	} {
		points = tt.points
		assert.Equal(t, tt.want, c.join(t, ""))
		assert.Empty(t, points)
	}
	// After 20 useless draws it is round robin's turn.
	points = strings21
	before := g.Status(nil, noon)[2].Current
	c.join(t, "")
	assert.Empty(t, points)
	assert.NotEqual(t, before, g.Status(nil, noon)[2].Current)
}

// strings21 draws the server that is down 21 times.
var strings21 = func() (out []int) {
	for range 21 {
		out = append(out, 2)
	}
	return out
}()

func TestRandomTwo(t *testing.T) {
	var points []int
	cfg := Config{
		Method:  RandomTwo,
		Servers: []Server{{Address: "127.0.0.1:1", Weight: 2}, {Address: "127.0.0.1:2"}, {Address: "127.0.0.1:3"}},
		Rand: func(int) int {
			point := points[0]
			points = points[1:]
			return point
		},
	}
	g, err := New(&cfg)
	require.NoError(t, err)
	c := &crowd{Group: g, now: noon}
	for _, tt := range []struct {
		points []int
		want   int
	}{
		{[]int{0, 2}, 2},       // even: the second
		{[]int{2, 0}, 1},       // fewer
		{[]int{0, 2}, 1},       // 1/2 against 1: the first
		{[]int{2, 0}, 1},       // 1 each: the second
		{[]int{0, 1, 0, 3}, 3}, // the same again does not count
		{[]int{3, 0}, 3},       // 1 against 3/2
	} {
		points = tt.points
		assert.Equal(t, tt.want, c.join(t, ""), "%v", tt.points)
		assert.Empty(t, points)
	}
}

// The default generator follows the weights.
func TestRandomShares(t *testing.T) {
	for _, method := range []string{"random;", "random two;"} {
		v := visitor{Group: group(t, method+"server 127.0.0.1:1 weight=3; server 127.0.0.1:2;"), now: noon}
		count := map[byte]int{}
		for range 4000 {
			addrs, _ := v.visit(t)
			count[addrs[len(addrs)-1]]++
		}
		assert.Greater(t, count['1'], 0, method)
		assert.Greater(t, count['2'], 0, method)
		if method == "random;" {
			assert.InDelta(t, 3000, count['1'], 300) // 11 standard deviations
		}
	}
}

// The checksum of a number and the key must not need the key.
func TestNextHash(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		key := make([]byte, 1+rng.IntN(300))
		for i := range key {
			key[i] = byte(rng.Uint32())
		}
		var sel Selection
		hash{}.start(&sel, key)
		assert.Equal(t, crc32.ChecksumIEEE(key), sel.nextHash())
		for i := 1; i <= 120; i++ {
			require.Equal(t, crc32.ChecksumIEEE(append([]byte(fmt.Sprint(i)), key...)), sel.nextHash())
		}
	}
}

// A key stays where it is, and goes somewhere else, always the same, when its
// server is out.
func TestHashIsStable(t *testing.T) {
	for _, method := range []string{"hash $k;", "hash $k consistent;"} {
		g := group(t, method+manyServers(20))
		out := group(t, method+strings.Replace(manyServers(20), "10.0.0.7:80", "10.0.0.7:80 down", 1))
		moved := 0
		for i := range 500 {
			v := visitor{Group: g, now: noon, key: fmt.Sprint("key", i)}
			first, _ := v.visit(t)
			second, _ := v.visit(t)
			require.Equal(t, first, second)
			v.Group = out
			third, _ := v.visit(t)
			if third == first {
				continue
			}
			require.Equal(t, "10.0.0.7:80", first)
			moved++
			fourth, _ := v.visit(t)
			require.Equal(t, third, fourth)
		}
		assert.Greater(t, moved, 5, method)
	}
}

// Consistent hashing keeps most keys where they are when a server is added.
func TestConsistentMovesFewKeys(t *testing.T) {
	moved := 0
	before, after := group(t, "hash $k consistent;"+manyServers(10)), group(t, "hash $k consistent;"+manyServers(11))
	for i := range 1000 {
		v := visitor{Group: before, now: noon, key: fmt.Sprint("key", i)}
		a, _ := v.visit(t)
		v.Group = after
		b, _ := v.visit(t)
		if a != b {
			moved++
			assert.Equal(t, "10.0.0.10:80", b)
		}
	}
	assert.InDelta(t, 91, moved, 60)
}

// The addresses of a name share its points and take turns.
func TestConsistentName(t *testing.T) {
	g, err := New(&Config{
		Method:  ConsistentHash,
		Servers: []Server{{Address: "one:80"}, {Address: "many:80"}},
		Lookup: func(host string) ([]netip.Addr, error) {
			if host == "one" {
				return []netip.Addr{netip.MustParseAddr("192.0.2.1")}, nil
			}
			return []netip.Addr{netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("192.0.2.3")}, nil
		},
	})
	require.NoError(t, err)
	other, err := New(&Config{Method: ConsistentHash, Servers: []Server{{Address: "one:80", addrs: g.addrs(0)}, {Address: "many:80", addrs: g.addrs(1)}}})
	require.NoError(t, err)
	assert.Equal(t, g.balancer.(*consistent).ring, other.balancer.(*consistent).ring, "one or several addresses")

	seen := map[string]int{}
	v := visitor{Group: g, now: noon}
	for i := range 100 {
		v.key = fmt.Sprint(i)
		a, _ := v.visit(t)
		b, _ := v.visit(t)
		seen[a]++
		seen[b]++
		assert.Equal(t, a == "192.0.2.1:80", a == b)
	}
	assert.Equal(t, seen["192.0.2.2:80"], seen["192.0.2.3:80"])
	assert.Greater(t, seen["192.0.2.2:80"], 20)
}

// A key belongs to the first point at or behind its checksum, and the ring is
// closed.
func TestConsistentStart(t *testing.T) {
	sum := uint64(crc32.ChecksumIEEE([]byte("key")))
	for _, tt := range []struct {
		ring []uint64
		want uint32
	}{
		{[]uint64{sum - 1, sum, sum + 1}, 1},
		{[]uint64{sum - 2, sum - 1, sum + 1}, 2},
		{[]uint64{sum - 2, sum - 1}, 2},
	} {
		c := &consistent{servers: [][]int32{{0}, {1}, {2}}}
		for i, place := range tt.ring {
			c.ring = append(c.ring, place<<32|uint64(i))
		}
		var sel Selection
		c.start(&sel, []byte("key"))
		assert.Equal(t, tt.want, sel.hash)
		ps := &peers{list: []*Peer{{maxConns: 1, maxFails: 1}, {maxConns: 1, maxFails: 1}, {maxConns: 1, maxFails: 1}}}
		assert.Equal(t, int(tt.want)%len(tt.ring), c.pick(ps, &sel, 0))
	}
}

func TestSplitServer(t *testing.T) {
	for text, want := range map[string]string{
		"a:80": "a 80", "[::1]:80": "[::1] 80", "[::1]": "[::1] ", "a": "a ", "a:": "a ", "a:80x": "a:80x ", "80": "80 ", ":80": " 80",
		"unix:/a:80": "/a:80 ", "UNIX:b": "b ", "": " ", "localhost:80 ": "localhost:80  ",
	} {
		host, port := splitServer(text)
		assert.Equal(t, want, host+" "+port, text)
	}
}

// addrs returns the address of a peer as the list that a server has.
func (g *Group) addrs(i int) []addr.Addr { return []addr.Addr{g.primary.list[i].addr} }
