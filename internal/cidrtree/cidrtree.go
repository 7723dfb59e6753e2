// Package cidrtree answers which of many networks an address belongs to. A
// [Table] gives the value of the longest matching prefix, as nginx's geo does; a
// [List] the value of the first matching line, as allow and deny do.
//
// IPv4 addresses mapped into IPv6 (::ffff:1.2.3.4) are looked up as IPv4
// everywhere, and zones are ignored.
package cidrtree

import (
	"cmp"
	"math"
	"net/netip"
	"slices"
)

// Builder collects networks for a [Table]. The zero value is empty and ready
// for use.
type Builder[V any] struct {
	nets map[netip.Prefix]V
}

// Set gives a network its value. If it has one already, that is replaced, and
// Set returns true and the value that nginx names as the old one in its
// warning `duplicate network "..."`: what the network's first address had.
func (b *Builder[V]) Set(p netip.Prefix, v V) (old V, replaced bool) {
	p = p.Masked()
	if _, replaced = b.nets[p]; replaced {
		old = b.at(p.Addr())
	}
	if b.nets == nil {
		b.nets = make(map[netip.Prefix]V)
	}
	b.nets[p] = v
	return old, replaced
}

// at returns the value of the longest network around a.
func (b *Builder[V]) at(a netip.Addr) (v V) {
	for bits := a.BitLen(); bits >= 0; bits-- {
		if v, ok := b.nets[netip.PrefixFrom(a, bits).Masked()]; ok {
			return v
		}
	}
	return v
}

// Delete takes a network out again and reports whether it was there.
func (b *Builder[V]) Delete(p netip.Prefix) bool {
	p = p.Masked()
	_, ok := b.nets[p]
	delete(b.nets, p)
	return ok
}

// Within reports whether there is a network inside of p, or p itself. It looks at
// all networks.
func (b *Builder[V]) Within(p netip.Prefix) bool {
	for q := range b.nets {
		if q.Bits() >= p.Bits() && p.Contains(q.Addr()) {
			return true
		}
	}
	return false
}

// Build makes the table. The builder may be used on afterwards.
func (b *Builder[V]) Build() *Table[V] {
	var v4, v6 []network[V]
	for p, v := range b.nets {
		if p.Addr().Is4In6() {
			continue // such addresses are looked up as IPv4
		}
		n := network[V]{first: key(p.Addr()), bits: p.Bits(), value: v}
		if p.Addr().Is4() {
			n.bits += 96
			v4 = append(v4, n)
		} else {
			v6 = append(v6, n)
		}
	}
	t := &Table[V]{}
	for _, s := range flatten(v4) {
		if s.first.lo > math.MaxUint32 {
			break // what follows a network that holds 255.255.255.255
		}
		t.starts4 = append(t.starts4, uint32(s.first.lo))
		t.values4 = append(t.values4, s.value)
	}
	for _, s := range flatten(v6) {
		t.starts6 = append(t.starts6, s.first)
		t.values6 = append(t.values6, s.value)
	}
	return t
}

// Table finds the longest network around an address. It holds, for each
// address family, the sorted starts of the stretches of addresses that have
// one and the same longest network: compact, and one binary search per lookup.
// It never changes. The zero value finds nothing.
type Table[V any] struct {
	starts4 []uint32
	values4 []slot[V]
	starts6 []uint128
	values6 []slot[V]
}

// slot is the value of a stretch, if it has one.
type slot[V any] struct {
	v  V
	ok bool
}

// Lookup returns the value of the longest network that contains a. It does not
// allocate.
func (t *Table[V]) Lookup(a netip.Addr) (V, bool) {
	k := key(a)
	var s slot[V]
	if a.Is4() || a.Is4In6() {
		if i := last(t.starts4, uint32(k.lo), cmp.Compare); i >= 0 {
			s = t.values4[i]
		}
	} else if a.IsValid() {
		if i := last(t.starts6, k, uint128.compare); i >= 0 {
			s = t.values6[i]
		}
	}
	return s.v, s.ok
}

// last returns the index of the last start that is not after k, -1 if there is none.
func last[K any](starts []K, k K, compare func(a, b K) int) int {
	i, found := slices.BinarySearchFunc(starts, k, compare)
	if found {
		return i
	}
	return i - 1
}
