package stream

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/geoip/geoiptest"
)

// databases writes databases of countries, cities and organisations.
func databases(t *testing.T) (dir string) {
	dir = t.TempDir()
	entry := func(data []byte) geoiptest.Entry {
		return geoiptest.Entry{Net: netip.MustParsePrefix("10.0.0.0/8"), Data: data}
	}
	const usa = 225
	for name, data := range map[string][]byte{
		"country.dat": geoiptest.DAT(1, 3, entry([]byte{usa})),
		"city.dat": geoiptest.DAT(2, 3, entry(geoiptest.Place(usa, "CA", "S\xe3o Jos\xe9", "95112", 37.3425, -121.8892, 0x26, 0x51, 0x0c)),
			geoiptest.Entry{Net: netip.MustParsePrefix("11.0.0.0/8"), Data: geoiptest.Place(0, "", "", "", 0, -0.00001)}),
		"org.dat": geoiptest.DAT(5, 4, entry([]byte("Org\x00"))),
		"city.mmdb": geoiptest.MMDB("GeoLite2-City", geoiptest.Entry{Net: netip.MustParsePrefix("10.0.0.0/8"), Record: map[string]any{
			"country":  map[string]any{"iso_code": "DE", "names": map[string]any{"en": "Germany"}},
			"location": map[string]any{"latitude": 48.13741},
		}}),
		"asn.mmdb": geoiptest.MMDB("GeoLite2-ASN", geoiptest.Entry{Net: netip.MustParsePrefix("10.0.0.0/8"), Record: map[string]any{
			"autonomous_system_number": uint32(64496), "autonomous_system_organization": "Example",
		}}),
		"other.mmdb": geoiptest.MMDB("GeoIP2-Anonymous-IP", geoiptest.Entry{Net: netip.MustParsePrefix("10.0.0.0/8"), Record: map[string]any{}}),
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
	}
	return dir
}

func replaceDir(text, dir string) string { return strings.ReplaceAll(text, "DIR", dir) }

const allGeoIP = "$geoip_country_code|$geoip_country_code3|$geoip_country_name|$geoip_org|" +
	"$geoip_city_continent_code|$geoip_city_country_code|$geoip_city_country_code3|$geoip_city_country_name|" +
	"$geoip_region|$geoip_region_name|$geoip_city|$geoip_postal_code|$geoip_latitude|$geoip_longitude|$geoip_dma_code|$geoip_area_code"

func TestGeoIPVariables(t *testing.T) {
	dir := databases(t)
	for _, tt := range []struct{ conf, addr, want string }{
		{"", "10.0.0.1", "|||||||||||||||"},
		{"geoip_country DIR/country.dat; geoip_city DIR/city.dat utf8; geoip_org DIR/org.dat;", "10.0.0.1",
			"US|USA|United States|Org|NA|US|USA|United States|CA|California|São José|95112|37.3425|-121.8892|807|206"},
		{"geoip_city DIR/city.dat;", "10.0.0.1", "||||NA|US|USA|United States|CA|California|S\xe3o Jos\xe9|95112|37.3425|-121.8892|807|206"},
		{"geoip_city DIR/city.dat;", "11.0.0.1", "||||--|--|--||||||0.0000|0.0000|0|0"},
		{"geoip_city DIR/city.dat; geoip_country DIR/country.dat;", "12.0.0.1", "|||||||||||||||"},
		{"geoip_country DIR/city.mmdb; geoip_city DIR/city.mmdb utf8; geoip_org DIR/asn.mmdb;", "10.0.0.1",
			"DE|DEU|Germany|AS64496 Example|EU|DE|DEU|Germany|||||48.1374|0.0000|0|0"},
	} {
		g := compiled(t, replaceDir(tt.conf, dir))
		assert.Equal(t, tt.want, at(g, tt.addr).text(t, allGeoIP), "%s: %s", tt.addr, tt.conf)
	}
}

func TestGeoIPRefusesOtherKinds(t *testing.T) {
	dir := databases(t)
	for _, tt := range []struct{ conf, want string }{
		{"geoip_country DIR/city.dat;", `invalid GeoIP database "DIR/city.dat" type:2`},
		{"geoip_city DIR/country.dat;", `invalid GeoIP City database "DIR/country.dat" type:1`},
		{"geoip_org DIR/country.dat;", `invalid GeoIP database "DIR/country.dat" type:1`},
		{"geoip_org DIR/other.mmdb;", `invalid GeoIP database "DIR/other.mmdb" type:GeoIP2-Anonymous-IP`},
		{"geoip_city DIR/asn.mmdb;", `invalid GeoIP City database "DIR/asn.mmdb" type:GeoLite2-ASN`},
		{"geoip_org DIR/org.dat utf9;", `invalid parameter "utf9"`},
		{"geoip_org DIR/org.dat; geoip_org DIR/org.dat;", `"geoip_org" directive is duplicate`},
	} {
		_, f := compileText(dir+"/conf", "stream { "+replaceDir(tt.conf, dir)+" }")
		assert.Equal(t, []string{"[emerg] " + replaceDir(tt.want, dir) + " in " + dir + "/conf:1"}, f.log, tt.conf)
	}
}

func TestGeoIPByHand(t *testing.T) {
	dir, text := databases(t), "x"
	cfg := &Config{Servers: []*ServerConfig{{Listen: []Listen{{Address: "unix:/none/x.sock"}}, Return: &text}}}
	cfg.GeoIP.Org.Path = dir + "/org.dat"
	g, err := compileConfig(cfg, nil)
	require.NoError(t, err)
	assert.Equal(t, "Org", at(g, "10.0.0.1").text(t, "$geoip_org"))

	cfg.GeoIP.Country.Path = dir + "/org.dat"
	_, err = compileConfig(cfg, nil)
	assert.EqualError(t, err, `invalid GeoIP database "`+dir+`/org.dat" type:5`)
	cfg.GeoIP.Country.Path = dir + "/none"
	_, err = compileConfig(cfg, nil)
	assert.ErrorIs(t, err, os.ErrNotExist)
}

func TestAppendDegrees(t *testing.T) {
	for _, degrees := range []float32{0, 55.7543, -121.8892, 180, -180, 0.00004, 0.00006, -0.99996, 37.99995} {
		assert.InDelta(t, degrees, parseFloat(t, string(appendDegrees(nil, degrees))), 0.00006)
	}
	assert.Equal(t, "-0.0000", string(appendDegrees(nil, -0.00001)), "as nginx writes it")
	assert.Equal(t, "-1.0000", string(appendDegrees(nil, -0.99996)))
}

func parseFloat(t *testing.T, text string) (f float64) {
	_, err := fmt.Sscanf(text, "%f", &f)
	require.NoError(t, err)
	require.Regexp(t, `^-?\d+\.\d{4}$`, text)
	return f
}
