package geoip

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/gostream/gostream/internal/geoip/geoiptest"
)

type object = map[string]any

func record(network string, r any) geoiptest.Entry {
	return geoiptest.Entry{Net: netip.MustParsePrefix(network), Record: r}
}

func name(en string) object { return object{"en": en} }

func TestMMDBCities(t *testing.T) {
	db := parsed(t, geoiptest.MMDB("GeoLite2-City",
		record("10.0.0.0/8", object{
			"continent": object{"code": "EU", "names": name("Europe")}, "country": object{"iso_code": "DE", "names": name("Germany")},
			"city": object{"names": name("München")}, "postal": object{"code": "80331"},
			"location":     object{"latitude": 48.1374, "longitude": 11.5755, "metro_code": uint16(0), "time_zone": "Europe/Berlin"},
			"subdivisions": []any{object{"iso_code": "BY", "names": name("Bavaria")}, object{"iso_code": "X"}},
		}),
		record("2001:db8::/32", object{"registered_country": object{"iso_code": "US"}, "location": object{"metro_code": uint16(807)}}),
		record("11.0.0.0/8", object{"city": "not what it should be"}),
	), false)
	assert.True(t, db.Serves(City))
	assert.True(t, db.Serves(Country))
	assert.Equal(t, "GeoLite2-City", db.Type())
	munich := Place{CountryInfo{"DE", "DEU", "EU", "Germany"}, "BY", "Bavaria", "München", "80331", 48.1374, 11.5755, 0, 0}
	for a, want := range map[string]Place{
		"10.1.2.3": munich, "::ffff:10.1.2.3": munich, "9.1.2.3": {}, "": {}, "11.0.0.1": {},
		"2001:db8::1": {CountryInfo: CountryInfo{"US", "USA", "NA", "United States"}, DMACode: 807},
	} {
		got, ok := db.Place(addr(a))
		assert.Equal(t, want, got, a)
		assert.Equal(t, want != Place{}, ok, a)
	}
}

func TestMMDBOrganisations(t *testing.T) {
	db := parsed(t, geoiptest.MMDB("DBIP-ASN-Lite",
		record("10.0.0.0/8", object{"autonomous_system_number": uint32(64496), "autonomous_system_organization": "Example"}),
		record("11.0.0.0/8", object{"autonomous_system_number": uint32(64497)}),
		record("12.0.0.0/8", object{"isp": "Provider", "organization": "Owner", "autonomous_system_number": uint32(1)}),
		record("13.0.0.0/8", object{"isp": "Provider"}),
		record("14.0.0.0/8", object{"domain": "example.com"}),
	), false)
	assert.True(t, db.Serves(Org))
	for a, want := range map[string]string{
		"10.0.0.1": "AS64496 Example", "11.0.0.1": "AS64497", "12.0.0.1": "Owner", "13.0.0.1": "Provider", "14.0.0.1": "example.com", "15.0.0.1": "",
	} {
		assert.Equal(t, want, db.Org(addr(a)), a)
	}
}

func TestMMDBKinds(t *testing.T) {
	for typ, kind := range map[string]Kind{
		"GeoIP2-Country": Country, "GeoIP2-City-Europe": City, "GeoIP2-Enterprise": City, "GeoIP2-ISP": Org, "GeoIP2-Domain": Org,
		"GeoLite2-ASN": Org, "GeoIP2-Anonymous-IP": Other,
	} {
		db := parsed(t, geoiptest.MMDB(typ, record("10.0.0.0/8", object{})), false)
		assert.True(t, db.Serves(kind), typ)
	}
	_, err := Parse([]byte("x\xab\xcd\xefMaxMind.com"), false)
	assert.Error(t, err)
}
