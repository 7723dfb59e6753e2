package upstream

import "math/rand/v2"

// random picks by chance, in proportion to the weights; with two, it picks
// twice and takes the one with fewer sessions for its weight.
type random struct {
	two  bool
	from func(n int) int
}

func newRandom(cfg *Config, _ *list) *random {
	r := &random{two: cfg.Method == RandomTwo, from: cfg.Random}
	if r.from == nil {
		r.from = rand.IntN
	}
	return r
}

func (r *random) pick(g *Group, sel *Selection, now int64) *Peer {
	l := &g.primary
	if r.two && len(l.peers) < 2 {
		return roundRobin{}.pick(g, sel, now)
	}
	first := -1
	for range maxHashTries {
		i := l.byWeight(r.from(l.total))
		switch {
		case i == first || !l.eligible(i, sel, now):
		case !r.two:
			return l.use(i, sel, now)
		case first < 0:
			first = i
		default:
			return l.use(l.lighter(first, i), sel, now)
		}
	}
	return roundRobin{}.pick(g, sel, now)
}

// lighter returns the index of the peer with the smaller load, the second one
// if they are equal.
func (l *list) lighter(first, second int) int {
	a, b := l.peers[first], l.peers[second]
	if b.conns*a.weight > a.conns*b.weight {
		return first
	}
	return second
}
