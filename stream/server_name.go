package stream

// server_name.go - virtual servers: server_name, and the choice among the
// servers of an address by the name that the client asks for.

import (
	"strings"

	"github.com/gostream/gostream/internal/conf"
	"github.com/gostream/gostream/internal/hostmatch"
	"github.com/gostream/gostream/internal/regex"
)

var serverNameTable = &conf.Table[ServerConfig]{
	Name: "stream_core",
	Commands: []conf.Command[ServerConfig]{
		{Name: "server_name", Syntax: "name ...", In: conf.Server, Args: conf.AtLeast(1), Set: conf.Func(setServerName)},
	},
}

func setServerName(c *ServerConfig, d *conf.Directive) error {
	for _, name := range d.Args {
		switch {
		case name == "*" || name == "." || strings.HasPrefix(name, "*") && !strings.HasPrefix(name, "*."):
			return d.Errorf("server name \"%s\" is invalid", name)
		case strings.HasPrefix(name, "~"):
			if name == "~" {
				return d.Errorf("empty regex in server name \"%s\"", name)
			}
			if _, err := compileNameRegex(name); err != nil {
				return d.Errorf("%s", err)
			}
		case strings.Contains(name, "/"):
			d.Warnf("server name \"%s\" has suspicious symbols", name)
		case name == "$hostname":
			name = hostname()
		}
		c.ServerName = append(c.ServerName, name)
	}
	return nil
}

// compileNameRegex compiles "~regex". One with any upper-case letter in it is
// caseless; names are in lower case when they are looked up.
func compileNameRegex(name string) (*regex.Regexp, error) {
	pattern := name[1:]
	return regex.Compile(pattern, pattern != strings.ToLower(pattern))
}

// primaryName is $server_name.
func primaryName(names []string) string {
	if len(names) == 0 {
		return ""
	}
	name := names[0]
	if strings.HasPrefix(name, "~") {
		return name
	}
	return strings.ToLower(strings.TrimPrefix(name, "."))
}

// serverNames finds a server of an address by name.
type serverNames struct {
	table   hostmatch.Table[*server]
	regexes []nameRegex
}

type nameRegex struct {
	re  *regex.Regexp
	srv *server
}

// namesOf collects the names of an address; nil if there is nothing to choose.
func (g *generation) namesOf(a *address) *serverNames {
	if len(a.servers) < 2 && !hasRegex(a.def) {
		return nil
	}
	n := &serverNames{}
	for _, c := range a.servers {
		srv := g.servers[c]
		for _, name := range c.ServerName {
			if strings.HasPrefix(name, "~") {
				if re, err := compileNameRegex(name); err == nil {
					n.regexes = append(n.regexes, nameRegex{re, srv})
				}
				continue
			}
			// Names that are taken already stay with the first server.
			_ = n.table.Add(name, true, srv)
		}
	}
	return n
}

func hasRegex(c *ServerConfig) bool {
	for _, name := range c.ServerName {
		if strings.HasPrefix(name, "~") {
			return true
		}
	}
	return false
}

// selectServer makes the virtual server of this name the one in effect, if the
// address has it.
func (s *Session) selectServer(name []byte) Status {
	names := s.place.names
	if names == nil || len(name) == 0 {
		return next
	}
	var room [256]byte
	host, ok := validHost(room[:0], name)
	if !ok {
		return next
	}
	if srv, found := names.table.Find(host); found {
		s.srv = srv
		return next
	}
	for _, r := range names.regexes {
		var at [2 * 16]int
		captures, ok, err := r.re.Find(at[:0], host)
		if err == nil && ok {
			s.keepCaptures(r.re, host, captures)
			s.srv = r.srv
			return next
		}
	}
	return next
}

// validHost normalises a host name: lower case, no dot at the end, no port. It
// is false for what cannot be a name.
func validHost(dst, name []byte) ([]byte, bool) {
	for i, c := range name {
		switch {
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		case c == '.' && i > 0 && name[i-1] == '.', c == '/', c <= ' ', c >= 0x7f:
			return nil, false
		}
		dst = append(dst, c)
	}
	host := string(dst)
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasPrefix(host, "[") {
		dst = dst[:i]
	}
	if n := len(dst); n > 0 && dst[n-1] == '.' {
		dst = dst[:n-1]
	}
	return dst, len(dst) > 0
}
