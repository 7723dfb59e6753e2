package upstream

// zone.go - ngx_stream_upstream_zone_module: zone, which names the shared memory
// of a group.
//
// Groups here are shared by all who use them anyway, so a zone is only checked.

import (
	"fmt"
	"os"

	"github.com/gostream/gostream/internal/conf"
)

var zoneTable = &conf.Table[Config]{
	Name: "stream_upstream_zone",
	Commands: []conf.Command[Config]{
		{Name: "zone", Syntax: "name [size]", In: conf.Upstream, Args: conf.Take(1, 2), Set: conf.Func(setZone)},
	},
}

// setZone takes the last zone of a group as the one in force, like nginx.
func setZone(c *Config, d *conf.Directive) error {
	name, size := d.Args[0], int64(0)
	if name == "" {
		return d.Errorf(`invalid zone name "%s"`, name)
	}
	if len(d.Args) == 2 {
		var ok bool
		if size, ok = conf.ParseSize(d.Args[1]); !ok {
			return d.Errorf(`invalid zone size "%s"`, d.Args[1])
		}
		if size < 8*int64(os.Getpagesize()) {
			return d.Errorf(`zone "%s" is too small`, name)
		}
	}
	c.Zone = name
	if c.zones == nil {
		return nil
	}
	if err := c.zones.Declare(name, size, "upstream"); err != nil {
		return d.Errorf("%s", err)
	}
	return nil
}

// Zones are the names of a configuration's shared memory zones. nginx has one
// namespace for the zones of all its directives. The zero value is empty.
type Zones struct {
	byName map[string]*zone
	order  []*zone
}

type zone struct {
	name, use string
	size      int64
}

// Declare notes a use of a zone. The same kind of use may share a zone, and give
// its size, in bytes, once or each time; 0 is not given.
func (z *Zones) Declare(name string, size int64, use string) error {
	known := z.byName[name]
	if known == nil {
		if z.byName == nil {
			z.byName = map[string]*zone{}
		}
		known = &zone{name, use, size}
		z.byName[name], z.order = known, append(z.order, known)
	}
	if known.use != use {
		return fmt.Errorf(`the shared memory zone "%s" is already declared for a different use`, name)
	}
	if known.size == 0 {
		known.size = size
	}
	if size != 0 && size != known.size {
		return fmt.Errorf(`the size %d of shared memory zone "%s" conflicts with already declared size %d`, size, name, known.size)
	}
	return nil
}

// Check finds zones whose size was nowhere given. It is called when the whole
// configuration is read.
func (z *Zones) Check() error {
	for _, zone := range z.order {
		if zone.size == 0 {
			return fmt.Errorf(`zero size shared memory zone "%s"`, zone.name)
		}
	}
	return nil
}
