package stream

// limit_zone.go - the counters of a limit_conn zone.
//
// A zone has room for exactly as many keys as nginx's zone of the same size: its
// memory is divided into the same pages and chunks. So a size that was chosen for
// nginx bounds the memory, and how many keys it holds stays what it was. It also
// means that a million keys are no concern of the garbage collector.

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"math/bits"
	"sync"
)

const zonePageSize = 4096

// Sizes of nginx's structures on 64-bit machines.
const (
	slabHeader     = 200 + 9*(24+32) // of the zone: pool, and slots and statistics for 9 sizes
	slabPageHeader = 24              // beside each page
	slabTree       = 64              // the root of a zone's keys
	slabLogText    = 23              // ` in limit_conn_zone ""`, to which the name comes
	slabNode       = 36              // of a key, to which its bytes come
)

// Chunks are powers of two; a page has chunks of one size. The smallest that a
// key can need has 64 bytes.
const (
	minChunkShift = 6
	chunkSizes    = 4 // 64 to 512 bytes: keys have at most 255
)

// Where things stand in a key's chunk.
const (
	nodeNext  = 0  // 4 bytes: the next node of the chain
	nodeHash  = 4  // 4 bytes
	nodeCount = 8  // 2 bytes: sessions
	nodeLen   = 10 // 1 byte: length of the key
	nodeKey   = 11
)

// keyCounts counts sessions by key. All event loops share it.
type keyCounts struct {
	seed maphash.Seed

	mu     sync.Mutex
	chains []nodeRef // by hash; a power of two of them
	pages  []*zonePage
	spare  []nodeRef // pages that were used and are empty; refs of their first chunks
	unused int       // pages never used

	// partial lists the pages that have both keys and room, by chunk size.
	// Like nginx's, the list begins with the page that got room last.
	partial [chunkSizes]*zonePage
}

// nodeRef is the place of a node: page number and chunk, counted from 1.
type nodeRef uint32

const chunkBits = 6 // a page has at most 64 chunks

// zonePage is a page of keys.
type zonePage struct {
	memory     *[zonePageSize]byte
	first      nodeRef // of its chunks
	shift      int     // chunks have 1<<shift bytes
	used       uint64  // a bit for each chunk
	next, prev *zonePage
}

// newKeyCounts makes the counters of a zone of this many bytes. The length of
// the name matters, since nginx keeps a text with it in the zone.
func newKeyCounts(size int64, name string) *keyCounts {
	pages := (size - slabHeader) / (zonePageSize + slabPageHeader)
	start := (slabHeader + pages*slabPageHeader + zonePageSize - 1) / zonePageSize * zonePageSize
	pages = min(pages, (size-start)/zonePageSize)
	c := &keyCounts{
		seed:   maphash.MakeSeed(),
		unused: int(pages),
		chains: make([]nodeRef, 1<<bits.Len64(uint64(pages)<<(chunkBits-1))),
	}
	c.alloc(slabTree)
	if text := slabLogText + len(name); text > 1<<(minChunkShift-1) {
		c.alloc(text)
	} else {
		c.unused-- // a page of chunks that are too small for keys
	}
	return c
}

// The outcomes of keyCounts.enter.
type countResult uint8

const (
	counted    countResult = iota
	tooMany                // the key has as many sessions as it may
	zoneIsFull             // there is no room for another key
)

// enter counts a session under a key of 1 to 255 bytes, unless the key has max
// already. The node is for leave.
func (c *keyCounts) enter(key []byte, max int) (nodeRef, countResult) {
	hash := uint32(maphash.Bytes(c.seed, key))
	c.mu.Lock()
	defer c.mu.Unlock()
	chain := c.chain(hash)
	for ref := *chain; ref != 0; {
		node := c.node(ref)
		if binary.LittleEndian.Uint32(node[nodeHash:]) == hash && bytes.Equal(node[nodeKey:nodeKey+int(node[nodeLen])], key) {
			n := binary.LittleEndian.Uint16(node[nodeCount:])
			if int(n) >= max {
				return 0, tooMany
			}
			binary.LittleEndian.PutUint16(node[nodeCount:], n+1)
			return ref, counted
		}
		ref = nodeRef(binary.LittleEndian.Uint32(node[nodeNext:]))
	}
	ref := c.alloc(slabNode + len(key))
	if ref == 0 {
		return 0, zoneIsFull
	}
	node := c.node(ref)
	binary.LittleEndian.PutUint32(node[nodeNext:], uint32(*chain))
	binary.LittleEndian.PutUint32(node[nodeHash:], hash)
	binary.LittleEndian.PutUint16(node[nodeCount:], 1)
	node[nodeLen] = byte(len(key))
	copy(node[nodeKey:], key)
	*chain = ref
	return ref, counted
}

// leave takes a session out of the count that enter put it in.
func (c *keyCounts) leave(ref nodeRef) {
	c.mu.Lock()
	defer c.mu.Unlock()
	node := c.node(ref)
	n := binary.LittleEndian.Uint16(node[nodeCount:]) - 1
	binary.LittleEndian.PutUint16(node[nodeCount:], n)
	if n > 0 {
		return
	}
	next := binary.LittleEndian.Uint32(node[nodeNext:])
	chain := c.chain(binary.LittleEndian.Uint32(node[nodeHash:]))
	if *chain == ref {
		*chain = nodeRef(next)
	} else {
		before := c.node(*chain)
		for nodeRef(binary.LittleEndian.Uint32(before[nodeNext:])) != ref {
			before = c.node(nodeRef(binary.LittleEndian.Uint32(before[nodeNext:])))
		}
		binary.LittleEndian.PutUint32(before[nodeNext:], next)
	}
	c.free(ref)
}

func (c *keyCounts) chain(hash uint32) *nodeRef { return &c.chains[int(hash)&(len(c.chains)-1)] }

// node returns the memory from a node on.
func (c *keyCounts) node(ref nodeRef) []byte {
	p := c.page(ref)
	return p.memory[int(ref-p.first)<<p.shift:]
}

func (c *keyCounts) page(ref nodeRef) *zonePage { return c.pages[(ref-1)>>chunkBits] }

// alloc finds a chunk for this many bytes: in the first page that has room, else
// in a fresh one. It returns 0 if there is none.
func (c *keyCounts) alloc(size int) nodeRef {
	shift := max(bits.Len(uint(size-1)), minChunkShift)
	p := c.partial[shift-minChunkShift]
	if p == nil {
		if p = c.freshPage(); p == nil {
			return 0
		}
		p.shift = shift
		c.link(p)
	}
	i := bits.TrailingZeros64(^p.used)
	p.used |= 1 << i
	if p.full() {
		c.unlink(p)
	}
	return p.first + nodeRef(i)
}

func (p *zonePage) full() bool {
	return bits.OnesCount64(p.used) == zonePageSize>>p.shift
}

func (c *keyCounts) freshPage() *zonePage {
	if n := len(c.spare); n > 0 {
		p := c.page(c.spare[n-1])
		c.spare = c.spare[:n-1]
		return p
	}
	if c.unused == 0 {
		return nil
	}
	c.unused--
	p := &zonePage{memory: new([zonePageSize]byte), first: nodeRef(len(c.pages)<<chunkBits + 1)}
	c.pages = append(c.pages, p)
	return p
}

// free gives a chunk back, and its page if that is empty now.
func (c *keyCounts) free(ref nodeRef) {
	p := c.page(ref)
	if p.full() {
		c.link(p)
	}
	p.used &^= 1 << (ref - p.first)
	if p.used == 0 {
		c.unlink(p)
		c.spare = append(c.spare, p.first)
	}
}

// link makes p the first of the pages with room.
func (c *keyCounts) link(p *zonePage) {
	head := &c.partial[p.shift-minChunkShift]
	if p.next = *head; p.next != nil {
		p.next.prev = p
	}
	*head = p
}

func (c *keyCounts) unlink(p *zonePage) {
	if p.next != nil {
		p.next.prev = p.prev
	}
	if p.prev != nil {
		p.prev.next = p.next
	} else {
		c.partial[p.shift-minChunkShift] = p.next
	}
	p.next, p.prev = nil, nil
}
