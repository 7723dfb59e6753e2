package upstream

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// dynamic is a group with a resolver.
func dynamic(t *testing.T, inside string) *Group {
	t.Helper()
	return group(t, "zone z 64k; resolver 127.0.0.1; "+inside)
}

// addresses reads "IP" or "IP:PORT/PRIORITY/WEIGHT/HOST".
func addresses(t *testing.T, texts ...string) (list []Address) {
	t.Helper()
	for _, text := range texts {
		var a Address
		part := strings.Split(text, "/")
		if len(part) == 1 {
			a.IP = netip.MustParseAddr(text)
		} else {
			ap := netip.MustParseAddrPort(part[0])
			a.IP, a.Port, a.Host = ap.Addr(), ap.Port(), part[3]
			_, err := fmt.Sscan(part[1]+" "+part[2], &a.Priority, &a.Weight)
			require.NoError(t, err)
		}
		list = append(list, a)
	}
	return list
}

// peersOf prints the peers: address, weight, text of the server.
func peersOf(g *Group) string {
	var list []string
	for _, s := range g.Status(nil, noon) {
		text := fmt.Sprintf("%s w%d %s", s.Name, s.Weight, s.Server)
		if s.Backup {
			text += " backup"
		}
		list = append(list, text)
	}
	return strings.Join(list, ", ")
}

func TestUpdateNames(t *testing.T) {
	g := dynamic(t, "server 127.0.0.9:1; server a.test:80 resolve weight=2; server b.test:81 resolve backup;")
	a, b := g.Names()[0], g.Names()[1]
	assert.Equal(t, "a.test false b.test true", fmt.Sprint(a.Host, " ", a.Backup, " ", b.Host, " ", b.Backup))
	assert.Equal(t, "127.0.0.9:1 w1 127.0.0.9:1", peersOf(g))
	for _, tt := range []struct {
		name  *Name
		addrs []string
		want  string
	}{
		{a, []string{"127.0.0.1", "::1"}, "127.0.0.9:1 w1 127.0.0.9:1, 127.0.0.1:80 w2 a.test:80, [::1]:80 w2 a.test:80"},
		{a, []string{"127.0.0.2", "::1"}, "127.0.0.9:1 w1 127.0.0.9:1, [::1]:80 w2 a.test:80, 127.0.0.2:80 w2 a.test:80"},
		{b, []string{"127.0.0.3"}, "127.0.0.9:1 w1 127.0.0.9:1, [::1]:80 w2 a.test:80, 127.0.0.2:80 w2 a.test:80, 127.0.0.3:81 w1 b.test:81 backup"},
		{a, nil, "127.0.0.9:1 w1 127.0.0.9:1, 127.0.0.3:81 w1 b.test:81 backup"},
		{a, []string{"127.0.0.4", "127.0.0.4"}, "127.0.0.9:1 w1 127.0.0.9:1, 127.0.0.4:80 w2 a.test:80, 127.0.0.4:80 w2 a.test:80, 127.0.0.3:81 w1 b.test:81 backup"},
	} {
		g.Update(tt.name, addresses(t, tt.addrs...))
		assert.Equal(t, tt.want, peersOf(g))
	}
}

func TestUpdateService(t *testing.T) {
	for _, tt := range []struct {
		config string
		addrs  []string
		want   string
	}{
		{"server a.test resolve service=x;", []string{"127.0.0.1:80/1/5/h.test", "127.0.0.2:81/2/6/i.test"},
			"127.0.0.1:80 w5 h.test, 127.0.0.2:81 w6 i.test backup"},
		{"server a.test resolve service=x weight=3;", []string{"127.0.0.1:80/1/5/h.test"}, "127.0.0.1:80 w3 h.test"},
		{"server 127.0.0.9:1; server a.test resolve service=x backup;", []string{"127.0.0.1:80/1/5/h.test", "127.0.0.2:81/2/6/i.test"},
			"127.0.0.9:1 w1 127.0.0.9:1, 127.0.0.1:80 w5 h.test backup"},
		{"hash $x; server a.test resolve service=x;", []string{"127.0.0.1:80/1/5/h.test", "127.0.0.2:81/2/6/i.test"}, "127.0.0.1:80 w5 h.test"},
	} {
		g := dynamic(t, tt.config)
		name := g.Names()[0]
		g.Update(name, addresses(t, tt.addrs...))
		assert.Equal(t, tt.want, peersOf(g), tt.config)
		before := g.changes
		g.Update(name, addresses(t, tt.addrs...))
		assert.Equal(t, before, g.changes, "nothing new")
		g.Update(name, nil)
		assert.NotContains(t, peersOf(g), ".test")
	}

	g := dynamic(t, "server a.test resolve service=x;")
	for i, a := range []string{"127.0.0.1:80/1/5/h", "127.0.0.1:80/1/6/h", "127.0.0.1:81/1/6/h", "127.0.0.1:81/1/6/i", "127.0.0.1:81/2/6/i"} {
		g.Update(g.Names()[0], addresses(t, a))
		assert.Equal(t, uint32(min(i+1, 4)), g.changes, "a change of %s", a)
	}
}

// Peers that stay keep their sessions and failures; those that go may still be
// told of the end of theirs.
func TestUpdateKeepsState(t *testing.T) {
	g := dynamic(t, "server a.test:80 resolve max_fails=2;")
	name := g.Names()[0]
	g.Update(name, addresses(t, "127.0.0.1", "127.0.0.2"))
	var stays, goes Selection
	g.Start(&stays, nil)
	g.Start(&goes, nil)
	one, err := g.Next(&stays, noon)
	require.NoError(t, err)
	two, err := g.Next(&goes, noon)
	require.NoError(t, err)
	assert.Equal(t, "127.0.0.1:80 127.0.0.2:80", one.Name()+" "+two.Name())

	g.Update(name, addresses(t, "127.0.0.3", "127.0.0.1"))
	status := g.Status(nil, noon)
	assert.Equal(t, []int{1, 0}, []int{status[0].Conns, status[1].Conns})
	assert.Equal(t, "127.0.0.1:80 127.0.0.3:80", status[0].Name+" "+status[1].Name)
	g.Failed(&stays, one, noon)
	g.Done(&goes, two, noon)
	assert.Equal(t, []int{0, 1}, []int{g.Status(nil, noon)[0].Conns, g.Status(nil, noon)[0].Fails})

	_, err = g.Next(&stays, noon)
	assert.Equal(t, ErrNoLiveUpstreams, err, "a session that began before")
}

// A name without addresses has no server, and one with a single address is used
// however often it fails.
func TestUpdateToSingle(t *testing.T) {
	for _, method := range []string{"", "least_conn; ", "least_time connect; ", "hash $k; ", "hash $k consistent; ", "random; ", "random two; "} {
		g := dynamic(t, method+"server a.test:80 resolve;")
		v := visitor{Group: g, now: noon, key: "k"}
		got, ok := v.visit(t)
		assert.False(t, ok, got)
		for range 3 {
			g.Update(g.Names()[0], addresses(t, "127.0.0.1"))
			for range 3 {
				var sel Selection
				g.Start(&sel, []byte("k"))
				p, err := g.Next(&sel, noon)
				require.NoError(t, err, method)
				assert.False(t, g.Failed(&sel, p, noon))
				assert.Zero(t, sel.Tries())
			}
			g.Update(g.Names()[0], addresses(t, "127.0.0.1", "127.0.0.2"))
			_, ok = v.visit(t)
			assert.True(t, ok, method)
		}
	}
}

// Whatever changes while sessions come and go, nothing is counted wrong.
func TestUpdatesAmongSessions(t *testing.T) {
	chance := rand.New(rand.NewPCG(1, 2))
	for _, method := range []string{"", "least_conn; ", "least_time last_byte inflight; ", "hash $k; ", "hash $k consistent; ", "random; ", "random two; "} {
		g := dynamic(t, method+"server 127.0.0.9:1; server a.test:80 resolve; server b.test resolve service=x;")
		type session struct {
			sel  *Selection
			peer *Peer
		}
		var running []session
		for i := range 500 {
			switch now := later(float64(i) / 100); chance.IntN(4) {
			case 0:
				var addrs []Address
				for range chance.IntN(100) {
					addrs = append(addrs, Address{
						IP: netip.AddrFrom4([4]byte{127, 0, 0, byte(chance.IntN(100))}), Port: 1,
						Priority: uint16(chance.IntN(2)), Weight: uint16(chance.IntN(3)),
					})
				}
				n := g.Names()[chance.IntN(2)]
				if n.Service == "" {
					for i := range addrs {
						addrs[i].Priority = 0
					}
				}
				g.Update(n, addrs)
			case 1, 2:
				s := session{sel: &Selection{}}
				g.Start(s.sel, fmt.Append(nil, i))
				var err error
				if s.peer, err = g.Next(s.sel, now); err == nil {
					running = append(running, s)
				}
			default:
				if len(running) == 0 {
					break
				}
				s := running[0]
				running = running[1:]
				if chance.IntN(2) == 0 {
					g.Done(s.sel, s.peer, now)
					break
				}
				g.Failed(s.sel, s.peer, now)
				if s.sel.Tries() > 0 {
					if p, err := g.Next(s.sel, now); err == nil {
						running = append(running, session{s.sel, p})
					}
				}
			}
		}
		for _, s := range running {
			g.Done(s.sel, s.peer, noon)
		}
		for _, s := range g.Status(nil, noon) {
			assert.Zero(t, s.Conns, method)
		}
	}
}

// The weights that a name server sends are not bounded by the configuration.
func TestUpdateHugeWeights(t *testing.T) {
	g := dynamic(t, "hash $k consistent; server a.test resolve service=x;")
	var addrs []Address
	for i := range 30 {
		addrs = append(addrs, Address{IP: netip.AddrFrom4([4]byte{127, 0, 0, byte(i)}), Port: 1, Weight: 65535, Host: fmt.Sprint(i)})
	}
	g.Update(g.Names()[0], addrs)
	ring := g.balancer.(*consistent).ring
	assert.LessOrEqual(t, len(ring), maxNamedPoints)
	assert.Greater(t, len(ring), maxNamedPoints/2)
	var sel Selection
	g.Start(&sel, []byte("k"))
	_, err := g.Next(&sel, noon)
	assert.NoError(t, err)
}
