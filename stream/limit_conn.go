package stream

// limit_conn.go - ngx_stream_limit_conn_module: limit_conn, limit_conn_zone,
// limit_conn_log_level, limit_conn_dry_run, $limit_conn_status.

import (
	"fmt"
	"strings"

	"github.com/gostream/gostream/internal/conf"
	"github.com/gostream/gostream/internal/errlog"
)

// LimitConnConfig limits how many sessions may have the same key at a time.
type LimitConnConfig struct {
	Limits   []ConnLimit
	LogLevel errlog.Level // of refusals; default error
	DryRun   Flag         // count and log, but refuse nobody
}

// ConnLimit is one limit_conn line.
type ConnLimit struct {
	Zone string
	Max  int // 1 to 65535 sessions
}

// LimitConnZone is one limit_conn_zone: what is counted, and where.
type LimitConnZone struct {
	Name string
	Size int64  // bytes, at least 32k; it bounds the number of keys: 16k of short ones for 1m
	Key  string // a complex value
}

const minZoneSize = 8 * zonePageSize

var limitLevels = map[string]errlog.Level{"info": errlog.Info, "notice": errlog.Notice, "warn": errlog.Warn, "error": errlog.Error}

var limitConnTable = &conf.Table[ServerConfig]{
	Name: "stream_limit_conn",
	Commands: []conf.Command[ServerConfig]{
		{Name: "limit_conn", Syntax: "zone number", In: inServers, Args: conf.Take(2, 2),
			Set: limitSlot()},
		{Name: "limit_conn_log_level", Syntax: "info | notice | warn | error", Default: "error", In: inServers,
			Set: conf.Enum(func(c *ServerConfig) *errlog.Level { return &c.LimitConn.LogLevel }, limitLevels)},
		{Name: "limit_conn_dry_run", Syntax: "on | off", Default: "off", In: inServers,
			Set: conf.FlagOf(func(c *ServerConfig) *Flag { return &c.LimitConn.DryRun })},
	},
}

var limitZoneTable = &conf.Table[Config]{
	Name: "stream_limit_conn",
	Commands: []conf.Command[Config]{
		{Name: "limit_conn_zone", Syntax: "key zone=name:size", In: conf.Stream, Args: conf.Take(2, 2), Set: conf.Func(addLimitZone)},
	},
}

// limitSlot is a list of limits, each zone at most once. The zone may be declared
// further down.
func limitSlot() conf.Setter[ServerConfig] {
	slot := conf.List(func(c *ServerConfig) *[]ConnLimit { return &c.LimitConn.Limits }, parseLimit)
	add := slot.Set
	slot.Set = func(c *ServerConfig, d *conf.Directive) error {
		if err := c.stream.zones.Declare(d.Args[0], 0, "limit_conn"); err != nil {
			return d.Errorf("%s", err)
		}
		for _, l := range c.LimitConn.Limits {
			if l.Zone == d.Args[0] {
				return d.Duplicate()
			}
		}
		return add(c, d)
	}
	return slot
}

func parseLimit(d *conf.Directive) (ConnLimit, error) {
	n, ok := conf.ParseNumber(d.Args[1])
	if !ok || n == 0 {
		return ConnLimit{}, d.Errorf("invalid number of connections \"%s\"", d.Args[1])
	}
	if n > 65535 {
		return ConnLimit{}, d.Errorf("connection limit must be less 65536")
	}
	return ConnLimit{d.Args[0], int(n)}, nil
}

func addLimitZone(c *Config, d *conf.Directive) error {
	z := &LimitConnZone{Key: d.Args[0]}
	if err := d.CheckValue(z.Key); err != nil {
		return err
	}
	param := d.Args[1]
	text, ok := strings.CutPrefix(param, "zone=")
	if !ok {
		return d.Errorf("invalid parameter \"%s\"", param)
	}
	name, size, found := strings.Cut(text, ":")
	if z.Size, ok = conf.ParseSize(size); !found || !ok {
		return d.Errorf("invalid zone size \"%s\"", param)
	}
	if z.Size < minZoneSize {
		return d.Errorf("zone \"%s\" is too small", param)
	}
	if z.Name = name; name == "" {
		return d.Errorf("\"limit_conn_zone\" must have \"zone\" parameter")
	}
	if err := c.zones.Declare(name, z.Size, "limit_conn"); err != nil {
		return d.Errorf("%s", err)
	}
	for _, other := range c.LimitConnZones {
		if other.Name == name {
			return d.Errorf("limit_conn_zone \"%s\" is already bound to key \"%s\"", name, other.Key)
		}
	}
	c.LimitConnZones = append(c.LimitConnZones, z)
	return nil
}

// limitStatus is $limit_conn_status.
type limitStatus uint8

const (
	limitNone limitStatus = iota
	limitPassed
	limitRejected
	limitRejectedDryRun
)

var limitVariables = []variable{
	{Name: "limit_conn_status", Get: func(s *Session, b []byte) ([]byte, bool) {
		names := [...]string{limitPassed: "PASSED", limitRejected: "REJECTED", limitRejectedDryRun: "REJECTED_DRY_RUN"}
		return append(b, names[s.limitStatus]...), s.limitStatus != limitNone
	}},
}

// limitZone is a zone of a generation. A reload keeps the counts as long as size
// and key of the zone are the same.
type limitZone struct {
	name, keyText string
	size          int64
	key           *template
	counts        *keyCounts
}

// countedKey is a key that a session is counted under.
type countedKey struct {
	counts *keyCounts
	node   nodeRef
}

// limit is a compiled [ConnLimit].
type limit struct {
	zone *limitZone
	max  int
}

// limitConnections counts the session in each zone of the server. The first
// limit that is reached refuses it, and gives back what was counted so far.
func (s *Session) limitConnections() Status {
	for i := range s.srv.limits {
		l := &s.srv.limits[i]
		buf := takeBuffer()
		key := l.zone.key.Append(buf.b, s)
		switch {
		case len(key) == 0:
		case len(key) > 255:
			s.logf(errlog.Error, "the value of the \"%s\" key is more than 255 bytes: \"%s\"", l.zone.keyText, key)
		default:
			s.limitStatus = limitPassed
			node, result := l.zone.counts.enter(key, l.max)
			if result != counted {
				buf.release()
				return s.limitReached(l.zone, result)
			}
			s.limits = append(s.limits, countedKey{l.zone.counts, node})
		}
		buf.release()
	}
	return next
}

func (s *Session) limitReached(z *limitZone, why countResult) Status {
	dry := s.srv.conf.LimitConn.DryRun.On()
	switch {
	case why == zoneIsFull:
		// Comes from the zone in nginx, which knows no session.
		s.gen.mainLog.Write(errlog.Crit, errlog.Record{Text: "ngx_slab_alloc() failed: no memory in limit_conn_zone \"" + z.name + "\""})
	case dry:
		s.logf(s.srv.conf.LimitConn.LogLevel, "limiting connections, dry run, by zone \"%s\"", z.name)
	default:
		s.logf(s.srv.conf.LimitConn.LogLevel, "limiting connections by zone \"%s\"", z.name)
	}
	s.releaseLimits()
	if dry {
		s.limitStatus = limitRejectedDryRun
		return next
	}
	s.limitStatus = limitRejected
	return statusUnavailable
}

// releaseLimits gives back what was counted for the session.
func (s *Session) releaseLimits() {
	for _, k := range s.limits {
		k.counts.leave(k.node)
	}
	s.limits = s.limits[:0]
}

// takeOver makes the zone go on with the counts of the generation before, if
// there is such a zone, else with none.
func (z *limitZone) takeOver(before *generation) error {
	var old *limitZone
	if before != nil {
		old = before.zones[z.name]
	}
	if old == nil || old.size != z.size {
		z.counts = newKeyCounts(z.size, z.name)
		return nil
	}
	if old.keyText != z.keyText {
		return fmt.Errorf("limit_conn_zone \"%s\" uses the \"%s\" key while previously it used the \"%s\" key", z.name, z.keyText, old.keyText)
	}
	z.counts = old.counts
	return nil
}

func (g *generation) compileLimits(c *ServerConfig) (out []limit) {
	for _, l := range c.LimitConn.Limits {
		out = append(out, limit{g.zones[l.Zone], l.Max})
	}
	return out
}

// checkLimits finds limits whose zone is declared nowhere.
func (srv *server) checkLimits() error {
	for i, l := range srv.limits {
		if l.zone == nil {
			return fmt.Errorf("zero size shared memory zone \"%s\"", srv.conf.LimitConn.Limits[i].Zone)
		}
	}
	return nil
}
