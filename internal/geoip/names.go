package geoip

import (
	_ "embed"
	"strings"
	"sync"
)

// countriesText lists the countries in the order of their numbers in legacy
// databases: code, three-letter code, continent, name.
//
//go:embed countries.txt
var countriesText string

// regionsText lists the regions of countries: a line with the country's code,
// then a line for each region, with its code (of FIPS 10-4, or of ISO 3166-2 for
// the USA and Canada) and its name.
//
//go:embed regions.txt
var regionsText string

// countries are all countries by number.
var countries = sync.OnceValue(func() (all []CountryInfo) {
	for line := range strings.Lines(countriesText) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		all = append(all, CountryInfo{Code: f[0], Code3: f[1], Continent: f[2], Name: f[3]})
	}
	return all
})

// countryByCode are all countries by two-letter code.
var countryByCode = sync.OnceValue(func() map[string]CountryInfo {
	byCode := map[string]CountryInfo{}
	for _, c := range countries() {
		byCode[c.Code] = c
	}
	return byCode
})

// regionNames are the names by the codes of country and region in a row.
var regionNames = sync.OnceValue(func() map[string]string {
	names, country := map[string]string{}, ""
	for line := range strings.Lines(regionsText) {
		line = strings.TrimSuffix(line, "\n")
		code, name, found := strings.Cut(line, " ")
		if !found {
			country = code
			continue
		}
		names[country+code] = name
	}
	return names
})

// regionName returns the name of a region. Only the first two characters of the
// code count.
func regionName(country, code string) string {
	if len(code) < 2 {
		return ""
	}
	return regionNames()[country+code[:2]]
}
