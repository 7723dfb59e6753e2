package upstream

// round_robin.go - nginx's default method: smooth weighted round robin.
//
// In each pick all candidates gain their effective weight, the one with the
// highest standing wins and pays for all. Weights of 5, 1, 1 so give
// a a b a c a a rather than a a a a a b c. A failure lowers the effective
// weight; each pick that the peer takes part in raises it by one again.

type roundRobin struct{}

func (roundRobin) pick(ps *peers, sel *Selection, now instant) int {
	sec, tried := now.sec(), sel.marks()
	r := newRound(ps)
	for i := range ps.list {
		if !tried.has(i) && ps.list[i].usable(sec) {
			r.enter(i)
		}
	}
	return r.winner()
}

// round is one round of round robin, among all peers or, as a tie breaker of
// other methods, some.
type round struct {
	list  []*Peer
	best  int // index; -1: none yet
	total int
}

func newRound(ps *peers) round { return round{ps.list, -1, 0} }

// enter lets a peer take part.
func (r *round) enter(i int) {
	p := r.list[i]
	p.current += p.effective
	r.total += p.effective
	if p.effective < p.weight {
		p.effective++
	}
	if r.best < 0 || p.current > r.list[r.best].current {
		r.best = i
	}
}

// winner ends the round. It returns -1 if there was no peer.
func (r *round) winner() int {
	if r.best >= 0 {
		r.list[r.best].current -= r.total
	}
	return r.best
}
