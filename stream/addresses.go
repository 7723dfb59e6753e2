package stream

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/gostream/gostream/internal/addr"
)

// addressBook collects the listening addresses of a configuration, in file
// order, and which servers share each.
type addressBook struct {
	byKey  map[addressKey]*address
	order  []*address
	chosen int // addresses whose port the kernel chooses
}

type addressKey struct {
	addr addr.Addr
	udp  bool
	any  int // tells apart those whose port the kernel chooses, which are never shared; else 0
}

// address is one address:port with the servers that listen on it.
type address struct {
	addr addr.Addr
	key  addressKey
	opt  Listen // the options in force; the protocol flags are the sum of all lines

	servers []*ServerConfig
	def     *ServerConfig // the default server

	hasDefault bool // def was named by default_server
	protocols  protocolHistory
}

// add enters the addresses of one listen line of a server. Warnings are for
// the log; an error refuses the configuration.
func (b *addressBook) add(srv *ServerConfig, l *Listen) (warnings []string, err error) {
	for _, a := range l.addrs {
		if b.byKey == nil {
			b.byKey = map[addressKey]*address{}
		}
		key := addressKey{addr: a, udp: l.UDP}
		if a.Port() == 0 && !a.IsUnix() {
			b.chosen++
			key.any = b.chosen
		}
		if known := b.byKey[key]; known != nil {
			warning, err := known.join(srv, l)
			if warning != "" {
				warnings = append(warnings, warning)
			}
			if err != nil {
				return warnings, err
			}
			continue
		}
		fresh := &address{addr: a, key: key, opt: *l, servers: []*ServerConfig{srv}, def: srv, hasDefault: l.Default}
		b.order = append(b.order, fresh)
		b.byKey[key] = fresh
	}
	return warnings, nil
}

// join adds a further server to a known address.
func (a *address) join(srv *ServerConfig, l *Listen) (warning string, err error) {
	// Servers come one after the other, so only the newest can be srv itself.
	if a.servers[len(a.servers)-1] == srv {
		return "", fmt.Errorf("a duplicate listen %s", a.addr)
	}
	a.servers = append(a.servers, srv)

	before := a.opt
	set := l.hasSocketOptions()
	if set {
		if before.hasSocketOptions() {
			return "", fmt.Errorf("duplicate listen options for %s", a.addr)
		}
		a.opt = *l
	}
	if l.Default {
		if a.hasDefault {
			return "", fmt.Errorf("a duplicate default server for %s", a.addr)
		}
		a.hasDefault, a.def = true, srv
	}
	if a.protocols.redefined(&before, l) {
		warning = fmt.Sprintf("protocol options redefined for %s", a.addr)
	}
	a.opt.ProxyProtocol = l.ProxyProtocol || before.ProxyProtocol
	a.opt.SSL = l.SSL || before.SSL
	return warning, nil
}

// protocolHistory follows ssl and proxy_protocol over the lines of one
// address, to warn when a later line silently changes an earlier server.
type protocolHistory struct {
	agreed       int  // the flags that the lines have settled on
	set, changed bool // agreed is known; it was not the same on all lines
}

func protocolFlags(l *Listen) int {
	flags := 0
	if l.ProxyProtocol {
		flags |= 1
	}
	if l.SSL {
		flags |= 2
	}
	return flags
}

// redefined takes the next line into account. A line with socket options is
// taken as the one that decides; others may only repeat it.
func (p *protocolHistory) redefined(before, l *Listen) (warn bool) {
	was, is := protocolFlags(before), protocolFlags(l)
	set := l.hasSocketOptions()
	differs := p.set && is != p.agreed
	switch {
	case was|is != was: // flags added
		warn = before.hasSocketOptions() && !set || p.changed || was|is != is
		p.agreed, p.changed = was, true
	case was|is != is: // flags removed
		warn = set || differs
		p.agreed, p.changed = is, true
	default:
		warn = set && p.changed || differs
		p.agreed = is
	}
	p.set = true
	return warn
}

// byPort lists the addresses in the order in which nginx looks at them: by port,
// and there those first that have a socket of their own, and a wildcard last.
func (b *addressBook) byPort() []*address {
	type port struct {
		number     uint16
		unix, ipv4 bool
		udp        bool
		any        int // the kernel chooses: each has one of its own
	}
	var order []port
	groups := map[port][]*address{}
	for _, a := range b.order {
		p := port{a.addr.Port(), a.addr.IsUnix(), a.addr.AddrPort().Addr().Is4(), a.opt.UDP, a.key.any}
		if groups[p] == nil {
			order = append(order, p)
		}
		groups[p] = append(groups[p], a)
	}
	rank := func(a *address) int {
		switch {
		case a.addr.IsWildcard():
			return 2
		case a.opt.hasSocketOptions():
			return 0
		}
		return 1
	}
	var all []*address
	for _, p := range order {
		slices.SortStableFunc(groups[p], func(a, b *address) int { return cmp.Compare(rank(a), rank(b)) })
		all = append(all, groups[p]...)
	}
	return all
}
