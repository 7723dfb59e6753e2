package upstream

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/addr"
)

// Sequences of nginx, with servers called a, b, c by port; 1 is a, ...
func TestSequences(t *testing.T) {
	for _, tt := range []struct {
		group, want string
	}{
		{"server 127.0.0.1:1 weight=5; server 127.0.0.1:2; server 127.0.0.1:3;", "a a b a c a a a a b a c a a"},
		{"server 127.0.0.1:1 weight=3; server 127.0.0.1:2 weight=2; server 127.0.0.1:3;", "a b a c b a a b"},
		{"server 127.0.0.1:1 weight=2; server 127.0.0.1:2 weight=5;", "b a b b b a b"},
		{"server 127.0.0.1:1 down; server 127.0.0.1:2 weight=2; server 127.0.0.1:3;", "b c b b c b"},
		{"server 127.0.0.1:1 down; server 127.0.0.1:2 backup weight=2; server 127.0.0.1:3 backup;", "b c b b c b"},
		{"server 127.0.0.1:1 down;", "(-) (-)"},
		{"server 127.0.0.1:1 down; server 127.0.0.1:2 down backup;", "(-)"},
		{"least_conn; server 127.0.0.1:1 weight=3; server 127.0.0.1:2; server 127.0.0.1:3;", "a b a c a a b a c a"},
		{"least_conn; server 127.0.0.1:1 down; server 127.0.0.1:2 backup; server 127.0.0.1:3 backup;", "b c b c"},
		{"least_time connect; server 127.0.0.1:1; server 127.0.0.1:2; server 127.0.0.1:3;", "a b c a b c"},
		{"hash $x; server 127.0.0.1:1; server 127.0.0.1:2;", "a b a b"}, // the key is empty
		{"hash $x consistent; server 127.0.0.1:1; server 127.0.0.1:2;", "a b a b"},
	} {
		v := visitor{Group: group(t, tt.group), now: noon}
		assert.Equal(t, tt.want, v.letters(t, len(strings.Fields(tt.want))), tt.group)
	}
}

func TestDisabledServer(t *testing.T) {
	v := visitor{Group: group(t, "server 127.0.0.1:99 max_fails=2 fail_timeout=5s; server 127.0.0.1:1;")}
	for _, tt := range []struct {
		at              float64
		tried, disabled int // of eight sessions: how many met the dead server, and Failed's reports
	}{
		{0.9, 2, 1},
		{5.9, 0, 0}, // 5 seconds later is not yet more than 5
		{6.0, 1, 1}, // one trial; the others wait
		{11.9, 0, 0},
		{12.0, 1, 1},
	} {
		v.now, v.disabled = later(tt.at), nil
		tried := 0
		for range 8 {
			addrs, ok := v.visit(t)
			assert.True(t, ok)
			tried += strings.Count(addrs, ":99")
		}
		assert.Equal(t, tt.tried, tried, "at %v", tt.at)
		assert.Len(t, v.disabled, tt.disabled, "at %v", tt.at)
	}
	assert.True(t, v.Status(nil, later(17))[0].Disabled)
	assert.False(t, v.Status(nil, later(18))[0].Disabled)
}

// A trial that is under way keeps others off for a fail timeout, and its
// success, not its beginning, clears the failures.
func TestTrial(t *testing.T) {
	g := group(t, "server 127.0.0.1:1 fail_timeout=5s; server 127.0.0.1:2 down;")
	assert.True(t, attempt(t, g, noon, failed), "disabled")
	noAttempt(t, g, later(5))

	var sel Selection
	g.Start(&sel, nil)
	trial, err := g.Next(&sel, later(6))
	require.NoError(t, err)
	noAttempt(t, g, later(11))
	assert.Equal(t, 1, g.Status(nil, noon)[0].Fails)
	g.Connected(&sel, trial, later(11))
	assert.Zero(t, g.Status(nil, noon)[0].Fails)
	attempt(t, g, later(11), done)
	g.Done(&sel, trial, later(100))
}

// A server is out for its fail timeout from the failure on, not from the pick.
func TestSlowFailure(t *testing.T) {
	g := group(t, "server 127.0.0.1:1 fail_timeout=5s; server 127.0.0.1:2 down;")
	var sel Selection
	g.Start(&sel, nil)
	p, err := g.Next(&sel, noon)
	require.NoError(t, err)
	g.Failed(&sel, p, later(60))
	noAttempt(t, g, later(65))
	attempt(t, g, later(66), done)
}

// What ends an attempt.
type outcome int

const (
	done outcome = iota
	connectedDone
	failed
)

func attempt(t *testing.T, g *Group, now time.Time, how outcome) (disabled bool) {
	t.Helper()
	var sel Selection
	g.Start(&sel, nil)
	p, err := g.Next(&sel, now)
	require.NoError(t, err)
	switch how {
	case failed:
		return g.Failed(&sel, p, now)
	case connectedDone:
		g.Connected(&sel, p, now)
	}
	g.Done(&sel, p, now)
	return false
}

func noAttempt(t *testing.T, g *Group, now time.Time) {
	t.Helper()
	var sel Selection
	g.Start(&sel, nil)
	_, err := g.Next(&sel, now)
	assert.ErrorIs(t, err, ErrNoLiveUpstreams)
}

// There is no sliding window: failures add up until a session succeeds that
// began more than a fail timeout after the last one.
func TestFailuresAddUp(t *testing.T) {
	const text = "server 127.0.0.1:1 max_fails=2; server 127.0.0.1:2 down;"
	fails := func(g *Group) int { return g.Status(nil, noon)[0].Fails }
	for _, success := range []outcome{done, connectedDone} {
		g := group(t, text)
		attempt(t, g, noon, failed)
		attempt(t, g, later(10), success)
		assert.Equal(t, 1, fails(g), "too early")
		attempt(t, g, later(11), success)
		assert.Zero(t, fails(g))
	}
	g := group(t, text)
	attempt(t, g, noon, failed)
	assert.True(t, attempt(t, g, later(100000), failed), "hours later")

	g = group(t, strings.Replace(text, "max_fails=2", "max_fails=0", 1))
	for range 5 {
		assert.False(t, attempt(t, g, noon, failed))
	}
	assert.Equal(t, 5, fails(g))
}

// A failure costs a share of the weight, which grows back by one for each pick.
func TestEffectiveWeight(t *testing.T) {
	v := visitor{Group: group(t, "server 127.0.0.1:99 weight=7 max_fails=3; server 127.0.0.1:1;"), now: noon}
	for _, want := range []int{5, 4, 5, 4, 4, 4} { // fails at first, second and fourth; that disables it
		v.visit(t)
		assert.Equal(t, want, v.Status(nil, noon)[0].Effective)
	}
	v = visitor{Group: group(t, "server 127.0.0.1:1 weight=7; server 127.0.0.1:2;")}
	v.primary.list[0].effective = 0
	for want := 1; want <= 7; want++ {
		attempt(t, v.Group, noon, done)
		assert.Equal(t, want, v.Status(nil, noon)[0].Effective)
	}
	attempt(t, v.Group, noon, done)
	assert.Equal(t, 7, v.Status(nil, noon)[0].Effective)
}

func TestSingle(t *testing.T) {
	for _, method := range methods {
		g := group(t, methodText(method)+"server 127.0.0.1:1 max_conns=2;")
		var a, b, c Selection
		g.Start(&a, []byte("k"))
		assert.Equal(t, 1, a.Tries())
		p, err := g.Next(&a, noon)
		require.NoError(t, err, method)
		assert.False(t, g.Failed(&a, p, noon))
		assert.Zero(t, a.Tries())
		assert.Zero(t, g.Status(nil, noon)[0].Fails)

		for _, sel := range []*Selection{&a, &b, &c} {
			g.Start(sel, []byte("k"))
		}
		_, err = g.Next(&a, noon)
		require.NoError(t, err)
		_, err = g.Next(&b, noon)
		require.NoError(t, err)
		_, err = g.Next(&c, noon)
		assert.ErrorIs(t, err, ErrNoLiveUpstreams, method)
		g.Done(&a, p, noon)
		_, err = g.Next(&c, noon)
		require.NoError(t, err)
	}
	// With a backup it is a server like others.
	v := visitor{Group: group(t, "server 127.0.0.1:99; server 127.0.0.1:1 backup;"), now: noon}
	first, _ := v.visit(t)
	second, _ := v.visit(t)
	assert.Equal(t, "127.0.0.1:99, 127.0.0.1:1; 127.0.0.1:1", first+"; "+second)
}

func TestMaxConns(t *testing.T) {
	for _, method := range methods {
		if strings.HasPrefix(method, "hash") || strings.HasPrefix(method, "random") {
			continue // which server comes first is not up to the test
		}
		g := group(t, methodText(method)+"server 127.0.0.1:1 max_conns=1; server 127.0.0.1:2 max_conns=1; server 127.0.0.1:3 max_conns=1 backup;")
		var sels [4]Selection
		var got []string
		var peers []*Peer
		for i := range sels {
			g.Start(&sels[i], nil)
			p, err := g.Next(&sels[i], noon)
			if err != nil {
				got = append(got, err.Error())
				continue
			}
			got, peers = append(got, p.Name()), append(peers, p)
		}
		assert.Equal(t, []string{"127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3", "no live upstreams"}, got, method)
		for i, p := range peers {
			g.Done(&sels[i], p, noon)
		}
		for _, s := range g.Status(nil, noon) {
			assert.Zero(t, s.Conns)
		}
	}
}

func TestTries(t *testing.T) {
	g := group(t, "server 127.0.0.1:1; server 127.0.0.1:2 down; server 127.0.0.1:3; server 127.0.0.1:4 backup; server 127.0.0.1:5 backup down;")
	var sel Selection
	g.Start(&sel, nil)
	assert.Equal(t, 3, sel.Tries())
	sel.LimitTries(0)
	sel.LimitTries(5)
	assert.Equal(t, 3, sel.Tries())
	sel.LimitTries(2)
	for _, want := range []int{1, 0, 0} {
		p, err := g.Next(&sel, noon)
		require.NoError(t, err)
		g.Failed(&sel, p, noon)
		assert.Equal(t, want, sel.Tries())
	}
	_, err := g.Next(&sel, noon)
	assert.ErrorIs(t, err, ErrNoLiveUpstreams)
}

// A session tries each server once, the backups last, also in groups that are
// too large for the marks inside a Selection, and when a Selection is used
// again.
func TestTriesAllOnce(t *testing.T) {
	var sel Selection
	for _, method := range methods {
		for _, n := range []int{2, 64, 65, 200} {
			text := manyServers(n) + strings.ReplaceAll(manyServers(3), "10.0.0", "10.1.0")
			text = strings.Replace(text, "10.1.0.0:80", "10.1.0.0:80 backup", 1)
			text = strings.Replace(text, "10.1.0.1:80", "10.1.0.1:80 backup", 1)
			g := group(t, strings.ReplaceAll(text, "10.1.0.2:80", "10.1.0.2:80 down")+methodText(method))
			for range 2 {
				g.Start(&sel, []byte("key"))
				seen := map[string]bool{}
				for i := range n + 2 {
					require.NotZero(t, sel.Tries())
					p, err := g.Next(&sel, noon)
					require.NoError(t, err, "%s %d/%d", method, i, n)
					require.False(t, seen[p.Name()], "%s: %s twice", method, p.Name())
					require.Equal(t, i >= n, strings.HasPrefix(p.Name(), "10.1."), "backups come last")
					seen[p.Name()] = true
					g.Done(&sel, p, noon)
				}
				assert.Zero(t, sel.Tries())
				_, err := g.Next(&sel, noon)
				assert.ErrorIs(t, err, ErrNoLiveUpstreams)
			}
		}
	}
}

func TestImplicit(t *testing.T) {
	one := addr.IP(netip.MustParseAddrPort("127.0.0.1:99"))
	v := visitor{Group: Implicit("host:99", []addr.Addr{one}), now: noon}
	for range 2 {
		got, ok := v.visit(t)
		assert.Equal(t, "127.0.0.1:99", got)
		assert.False(t, ok)
	}
	two := addr.IP(netip.MustParseAddrPort("[::1]:1"))
	v = visitor{Group: Implicit("host:99", []addr.Addr{one, two}), now: noon}
	for _, want := range []string{"127.0.0.1:99, [::1]:1", "[::1]:1", "[::1]:1"} {
		got, _ := v.visit(t)
		assert.Equal(t, want, got)
	}
	assert.Equal(t, "host:99", v.Name())
	assert.Equal(t, "host:99", v.primary.list[0].Server())
}

// What came to nothing here is no failure of a server, nor a success.
func TestUnreached(t *testing.T) {
	for _, method := range []Method{RoundRobin, LeastConn, LeastTime} {
		c := &Config{Method: method, Servers: []Server{{Address: "127.0.0.1:1"}, {Address: "127.0.0.2:1"}}}
		g, err := New(c)
		require.NoError(t, err)
		for range 10 {
			var sel Selection
			g.Start(&sel, nil)
			first, err := g.Next(&sel, noon)
			require.NoError(t, err)
			g.Unreached(&sel, first, noon)
			require.Equal(t, 1, sel.Tries())
			second, err := g.Next(&sel, noon)
			require.NoError(t, err)
			assert.NotSame(t, first, second)
			g.Unreached(&sel, second, noon)
			assert.Zero(t, sel.Tries())
		}
		for _, s := range g.Status(nil, noon) {
			assert.Zero(t, s.Fails)
		}
	}
}
