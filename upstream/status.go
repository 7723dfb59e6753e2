package upstream

import "time"

// Status is the state of a peer at one moment, for status pages and tests.
type Status struct {
	Name   string // the address
	Server string // the address of the server as configured
	Backup bool
	Down   bool

	Weight    int
	Effective int // weight, less what failures took
	Current   int // standing in round robin
	Conns     int // sessions
	Fails     int

	// Disabled is set while failures keep sessions away. It may be that one of
	// them, the trial, is under way.
	Disabled bool
}

// Status appends the state of each peer to b, primary servers first.
func (g *Group) Status(b []Status, now time.Time) []Status {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, ps := range []*peers{&g.primary, &g.backup} {
		for i := range ps.list {
			p := ps.list[i]
			b = append(b, Status{
				Name: p.name, Server: p.server, Backup: ps == &g.backup, Down: p.down,
				Weight: p.weight, Effective: p.effective, Current: p.current,
				Conns: p.conns, Fails: p.fails, Disabled: p.failed(now.Unix()),
			})
		}
	}
	return b
}
