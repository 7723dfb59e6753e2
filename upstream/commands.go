package upstream

// commands.go - ngx_stream_upstream_module: what stands in an upstream block,
// except for zones and methods, which have files of their own.

import (
	"strings"
	"time"

	"github.com/gostream/gostream/internal/conf"
)

var upstreamTable = &conf.Table[Config]{
	Name: "stream_upstream",
	Commands: []conf.Command[Config]{
		{
			Name: "server", In: conf.Upstream, Args: conf.AtLeast(1),
			Syntax: "address [weight=number] [max_conns=number] [max_fails=number] [fail_timeout=time] [backup] [down] [resolve] [service=name]",
			Set:    conf.Func(setServer),
		},
		{
			Name: "resolver", Syntax: "address ... [valid=time] [ipv4=on|off] [ipv6=on|off]",
			In: conf.Upstream, Args: conf.AtLeast(1), Set: conf.Slot(func(c *Config) **Resolver { return &c.Resolver }, ParseResolver),
		},
		{
			Name: "resolver_timeout", Syntax: "time", Default: "30s", In: conf.Upstream,
			Set: conf.Msec(func(c *Config) *time.Duration { return &c.ResolverTimeout }),
		},
	},
}

// Tables returns the directives of upstream blocks.
func Tables() []conf.Rows {
	return []conf.Rows{
		upstreamTable, zoneTable,
		leastConnTable, leastTimeTable, hashTable, randomTable,
	}
}

// Parse reads an upstream block. zones collects the zones of the whole
// configuration; nil skips the checks that need it. That the name is not taken,
// the caller has to see to.
func Parse(d *conf.Directive, zones *Zones) (*Config, error) {
	c := &Config{Name: d.Args[0], zones: zones, file: d.File, line: d.Line}
	if err := d.Apply(nil, conf.Upstream, c); err != nil {
		return nil, err
	}
	if len(c.Servers) == 0 {
		return nil, d.End().Errorf("no servers are inside upstream")
	}
	return c, nil
}

// setMethod chooses the method. The last one in a block wins.
func (c *Config) setMethod(m Method, d *conf.Directive) {
	if c.Method != RoundRobin {
		d.Warnf("load balancing method redefined")
	}
	c.Method = m
}

// allowsBackup reports whether the method goes together with backup servers.
// nginx refuses them only behind the method's directive.
func (c *Config) allowsBackup() bool {
	return c.Method == RoundRobin || c.Method == LeastConn || c.Method == LeastTime
}

func setServer(c *Config, d *conf.Directive) error {
	s := Server{Address: d.Args[0]}
	for _, word := range d.Args[1:] {
		switch {
		case word == "service=":
			return d.Errorf("service is empty")
		case !s.parameter(word):
			return d.Errorf(`invalid parameter "%s"`, word)
		case word == "backup" && !c.allowsBackup():
			return d.Errorf(`balancing method does not support parameter "%s"`, word)
		}
	}
	if err := s.resolve(c.Lookup); err != nil {
		return d.Errorf("%s", err)
	}
	c.Servers = append(c.Servers, s)
	return nil
}

// parameter takes one word behind the address.
func (s *Server) parameter(word string) (ok bool) {
	switch word {
	case "backup":
		s.Backup = true
		return true
	case "down":
		s.Down = true
		return true
	case "resolve":
		s.Resolve = true
		return true
	}
	name, value, _ := strings.Cut(word, "=")
	switch name {
	case "weight":
		s.Weight, ok = parseNumber(value)
		return ok && s.Weight > 0 && s.Weight <= maxWeight
	case "max_conns":
		s.MaxConns, ok = parseNumber(value)
	case "max_fails":
		s.MaxFails, ok = parseNumber(value)
		s.MaxFails = orZero(s.MaxFails)
	case "fail_timeout":
		s.FailTimeout, ok = conf.ParseSec(value)
		s.FailTimeout = orZero(s.FailTimeout)
	case "service":
		s.Service, ok = value, value != ""
	}
	return ok
}

func parseNumber(text string) (int, bool) {
	n, ok := conf.ParseNumber(text)
	return int(n), ok
}

// orZero writes an explicit 0 the way that fields have it whose zero value
// stands for a default.
func orZero[V ~int | ~int64](v V) V {
	if v == 0 {
		return conf.Zero
	}
	return v
}
