package stream

// upstream.go - ngx_stream_upstream_module: upstream blocks, the groups that
// proxy_pass can name, and $upstream_*.

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/gostream/gostream/internal/addr"
	"github.com/gostream/gostream/internal/conf"
	"github.com/gostream/gostream/upstream"
)

var upstreamTable = &conf.Table[Config]{
	Name: "stream_upstream",
	Commands: []conf.Command[Config]{
		{Name: "upstream", Syntax: "name { ... }", In: conf.Stream, Block: true, Set: conf.Func(addUpstream)},
	},
}

func addUpstream(c *Config, d *conf.Directive) error {
	name := d.Args[0]
	if c.upstreams[strings.ToLower(name)] {
		return d.Errorf("duplicate upstream \"%s\"", name)
	}
	if c.upstreams == nil {
		c.upstreams = map[string]bool{}
	}
	if first, named := c.passes[strings.ToLower(name)]; named && !first.noPort {
		return first.at.Errorf("upstream \"%s\" may not have port %d", name, first.port)
	}
	c.upstreams[strings.ToLower(name)] = true
	u, err := upstream.Parse(d, &c.zones)
	if err != nil {
		return err
	}
	c.Upstreams = append(c.Upstreams, u)
	return nil
}

// literalPass is a proxy_pass without variables, as it was read.
type literalPass struct {
	noPort bool
	port   uint16
	at     conf.Directive
}

// notePass checks a proxy_pass against the upstream blocks before it, and keeps it
// for those to come. Of several with one host, nginx looks at the first.
func (c *Config) notePass(u addr.URL, d *conf.Directive) error {
	host := strings.ToLower(u.Host)
	if isUnix(u) {
		return nil
	}
	if c.upstreams[host] && !u.NoPort {
		return d.Errorf("upstream \"%s\" may not have port %d", u.Host, u.Port)
	}
	if c.passes == nil {
		c.passes = map[string]literalPass{}
	}
	if _, known := c.passes[host]; !known {
		c.passes[host] = literalPass{u.NoPort, u.Port, conf.Directive{File: d.File, Line: d.Line}}
	}
	return nil
}

// group is an upstream group with what evaluating its hash key takes.
type group struct {
	*upstream.Group
	name string
	key  *template // of hash; nil: none

	sessions upstreamSessions // of proxy_ssl
}

// groups are the upstreams of a generation by lower-case name, those of
// upstream blocks and those that a literal proxy_pass stands for.
type groups struct {
	named    map[string]*group
	implicit map[string]*group // by "host:port"
}

// defineGroups makes the groups of upstream blocks.
func (g *generation) defineGroups() error {
	gs := &g.groups
	gs.named, gs.implicit = map[string]*group{}, map[string]*group{}
	for _, c := range g.conf.Upstreams {
		c = g.withResolver(c)
		u, err := upstream.New(c)
		if err != nil {
			return err
		}
		if err := g.addFollowers(u, c); err != nil {
			return err
		}
		made := &group{Group: u, name: c.Name}
		if text := u.HashKey(); text != "" {
			if made.key, err = g.compile(text); err != nil {
				return err
			}
		}
		gs.named[strings.ToLower(c.Name)] = made
	}
	return nil
}

// literal returns the group for a proxy_pass without variables: an upstream by
// its name, or a host, which is resolved now.
func (gs *groups) literal(text string) (*group, error) {
	u, err := addr.Parse(text, addr.Options{NoResolve: true})
	if err != nil {
		return nil, fmt.Errorf("%w in upstream \"%s\"", err, text)
	}
	if found := gs.named[strings.ToLower(u.Host)]; found != nil && !isUnix(u) {
		if !u.NoPort {
			return nil, fmt.Errorf("upstream \"%s\" may not have port %d", u.Host, u.Port)
		}
		return found, nil
	}
	if found := gs.implicit[strings.ToLower(text)]; found != nil {
		return found, nil
	}
	if u.NoPort {
		return nil, fmt.Errorf("no port in upstream \"%s\"", text)
	}
	if len(u.Addrs) == 0 {
		if u, err = addr.Parse(text, addr.Options{}); err != nil {
			return nil, fmt.Errorf("%w in upstream \"%s\"", err, u.Host)
		}
	}
	made := &group{Group: upstream.Implicit(text, u.Addrs), name: text}
	gs.implicit[strings.ToLower(text)] = made
	return made, nil
}

func isUnix(u addr.URL) bool { return len(u.Addrs) == 1 && u.Addrs[0].IsUnix() }

// evaluated returns the group for the value that proxy_pass has in a session:
// a group of the configuration, else a server of its own. For a host whose
// addresses are yet to be found it is nil.
func (gs *groups) evaluated(text string) (*group, addr.URL, error) {
	u, err := addr.Parse(text, addr.Options{NoResolve: true})
	if err != nil {
		return nil, u, fmt.Errorf("%w in upstream \"%s\"", err, text)
	}
	if found := gs.named[strings.ToLower(u.Host)]; found != nil && u.NoPort {
		return found, u, nil
	}
	if found := gs.implicit[strings.ToLower(text)]; found != nil {
		return found, u, nil
	}
	switch {
	case u.Port == 0 && !isUnix(u):
		return nil, u, fmt.Errorf("no port in upstream \"%s\"", u.Host)
	case len(u.Addrs) == 0:
		return nil, u, nil
	}
	return &group{Group: upstream.Implicit(text, u.Addrs), name: u.Host}, u, nil
}

// upstreamVariables are the per-try lists.
var upstreamVariables = []variable{
	{Name: "upstream_addr", Get: tryList(func(t *try, b []byte) []byte { return append(b, t.peer...) })},
	{Name: "upstream_bytes_sent", Get: tryList(func(t *try, b []byte) []byte { return strconv.AppendInt(b, t.sent, 10) })},
	{Name: "upstream_bytes_received", Get: tryList(func(t *try, b []byte) []byte { return strconv.AppendInt(b, t.received, 10) })},
	{Name: "upstream_connect_time", Get: tryList(func(t *try, b []byte) []byte { return appendTryTime(b, t.connect) })},
	{Name: "upstream_first_byte_time", Get: tryList(func(t *try, b []byte) []byte { return appendTryTime(b, t.firstByte) })},
	{Name: "upstream_session_time", Get: tryList(func(t *try, b []byte) []byte { return appendTryTime(b, t.session) })},
}

// tryList joins what each try of the session has to say.
func tryList(item func(t *try, b []byte) []byte) getter {
	return func(s *Session, b []byte) ([]byte, bool) {
		for i := range s.up.tries {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = item(&s.up.tries[i], b)
		}
		return b, len(s.up.tries) > 0
	}
}

func appendTryTime(b []byte, ms int64) []byte {
	if ms < 0 {
		return append(b, '-')
	}
	return appendMsec(b, ms)
}
