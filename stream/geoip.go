package stream

// geoip.go - ngx_stream_geoip_module: geoip_country, geoip_city, geoip_org,
// $geoip_*. Besides the legacy databases, which is all that nginx reads, the
// directives take .mmdb files.

import (
	"fmt"
	"net/netip"
	"strconv"

	"github.com/gostream/gostream/internal/conf"
	"github.com/gostream/gostream/internal/geoip"
)

// GeoIPConfig names the databases behind the $geoip_* variables. A variable
// whose database is not given has no value.
type GeoIPConfig struct {
	Country GeoIPFile
	City    GeoIPFile
	Org     GeoIPFile // organisations, providers, domains or autonomous systems
}

// GeoIPFile is a database in a file: a legacy one (.dat) or an .mmdb file.
type GeoIPFile struct {
	Path string // relative to the working directory; empty: none
	UTF8 bool   // names of a legacy database in UTF-8, not in ISO 8859-1

	db *geoip.DB
}

var geoipTable = &conf.Table[Config]{
	Name: "stream_geoip",
	Commands: []conf.Command[Config]{
		{Name: "geoip_country", Syntax: "file [utf8]", In: conf.Stream, Args: conf.Take(1, 2),
			Set: geoipSlot(func(c *GeoIPConfig) *GeoIPFile { return &c.Country }, geoip.Country)},
		{Name: "geoip_org", Syntax: "file [utf8]", In: conf.Stream, Args: conf.Take(1, 2),
			Set: geoipSlot(func(c *GeoIPConfig) *GeoIPFile { return &c.Org }, geoip.Org)},
		{Name: "geoip_city", Syntax: "file [utf8]", In: conf.Stream, Args: conf.Take(1, 2),
			Set: geoipSlot(func(c *GeoIPConfig) *GeoIPFile { return &c.City }, geoip.City)},
	},
}

func geoipSlot(field func(*GeoIPConfig) *GeoIPFile, kind geoip.Kind) conf.Setter[Config] {
	return conf.Func(func(c *Config, d *conf.Directive) error {
		f := field(&c.GeoIP)
		if f.db != nil {
			return d.Duplicate()
		}
		f.Path = d.Args[0]
		f.UTF8 = len(d.Args) == 2 && d.Args[1] == "utf8"
		var err error
		if f.db, err = geoip.Open(f.Path, f.UTF8); err != nil {
			d.Env().Report("", err.Error()) // what libGeoIP prints
			return d.Errorf("GeoIP_open(\"%s\") failed", f.Path)
		}
		if len(d.Args) == 2 && !f.UTF8 {
			return d.Errorf("invalid parameter \"%s\"", d.Args[1])
		}
		if err := f.check(kind); err != nil {
			return d.Errorf("%s", err)
		}
		return nil
	})
}

// check refuses a database of another kind.
func (f *GeoIPFile) check(kind geoip.Kind) error {
	what := "GeoIP database"
	if kind == geoip.City {
		what = "GeoIP City database"
	}
	if !f.db.Serves(kind) {
		return fmt.Errorf("invalid %s \"%s\" type:%s", what, f.Path, f.db.Type())
	}
	return nil
}

// open opens what is not open yet: the files of a Config filled by hand.
func (c *GeoIPConfig) open() error {
	for _, need := range []struct {
		file *GeoIPFile
		kind geoip.Kind
	}{{&c.Country, geoip.Country}, {&c.City, geoip.City}, {&c.Org, geoip.Org}} {
		f := need.file
		if f.db != nil || f.Path == "" {
			continue
		}
		var err error
		if f.db, err = geoip.Open(f.Path, f.UTF8); err != nil {
			return err
		}
		if err := f.check(need.kind); err != nil {
			return err
		}
	}
	return nil
}

var geoipVariables = []variable{
	{Name: "geoip_country_code", Get: geoipCountry(func(p *geoip.Place) string { return p.Code })},
	{Name: "geoip_country_code3", Get: geoipCountry(func(p *geoip.Place) string { return p.Code3 })},
	{Name: "geoip_country_name", Get: geoipCountry(func(p *geoip.Place) string { return p.Name })},
	{Name: "geoip_org", Get: func(s *Session, b []byte) ([]byte, bool) {
		db := s.gen.geoip.Org.db
		if db == nil {
			return b, false
		}
		org := db.Org(s.geoipAddr())
		return append(b, org...), org != ""
	}},
	{Name: "geoip_city_continent_code", Get: geoipCity(func(p *geoip.Place) string { return p.Continent })},
	{Name: "geoip_city_country_code", Get: geoipCity(func(p *geoip.Place) string { return p.Code })},
	{Name: "geoip_city_country_code3", Get: geoipCity(func(p *geoip.Place) string { return p.Code3 })},
	{Name: "geoip_city_country_name", Get: geoipCity(func(p *geoip.Place) string { return p.Name })},
	{Name: "geoip_region", Get: geoipCity(func(p *geoip.Place) string { return p.Region })},
	{Name: "geoip_region_name", Get: geoipCity(func(p *geoip.Place) string { return p.RegionName })},
	{Name: "geoip_city", Get: geoipCity(func(p *geoip.Place) string { return p.City })},
	{Name: "geoip_postal_code", Get: geoipCity(func(p *geoip.Place) string { return p.PostalCode })},
	{Name: "geoip_latitude", Get: geoipNumber(func(p *geoip.Place, b []byte) []byte { return appendDegrees(b, p.Latitude) })},
	{Name: "geoip_longitude", Get: geoipNumber(func(p *geoip.Place, b []byte) []byte { return appendDegrees(b, p.Longitude) })},
	{Name: "geoip_dma_code", Get: geoipNumber(func(p *geoip.Place, b []byte) []byte { return strconv.AppendInt(b, int64(p.DMACode), 10) })},
	{Name: "geoip_area_code", Get: geoipNumber(func(p *geoip.Place, b []byte) []byte { return strconv.AppendInt(b, int64(p.AreaCode), 10) })},
}

// geoipAddr is the address to look up, the zero Addr for unix sockets.
func (s *Session) geoipAddr() netip.Addr { return s.remote.ip.Addr() }

// geoipPlace looks the client up in one of the databases.
func (s *Session) geoipPlace(f *GeoIPFile) (geoip.Place, bool) {
	if f.db == nil {
		return geoip.Place{}, false
	}
	return f.db.Place(s.geoipAddr())
}

func geoipCountry(text func(*geoip.Place) string) getter {
	return func(s *Session, b []byte) ([]byte, bool) {
		p, _ := s.geoipPlace(&s.gen.geoip.Country)
		return append(b, text(&p)...), text(&p) != ""
	}
}

func geoipCity(text func(*geoip.Place) string) getter {
	return func(s *Session, b []byte) ([]byte, bool) {
		p, _ := s.geoipPlace(&s.gen.geoip.City)
		return append(b, text(&p)...), text(&p) != ""
	}
}

// geoipNumber is never without a value for a place that is known.
func geoipNumber(number func(p *geoip.Place, b []byte) []byte) getter {
	return func(s *Session, b []byte) ([]byte, bool) {
		p, found := s.geoipPlace(&s.gen.geoip.City)
		if !found {
			return b, false
		}
		return number(&p, b), true
	}
}

// appendDegrees writes four decimals, rounded half up as nginx does.
func appendDegrees(b []byte, degrees float32) []byte {
	const scale = 10000
	f := float64(degrees)
	if f < 0 {
		b, f = append(b, '-'), -f
	}
	whole := int64(f)
	fraction := int64((f-float64(whole))*scale + 0.5)
	if fraction == scale {
		whole, fraction = whole+1, 0
	}
	b = append(strconv.AppendInt(b, whole, 10), '.')
	return append(b, byte('0'+fraction/1000), byte('0'+fraction/100%10), byte('0'+fraction/10%10), byte('0'+fraction%10))
}
