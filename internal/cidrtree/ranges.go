package cidrtree

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"net/netip"
	"slices"
)

// Range is a stretch of IPv4 addresses, both ends included.
type Range struct{ First, Last uint32 }

// ParseRange reads "1.2.3.4-1.2.3.9" as nginx does; see [ParseAddr] for the
// liberties it takes. It is false for anything else, a range that runs
// backwards included.
func ParseRange(first, last string) (r Range, ok bool) {
	a, ok1 := parseV4(first)
	b, ok2 := parseV4(last)
	r = Range{binary.BigEndian.Uint32(a[:]), binary.BigEndian.Uint32(b[:])}
	return r, ok1 && ok2 && r.First <= r.Last
}

// String returns "1.2.3.4-1.2.3.9".
func (r Range) String() string { return fmt.Sprintf("%v-%v", v4(r.First), v4(r.Last)) }

func v4(n uint32) netip.Addr {
	return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, n)))
}

// RangeBuilder collects ranges for a [Ranges] table by the rules of nginx's geo.
// A range may lie inside an earlier one, which it splits, but must not overlap
// it otherwise. The zero value is empty and ready for use.
//
// nginx keeps the ranges of each 65536 addresses apart, and what it says about
// them goes by these blocks. So does this.
type RangeBuilder[V comparable] struct {
	blocks map[uint32][]span[V] // by the upper half of the addresses; in order
}

// span is a range with its value.
type span[V any] struct {
	Range
	value V
}

// OverlapError tells that a range overlaps an earlier one.
type OverlapError struct {
	Earlier Range // as far as it lies in one block
}

// Error implements error.
func (e *OverlapError) Error() string { return "overlaps \"" + e.Earlier.String() + "\"" }

// Add gives a range its value. replaced holds the old value for each block in
// which the very range was there already. The error is an *OverlapError; parts
// of the range may have been added then.
func (b *RangeBuilder[V]) Add(r Range, v V) (replaced []V, err error) {
	if b.blocks == nil {
		b.blocks = map[uint32][]span[V]{}
	}
	for part := range blocksOf(r) {
		high := part.First >> 16
		spans := b.blocks[high]
		i := floor(spans, part.Last)
		if i >= 0 && spans[i].Range == part {
			replaced = append(replaced, spans[i].value)
		}
		if spans, err = insertSpan(spans, i, span[V]{part, v}); err != nil {
			return replaced, err
		}
		b.blocks[high] = spans
	}
	return replaced, nil
}

// blocksOf yields the parts of r by block.
func blocksOf(r Range) func(yield func(Range) bool) {
	return func(yield func(Range) bool) {
		for {
			end := min(r.First|0xffff, r.Last)
			if !yield(Range{r.First, end}) || end == r.Last {
				return
			}
			r.First = end + 1
		}
	}
}

// floor returns the index of the last span that begins at or before n, or -1.
func floor[V any](spans []span[V], n uint32) int {
	i, found := slices.BinarySearchFunc(spans, n, func(s span[V], n uint32) int { return cmp.Compare(s.First, n) })
	if found {
		return i
	}
	return i - 1
}

// insertSpan puts s in its place; i is the last span that does not lie behind it.
func insertSpan[V any](spans []span[V], i int, s span[V]) ([]span[V], error) {
	if i < 0 || spans[i].Last < s.First {
		return slices.Insert(spans, i+1, s), nil
	}
	around := spans[i]
	if s.First < around.First || s.Last > around.Last {
		return spans, &OverlapError{around.Range}
	}
	before, after := around, around
	before.Last, after.First = s.First-1, s.Last+1
	switch {
	case s.Range == around.Range:
		spans[i] = s
	case s.First == around.First:
		spans[i] = after
		spans = slices.Insert(spans, i, s)
	case s.Last == around.Last:
		spans[i] = before
		spans = slices.Insert(spans, i+1, s)
	default:
		spans[i] = before
		spans = slices.Insert(spans, i+1, s, after)
	}
	return spans, nil
}

// Delete takes a range out again. It returns false if a part of it, as far as
// it lies in one block, was not there as such; the other parts are gone then.
func (b *RangeBuilder[V]) Delete(r Range) bool {
	all := true
	for part := range blocksOf(r) {
		spans := b.blocks[part.First>>16]
		i := floor(spans, part.First)
		if i < 0 || spans[i].Range != part {
			all = false
			continue
		}
		b.blocks[part.First>>16] = slices.Delete(spans, i, i+1)
	}
	return all
}

// Build makes the table. The builder may be used on afterwards.
func (b *RangeBuilder[V]) Build() *Ranges[V] {
	highs := make([]uint32, 0, len(b.blocks))
	for high := range b.blocks {
		highs = append(highs, high)
	}
	slices.Sort(highs)
	t := &Ranges[V]{}
	for _, high := range highs {
		for _, s := range b.blocks[high] {
			t.append(s)
		}
	}
	return t
}

// Ranges finds the range around an address. It never changes. The zero value
// finds nothing.
type Ranges[V comparable] struct {
	firsts []uint32
	spans  []span[V]
}

// append adds the range that follows all others; one that continues the last
// with the same value makes that longer.
func (t *Ranges[V]) append(s span[V]) {
	if n := len(t.spans); n > 0 {
		last := &t.spans[n-1]
		if last.value == s.value && last.Last != math.MaxUint32 && last.Last+1 == s.First {
			last.Last = s.Last
			return
		}
	}
	t.firsts = append(t.firsts, s.First)
	t.spans = append(t.spans, s)
}

// Lookup returns the value of the range that contains a, an IPv4 address. It
// does not allocate.
func (t *Ranges[V]) Lookup(a netip.Addr) (v V, ok bool) {
	n := uint32(key(a).lo)
	i := last(t.firsts, n, cmp.Compare)
	if i < 0 || t.spans[i].Last < n {
		return v, false
	}
	return t.spans[i].value, true
}
