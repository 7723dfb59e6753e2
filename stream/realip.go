package stream

// realip.go - ngx_stream_realip_module: set_real_ip_from, $realip_remote_addr,
// $realip_remote_port.

import (
	"net/netip"

	"github.com/gostream/gostream/internal/addr"
	"github.com/gostream/gostream/internal/cidrtree"
	"github.com/gostream/gostream/internal/conf"
)

var realipTable = &conf.Table[ServerConfig]{
	Name: "stream_realip",
	Commands: []conf.Command[ServerConfig]{
		{Name: "set_real_ip_from", Syntax: "address | CIDR | hostname | unix:", In: inServers, Set: conf.List(
			func(c *ServerConfig) *[]string { return &c.RealIP }, realipSource)},
	},
}

func realipSource(d *conf.Directive) (string, error) {
	from := d.Args[0]
	_, lowBits, err := compileRealIP(from)
	if err != nil {
		return "", d.Errorf("host not found in set_real_ip_from \"%s\"", from)
	}
	if lowBits {
		d.Warnf("low address bits of %s are meaningless", from)
	}
	return from, nil
}

var realipVariables = []variable{
	{Name: "realip_remote_addr", Get: addressVariable((*Session).peer, endpoint.appendHost)},
	{Name: "realip_remote_port", Get: addressVariable((*Session).peer, endpoint.appendPort)},
}

// trusted is a compiled source of set_real_ip_from.
type trusted struct {
	unix bool
	nets []netip.Prefix
}

// compileRealIP resolves one source: a host name stands for all its addresses.
func compileRealIP(from string) (t trusted, lowBits bool, err error) {
	if from == "unix:" {
		return trusted{unix: true}, false, nil
	}
	if p, low, err := cidrtree.ParseCIDR(from); err == nil {
		return trusted{nets: []netip.Prefix{p}}, low, nil
	}
	addrs, err := addr.Lookup(from)
	if err != nil {
		return t, false, err
	}
	for _, a := range addrs {
		a = a.Unmap()
		t.nets = append(t.nets, netip.PrefixFrom(a, a.BitLen()))
	}
	return t, false, nil
}

func (t *trusted) covers(e endpoint) bool {
	if e.unix {
		return t.unix
	}
	a := e.ip.Addr().Unmap()
	for _, p := range t.nets {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// replaceAddress takes the client address from the PROXY header, if the peer
// that sent it is trusted to tell.
func (s *Session) replaceAddress() {
	if s.proxyHeader == nil || len(s.srv.realip) == 0 {
		return
	}
	source := s.proxyHeader.Source.AddrPort()
	if !source.IsValid() {
		return
	}
	for i := range s.srv.realip {
		if s.srv.realip[i].covers(s.remote) {
			s.original, s.replaced = s.remote, true
			s.remote = endpoint{ip: source}
			return
		}
	}
}

// peer is the socket's peer, whatever a PROXY header said.
func (s *Session) peer() endpoint {
	if s.replaced {
		return s.original
	}
	return s.remote
}
