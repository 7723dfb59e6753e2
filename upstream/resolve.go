package upstream

// resolve.go - from server addresses to socket addresses.

import (
	"fmt"
	"net/netip"

	"github.com/gostream/gostream/internal/addr"
	"github.com/gostream/gostream/parser"
)

// resolve finds the addresses of a server, unless that is to be done while
// running, and checks the address on the way.
func (s *Server) resolve(lookup func(host string) ([]netip.Addr, error)) error {
	if len(s.addrs) > 0 {
		return nil
	}
	if s.Service != "" && !s.Resolve {
		return fmt.Errorf(`service upstream "%s" requires "resolve" parameter`, s.Address)
	}
	u, err := addr.Parse(s.Address, addr.Options{NoResolve: s.Resolve, Lookup: lookup})
	switch {
	case err != nil:
		return fmt.Errorf(`%w in upstream "%s"`, err, s.Address)
	case s.Service == "" && u.NoPort:
		return fmt.Errorf(`no port in upstream "%s"`, s.Address)
	case s.Service != "" && !u.NoPort:
		return fmt.Errorf(`service upstream "%s" may not have port`, s.Address)
	case s.Service != "" && len(u.Addrs) > 0:
		return fmt.Errorf(`service upstream "%s" requires domain name`, s.Address)
	}
	s.addrs = u.Addrs
	return nil
}

// checkResolve reports what servers lack whose names are to be followed while
// running.
func (c *Config) checkResolve(servers []Server) error {
	for i := range servers {
		if len(servers[i].addrs) > 0 {
			continue
		}
		if c.Zone == "" {
			return fmt.Errorf(`resolving names at run time requires upstream "%s"%s to be in shared memory`, c.Name, c.place())
		}
		if c.Resolver == nil {
			return c.errorf(`no resolver defined to resolve names at run time in upstream "%s"`, c.Name)
		}
	}
	return nil
}

// place says where the block began, for messages that have it in the middle.
func (c *Config) place() string {
	if c.file == "" {
		return ""
	}
	return fmt.Sprintf(" in %s:%d", c.file, c.line)
}

// errorf returns an error with the place of the block behind it.
func (c *Config) errorf(format string, a ...any) error {
	return &parser.Error{File: c.file, Line: c.line, Msg: fmt.Sprintf(format, a...)}
}
