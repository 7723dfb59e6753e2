package upstream

import (
	"strconv"
	"strings"

	"github.com/gostream/gostream/internal/addr"
	"github.com/gostream/gostream/internal/conf"
)

// Tables returns the directives of the upstream block. They fill a [Config].
func Tables() []conf.Rows {
	return []conf.Rows{groupTable, zoneTable, hashTable, leastConnTable, randomTable}
}

var groupTable = &conf.Table[Config]{
	Name: "stream_upstream",
	Commands: []conf.Command[Config]{
		{Name: "server", Syntax: "address [weight=number] [max_conns=number] [max_fails=number] [fail_timeout=time] [backup] [down]",
			In: conf.Upstream, Args: conf.AtLeast(1), Set: conf.Func(addServer)},
	},
}

var zoneTable = &conf.Table[Config]{
	Name: "stream_upstream_zone",
	Commands: []conf.Command[Config]{
		{Name: "zone", Syntax: "name [size]", In: conf.Upstream, Args: conf.Take(1, 2), Set: conf.Func(setZone)},
	},
}

var hashTable = &conf.Table[Config]{
	Name: "stream_upstream_hash",
	Commands: []conf.Command[Config]{
		{Name: "hash", Syntax: "key [consistent]", In: conf.Upstream, Args: conf.Take(1, 2), Set: conf.Func(setHash)},
	},
}

var leastConnTable = &conf.Table[Config]{
	Name: "stream_upstream_least_conn",
	Commands: []conf.Command[Config]{
		{Name: "least_conn", In: conf.Upstream, Args: conf.None, Set: conf.Func(func(c *Config, d *conf.Directive) error {
			c.setMethod(LeastConn, d)
			return nil
		})},
	},
}

var randomTable = &conf.Table[Config]{
	Name: "stream_upstream_random",
	Commands: []conf.Command[Config]{
		{Name: "random", Syntax: "[two [least_conn]]", In: conf.Upstream, Args: conf.Take(0, 2), Set: conf.Func(setRandom)},
	},
}

// minZone is the least size of a zone: eight pages.
const minZone = 8 * 4096

func addServer(c *Config, d *conf.Directive) error {
	s := Server{Address: d.Args[0]}
	for _, word := range d.Args[1:] {
		if err := s.parameter(c, d, word); err != nil {
			return err
		}
	}
	u, err := addr.Parse(s.Address, addr.Options{})
	switch {
	case err != nil:
		return d.Errorf("%s in upstream \"%s\"", err, s.Address)
	case u.NoPort && !u.Addrs[0].IsUnix():
		return d.Errorf("no port in upstream \"%s\"", s.Address)
	}
	s.addrs = u.Addrs
	c.Servers = append(c.Servers, s)
	return nil
}

func (s *Server) parameter(c *Config, d *conf.Directive, word string) error {
	name, value, _ := strings.Cut(word, "=")
	ok := true
	switch {
	case strings.HasPrefix(word, "weight="):
		s.Weight, ok = number(value)
		ok = ok && s.Weight > 0
	case strings.HasPrefix(word, "max_conns="):
		s.MaxConns, ok = number(value)
	case strings.HasPrefix(word, "max_fails="):
		if s.MaxFails, ok = number(value); s.MaxFails == 0 {
			s.MaxFails = conf.Zero
		}
	case strings.HasPrefix(word, "fail_timeout="):
		if s.FailTimeout, ok = conf.ParseSec(value); s.FailTimeout == 0 {
			s.FailTimeout = conf.Zero
		}
	case word == "backup":
		if c.Method.withoutBackups() {
			return d.Errorf("balancing method does not support parameter \"backup\"")
		}
		s.Backup = true
	case word == "down":
		s.Down = true
	case word == "resolve", name == "service":
		return d.Errorf("the \"%s\" parameter is not supported yet", name)
	default:
		ok = false
	}
	if !ok {
		return d.Errorf("invalid parameter \"%s\"", word)
	}
	return nil
}

func number(text string) (int, bool) {
	n, err := strconv.ParseUint(text, 10, 31)
	return int(n), err == nil
}

// withoutBackups tells the methods that cannot have backup servers.
func (m Method) withoutBackups() bool {
	return m == Hash || m == ConsistentHash || m == Random || m == RandomTwo
}

// setMethod chooses the method; a second choice is warned of, and wins.
func (c *Config) setMethod(m Method, d *conf.Directive) {
	if c.methodSet {
		d.Warnf("load balancing method redefined")
	}
	c.Method, c.methodSet = m, true
}

func setHash(c *Config, d *conf.Directive) error {
	if err := d.CheckValue(d.Args[0]); err != nil {
		return err
	}
	m := Hash
	if len(d.Args) == 2 {
		if d.Args[1] != "consistent" {
			return d.Errorf("invalid parameter \"%s\"", d.Args[1])
		}
		m = ConsistentHash
	}
	c.setMethod(m, d)
	c.Key = d.Args[0]
	return nil
}

func setRandom(c *Config, d *conf.Directive) error {
	m := Random
	if len(d.Args) > 0 {
		if d.Args[0] != "two" {
			return d.Errorf("invalid parameter \"%s\"", d.Args[0])
		}
		if m = RandomTwo; len(d.Args) == 2 && d.Args[1] != "least_conn" {
			return d.Errorf("invalid parameter \"%s\"", d.Args[1])
		}
	}
	c.setMethod(m, d)
	return nil
}

func setZone(c *Config, d *conf.Directive) error {
	if c.Zone != "" {
		return d.Duplicate()
	}
	if d.Args[0] == "" {
		return d.Errorf("invalid zone name \"\"")
	}
	c.Zone = d.Args[0]
	if len(d.Args) == 1 {
		return nil
	}
	size, ok := conf.ParseSize(d.Args[1])
	switch {
	case !ok:
		return d.Errorf("invalid zone size \"%s\"", d.Args[1])
	case size < minZone:
		return d.Errorf("zone \"%s\" is too small", c.Zone)
	}
	c.ZoneSize = size
	return nil
}
