package stream

// resolver.go - asking name servers while serving. The directives are rows of
// core.go.

import (
	"net/netip"

	"github.com/gostream/gostream/internal/addr"
	"github.com/gostream/gostream/internal/errlog"
	"github.com/gostream/gostream/internal/resolver"
	"github.com/gostream/gostream/upstream"
)

// resolvers are those of a generation, by what they were made of.
type resolvers map[*upstream.Resolver]*resolver.Resolver

// resolver returns the resolver for a directive; nil for none.
func (g *generation) resolver(c *upstream.Resolver) (*resolver.Resolver, error) {
	if c == nil || g.resolvers[c] != nil {
		return g.resolvers[c], nil
	}
	servers, err := c.Addrs()
	if err != nil {
		return nil, err
	}
	if g.resolvers == nil {
		g.resolvers = resolvers{}
	}
	g.resolvers[c] = resolver.New(resolver.Config{
		Servers: servers, Valid: c.Valid, NoIPv4: c.NoIPv4, NoIPv6: c.NoIPv6,
		Report: g.reportResolver, Panicked: g.panicked,
	})
	return g.resolvers[c], nil
}

// close ends them all.
func (rs resolvers) close() {
	for _, r := range rs {
		r.Close()
	}
}

// reportResolver logs what is wrong with name servers.
func (g *generation) reportResolver(p resolver.Problem) {
	level, record := errlog.Error, errlog.Record{Text: p.Text, Err: p.Err}
	if p.Grave {
		level = errlog.Crit
	}
	if p.Server != "" {
		record.Context = func(b []byte) []byte { return append(append(b, " while resolving, resolver: "...), p.Server...) }
	}
	g.mainLog.Write(level, record)
}

// resolve returns a group of the addresses that a host has now.
func (s *Session) resolve(u *addr.URL) (*group, Status) {
	p := &s.srv.proxy
	if p.resolver == nil {
		s.log(errlog.Error, "no resolver defined to resolve "+u.Host, nil)
		return nil, statusInternal
	}
	var answer *resolver.Answer
	err := s.transport.await(func(done func()) (cancel func()) {
		q := resolver.Question{Name: u.Host, Timeout: p.resolverTimeout}
		return p.resolver.Ask(q, func(a *resolver.Answer) { answer = a; done() }).Cancel
	})
	switch {
	case err != nil:
		return nil, statusOK // the server is being stopped
	case answer.Code != resolver.Found:
		s.log(errlog.Error, answer.String(), nil)
		return nil, statusInternal
	}
	addrs := make([]addr.Addr, len(answer.Addrs))
	for i := range answer.Addrs {
		addrs[i] = withPort(answer.Addrs[i].IP, u.Port)
		if s.errorLog().Enabled(errlog.Debug) {
			s.debug("name was resolved to " + answer.Addrs[i].IP.String())
		}
	}
	return &group{Group: upstream.Implicit(u.Host, addrs), name: u.Host}, next
}

func withPort(ip netip.Addr, port uint16) addr.Addr { return addr.IP(netip.AddrPortFrom(ip, port)) }
