package stream

// server_name.go - virtual servers: server_name, and the choice among the
// servers of an address by the name that the client asks for.

import (
	"bytes"
	"fmt"
	"slices"
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
		if strings.HasPrefix(name, "*") && (len(name) < 3 || name[1] != '.') || name == "." {
			return d.Errorf("server name \"%s\" is invalid", name)
		}
		if strings.Contains(name, "/") {
			d.Warnf("server name \"%s\" has suspicious symbols", name)
		}
		switch {
		case strings.HasPrefix(name, "~"):
			if err := checkNameRegex(c, d, name); err != nil {
				return err
			}
		case hostmatch.Lower(name) == "$hostname":
			name = hostname()
		default:
			name = hostmatch.Lower(name)
		}
		c.ServerName = append(c.ServerName, name)
	}
	return nil
}

func checkNameRegex(c *ServerConfig, d *conf.Directive, name string) error {
	if name == "~" {
		return d.Errorf("empty regex in server name \"%s\"", name)
	}
	re, err := compileNameRegex(name)
	if err != nil {
		return d.Errorf("%s", err)
	}
	return c.stream.newCaptures(d, re.Names())
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

// declareNameCaptures makes the named groups in server names readable as variables.
func (g *generation) declareNameCaptures(c *ServerConfig) error {
	for _, name := range c.ServerName {
		if !strings.HasPrefix(name, "~") {
			continue
		}
		re, err := compileNameRegex(name)
		if err != nil {
			return err
		}
		if err := g.declareCaptures(re.Names()); err != nil {
			return err
		}
	}
	return nil
}

// findNames collects the names of all addresses that have something to choose. A
// name that cannot be one, or does not fit into nginx's tables, is refused; names
// that are taken already stay with the first server, with a warning.
func (g *generation) findNames(book *addressBook) error {
	g.names = map[*address]*serverNames{}
	size := hashSize("server_names_hash", g.conf.hash.serverNamesMaxSize, g.conf.hash.serverNamesBucketSize, 512)
	for _, a := range book.byPort() {
		if len(a.servers) < 2 && !endsInCaptures(a.def.ServerName) {
			continue
		}
		names, err := g.namesOf(a)
		if err != nil {
			return err
		}
		if err := g.conf.fit(names.table.CheckSize(size)); err != nil {
			return err
		}
		g.names[a] = names
	}
	return nil
}

func (g *generation) namesOf(a *address) (*serverNames, error) {
	n := &serverNames{}
	for _, c := range a.servers {
		srv, names := g.servers[c], c.ServerName
		if len(names) == 0 {
			names = []string{""}
		}
		for _, name := range names {
			if strings.HasPrefix(name, "~") {
				re, err := compileNameRegex(name)
				if err != nil {
					return nil, err
				}
				n.regexes = append(n.regexes, nameRegex{re, srv})
				continue
			}
			switch err := n.table.Add(name, true, srv); err {
			case nil:
			case hostmatch.ErrInvalid:
				return nil, fmt.Errorf("invalid server name or wildcard \"%s\" on %s", name, a.addr)
			default:
				g.conf.warn(fmt.Sprintf("conflicting server name \"%s\" on %s, ignored", name, a.addr))
			}
		}
	}
	return n, nil
}

// endsInCaptures reports whether the last regular expression among names has
// groups. nginx takes that as a reason to match the names of a server that has
// its address for itself.
func endsInCaptures(names []string) bool {
	for _, name := range slices.Backward(names) {
		if strings.HasPrefix(name, "~") {
			re, err := compileNameRegex(name)
			return err == nil && re.NumCaptures() > 0
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
	host, rest := name, []byte(nil)
	if len(name) > 0 && name[0] == '[' {
		end := bytes.IndexByte(name, ']') + 1
		if end == 0 || !validChars(name[1:end-1], ":") {
			return nil, false
		}
		host, rest = name[:end], name[end:]
	} else {
		if i := bytes.IndexByte(name, ':'); i >= 0 {
			host, rest = name[:i], name[i:]
		}
		if !validChars(host, "%") {
			return nil, false
		}
	}
	if len(rest) > 0 && !validPort(rest) {
		return nil, false
	}
	if n := len(host); n > 0 && host[n-1] == '.' {
		host = host[:n-1]
	}
	return append(dst, bytes.ToLower(host)...), len(host) > 0
}

// validChars reports whether a name has none but the characters that RFC 3986
// gives it, and those of more; and no two dots in a row.
func validChars(name []byte, more string) bool {
	for i, c := range name {
		switch {
		case 'a' <= c|0x20 && c|0x20 <= 'z', '0' <= c && c <= '9':
		case c == '.' && i > 0 && name[i-1] == '.':
			return false
		case strings.IndexByte("-._~!$&'()*+,;=", c) < 0 && strings.IndexByte(more, c) < 0:
			return false
		}
	}
	return true
}

// validPort reports whether rest is ":" and a port, which may be missing.
func validPort(rest []byte) bool {
	port := 0
	for _, c := range rest[1:] {
		if c < '0' || c > '9' {
			return false
		}
		if port = port*10 + int(c-'0'); port > 65535 {
			return false
		}
	}
	return rest[0] == ':'
}
