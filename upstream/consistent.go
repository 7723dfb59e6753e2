package upstream

// consistent.go - hash ... consistent: the ketama method, compatible with Perl's
// Cache::Memcached::Fast.
//
// Each server has 160 points for each unit of weight on a ring of 2^32. A key
// belongs to the first point at or behind its checksum. Peers are placed by the
// text of their server, not by what it resolves to.

import (
	"encoding/binary"
	"hash/crc32"
	"slices"
	"sort"
	"strings"
)

const (
	pointsPerWeight = 160
	maxPoints       = 1 << 27 // on a ring: 1 GB
	maxNamedPoints  = 1 << 22 // on one whose weights a name server may have sent: 32 MB
)

type consistent struct {
	ring    []uint64  // the points: place<<32 | index into servers, in order
	servers [][]int32 // the peers of each different text
}

// newConsistent makes the ring of up to limit points, give or take rounding.
func newConsistent(ps *peers, limit int) *consistent {
	list := ps.list
	// All weights are divided by less. Those of a configuration have to fit.
	less := 1 + ps.total()*pointsPerWeight/(limit+1)
	c := &consistent{ring: make([]uint64, 0, ps.total()/less*pointsPerWeight)}
	known := map[string]int{}
	for i := range list {
		text := list[i].server
		id, ok := known[text]
		if !ok {
			id = len(c.servers)
			known[text] = id
			c.servers = append(c.servers, nil)
		}
		c.servers[id] = append(c.servers[id], int32(i))
		c.place(text, id, max(list[i].weight/less, 1))
	}
	slices.Sort(c.ring)
	// Where several points are in one place, the first server has it.
	c.ring = slices.CompactFunc(c.ring, func(a, b uint64) bool { return a>>32 == b>>32 })
	return c
}

// place adds the points of a server. Each place depends on the one before.
func (c *consistent) place(text string, id, weight int) {
	host, port := splitServer(text)
	base := crc32.ChecksumIEEE([]byte(host + "\x00" + port))
	var before [4]byte
	for range weight * pointsPerWeight {
		point := crc32.Update(base, crc32.IEEETable, before[:])
		c.ring = append(c.ring, uint64(point)<<32|uint64(id))
		binary.LittleEndian.PutUint32(before[:], point)
	}
}

// splitServer divides a server's text at the colon before its port. Unix sockets
// have no port, and no "unix:" here.
func splitServer(text string) (host, port string) {
	if len(text) >= 5 && strings.EqualFold(text[:5], "unix:") {
		return text[5:], ""
	}
	host = strings.TrimRight(text, "0123456789")
	if host == "" || host[len(host)-1] != ':' {
		return text, ""
	}
	return host[:len(host)-1], text[len(host):]
}

func (c *consistent) start(sel *Selection, key []byte) {
	hash{}.start(sel, key)
	sel.hash = uint32(sort.Search(len(c.ring), func(i int) bool { return c.ring[i]>>32 >= uint64(sel.keySum) }))
}

func (c *consistent) pick(ps *peers, sel *Selection, now instant) int {
	if sel.backup || sel.keyLen == 0 || len(c.ring) == 0 {
		return roundRobin{}.pick(ps, sel, now)
	}
	sec, tried := now.sec(), sel.marks()
	for sel.steps <= maxSteps {
		r := newRound(ps)
		for _, i := range c.servers[uint32(c.ring[int(sel.hash)%len(c.ring)])] {
			if !tried.has(int(i)) && ps.list[i].usable(sec) {
				r.enter(int(i))
			}
		}
		if best := r.winner(); best >= 0 {
			return best
		}
		sel.hash++
		sel.steps++
	}
	return roundRobin{}.pick(ps, sel, now)
}
