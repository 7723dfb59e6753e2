package stream

// limit_conn.go - ngx_stream_limit_conn_module: limit_conn, limit_conn_zone,
// limit_conn_log_level, limit_conn_dry_run, $limit_conn_status.

import (
	"fmt"
	"strconv"
	"strings"
	"sync"

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
	Size int64  // bytes; it bounds the number of keys, at least 8 pages of 4096
	Key  string // a complex value
}

const (
	minZoneSize = 8 * 4096

	// limitNodeSize is what nginx's allocator takes for an entry with a short
	// key on 64-bit machines; a zone has room for as many keys as nginx's.
	limitNodeSize = 64
	zoneOverhead  = 2 * 4096
)

var limitLevels = map[string]errlog.Level{"info": errlog.Info, "notice": errlog.Notice, "warn": errlog.Warn, "error": errlog.Error}

var limitConnTable = &conf.Table[ServerConfig]{
	Name: "stream_limit_conn",
	Commands: []conf.Command[ServerConfig]{
		{Name: "limit_conn", Syntax: "zone number", In: inServers, Args: conf.Take(2, 2),
			Set: conf.List(func(c *ServerConfig) *[]ConnLimit { return &c.LimitConn.Limits }, parseLimit)},
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

func parseLimit(d *conf.Directive) (ConnLimit, error) {
	n, err := strconv.ParseUint(d.Args[1], 10, 31)
	if err != nil || n == 0 {
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

// limitZone is a zone of a generation.
type limitZone struct {
	name, keyText string
	size          int64
	key           *template
	counts        *limitCounts
}

// limitCounts are the sessions of a zone by key. All event loops share them,
// and a reload keeps them as long as size and key of the zone are the same.
type limitCounts struct {
	mu    sync.Mutex
	nodes map[string]*limitNode
}

type limitNode struct {
	counts *limitCounts
	key    string
	n      int
}

// limit is a compiled [ConnLimit].
type limit struct {
	zone *limitZone
	max  int
}

// enter counts a session under key. It returns nil when max are counted
// already; full tells that there was no room for a new key.
func (z *limitZone) enter(key []byte, max int) (node *limitNode, full bool) {
	c := z.counts
	c.mu.Lock()
	defer c.mu.Unlock()
	node = c.nodes[string(key)]
	switch {
	case node == nil && int64(len(c.nodes)) >= (z.size-zoneOverhead)/limitNodeSize:
		return nil, true
	case node == nil:
		node = &limitNode{counts: c, key: string(key)}
		c.nodes[node.key] = node
	case node.n >= max:
		return nil, false
	}
	node.n++
	return node, false
}

func (n *limitNode) leave() {
	n.counts.mu.Lock()
	defer n.counts.mu.Unlock()
	if n.n--; n.n == 0 {
		delete(n.counts.nodes, n.key)
	}
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
			node, full := l.zone.enter(key, l.max)
			if node == nil {
				buf.release()
				return s.limitReached(l.zone, full)
			}
			s.limits = append(s.limits, node)
		}
		buf.release()
	}
	return next
}

func (s *Session) limitReached(z *limitZone, full bool) Status {
	dry := s.srv.conf.LimitConn.DryRun.On()
	switch {
	case full:
		s.logf(errlog.Crit, "ngx_slab_alloc() failed: no memory in limit_conn_zone \"%s\"", z.name)
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
	for _, n := range s.limits {
		n.leave()
	}
	s.limits = s.limits[:0]
}

// newLimitZone makes a zone, or takes over the counts of the one before.
func (g *generation) newLimitZone(z *LimitConnZone, before *generation) (*limitZone, error) {
	key, err := g.compile(z.Key)
	if err != nil {
		return nil, err
	}
	zone := &limitZone{name: z.Name, keyText: z.Key, size: z.Size, key: key, counts: &limitCounts{nodes: map[string]*limitNode{}}}
	if before == nil {
		return zone, nil
	}
	old := before.zones[z.Name]
	if old == nil || old.size != z.Size {
		return zone, nil
	}
	if old.keyText != z.Key {
		return nil, fmt.Errorf("limit_conn_zone \"%s\" uses the \"%s\" key while previously it used the \"%s\" key", z.Name, z.Key, old.keyText)
	}
	zone.counts = old.counts
	return zone, nil
}

func (g *generation) compileLimits(c *ServerConfig) (out []limit, err error) {
	for _, l := range c.LimitConn.Limits {
		zone := g.zones[l.Zone]
		if zone == nil {
			return nil, fmt.Errorf("zero size shared memory zone \"%s\"", l.Zone)
		}
		out = append(out, limit{zone, l.Max})
	}
	return out, nil
}
