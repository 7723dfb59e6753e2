package cidrtree

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"
)

// uint128 is an address as a number.
type uint128 struct{ hi, lo uint64 }

func (a uint128) compare(b uint128) int {
	if a.hi != b.hi {
		return cmp.Compare(a.hi, b.hi)
	}
	return cmp.Compare(a.lo, b.lo)
}

// next returns a+1; the last address is followed by 0.
func (a uint128) next() uint128 {
	a.lo++
	if a.lo == 0 {
		a.hi++
	}
	return a
}

// key returns the number of an address, the 32-bit one for IPv4.
func key(a netip.Addr) uint128 {
	b := a.As16()
	k := uint128{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
	if a.Is4() || a.Is4In6() {
		return uint128{0, k.lo & 0xffffffff}
	}
	return k
}

// network is a prefix in numbers; bits counts from the highest of all 128.
type network[V any] struct {
	first uint128
	bits  int
	value V
}

// end returns the last address of the network.
func (n *network[V]) end() uint128 {
	e := n.first
	if n.bits < 64 {
		return uint128{e.hi | ^uint64(0)>>n.bits, ^uint64(0)}
	}
	e.lo |= ^uint64(0) >> (n.bits - 64) // a shift by 64 gives 0
	return e
}

// stretch is a run of addresses, from first up to the next stretch.
type stretch[V any] struct {
	first uint128
	value slot[V]
}

// flatten turns networks of one family into stretches, in order. Networks are
// either inside each other or apart, so a stack of the open ones, outermost
// first, tells which is the longest at any place.
func flatten[V any](nets []network[V]) []stretch[V] {
	slices.SortFunc(nets, func(a, b network[V]) int {
		return cmp.Or(a.first.compare(b.first), cmp.Compare(a.bits, b.bits))
	})
	var out []stretch[V]
	var open []*network[V]
	for i := range nets {
		n := &nets[i]
		out, open = closeBefore(out, open, n.first)
		out = start(out, n.first, slot[V]{n.value, true})
		open = append(open, n)
	}
	for len(open) > 0 {
		out, open = closeLast(out, open)
	}
	return out
}

// closeBefore closes the networks that end before address a.
func closeBefore[V any](out []stretch[V], open []*network[V], a uint128) ([]stretch[V], []*network[V]) {
	for len(open) > 0 && open[len(open)-1].end().compare(a) < 0 {
		out, open = closeLast(out, open)
	}
	return out, open
}

// closeLast closes the innermost network: behind it the one around it goes on.
func closeLast[V any](out []stretch[V], open []*network[V]) ([]stretch[V], []*network[V]) {
	last := open[len(open)-1]
	open = open[:len(open)-1]
	var outer slot[V]
	if len(open) > 0 {
		outer = slot[V]{open[len(open)-1].value, true}
		if open[len(open)-1].end() == last.end() {
			return out, open // both end here
		}
	}
	after := last.end().next()
	if after == (uint128{}) {
		return out, open // the end of all addresses
	}
	return start(out, after, outer), open
}

// start begins a stretch, in place of one that would have no addresses.
func start[V any](out []stretch[V], first uint128, v slot[V]) []stretch[V] {
	if n := len(out); n > 0 && out[n-1].first == first {
		out[n-1].value = v
		return out
	}
	return append(out, stretch[V]{first, v})
}
