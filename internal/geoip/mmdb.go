package geoip

import (
	"cmp"
	"net/netip"
	"strconv"
	"strings"

	"github.com/oschwald/maxminddb-golang/v2"
)

// mmdb is a database of the newer format.
type mmdb struct{ reader *maxminddb.Reader }

func parseMMDB(data []byte) (*DB, error) {
	r, err := maxminddb.OpenBytes(data)
	if err != nil {
		return nil, errCorrupt
	}
	typ := r.Metadata.DatabaseType
	return &DB{format: mmdb{r}, kind: mmdbKind(typ), typ: typ}, nil
}

// mmdbKind goes by the names of the usual types: GeoLite2-City, GeoIP2-ISP,
// DBIP-Country-Lite.
func mmdbKind(typ string) Kind {
	for _, known := range []struct {
		word string
		kind Kind
	}{
		{"City", City}, {"Enterprise", City}, {"Insights", City}, {"Country", Country},
		{"ISP", Org}, {"ASN", Org}, {"Domain", Org}, {"Org", Org},
	} {
		if strings.Contains(typ, known.word) {
			return known.kind
		}
	}
	return Other
}

// names are those of a thing by language.
type names struct {
	EN string `maxminddb:"en"`
}

// coded is a thing that has a code and names.
type coded struct {
	Code  string `maxminddb:"iso_code"`
	Names names  `maxminddb:"names"`
}

// mmdbPlace is what is of interest in a database of countries or cities.
type mmdbPlace struct {
	Continent struct {
		Code string `maxminddb:"code"`
	} `maxminddb:"continent"`
	Country    coded `maxminddb:"country"`
	Registered coded `maxminddb:"registered_country"`
	City       struct {
		Names names `maxminddb:"names"`
	} `maxminddb:"city"`
	Location struct {
		Latitude  float64 `maxminddb:"latitude"`
		Longitude float64 `maxminddb:"longitude"`
		MetroCode uint    `maxminddb:"metro_code"`
	} `maxminddb:"location"`
	Postal struct {
		Code string `maxminddb:"code"`
	} `maxminddb:"postal"`
	Subdivisions []coded `maxminddb:"subdivisions"`
}

func (m mmdb) place(a netip.Addr) (p Place, ok bool) {
	var v mmdbPlace
	if !m.decode(a, &v) {
		return p, false
	}
	country := v.Country
	if country.Code == "" {
		country = v.Registered
	}
	// The format has no three-letter codes.
	known := countryByCode()[country.Code]
	p = Place{
		CountryInfo: CountryInfo{
			Code: country.Code, Code3: known.Code3,
			Continent: cmp.Or(v.Continent.Code, known.Continent), Name: cmp.Or(country.Names.EN, known.Name),
		},
		City: v.City.Names.EN, PostalCode: v.Postal.Code,
		Latitude: float32(v.Location.Latitude), Longitude: float32(v.Location.Longitude), DMACode: int(v.Location.MetroCode),
	}
	if len(v.Subdivisions) > 0 {
		p.Region, p.RegionName = v.Subdivisions[0].Code, v.Subdivisions[0].Names.EN
	}
	return p, true
}

// mmdbOrg is what is of interest in a database of organisations.
type mmdbOrg struct {
	Organization string `maxminddb:"organization"`
	ISP          string `maxminddb:"isp"`
	Domain       string `maxminddb:"domain"`
	ASNumber     uint   `maxminddb:"autonomous_system_number"`
	ASName       string `maxminddb:"autonomous_system_organization"`
}

// org prefers names to domains, and these to autonomous systems, which it writes
// like legacy databases: "AS64496 Example".
func (m mmdb) org(a netip.Addr) string {
	var v mmdbOrg
	if !m.decode(a, &v) {
		return ""
	}
	system := ""
	if v.ASNumber != 0 {
		system = strings.TrimSpace("AS" + strconv.FormatUint(uint64(v.ASNumber), 10) + " " + v.ASName)
	}
	return cmp.Or(v.Organization, v.ISP, v.Domain, system)
}

// decode looks an address up. Records that are not as expected count as unknown.
func (m mmdb) decode(a netip.Addr, v any) bool {
	if !a.IsValid() {
		return false
	}
	found := m.reader.Lookup(a.Unmap().WithZone(""))
	return found.Found() && found.Decode(v) == nil
}
