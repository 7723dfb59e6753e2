package stream

// pass.go - ngx_stream_pass_module: pass. A session goes over to another
// listening address of the configuration, as if the client had connected there:
// it begins anew, with the steps, the variables and the log of that address.
// The connection stays what it is, with its number, a replaced client address,
// what it is counted under, and TLS.

import (
	"strings"

	"github.com/gostream/gostream/internal/addr"
	"github.com/gostream/gostream/internal/conf"
	"github.com/gostream/gostream/internal/errlog"
)

// maxPasses is how often a connection may be passed.
const maxPasses = 10

var passTable = &conf.Table[ServerConfig]{
	Name: "stream_pass",
	Commands: []conf.Command[ServerConfig]{
		{Name: "pass", Syntax: "address", In: conf.Server, Set: conf.Func(setPass)},
	},
}

func setPass(c *ServerConfig, d *conf.Directive) error {
	if c.Pass != "" {
		return d.Duplicate()
	}
	text := d.Args[0]
	if err := d.CheckValue(text); err != nil {
		return err
	}
	c.Pass, c.content, c.passAt = text, contentPass, conf.Directive{File: d.File, Line: d.Line}
	if strings.Contains(text, "$") {
		return nil
	}
	u, err := addr.Parse(text, addr.Options{NoResolve: true})
	switch {
	case err != nil:
		return d.Errorf("%s in \"%s\" of the \"pass\" directive", err, text)
	case len(u.Addrs) == 0:
		return d.Fail("has no addresses")
	case u.NoPort:
		return d.Fail("has no port")
	}
	return nil
}

// pass is the content handler of pass.
func (s *Session) pass() Status {
	s.action = "passing connection to port"
	switch {
	case s.udp:
		s.log(errlog.Error, "cannot pass udp connection", nil)
		return statusInternal
	case s.transport.consumed():
		s.log(errlog.Error, "cannot pass connection with preread data", nil)
		return statusInternal
	}
	to, ok := s.passAddress()
	if !ok {
		return statusInternal
	}
	if s.passes++; s.passes > maxPasses {
		s.log(errlog.Error, "stream pass cycle", nil)
		return statusInternal
	}
	target := s.gen.listening(to)
	if target == nil {
		s.logf(errlog.Error, "port not found for \"%s\"", to)
		return statusOK
	}
	s.beginAgain(target, to)
	if s.place.onGoroutine {
		return s.transport.toGoroutine(target)
	}
	return passed
}

// passAddress evaluates the directive.
func (s *Session) passAddress() (to addr.Addr, ok bool) {
	text := string(s.srv.passTo.Append(nil, s))
	u, err := addr.Parse(text, addr.Options{NoResolve: true})
	switch {
	case err != nil:
		s.logf(errlog.Error, "%s in pass \"%s\"", err, text)
	case len(u.Addrs) == 0:
		s.logf(errlog.Error, "no addresses in pass \"%s\"", text)
	case u.NoPort:
		s.logf(errlog.Error, "no port in pass \"%s\"", text)
	default:
		return u.Addrs[0], true
	}
	return to, false
}

// beginAgain makes s a session at another address.
func (s *Session) beginAgain(at *socketPlan, to addr.Addr) {
	s.ln, s.local = at.ln, endpointAt(to)
	s.place = at.places.lookup(s.local)
	s.srv = s.place.def
	s.replaced, s.original = false, endpoint{}
	s.bytesReceived, s.bytesSent = 0, 0
	s.limitStatus = limitNone
	s.forget()
}

// listening returns the socket that an address belongs to. A wildcard one
// stands for all addresses that have no socket of their own.
func (g *generation) listening(to addr.Addr) (found *socketPlan) {
	for _, p := range g.plan {
		if p.opt.UDP || !leadsTo(to, p.key.addr) {
			continue
		}
		if found = p; !p.key.addr.IsWildcard() {
			break
		}
	}
	return found
}

// leadsTo reports whether a pass to one address is one to another.
func leadsTo(to, listening addr.Addr) bool {
	if !listening.IsWildcard() || to.IsUnix() {
		return to == listening
	}
	return to.Port() == listening.Port() && to.AddrPort().Addr().Is4() == listening.AddrPort().Addr().Is4()
}

// StrayPasses returns an error for each pass to an address where no server of
// the stream block listens: nginx might find a server of another block there.
// Values with variables are not looked at.
func (c *Config) StrayPasses() (stray []error) {
	for _, s := range c.Servers {
		if s.content != contentPass || strings.Contains(s.Pass, "$") || c.listens(s.Pass) {
			continue
		}
		stray = append(stray, s.passAt.Errorf("\"pass\" to \"%s\" leads nowhere: "+
			"no server of the \"stream\" block listens there, and those of other blocks are not served", s.Pass))
	}
	return stray
}

// listens reports whether one of the servers has the address.
func (c *Config) listens(text string) bool {
	u, err := addr.Parse(text, addr.Options{NoResolve: true})
	if err != nil || len(u.Addrs) == 0 {
		return false
	}
	for _, a := range c.book.order {
		if !a.opt.UDP && leadsTo(u.Addrs[0], a.addr) {
			return true
		}
	}
	return false
}
