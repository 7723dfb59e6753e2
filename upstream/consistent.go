package upstream

import (
	"encoding/binary"
	"hash/crc32"
	"slices"
	"sort"
	"strings"
)

// pointsPerWeight is how many points of the ring a server has for each unit of
// its weight.
const pointsPerWeight = 160

// ring is hash KEY consistent: ketama's ring of points, compatible with nginx
// and with Cache::Memcached::Fast. Points belong to server lines, by the text
// of their address; a name with several addresses is one server.
type ring struct {
	points  []ringPoint
	servers map[string][]int // indexes of the peers by server text
}

type ringPoint struct {
	hash   uint32
	server string
}

func newRing(l *list) *ring {
	r := &ring{servers: map[string][]int{}}
	for i, p := range l.peers {
		if r.servers[p.server] == nil {
			r.add(p.server, p.weight)
		}
		r.servers[p.server] = append(r.servers[p.server], i)
	}
	slices.SortStableFunc(r.points, func(a, b ringPoint) int {
		switch {
		case a.hash < b.hash:
			return -1
		case a.hash > b.hash:
			return 1
		}
		return 0
	})
	r.points = slices.CompactFunc(r.points, func(a, b ringPoint) bool { return a.hash == b.hash })
	return r
}

// add puts the points of a server on the ring. Each point's hash goes into the
// next one's.
func (r *ring) add(server string, weight int) {
	host, port := splitServer(server)
	base := crc32.ChecksumIEEE([]byte(host + "\x00" + port))
	var previous [4]byte
	for range weight * pointsPerWeight {
		hash := crc32.Update(base, crc32.IEEETable, previous[:])
		r.points = append(r.points, ringPoint{hash, server})
		binary.LittleEndian.PutUint32(previous[:], hash)
	}
}

// splitServer divides the text of a server address as the hash wants it.
func splitServer(text string) (host, port string) {
	if len(text) >= 5 && strings.EqualFold(text[:5], "unix:") {
		return text[5:], ""
	}
	i := strings.LastIndexByte(text, ':')
	if i < 0 || strings.Trim(text[i+1:], "0123456789") != "" {
		return text, ""
	}
	return text[:i], text[i+1:]
}

func (r *ring) pick(g *Group, sel *Selection, now int64) *Peer {
	l, h := &g.primary, &sel.hash
	first := r.find(h.value)
	for ; h.tries <= maxHashTries; h.tries++ {
		server := r.points[(first+h.point)%len(r.points)].server
		indexes := r.servers[server]
		best := l.smooth(indexes[0], func(i int) bool {
			return l.peers[i].server == server && l.eligible(i, sel, now)
		})
		if best >= 0 {
			return l.use(best, sel, now)
		}
		h.point++
	}
	return roundRobin{}.pick(g, sel, now)
}

// find returns the index of the first point at or behind a hash.
func (r *ring) find(hash uint32) int {
	i := sort.Search(len(r.points), func(i int) bool { return r.points[i].hash >= hash })
	return i % len(r.points)
}
