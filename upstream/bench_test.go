package upstream

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"

	"github.com/gostream/gostream/internal/addr"
)

// manyServers is the inside of a block with n servers.
func manyServers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "server 10.%d.%d.%d:80;", i>>16, i>>8&255, i&255)
	}
	return b.String()
}

var methods = []string{
	"round_robin", "least_conn;", "least_time connect;", "hash $k;", "hash $k consistent;", "random;", "random two;",
}

func methodText(method string) string { return strings.TrimPrefix(method, "round_robin") }

// What a session costs in memory: a Selection, which is part of it, and nothing
// more once the Selection has met its largest group.
func TestMemory(t *testing.T) {
	assert.LessOrEqual(t, unsafe.Sizeof(Selection{}), uintptr(64))
	for _, method := range methods {
		for _, n := range []int{1, 3, 200} {
			g := group(t, methodText(method)+manyServers(n))
			sel, key := &Selection{}, []byte("key")
			session(g, sel, key)
			assert.Zero(t, testing.AllocsPerRun(100, func() { session(g, sel, key) }), "%s %d", method, n)
		}
	}
}

// BenchmarkSession is the whole of a group's part in a session: Start, Next,
// Connected and Done.
func BenchmarkSession(b *testing.B) {
	for _, method := range methods {
		for _, n := range []int{1, 3, 64, 1000} {
			b.Run(fmt.Sprintf("%s/%d", strings.Trim(method, ";"), n), func(b *testing.B) {
				g := group(b, methodText(method)+manyServers(n))
				sel := &Selection{}
				key := []byte("192.168.000.000")
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					key[10], key[14] = byte('0'+i/10%10), byte('0'+i%10)
					session(g, sel, key)
				}
			})
		}
	}
}

func session(g *Group, sel *Selection, key []byte) {
	g.Start(sel, key)
	p, err := g.Next(sel, noon)
	if err != nil {
		panic(err)
	}
	g.Connected(sel, p, noon)
	g.Done(sel, p, noon)
}

// BenchmarkParallel is the same on as many goroutines as there are processors.
func BenchmarkParallel(b *testing.B) {
	for _, n := range []int{3, 64, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			g := group(b, manyServers(n))
			var sessions atomic.Int64
			b.RunParallel(func(pb *testing.PB) {
				sel := &Selection{}
				for pb.Next() {
					session(g, sel, nil)
					sessions.Add(1)
				}
			})
		})
	}
}

// BenchmarkNew makes a group: the ring of consistent hashing is the dear part.
func BenchmarkNew(b *testing.B) {
	for _, method := range methods {
		b.Run(strings.Trim(method, ";"), func(b *testing.B) {
			b.ReportAllocs()
			cfg := &Config{Method: map[string]Method{"hash $k consistent;": ConsistentHash}[method]}
			for i := range 1000 {
				cfg.Servers = append(cfg.Servers, Server{Address: fmt.Sprintf("10.0.%d.%d:80", i>>8, i&255)})
			}
			for b.Loop() {
				if _, err := New(cfg); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkImplicit makes the group of a proxy_pass with variables, which is
// done for each session.
func BenchmarkImplicit(b *testing.B) {
	addrs := group(b, "server 127.0.0.1:80;").primary.list[0].addr
	b.ReportAllocs()
	for b.Loop() {
		Implicit("127.0.0.1:80", []addr.Addr{addrs})
	}
}
