package cidrtree

import "net/netip"

// List is a list of networks in which the first match counts. The zero value
// is empty and ready for use.
type List[V any] struct {
	entries []entry[V]
}

type entry[V any] struct {
	net   netip.Prefix
	value V
}

// Add appends a network.
func (l *List[V]) Add(p netip.Prefix, v V) {
	l.entries = append(l.entries, entry[V]{p, v})
}

// Len returns the number of networks.
func (l *List[V]) Len() int { return len(l.entries) }

// Lookup returns the value of the first network that contains a. It does not
// allocate.
func (l *List[V]) Lookup(a netip.Addr) (V, bool) {
	a = a.Unmap().WithZone("")
	for i := range l.entries {
		if l.entries[i].net.Contains(a) {
			return l.entries[i].value, true
		}
	}
	var none V
	return none, false
}
