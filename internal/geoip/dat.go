package geoip

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"strconv"
)

// A legacy database is a binary tree over the bits of addresses, then the data.
// Each node is a pair of records, for bit 0 and bit 1. A record below the number
// of nodes is the next node; others lie in the data. Without data, in databases
// of countries, they are the country's number plus countryBegin.
//
// The end of the file tells the edition: three bytes 255, its number, and the
// number of nodes in three bytes. It is found by going backwards from the end.

// The editions that nginx knows.
const (
	editionCountry   = 1
	editionCity1     = 2
	editionISP       = 4
	editionOrg       = 5
	editionCity0     = 6
	editionASNum     = 9
	editionDomain    = 11
	editionCountryV6 = 12
	editionASNumV6   = 21
	editionISPV6     = 22
	editionOrgV6     = 23
	editionDomainV6  = 24
	editionCity1V6   = 30
	editionCity0V6   = 31
)

// oldEditions are numbered from here on in files from before 2003.
const oldEditions = 105

// edition is how a database of some number is read.
type edition struct {
	kind   Kind
	v6     bool
	record int  // bytes
	dial   bool // with dialling codes of the USA
}

var editions = map[int]edition{
	editionCountry: {kind: Country, record: 3}, editionCountryV6: {kind: Country, v6: true, record: 3},
	editionCity0: {kind: City, record: 3}, editionCity0V6: {kind: City, v6: true, record: 3},
	editionCity1: {kind: City, record: 3, dial: true}, editionCity1V6: {kind: City, v6: true, record: 3, dial: true},
	editionISP: {kind: Org, record: 4}, editionISPV6: {kind: Org, v6: true, record: 4},
	editionOrg: {kind: Org, record: 4}, editionOrgV6: {kind: Org, v6: true, record: 4},
	editionDomain: {kind: Org, record: 4}, editionDomainV6: {kind: Org, v6: true, record: 4},
	editionASNum: {kind: Org, record: 3}, editionASNumV6: {kind: Org, v6: true, record: 3},
}

const (
	countryBegin = 0xffff00

	// structureInfo is how many bytes before the end the description may begin.
	structureInfo = 20
)

// What libGeoIP says of a file that it does not like.
var (
	errUnreadable = errors.New("unreadable database")
	errCorrupt    = errors.New("corrupt database")
)

// dat is a legacy database.
type dat struct {
	edition
	data  []byte
	nodes uint32
	utf8  bool
}

func parseDAT(data []byte, utf8 bool) (*DB, error) {
	number, rest := description(data)
	d := &dat{edition: editions[number], data: data, nodes: little(rest, 3), utf8: utf8}
	switch {
	case len(data) < 3 || !isEdition(number):
		return nil, errUnreadable
	case !hasNodes(number):
		d.nodes = countryBegin
	case len(rest) < 3:
		return nil, errUnreadable
	case uint64(d.nodes)*2*uint64(max(d.record, 3)) > uint64(len(data)):
		return nil, errCorrupt
	}
	return &DB{format: d, kind: d.kind, typ: strconv.Itoa(number)}, nil
}

// description finds the edition at the end of a file, and returns what follows
// its number. A file without is one of countries.
func description(data []byte) (number int, rest []byte) {
	for at := len(data) - 3; at >= max(len(data)-3-structureInfo+1, 0); at-- {
		if !bytes.Equal(data[at:at+3], []byte{255, 255, 255}) {
			continue
		}
		rest = data[at+3:]
		if len(rest) == 0 {
			return 0, nil
		}
		if number = int(rest[0]); oldEditions < number && number < 128 {
			number -= oldEditions
		}
		return number, rest[1:]
	}
	return editionCountry, nil
}

// isEdition reports whether libGeoIP knows an edition of this number, be it of use
// here or not.
func isEdition(number int) bool {
	switch number {
	case 0, 15, 16, 19, 20, 25:
		return false
	}
	return number <= 38
}

// hasNodes reports whether the number of nodes follows that of the edition.
func hasNodes(number int) bool {
	switch number {
	case editionCountry, editionCountryV6, 3, 7, 8, 10, 17, 18: // regions, proxies, net speeds, large countries
		return false
	}
	return true
}

// little reads n bytes, the lowest first; missing ones count as 0.
func little(b []byte, n int) uint32 {
	var word [4]byte
	copy(word[:n], b)
	return binary.LittleEndian.Uint32(word[:])
}

// bits returns the address as the tree has it.
func (d *dat) bits(a netip.Addr) []byte {
	if d.v6 {
		if !a.IsValid() {
			a = netip.IPv6Unspecified()
		}
		b := a.As16() // IPv4 becomes ::ffff:1.2.3.4
		return b[:]
	}
	b := [4]byte{255, 255, 255, 255}
	if a.Is4() || a.Is4In6() {
		b = a.As4()
	}
	return b[:]
}

// seek follows the bits of an address to a record that is no node.
func (d *dat) seek(a netip.Addr) (record uint32, ok bool) {
	node := uint32(0)
	for _, b := range d.bits(a) {
		for bit := 7; bit >= 0; bit-- {
			at := (uint64(node)*2 + uint64(b>>bit&1)) * uint64(d.record)
			if at+uint64(d.record) > uint64(len(d.data)) {
				return 0, false
			}
			if node = little(d.data[at:], d.record); node >= d.nodes {
				return node, true
			}
		}
	}
	return 0, false
}

// find returns what stands in the data for an address, and what follows it.
func (d *dat) find(a netip.Addr) []byte {
	record, ok := d.seek(a)
	if !ok || record == d.nodes {
		return nil
	}
	at := uint64(record) + uint64(2*d.record-1)*uint64(d.nodes)
	if at >= uint64(len(d.data)) {
		return nil
	}
	return d.data[at:]
}

func (d *dat) place(a netip.Addr) (p Place, ok bool) {
	if d.kind == Country {
		record, ok := d.seek(a)
		if !ok || record <= countryBegin || record-countryBegin >= uint32(len(countries())) {
			return p, false
		}
		p.CountryInfo = d.country(record - countryBegin)
		return p, true
	}
	data := d.find(a)
	if data == nil || int(data[0]) >= len(countries()) {
		return p, false
	}
	p.CountryInfo = d.country(uint32(data[0]))
	data = data[1:]
	for _, field := range []*string{&p.Region, &p.City, &p.PostalCode} {
		if *field, data, ok = cutText(data); !ok {
			return Place{}, false
		}
	}
	p.RegionName, p.City = regionName(p.Code, p.Region), d.encoded(p.City)
	if len(data) < 6 {
		return Place{}, false
	}
	p.Latitude, p.Longitude = degrees(data), degrees(data[3:])
	if dial := little(data[6:], 3); d.dial && p.Code == "US" {
		p.DMACode, p.AreaCode = int(dial/1000), int(dial%1000)
	}
	return p, true
}

func degrees(b []byte) float32 { return float32(float64(little(b, 3))/10000 - 180) }

// cutText cuts a text that ends in a zero byte from data.
func cutText(data []byte) (text string, rest []byte, ok bool) {
	before, rest, ok := bytes.Cut(data, []byte{0})
	return string(before), rest, ok
}

func (d *dat) org(a netip.Addr) string {
	text, _, _ := cutText(d.find(a))
	return d.encoded(text)
}

// country returns the country of a number, with its name in the encoding asked
// for. No country, number 0, has codes but no name.
func (d *dat) country(number uint32) CountryInfo {
	c := countries()[number]
	switch {
	case number == 0:
		c.Name = ""
	case !d.utf8 && c.Code == "CW":
		c.Name = "Curacao" // the only name with more than ASCII in it
	}
	return c
}

// encoded returns a text of the database in the encoding asked for.
func (d *dat) encoded(text string) string {
	if !d.utf8 {
		return text
	}
	runes := make([]rune, len(text))
	for i := range len(text) {
		runes[i] = rune(text[i])
	}
	return string(runes)
}
