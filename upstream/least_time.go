package upstream

// least_time.go - ngx_stream_upstream_least_time_module: least_time.

import "github.com/gostream/gostream/internal/conf"

var leastTimeTable = &conf.Table[Config]{
	Name: "stream_upstream_least_time",
	Commands: []conf.Command[Config]{
		{
			Name: "least_time", Syntax: "connect | first_byte | last_byte [inflight]",
			In: conf.Upstream, Args: conf.Take(1, 2), Set: conf.Func(setLeastTime),
		},
	},
}

func setLeastTime(c *Config, d *conf.Directive) error {
	c.setMethod(LeastTime, d)
	if len(d.Args) == 2 {
		if d.Args[1] != "inflight" {
			return d.Errorf(`invalid parameter "%s"`, d.Args[1])
		}
		c.Inflight = true
	}
	if c.Metric != 0 {
		return d.Duplicate()
	}
	return metricSetter.Set(c, d)
}

var metricSetter = conf.Enum(func(c *Config) *Metric { return &c.Metric }, map[string]Metric{
	"connect": ConnectTime, "first_byte": FirstByteTime, "last_byte": LastByteTime,
})

// leastTime picks the peer that is expected to be done first with its sessions
// and one more, by the average time of those it had.
type leastTime struct {
	metric   Metric
	inflight bool
}

// timings are what leastTime knows of a peer: moving averages in milliseconds; 0
// is unknown.
type timings struct {
	average    [LastByteTime + 1]int64 // by Metric
	unfinished int64                   // average age of the attempts that are not finished

	// Their number, the sum of their ages at a time, and that time.
	count   int64
	ages    int64
	changed instant
}

func newLeastTime(c *Config, g *Group) *leastTime {
	m := &leastTime{metric: max(c.Metric, ConnectTime), inflight: c.Inflight}
	for _, ps := range []*peers{&g.primary, &g.backup} {
		for i := range ps.list {
			ps.list[i].times = &timings{}
		}
	}
	return m
}

func (m *leastTime) pick(ps *peers, sel *Selection, now instant) int {
	sec, tried := now.sec(), sel.marks()
	best, bestCost, tie := -1, int64(0), false
	for i := range ps.list {
		p := ps.list[i]
		if tried.has(i) || !p.usable(sec) {
			continue
		}
		if t := p.times; t.count > 0 {
			update(&t.unfinished, t.ages/t.count+since(t.changed, now))
		}
		cost := m.cost(p, sec)
		switch {
		case best < 0 || cost*ps.list[best].share() < bestCost*p.share():
			best, bestCost, tie = i, cost, false
		case cost*ps.list[best].share() == bestCost*p.share():
			tie = true
		}
	}
	if !tie {
		return best
	}
	r := newRound(ps)
	for i := best; i < len(ps.list); i++ {
		p := ps.list[i]
		// nginx goes on comparing with the cost of the first, but the weight of
		// the best so far.
		leader := ps.list[max(r.best, best)]
		if !tried.has(i) && p.usable(sec) && m.cost(p, sec)*leader.share() == bestCost*p.share() {
			r.enter(i)
		}
	}
	return r.winner()
}

func (p *Peer) share() int64 { return int64(p.weight) }

// cost estimates how long the peer will be busy with one more session. Times
// are taken in steps of 20 ms, so that even peers take turns, and above 5 s as
// equally bad. They fade while a peer is not used, to give it another chance.
func (m *leastTime) cost(p *Peer, sec int64) int64 {
	const step, most = 20, 5000
	t := p.times.average[m.metric]
	if idle := sec - p.checked; idle > p.failTimeout {
		t >>= idle / (p.failTimeout + 1)
	}
	if p.times.count > 0 {
		t = max(t, p.times.unfinished)
	}
	if t > most {
		t = most
	} else {
		t += step - t%step
	}
	return t * int64(1+p.conns)
}

// begin notes that an attempt starts.
func (m *leastTime) begin(p *Peer, sel *Selection, now instant) {
	sel.start, sel.connect, sel.firstByte = now, -1, -1
	if !m.inflight {
		return
	}
	t := p.times
	t.ages += since(t.changed, now) * t.count
	t.changed = now
	t.count++
	sel.inflight = true
}

// finished takes an attempt that took so long from the unfinished ones.
func (m *leastTime) finished(p *Peer, sel *Selection, took int64, now instant) {
	if !sel.inflight {
		return
	}
	sel.inflight = false
	t := p.times
	t.count--
	if t.count == 0 {
		t.ages = 0
		return
	}
	t.ages += since(t.changed, now)*(t.count+1) - took
	t.changed = now
}

func (m *leastTime) connected(p *Peer, sel *Selection, now instant) {
	sel.connect = int32(since(sel.start, now))
	m.reached(ConnectTime, p, sel, now)
}

func (m *leastTime) firstByte(p *Peer, sel *Selection, now instant) {
	if sel.firstByte < 0 {
		sel.firstByte = int32(since(sel.start, now))
		m.reached(FirstByteTime, p, sel, now)
	}
}

// reached takes a time at once, rather than at the end of the session, if
// attempts count as finished with it.
func (m *leastTime) reached(what Metric, p *Peer, sel *Selection, now instant) {
	if m.inflight && m.metric == what {
		took := since(sel.start, now)
		update(&p.times.average[what], took)
		m.finished(p, sel, took, now)
	}
}

func (m *leastTime) done(p *Peer, sel *Selection, now instant) {
	took := since(sel.start, now)
	m.finished(p, sel, took, now)
	update(&p.times.average[LastByteTime], took)
	m.account(ConnectTime, p, sel.connect)
	m.account(FirstByteTime, p, sel.firstByte)
}

// account takes a time of a finished session, unless that was done when it was
// reached.
func (m *leastTime) account(what Metric, p *Peer, took int32) {
	if took >= 0 && !(m.inflight && m.metric == what) {
		update(&p.times.average[what], int64(took))
	}
}

// failed leaves the averages alone, so that failing fast is no merit.
func (m *leastTime) failed(p *Peer, sel *Selection, now instant) {
	m.finished(p, sel, since(sel.start, now), now)
}

// update moves an average a twentieth of the way to a new value.
func update(average *int64, value int64) {
	if *average == 0 {
		*average = value
		return
	}
	*average = int64(0.5 + (float64(value)*0.05 + float64(*average)*0.95))
}

// since returns the milliseconds from one time to another; clocks that are set
// back are not minded.
func since(from, to instant) int64 { return int64(max(to-from, 0)) }
