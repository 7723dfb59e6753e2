package upstream

// random.go - ngx_stream_upstream_random_module: random.

import "github.com/gostream/gostream/internal/conf"

var randomTable = &conf.Table[Config]{
	Name: "stream_upstream_random",
	Commands: []conf.Command[Config]{
		{Name: "random", Syntax: "[two [least_conn]]", In: conf.Upstream, Args: conf.Take(0, 2), Set: conf.Func(setRandom)},
	},
}

func setRandom(c *Config, d *conf.Directive) error {
	c.setMethod(Random, d)
	if len(d.Args) == 0 {
		return nil
	}
	if d.Args[0] != "two" {
		return d.Errorf(`invalid parameter "%s"`, d.Args[0])
	}
	c.Method = RandomTwo
	if len(d.Args) == 2 && d.Args[1] != "least_conn" {
		return d.Errorf(`invalid parameter "%s"`, d.Args[1])
	}
	return nil
}

// oneByChance picks peers by chance, the likelier the greater their weight.
type oneByChance struct {
	random func(n int) int
}

func (m oneByChance) pick(ps *peers, sel *Selection, now instant) int {
	if i := draw(m.random, ps, sel, now, -1); i >= 0 {
		return i
	}
	return roundRobin{}.pick(ps, sel, now)
}

// twoByChance draws two different peers and picks the one with fewer sessions
// for its weight; the second if they are even.
type twoByChance struct {
	random func(n int) int
}

func (m twoByChance) pick(ps *peers, sel *Selection, now instant) int {
	if first := draw(m.random, ps, sel, now, -1); first >= 0 {
		if second := draw(m.random, ps, sel, now, first); second >= 0 {
			if ps.list[second].load(ps.list[first]) > 0 {
				return first
			}
			return second
		}
	}
	return roundRobin{}.pick(ps, sel, now)
}

// draw returns a usable peer other than not, or -1 when the session has drawn
// too many unusable ones.
func draw(random func(int) int, ps *peers, sel *Selection, now instant, not int) int {
	if sel.backup || len(ps.list) < 2 {
		return -1
	}
	sec, tried := now.sec(), sel.marks()
	for ; sel.steps <= maxSteps; sel.steps++ {
		i := ps.at(random(ps.total()))
		if i != not && !tried.has(i) && ps.list[i].usable(sec) {
			return i
		}
	}
	return -1
}
