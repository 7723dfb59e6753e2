package resolver

import (
	"math/rand/v2"
	"net/netip"
	"slices"
)

// answer.go - giving out what is known of a name.

// deliver answers requests by what the entry knows. What was known before is
// given out in another order each time.
func (r *Resolver) deliver(e *entry, reqs []*Request, known bool) {
	switch {
	case len(e.addrs) > 0:
		addrs := e.addresses(known)
		for _, q := range reqs {
			r.finish(q, &Answer{Addrs: addrs, Valid: e.valid})
		}
	case len(e.hosts) > 0:
		for _, q := range reqs {
			r.askHosts(q, e)
		}
	default:
		r.follow(e, reqs)
	}
}

// follow goes on with the name that an alias stands for.
func (r *Resolver) follow(e *entry, reqs []*Request) {
	var on []*Request
	for _, q := range reqs {
		q.at = nil
		if q.aliases++; q.aliases > maxAliases {
			r.fail([]*Request{q}, NotFound)
			continue
		}
		on = append(on, q)
	}
	if len(on) > 0 {
		r.look(key{e.alias, e.service}, on)
	}
}

// addresses lists the addresses, IPv4 before IPv6. Rotated, each kind begins
// anywhere, and so does the whole.
func (e *entry) addresses(rotated bool) []Addr {
	list := e.addrs
	if rotated {
		six := slices.IndexFunc(list, func(ip netip.Addr) bool { return !ip.Is4() })
		if six < 0 {
			six = len(list)
		}
		list = rotate(slices.Concat(rotate(list[:six]), rotate(list[six:])))
	}
	addrs := make([]Addr, len(list))
	for i, ip := range list {
		addrs[i].IP = ip
	}
	return addrs
}

// rotate returns the list, beginning anywhere.
func rotate[T any](list []T) []T {
	if len(list) < 2 {
		return list
	}
	n := rand.IntN(len(list))
	return slices.Concat(list[n:], list[:n])
}
