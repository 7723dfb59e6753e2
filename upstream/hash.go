package upstream

// hash.go - ngx_stream_upstream_hash_module: hash. With "consistent" it is in
// consistent.go.

import (
	"hash/crc32"
	"strconv"

	"github.com/gostream/gostream/internal/conf"
)

var hashTable = &conf.Table[Config]{
	Name: "stream_upstream_hash",
	Commands: []conf.Command[Config]{
		{Name: "hash", Syntax: "key [consistent]", In: conf.Upstream, Args: conf.Take(1, 2), Set: conf.Func(setHash)},
	},
}

func setHash(c *Config, d *conf.Directive) error {
	if err := d.CheckValue(d.Args[0]); err != nil {
		return err
	}
	c.HashKey = d.Args[0]
	c.setMethod(Hash, d)
	if len(d.Args) == 1 {
		return nil
	}
	if d.Args[1] != "consistent" {
		return d.Errorf(`invalid parameter "%s"`, d.Args[1])
	}
	c.Method = ConsistentHash
	return nil
}

// maxSteps is how many unusable peers the hash and random methods put up with in
// a session before they turn to round robin.
const maxSteps = 20

// hash picks by the checksum of a key, and by sums of further ones if the peer
// found there cannot be used, in the way of Perl's Cache::Memcached.
type hash struct{}

func (hash) start(sel *Selection, key []byte) {
	sel.keySum, sel.keyLen = crc32.ChecksumIEEE(key), uint32(len(key))
}

func (hash) pick(ps *peers, sel *Selection, now instant) int {
	if sel.backup || len(ps.list) < 2 || sel.keyLen == 0 {
		return roundRobin{}.pick(ps, sel, now)
	}
	sec, tried := now.sec(), sel.marks()
	for ; sel.steps <= maxSteps; sel.steps++ {
		sel.hash += sel.nextHash() >> 16 & 0x7fff
		i := ps.at(int(uint64(sel.hash) % uint64(ps.total())))
		if !tried.has(i) && ps.list[i].usable(sec) {
			return i
		}
	}
	return roundRobin{}.pick(ps, sel, now)
}

// nextHash returns the checksum of the key with the number of hashes made, if
// any, in front of it. The key itself is not kept: its checksum will do, since a
// CRC is linear. What is in front then passes through as many zero bytes.
func (sel *Selection) nextHash() uint32 {
	if sel.rehash++; sel.rehash == 1 {
		return sel.keySum
	}
	var buf [10]byte
	front := crc32.ChecksumIEEE(strconv.AppendUint(buf[:0], uint64(sel.rehash-1), 10))
	for range sel.keyLen {
		front = crc32.IEEETable[front&0xff] ^ front>>8
	}
	return front ^ sel.keySum
}
