package stream

// generation.go - from a Config to what sessions run on.

import (
	"cmp"
	"context"
	"errors"
	"math"
	"net"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/gostream/gostream/internal/addr"
	"github.com/gostream/gostream/internal/conf"
	"github.com/gostream/gostream/internal/errlog"
	"github.com/gostream/gostream/internal/guard"
	"github.com/gostream/gostream/internal/logfile"
	"github.com/gostream/gostream/internal/pki"
	"github.com/gostream/gostream/internal/vars"
)

// generation is one compiled configuration. A reload makes a new one; sessions
// keep the one they began with. It does not change once it serves.
type generation struct {
	conf     *Config
	vars     registry
	unknown  error          // of the first variable that nothing defines
	cellOf   map[string]int // cells of per-session variables, by lower-case name
	hostname string

	servers   map[*ServerConfig]*server // by the block it was made of
	plan      []*socketPlan
	foreign   map[net.Listener]*places  // listeners that the program has brought
	room      int64                     // connections that an event loop may have
	names     map[*address]*serverNames // of addresses with several servers
	groups    groups
	resolvers resolvers
	followers []*follower
	memory    *memory // shared with the generations before and after
	zones     map[string]*limitZone
	tls       tlsShared
	geoip     GeoIPConfig // with its databases open
	formats   map[string]*vars.Format[*Session]
	files     logfile.Set
	logPaths  map[*LogFileCache]*logfile.Paths
	debug     []trusted   // clients of debug_connection
	mainLog   *errlog.Log // of the main context
	errorLog  *errlog.Log // of the stream block
	counters  *counters   // shared with the generations before and after

	verifiers map[verifierKey]*pki.Verifier // of proxy_ssl_verify
	crls      map[string][]*pki.CRL         // by the names of their files

	sessions atomic.Int64 // running on this generation, plus one as long as it is in force
}

// panicked logs a panic outside of sessions.
func (g *generation) panicked(p *guard.Panic) { g.mainLog.Panicked(p) }

// nextConnection numbers a connection. Client and upstream connections draw
// from one counter, as in nginx.
func (g *generation) nextConnection() uint64 { return g.counters.connection.Add(1) }

// compile binds the variables of a complex value.
func (g *generation) compile(text string) (*template, error) {
	value, err := vars.Compile(text, &g.vars)
	return value, g.lacks(err)
}

// lacks keeps the first unknown variable for checkVariables: nginx tells of it
// when it has read all else. Other errors are returned.
func (g *generation) lacks(err error) error {
	if !errors.As(err, new(*vars.UnknownError)) {
		return err
	}
	g.unknown = cmp.Or(g.unknown, err)
	return nil
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

// compileConfig does all that can be done before sockets are opened.
func compileConfig(cfg *Config, before *generation) (*generation, error) {
	if err := cfg.checkElements(); err != nil {
		return nil, err
	}
	g := newGeneration(cfg, before)
	err := g.check()
	if err == nil {
		err = g.open(before)
	}
	if err != nil {
		g.close()
		return nil, err
	}
	return g, nil
}

func newGeneration(cfg *Config, before *generation) *generation {
	g := &generation{
		conf: cfg, cellOf: map[string]int{}, hostname: hostname(), geoip: cfg.GeoIP,
		servers: map[*ServerConfig]*server{}, counters: &counters{}, memory: &memory{},
	}
	g.sessions.Store(1)
	g.tls.life, g.tls.end = context.WithCancel(context.Background())
	g.files.OnError = func(err error) { g.mainLog.Report(err) }
	if before != nil {
		g.counters, g.memory = before.counters, before.memory
	}
	return g
}

// check makes of the text what sessions run on. Which of several mistakes is
// told of depends on the order: nginx goes from module to module, and for each
// from server to server.
func (g *generation) check() error {
	merged, err := mergeServers(g.conf)
	if err != nil {
		return err
	}
	for i, c := range merged {
		g.servers[g.conf.Servers[i]] = newServer(c)
	}
	for _, step := range []func() error{
		g.geoip.open, func() error { return g.defineVariables(merged) }, g.defineZones, g.defineFormats, g.makeErrorLogs,
		// Log files of the stream block are opened even if no server inherits them.
		func() error { _, err := g.compileAccessLogs(&g.conf.Defaults); return err },
		g.eachServer(g.compileProxyTLS), g.defineGroups, g.eachServer(g.compileContent),
		g.eachServer(g.compileTLS), g.eachServer(g.compileChecks), g.eachServer(g.compileLogs),
	} {
		if err := step(); err != nil {
			return err
		}
	}
	book, err := bookOf(g.conf)
	if err != nil {
		return err
	}
	if err := g.checkCertificates(book); err != nil {
		return err
	}
	if err := g.checkVariables(); err != nil {
		return err
	}
	if err := g.findNames(book); err != nil {
		return err
	}
	g.planSockets(book)
	return g.planForeign()
}

// eachServer is a step that is done for all servers.
func (g *generation) eachServer(step func(*ServerConfig, *server) error) func() error {
	return func() error {
		for _, c := range g.conf.Servers {
			srv := g.servers[c]
			if err := step(srv.conf, srv); err != nil {
				return err
			}
		}
		return nil
	}
}

// open opens the log files and finds what the generation before has left.
func (g *generation) open(before *generation) error {
	if err := g.files.Open(); err != nil {
		return err
	}
	if err := g.checkZones(before); err != nil {
		return &ResourceError{err}
	}
	g.recall()
	g.room = g.connections()
	return nil
}

// ResourceError is what is wrong with a configuration although its text is fine.
// nginx tells the two apart: "syntax is ok" comes in between.
type ResourceError struct{ Err error }

// Error implements error.
func (e *ResourceError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *ResourceError) Unwrap() error { return e.Err }

// checkZones checks the shared memory zones, which nginx does last of all.
func (g *generation) checkZones(before *generation) error {
	if err := g.conf.zones.Check(); err != nil {
		return err
	}
	for _, c := range g.conf.Servers {
		if err := g.servers[c].checkLimits(); err != nil {
			return err
		}
	}
	for _, z := range g.conf.LimitConnZones {
		if err := g.zones[z.Name].takeOver(before); err != nil {
			return err
		}
	}
	return nil
}

// bookOf collects the addresses of a configuration. Those of one that was read
// from a file are collected, and checked, already.
func bookOf(cfg *Config) (*addressBook, error) {
	if len(cfg.book.order) > 0 {
		return &cfg.book, nil
	}
	book := &addressBook{}
	for _, srv := range cfg.Servers {
		if len(srv.Listen) == 0 && srv.Listener == nil {
			return nil, errors.New("no \"listen\" is defined for server")
		}
		for i := range srv.Listen {
			l := srv.Listen[i]
			if err := l.resolve(addr.Options{Listen: true, AnyPort: true}); err != nil {
				return nil, err
			}
			if _, err := book.add(srv, &l); err != nil {
				return nil, err
			}
		}
	}
	return book, nil
}

// workers is the number of event loops.
func (g *generation) workers() int {
	if g.conf.Workers == 0 {
		return 1
	}
	return max(g.conf.Workers, 0)
}

// connections is how many connections are left of worker_connections when the
// listening sockets, and the one that an nginx worker has to its master, have
// theirs.
func (g *generation) connections() int64 {
	if g.conf.Connections <= 0 {
		return math.MaxInt64
	}
	return int64(g.conf.Connections - len(g.plan) - 1)
}

// noConnections is nginx's text for a connection too many.
func (g *generation) noConnections() string {
	return strconv.Itoa(g.conf.Connections) + " worker_connections are not enough"
}

// enter and leave count the sessions that need the generation's log files. If
// those are closed, enter reports false.
func (g *generation) enter() bool {
	for n := g.sessions.Load(); n > 0; n = g.sessions.Load() {
		if g.sessions.CompareAndSwap(n, n+1) {
			g.counters.enter()
			return true
		}
	}
	return false
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
		g.close()
	}
}

// close closes what was opened for sessions.
func (g *generation) close() {
	g.resolvers.close()
	g.tls.close()
	g.files.Close()
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

func (g *generation) defineZones() error {
	g.zones = map[string]*limitZone{}
	for _, z := range g.conf.LimitConnZones {
		key, err := g.compile(z.Key)
		if err != nil {
			return err
		}
		g.zones[z.Name] = &limitZone{name: z.Name, keyText: z.Key, size: max(z.Size, minZoneSize), key: key}
	}
	return nil
}
