package stream

// geo.go - ngx_stream_geo_module: geo.
//
// nginx also writes large tables of ranges to FILE.bin beside an included FILE,
// and loads that the next time since it is faster. These hold nothing that is
// not in the text, which is what is read here.

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/gostream/gostream/internal/cidrtree"
	"github.com/gostream/gostream/internal/conf"
	"github.com/gostream/gostream/internal/vars"
)

// GeoConfig is one geo block: a variable whose value depends on an address.
type GeoConfig struct {
	Source   string // the variable with the address, without "$"; empty: the client's address
	Variable string // the name defined, without "$"

	// Entries say which value belongs to which addresses: of the networks
	// around an address, the smallest counts. Later entries replace earlier
	// ones for the same network.
	Entries []GeoEntry

	Ranges   bool // entries are ranges of IPv4 addresses, not networks
	Volatile bool // the value is looked up at each use, not once per session

	table geoTable // Entries, when they came from a file
	order int      // among the blocks of a file that define variables
}

// GeoEntry is a line of a geo block.
type GeoEntry struct {
	// Network is an address, a network or, with Ranges, "1.2.3.4-1.2.3.9".
	// "default" is all addresses.
	Network string
	Value   string // plain text
	Delete  bool   // take the network out of what came before; there is no Value
}

var geoTableRows = &conf.Table[Config]{
	Name: "stream_geo",
	Commands: []conf.Command[Config]{
		{Name: "geo", Syntax: "[$address] $variable { ... }", In: conf.Stream, Args: conf.Take(1, 2), Block: true, Set: conf.Func(addGeo)},
	},
}

func addGeo(c *Config, d *conf.Directive) error {
	geo := &GeoConfig{order: c.nextOrder()}
	args := d.Args
	if len(args) == 2 {
		name, ok := strings.CutPrefix(args[0], "$")
		if !ok || name == "" {
			return d.Errorf("invalid variable name \"%s\"", args[0])
		}
		d.Uses(strings.ToLower(name))
		geo.Source, args = name, args[1:]
	}
	var err error
	if geo.Variable, err = c.newVariable(d, args[0]); err != nil {
		return err
	}
	for e, err := range d.Entries() {
		if err != nil {
			return err
		}
		if err := geo.line(e); err != nil {
			return err
		}
	}
	c.Geos = append(c.Geos, geo)
	return nil
}

// line takes one line of a geo block.
func (c *GeoConfig) line(e *conf.Directive) error {
	switch {
	case len(e.Args) == 0 && e.Name == "ranges":
		if _, networks := c.table.(*geoNetworks); networks {
			return e.Errorf("the \"ranges\" directive must be the first directive inside \"geo\" block")
		}
		c.Ranges = true
		return nil
	case len(e.Args) == 0 && e.Name == "volatile":
		c.Volatile = true
		return nil
	case len(e.Args) != 1:
		return e.Errorf("invalid number of the geo parameters")
	}
	entry := GeoEntry{Network: e.Name, Value: e.Args[0]}
	if e.Name == "delete" {
		entry = GeoEntry{Network: e.Args[0], Delete: true}
	}
	c.Entries = append(c.Entries, entry)
	if c.table == nil {
		c.table = newGeoTable(c.Ranges)
	}
	if err := c.table.add(entry, e.Warnf); err != nil {
		return e.Errorf("%s", err)
	}
	return nil
}

// geoTable is the lookup table of a geo block.
type geoTable interface {
	// add enters a line. Errors and warnings are nginx's.
	add(e GeoEntry, warnf func(format string, args ...any)) error

	// build returns the finished table, which does not change any more.
	build() geoLookup
}

// geoLookup finds the value for an address, the empty text if there is none.
type geoLookup func(netip.Addr) string

func newGeoTable(ranges bool) geoTable {
	if ranges {
		return &geoRanges{}
	}
	return &geoNetworks{}
}

// geoNetworks are the entries of a block without "ranges".
type geoNetworks struct {
	nets    cidrtree.Builder[string]
	emptied map[netip.Prefix]bool // networks of grownBits in which one has been deleted
}

// grownBits is the depth to which nginx's trees are grown before they have a
// network.
const grownBits = 6

// noAddress is looked up in place of an address that is not there or makes no
// sense, such as a unix socket's.
var noAddress = netip.AddrFrom4([4]byte{255, 255, 255, 255})

var allAddresses = [2]netip.Prefix{
	netip.PrefixFrom(netip.IPv4Unspecified(), 0), netip.PrefixFrom(netip.IPv6Unspecified(), 0),
}

func (t *geoNetworks) add(e GeoEntry, warnf func(string, ...any)) error {
	if e.Network == "default" && !e.Delete {
		for _, p := range allAddresses {
			t.set(p, e, warnf)
		}
		return nil
	}
	p := netip.PrefixFrom(noAddress, 32)
	if e.Network != "255.255.255.255" { // which is no address to ParseCIDR
		var lowBits bool
		var err error
		if p, lowBits, err = cidrtree.ParseCIDR(e.Network); err != nil {
			return fmt.Errorf("invalid network \"%s\"", e.Network)
		}
		if lowBits {
			warnf("low address bits of %s are meaningless", e.Network)
		}
	}
	if !e.Delete {
		t.set(p, e, warnf)
	} else if !t.delete(p) {
		warnf("no network \"%s\" to delete", e.Network)
	}
	return nil
}

// delete takes a network out and reports whether nginx would find it: what its
// tree was grown to at first, and nothing has been put under, it takes for a
// network, once.
func (t *geoNetworks) delete(p netip.Prefix) bool {
	around := netip.PrefixFrom(p.Addr(), grownBits).Masked()
	found := t.nets.Delete(p) || p.Bits() == grownBits && !t.emptied[around] && !t.nets.Within(around)
	if found && p.Bits() >= grownBits {
		if t.emptied == nil {
			t.emptied = map[netip.Prefix]bool{}
		}
		t.emptied[around] = true
	}
	return found
}

func (t *geoNetworks) set(p netip.Prefix, e GeoEntry, warnf func(string, ...any)) {
	if old, replaced := t.nets.Set(p, e.Value); replaced {
		warnf("duplicate network \"%s\", value: \"%s\", old value: \"%s\"", e.Network, e.Value, old)
	}
}

func (t *geoNetworks) build() geoLookup {
	table := t.nets.Build()
	return func(a netip.Addr) string {
		value, _ := table.Lookup(a)
		return value
	}
}

// geoRanges are the entries of a block with "ranges".
type geoRanges struct {
	ranges   cidrtree.RangeBuilder[string]
	fallback *string // of "default"
}

func (t *geoRanges) add(e GeoEntry, warnf func(string, ...any)) error {
	if e.Network == "default" && !e.Delete {
		if t.fallback != nil {
			warnf("duplicate default geo range value: \"%s\", old value: \"%s\"", e.Value, *t.fallback)
		}
		t.fallback = &e.Value
		return nil
	}
	first, last, _ := strings.Cut(e.Network, "-")
	r, ok := cidrtree.ParseRange(first, last)
	if !ok {
		return fmt.Errorf("invalid range \"%s\"", e.Network)
	}
	if e.Delete {
		if !t.ranges.Delete(r) {
			warnf("no address range \"%s\" to delete", e.Network)
		}
		return nil
	}
	replaced, err := t.ranges.Add(r, e.Value)
	for _, old := range replaced {
		warnf("duplicate range \"%s\", value: \"%s\", old value: \"%s\"", e.Network, e.Value, old)
	}
	if err != nil {
		return fmt.Errorf("range \"%s\" %w", e.Network, err)
	}
	return nil
}

func (t *geoRanges) build() geoLookup {
	table, fallback := t.ranges.Build(), ""
	if t.fallback != nil {
		fallback = *t.fallback
	}
	return func(a netip.Addr) string {
		if !a.Is4() && !a.Is4In6() {
			a = noAddress
		}
		if value, found := table.Lookup(a); found {
			return value
		}
		return fallback
	}
}

// lookup returns the finished table, which it makes for blocks filled by hand.
func (c *GeoConfig) lookup() (geoLookup, error) {
	t := c.table
	if t == nil {
		t = newGeoTable(c.Ranges)
		for _, e := range c.Entries {
			if err := t.add(e, func(string, ...any) {}); err != nil {
				return nil, err
			}
		}
	}
	return t.build(), nil
}

func (c *GeoConfig) place() int { return c.order }

// declare defines the variable; the one with the address is bound later.
func (c *GeoConfig) declare(g *generation) (bind func() error, err error) {
	find, err := c.lookup()
	if err != nil {
		return nil, err
	}
	geo := &geoVariable{find: find}
	get := geo.ofClient
	if c.Source != "" {
		get = geo.ofSource
	}
	get = g.cached(c.Variable, get, c.Volatile)
	if err := g.vars.Add(variable{Name: c.Variable, Get: get, Changeable: true}); err != nil {
		return nil, err
	}
	return func() error {
		if c.Source == "" {
			return nil
		}
		v := g.vars.Lookup(c.Source)
		if v == nil {
			return g.lacks(&vars.UnknownError{Name: strings.ToLower(c.Source)})
		}
		geo.source = v.Get
		return nil
	}, nil
}

// geoVariable is the variable of a geo block at work.
type geoVariable struct {
	source getter
	find   geoLookup
}

func (v *geoVariable) ofClient(s *Session, b []byte) ([]byte, bool) {
	a := noAddress
	if s.remote.isIP() {
		a = s.remote.ip.Addr()
	}
	return append(b, v.find(a)...), true
}

func (v *geoVariable) ofSource(s *Session, b []byte) ([]byte, bool) {
	from := len(b)
	b, _ = v.source(s, b)
	a, ok := cidrtree.ParseAddr(string(b[from:]))
	if !ok {
		a = noAddress
	}
	return append(b[:from], v.find(a)...), true
}
