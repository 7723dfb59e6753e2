package stream

// access.go - ngx_stream_access_module: allow, deny.

import (
	"net/netip"

	"github.com/gostream/gostream/internal/cidrtree"
	"github.com/gostream/gostream/internal/conf"
	"github.com/gostream/gostream/internal/errlog"
)

// AccessRule is one allow or deny line. The first rule that covers a client
// decides; a client that none covers is let in.
type AccessRule struct {
	Deny bool
	From string // an address, a network, "unix:" or "all"
}

var accessTable = &conf.Table[ServerConfig]{
	Name: "stream_access",
	Commands: []conf.Command[ServerConfig]{
		{Name: "allow", Syntax: "address | CIDR | unix: | all", In: inServers, Set: accessSlot(false)},
		{Name: "deny", Syntax: "address | CIDR | unix: | all", In: inServers, Set: accessSlot(true)},
	},
}

func accessSlot(deny bool) conf.Setter[ServerConfig] {
	return conf.List(func(c *ServerConfig) *[]AccessRule { return &c.Access }, func(d *conf.Directive) (AccessRule, error) {
		rule := AccessRule{Deny: deny, From: d.Args[0]}
		if rule.From == "all" || rule.From == "unix:" {
			return rule, nil
		}
		_, lowBits, err := cidrtree.ParseCIDR(rule.From)
		if err != nil {
			return rule, d.Errorf("invalid parameter \"%s\"", rule.From)
		}
		if lowBits {
			d.Warnf("low address bits of %s are meaningless", rule.From)
		}
		return rule, nil
	})
}

// accessRule is a compiled [AccessRule].
type accessRule struct {
	deny, all, unix bool
	net             netip.Prefix
}

func compileAccess(rules []AccessRule) (out []accessRule, err error) {
	for _, r := range rules {
		c := accessRule{deny: r.Deny, all: r.From == "all", unix: r.From == "unix:"}
		if !c.all && !c.unix {
			if c.net, _, err = cidrtree.ParseCIDR(r.From); err != nil {
				return nil, err
			}
		}
		out = append(out, c)
	}
	return out, nil
}

func (r *accessRule) covers(e endpoint) bool {
	if r.all || r.unix && e.unix {
		return true
	}
	return r.net.IsValid() && r.net.Contains(e.ip.Addr().Unmap())
}

// checkAccess refuses clients that the rules deny.
func (s *Session) checkAccess() Status {
	for i := range s.srv.access {
		rule := &s.srv.access[i]
		if !rule.covers(s.remote) {
			continue
		}
		if !rule.deny {
			return next
		}
		s.log(errlog.Error, "access forbidden by rule", nil)
		return statusForbidden
	}
	return next
}
