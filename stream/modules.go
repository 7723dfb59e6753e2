package stream

// modules.go - the list of nginx modules that are served. A new module is one
// file with its rows and variables, and a line here. The order in which
// modules act on a session is in session.go (run).

import (
	"slices"

	"github.com/gostream/gostream/internal/conf"
	"github.com/gostream/gostream/upstream"
)

// serverTables hold the directives of servers, which mostly may stand in the
// stream block too, for all servers.
var serverTables = []*conf.Table[ServerConfig]{
	coreTable,
	listenTable,
	serverNameTable,
	realipTable,
	setTable,
	limitConnTable,
	accessTable,
	sslTable,
	sslPrereadTable,
	proxyTable,
	proxySSLTable,
	returnTable,
	passTable,
	logTable,
}

// streamTables hold the directives of the stream block alone.
var streamTables = []*conf.Table[Config]{
	streamTable,
	upstreamTable,
	mapTableRows,
	geoTableRows,
	splitClientsTable,
	geoipTable,
	limitZoneTable,
	logFormatTable,
}

// builtinVariables are the variables of all modules.
var builtinVariables = [][]variable{
	coreVariables,
	proxyProtocolVariables,
	realipVariables,
	limitVariables,
	geoipVariables,
	sslVariables,
	sslPrereadVariables,
	upstreamVariables,
}

// NoInclude returns the names of the blocks in which "include" is no directive,
// for the parser of configuration files.
func NoInclude() []string { return []string{"split_clients"} }

// Tables returns the directives of the stream block and all blocks in it, for
// a schema of the whole configuration file.
func Tables() []conf.Rows {
	var rows []conf.Rows
	for _, t := range streamTables {
		rows = append(rows, t)
	}
	for _, t := range serverTables {
		rows = append(rows, t)
	}
	return slices.Concat(rows, upstream.Tables())
}

// addBuiltins makes the variables of all modules known, to be read by sessions
// of a generation if there is one.
func addBuiltins(r *registry, g *generation) error {
	for _, list := range builtinVariables {
		for _, v := range list {
			if v.Once && g != nil {
				v.Get = g.cached(v.Name, v.Get, false)
			}
			if err := r.Add(v); err != nil {
				return err
			}
		}
	}
	r.AddPrefix(tlvPrefix, func(name string) getter {
		get := proxyProtocolTLV(name)
		if g != nil {
			get = g.cached(tlvPrefix+name, get, false) // a broken one is told once
		}
		return get
	})
	r.SetCaptures(captureGetter)
	return nil
}

// Parse reads the contents of a stream block into a new Config.
func Parse(d *conf.Directive) (*Config, error) {
	cfg := &Config{Prefix: d.Env().Prefix, ConfDir: d.Env().ConfDir, report: d.Env().Report}
	cfg.Defaults.stream = cfg
	if err := d.Apply(nil, conf.Stream, cfg, &cfg.Defaults); err != nil {
		return cfg, err
	}
	cfg.uses = d.Env().Variables
	cfg.file, cfg.endLine = d.File, d.End().Line
	return cfg, nil
}
