package geoip

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/geoip/geoiptest"
)

// addr makes an address; the empty text is a client without one.
func addr(text string) netip.Addr {
	if text == "" {
		return netip.Addr{}
	}
	return netip.MustParseAddr(text)
}

func entry(network string, data []byte) geoiptest.Entry {
	return geoiptest.Entry{Net: netip.MustParsePrefix(network), Data: data}
}

func parsed(t *testing.T, data []byte, utf8 bool) *DB {
	t.Helper()
	db, err := Parse(data, utf8)
	require.NoError(t, err)
	return db
}

// Numbers of countries in legacy databases.
const (
	noCountry = 0
	canada    = 38
	curacao   = 10
	germany   = 56
	usa       = 225
)

func TestCountries(t *testing.T) {
	entries := []geoiptest.Entry{
		entry("10.0.0.0/8", []byte{germany}), entry("11.1.2.3/32", []byte{curacao}),
		entry("12.0.0.0/8", []byte{noCountry}), entry("255.255.255.255/32", []byte{usa}),
	}
	for _, utf8 := range []bool{false, true} {
		db := parsed(t, geoiptest.DAT(editionCountry, 3, entries...), utf8)
		assert.True(t, db.Serves(Country))
		assert.False(t, db.Serves(City))
		for a, want := range map[string]string{
			"10.1.2.3": "DE", "::ffff:10.1.2.3": "DE", "11.1.2.3": "CW", "11.1.2.4": "", "12.1.1.1": "",
			"2001:db8::1": "US", "": "US", // stand in for by 255.255.255.255
		} {
			p, ok := db.Place(addr(a))
			assert.Equal(t, want, p.Code, a)
			assert.Equal(t, want != "", ok, a)
		}
		p, _ := db.Place(addr("11.1.2.3"))
		assert.Equal(t, CountryInfo{"CW", "CUW", "NA", map[bool]string{false: "Curacao", true: "Curaçao"}[utf8]}, p.CountryInfo)
	}
}

func TestCountriesV6(t *testing.T) {
	db := parsed(t, geoiptest.DAT(editionCountryV6, 3, entry("2001:db8::/32", []byte{germany}), entry("10.0.0.0/8", []byte{canada})), false)
	for a, want := range map[string]string{"2001:db8::1": "DE", "2001:db9::1": "", "10.1.2.3": "CA", "::ffff:10.1.2.3": "CA", "11.1.2.3": "", "": ""} {
		p, _ := db.Place(addr(a))
		assert.Equal(t, want, p.Code, a)
	}
}

func TestCities(t *testing.T) {
	entries := []geoiptest.Entry{
		entry("10.0.0.0/8", geoiptest.Place(usa, "CA", "S\xe3o Jos\xe9", "95112", 37.3425, -121.8892, 0x26, 0x51, 0x0c)), // 807206
		entry("11.0.0.0/8", geoiptest.Place(germany, "16", "Berlin", "", 52.5, 13.4)),
		entry("12.0.0.0/8", geoiptest.Place(noCountry, "", "", "", -90, 180)),
		entry("13.0.0.0/8", geoiptest.Place(canada, "048", "", "", 0, 0)),
	}
	db := parsed(t, geoiptest.DAT(editionCity1, 3, entries...), true)
	assert.True(t, db.Serves(City))
	assert.False(t, db.Serves(Country), "nginx wants a database of countries for countries")
	for a, want := range map[string]Place{
		"10.1.2.3": {CountryInfo{"US", "USA", "NA", "United States"}, "CA", "California", "São José", "95112", 37.3425, -121.8892, 807, 206},
		"11.1.2.3": {CountryInfo{"DE", "DEU", "EU", "Germany"}, "16", "Berlin", "Berlin", "", 52.5, 13.4, 0, 0},
		"12.1.2.3": {CountryInfo{"--", "--", "--", ""}, "", "", "", "", -90, 180, 0, 0},
		"13.1.2.3": {CountryInfo{"CA", "CAN", "NA", "Canada"}, "048", "", "", "", 0, 0, 0, 0},
	} {
		got, ok := db.Place(addr(a))
		assert.True(t, ok, a)
		assert.Equal(t, want, got, a)
	}
	_, ok := db.Place(addr("14.1.2.3"))
	assert.False(t, ok)

	// The older edition has no dialling codes, and names are as they are stored
	// unless asked for otherwise.
	p, _ := parsed(t, geoiptest.DAT(editionCity0, 3, entries...), false).Place(addr("10.1.2.3"))
	assert.Equal(t, "S\xe3o Jos\xe9", p.City)
	assert.Zero(t, p.DMACode)
}

func TestOrganisations(t *testing.T) {
	for edition, record := range map[byte]int{editionISP: 4, editionOrg: 4, editionDomain: 4, editionASNum: 3, editionASNum + oldEditions: 3} {
		data := geoiptest.DAT(edition, record, entry("10.0.0.0/8", []byte("Caf\xe9 GmbH\x00")), entry("11.0.0.0/8", []byte("Other\x00")))
		db := parsed(t, data, true)
		assert.True(t, db.Serves(Org))
		assert.Equal(t, "Café GmbH", db.Org(addr("10.1.2.3")))
		assert.Equal(t, "Other", db.Org(addr("11.1.2.3")))
		assert.Equal(t, "", db.Org(addr("12.1.2.3")))
		_, ok := db.Place(addr("10.1.2.3"))
		assert.False(t, ok, "places are another kind")
		assert.Equal(t, "Caf\xe9 GmbH", parsed(t, data, false).Org(addr("10.1.2.3")))
	}
	for edition, record := range map[byte]int{editionISPV6: 4, editionOrgV6: 4, editionDomainV6: 4, editionASNumV6: 3} {
		db := parsed(t, geoiptest.DAT(edition, record, entry("2001:db8::/32", []byte("Org\x00"))), false)
		assert.Equal(t, "Org", db.Org(addr("2001:db8::1")))
		assert.Equal(t, "", db.Org(addr("10.0.0.1")))
	}
}

// What libGeoIP 1.6.12 says to these files.
func TestRefusedFiles(t *testing.T) {
	const file, reading = "Error file F -- corrupt", "Error reading file F -- corrupt"
	dir := t.TempDir()
	for _, tt := range []struct {
		data, typ, err string
	}{
		{"", "", reading}, {"ab", "", reading}, {"abc", "1", ""}, {"\xff\xff\xff", "", reading},
		{"\xff\xff\xff\x02", "", reading}, {"\xff\xff\xff\x02\xff\xff\x00", "", file},
		{"\xff\xff\xff\x03", "3", ""}, {"\xff\xff\xff\x63", "", reading}, {"\xff\xff\xff\x0c", "12", ""},
		{"\xff\xff\xff\x00", "", reading}, {"\xff\xff\xff\x20\x00\x00\x00", "32", ""}, {"\xff\xff\xff\x8b", "", reading},
		{"a\xff\xff\xff\x05\x01\x00\x00", "5", ""}, {"\xff\xff\xff\x0b\x01\x00\x00", "", file},
		{"\xff\xff\xff\x05\x01\x00\x00aaaaaaaaaaaaaaaaaaaaaa", "1", ""}, {"\xff\xff\xff\x6b\x00\x00\x00", "2", ""},
	} {
		path := filepath.Join(dir, "F")
		require.NoError(t, os.WriteFile(path, []byte(tt.data), 0o600))
		db, err := Open(path, false)
		if tt.err == "" {
			require.NoError(t, err, "%q", tt.data)
			assert.Equal(t, tt.typ, db.Type(), "%q", tt.data)
			continue
		}
		var refused *OpenError
		require.ErrorAs(t, err, &refused, "%q", tt.data)
		refused.File = "F"
		assert.EqualError(t, err, tt.err, "%q", tt.data)
	}
	_, err := Open(dir, false)
	assert.EqualError(t, err, "Error reading file "+dir)
	_, err = Open(dir+"/none", false)
	assert.EqualError(t, err, "Error Opening file "+dir+"/none")
	assert.ErrorIs(t, err, os.ErrNotExist)
}

// FuzzDAT looks addresses up in any file.
func FuzzDAT(f *testing.F) {
	f.Add(geoiptest.DAT(editionCountry, 3, entry("10.0.0.0/8", []byte{germany})))
	f.Add(geoiptest.DAT(editionCity1, 3, entry("10.0.0.0/8", geoiptest.Place(usa, "CA", "X", "1", 1, 2, 3, 4, 5))))
	f.Add(geoiptest.DAT(editionOrgV6, 4, entry("2001:db8::/32", []byte("Org\x00"))))
	f.Add(geoiptest.MMDB("X-City", geoiptest.Entry{Net: netip.MustParsePrefix("10.0.0.0/8"), Record: map[string]any{"city": "x"}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		db, err := Parse(data, true)
		if err != nil {
			return
		}
		for _, a := range []string{"10.1.2.3", "2001:db8::1", "::", "255.255.255.255", ""} {
			if p, ok := db.Place(addr(a)); ok && !db.Serves(City) && !db.Serves(Country) {
				t.Fatalf("%s is in %v", a, p)
			}
			if org := db.Org(addr(a)); org != "" && !db.Serves(Org) {
				t.Fatalf("%s belongs to %q", a, org)
			}
		}
	})
}
