package upstream

// roundRobin is nginx's smooth weighted round robin: peers take turns in
// proportion to their weights, as evenly spread as possible.
type roundRobin struct{}

func (r roundRobin) pick(g *Group, sel *Selection, now int64) *Peer {
	return r.pickFrom(&g.primary, sel, now)
}

func (roundRobin) pickFrom(l *list, sel *Selection, now int64) *Peer {
	best := l.smooth(0, func(i int) bool { return l.eligible(i, sel, now) })
	if best < 0 {
		return nil
	}
	return l.use(best, sel, now)
}

// smooth runs a turn among the peers from index first on that take part, and
// returns the index of the one whose turn it is, or -1.
func (l *list) smooth(first int, takesPart func(i int) bool) int {
	best, total := -1, 0
	for i := first; i < len(l.peers); i++ {
		if !takesPart(i) {
			continue
		}
		p := l.peers[i]
		p.current += p.effective
		total += p.effective
		if p.effective < p.weight {
			p.effective++
		}
		if best < 0 || p.current > l.peers[best].current {
			best = i
		}
	}
	if best >= 0 {
		l.peers[best].current -= total
	}
	return best
}
