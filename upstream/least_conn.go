package upstream

// leastConn picks the peer with the fewest sessions for its weight. Peers that
// are equal take turns.
type leastConn struct{}

func (leastConn) pick(g *Group, sel *Selection, now int64) *Peer {
	l := &g.primary
	best, several := -1, false
	for i, p := range l.peers {
		if !l.eligible(i, sel, now) {
			continue
		}
		if best < 0 {
			best = i
			continue
		}
		b := l.peers[best]
		switch load, least := p.conns*b.weight, b.conns*p.weight; {
		case load < least:
			best, several = i, false
		case load == least:
			several = true
		}
	}
	if best < 0 {
		return nil
	}
	if several {
		b := *l.peers[best]
		best = l.smooth(best, func(i int) bool {
			p := l.peers[i]
			return p.conns*b.weight == b.conns*p.weight && l.eligible(i, sel, now)
		})
	}
	return l.use(best, sel, now)
}
