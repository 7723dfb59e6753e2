package stream

// generation.go - from a Config to what sessions run on.

import (
	"strings"
	"sync/atomic"

	"github.com/gostream/gostream/internal/conf"
	"github.com/gostream/gostream/internal/errlog"
	"github.com/gostream/gostream/internal/logfile"
	"github.com/gostream/gostream/internal/vars"
)

// generation is one compiled configuration. A reload makes a new one; sessions
// keep the one they began with. It does not change once it serves.
type generation struct {
	conf     *Config
	vars     registry
	cellOf   map[string]int // cells of per-session variables, by lower-case name
	hostname string

	servers  map[*ServerConfig]*server // by the block it was made of
	plan     []*socketPlan
	groups   groups
	zones    map[string]*limitZone
	formats  map[string]*vars.Format[*Session]
	files    logfile.Set
	errorLog *errlog.Log // of the stream block
	counters *counters   // shared with the generations before and after

	sessions atomic.Int64 // running on this generation, plus one as long as it is in force
}

// nextConnection numbers a connection. Client and upstream connections draw
// from one counter, as in nginx.
func (g *generation) nextConnection() uint64 { return g.counters.connection.Add(1) }

// compile binds the variables of a complex value.
func (g *generation) compile(text string) (*template, error) {
	return vars.Compile(text, &g.vars)
}

// cellIndex returns the cell of a per-session variable.
func (g *generation) cellIndex(name string) int {
	name = strings.ToLower(name)
	i, known := g.cellOf[name]
	if !known {
		i = len(g.cellOf)
		g.cellOf[name] = i
	}
	return i
}

// compileConfig does all that can be done before sockets and files are opened.
func compileConfig(cfg *Config, before *generation) (*generation, error) {
	g := &generation{
		conf: cfg, cellOf: map[string]int{}, hostname: hostname(),
		servers: map[*ServerConfig]*server{}, counters: &counters{},
	}
	g.sessions.Store(1)
	if before != nil {
		g.counters = before.counters
	}
	merged, err := mergeServers(cfg)
	if err != nil {
		return nil, err
	}
	if err := g.defineVariables(cfg, merged); err != nil {
		return nil, err
	}
	if err := g.defineZones(cfg, before); err != nil {
		return nil, err
	}
	if err := g.groups.define(g, cfg.Upstreams); err != nil {
		return nil, err
	}
	if err := g.defineFormats(cfg); err != nil {
		return nil, err
	}
	if g.errorLog, err = g.openErrorLog(cfg.Defaults.ErrorLog); err != nil {
		return nil, err
	}
	// Log files of the stream block are opened even if no server inherits them.
	if _, err := g.compileAccessLogs(&cfg.Defaults); err != nil {
		return nil, err
	}
	for i, c := range merged {
		srv, err := g.compileServer(c)
		if err != nil {
			return nil, err
		}
		g.servers[cfg.Servers[i]] = srv
	}
	book, err := bookOf(cfg)
	if err != nil {
		return nil, err
	}
	g.planSockets(book)
	return g, nil
}

// bookOf collects the addresses of a configuration. Those of one that was read
// from a file are collected, and checked, already.
func bookOf(cfg *Config) (*addressBook, error) {
	if len(cfg.book.order) > 0 {
		return &cfg.book, nil
	}
	book := &addressBook{}
	for _, srv := range cfg.Servers {
		for i := range srv.Listen {
			if err := srv.Listen[i].resolve(); err != nil {
				return nil, err
			}
			if _, err := book.add(srv, &srv.Listen[i]); err != nil {
				return nil, err
			}
		}
	}
	return book, nil
}

// workers is the number of event loops.
func (g *generation) workers() int { return max(g.conf.Workers, 1) }

// enter and leave count the sessions that need the generation's log files.
func (g *generation) enter() {
	g.sessions.Add(1)
	g.counters.enter()
}

func (g *generation) leave() {
	g.release()
	g.counters.leave()
}

// retire ends the time of the generation; its files are closed with its last
// session.
func (g *generation) retire() { g.release() }

func (g *generation) release() {
	if g.sessions.Add(-1) == 0 {
		g.files.Close()
	}
}

// mergeServers gives each server what it inherits, and the defaults.
func mergeServers(cfg *Config) ([]*ServerConfig, error) {
	defaults := cfg.Defaults
	for _, t := range serverTables {
		if err := conf.Defaults(t, &defaults); err != nil {
			return nil, err
		}
	}
	merged := make([]*ServerConfig, len(cfg.Servers))
	for i, c := range cfg.Servers {
		own := *c
		for _, t := range serverTables {
			conf.Inherit(t, &own, &defaults)
		}
		merged[i] = &own
	}
	return merged, nil
}

// defineVariables makes all variables known, then binds what maps look up.
func (g *generation) defineVariables(cfg *Config, servers []*ServerConfig) error {
	if err := addBuiltins(&g.vars); err != nil {
		return err
	}
	var binds []func() error
	for _, m := range cfg.Maps {
		bind, err := g.declareMap(m)
		if err != nil {
			return err
		}
		binds = append(binds, bind)
	}
	for _, c := range servers {
		if err := g.declareSet(c); err != nil {
			return err
		}
	}
	for _, bind := range binds {
		if err := bind(); err != nil {
			return err
		}
	}
	return nil
}

func (g *generation) defineZones(cfg *Config, before *generation) error {
	g.zones = map[string]*limitZone{}
	for _, z := range cfg.LimitConnZones {
		zone, err := g.newLimitZone(z, before)
		if err != nil {
			return err
		}
		g.zones[z.Name] = zone
	}
	return nil
}
