package upstream

import (
	"hash/crc32"
	"strconv"
)

// maxHashTries is after how many useless picks a method by hash or chance
// leaves the choice to round robin.
const maxHashTries = 20

// hashState is the part of a Selection that the hash methods use.
type hashState struct {
	key    []byte // owned by the selection
	value  uint32 // plain: the sum of all hashes so far; consistent: that of the key
	rehash int
	point  int // consistent: steps along the ring
	tries  int
}

func (h *hashState) start(m balancer, key []byte) {
	*h = hashState{}
	switch m.(type) {
	case plainHash:
		h.key = append(h.key, key...)
	case *ring:
		h.value = crc32.ChecksumIEEE(key)
		h.key = key[:min(len(key), 0)]
	}
}

// plainHash is hash KEY: the key's hash modulo the weights. A peer that cannot
// be used makes the key be hashed anew, with a number in front.
type plainHash struct{}

func (plainHash) pick(g *Group, sel *Selection, now int64) *Peer {
	h := &sel.hash
	l := &g.primary
	if h.tries > maxHashTries || len(h.key) == 0 {
		return roundRobin{}.pick(g, sel, now)
	}
	for {
		h.next()
		i := l.byWeight(int(h.value % uint32(l.total)))
		if l.eligible(i, sel, now) {
			return l.use(i, sel, now)
		}
		if h.tries++; h.tries > maxHashTries {
			return roundRobin{}.pick(g, sel, now)
		}
	}
}

// next adds the hash of the key, after the first time with the number of the
// attempt in front.
func (h *hashState) next() {
	var room [20]byte
	sum := uint32(0)
	if h.rehash > 0 {
		sum = crc32.ChecksumIEEE(strconv.AppendInt(room[:0], int64(h.rehash), 10))
	}
	sum = crc32.Update(sum, crc32.IEEETable, h.key)
	h.value += sum >> 16 & 0x7fff
	h.rehash++
}

// byWeight returns the index of the peer that owns the number w of the total
// weight.
func (l *list) byWeight(w int) int {
	for i, p := range l.peers {
		if w -= p.weight; w < 0 {
			return i
		}
	}
	return len(l.peers) - 1
}
