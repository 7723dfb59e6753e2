package upstream

// least_conn.go - ngx_stream_upstream_least_conn_module: least_conn.

import "github.com/gostream/gostream/internal/conf"

var leastConnTable = &conf.Table[Config]{
	Name: "stream_upstream_least_conn",
	Commands: []conf.Command[Config]{
		{Name: "least_conn", In: conf.Upstream, Args: conf.None, Set: conf.Func(setLeastConn)},
	},
}

func setLeastConn(c *Config, d *conf.Directive) error {
	c.setMethod(LeastConn, d)
	return nil
}

// leastConn picks the peer with the fewest sessions for its weight; several of
// them take turns.
type leastConn struct{}

func (leastConn) pick(ps *peers, sel *Selection, now instant) int {
	sec, tried := now.sec(), sel.marks()
	best, tie := -1, false
	for i := range ps.list {
		p := ps.list[i]
		if tried.has(i) || !p.usable(sec) {
			continue
		}
		if best < 0 {
			best = i
			continue
		}
		switch load := p.load(ps.list[best]); {
		case load < 0:
			best, tie = i, false
		case load == 0:
			tie = true
		}
	}
	if !tie {
		return best
	}
	r, least := newRound(ps), ps.list[best]
	for i := best; i < len(ps.list); i++ {
		p := ps.list[i]
		if p.load(least) == 0 && !tried.has(i) && p.usable(sec) {
			r.enter(i)
		}
	}
	return r.winner()
}

// load compares the sessions for each unit of weight: it is negative if p has
// fewer than q, 0 if they are even.
func (p *Peer) load(q *Peer) int { return p.conns*q.weight - q.conns*p.weight }
