// Package geoip tells the country, city and organisation of an address, from
// the databases that MaxMind made popular: the legacy format (.dat), which
// nginx reads through libGeoIP, and its successor (.mmdb).
//
// What is not known is the empty text.
package geoip

import (
	"bytes"
	"errors"
	"net/netip"
	"os"
)

// Kind is what a database is about.
type Kind uint8

// The kinds of databases that can be looked up.
const (
	Other   Kind = iota // none of the following
	Country             // countries of addresses
	City                // places of addresses
	Org                 // organisations: providers, owners, domains or autonomous systems
)

// Place is what a database of kind [City] or [Country] knows of an address.
// Of the latter only CountryInfo is filled.
type Place struct {
	CountryInfo
	Region     string // code
	RegionName string
	City       string
	PostalCode string
	Latitude   float32
	Longitude  float32
	DMACode    int // of the USA; 0 elsewhere
	AreaCode   int // of the USA; 0 elsewhere
}

// CountryInfo describes a country, or one of a few things that have a code like
// a country's, such as anonymous proxies.
type CountryInfo struct {
	Code      string // two letters
	Code3     string // three letters
	Continent string // two letters
	Name      string // in English
}

// DB is a database in memory. It never changes, so many goroutines may use it.
type DB struct {
	format format
	kind   Kind
	typ    string
}

// format is one of the two file formats.
type format interface {
	place(a netip.Addr) (Place, bool)
	org(a netip.Addr) string
}

// OpenError tells that a file cannot be read or is no database.
type OpenError struct {
	File string
	Err  error
}

// Error returns libGeoIP's text.
func (e *OpenError) Error() string {
	var op *os.PathError
	switch {
	case e.Err == errCorrupt:
		return "Error file " + e.File + " -- corrupt"
	case e.Err == errUnreadable:
		return "Error reading file " + e.File + " -- corrupt"
	case errors.As(e.Err, &op) && op.Op == "open":
		return "Error Opening file " + e.File
	}
	return "Error reading file " + e.File
}

// Unwrap returns the cause.
func (e *OpenError) Unwrap() error { return e.Err }

// Open reads a database of either format. With utf8, names in a legacy database
// become UTF-8; otherwise they are given in ISO 8859-1, as they are stored. Names
// from an .mmdb file are always UTF-8. The error is an *OpenError.
func Open(file string, utf8 bool) (*DB, error) {
	data, err := os.ReadFile(file)
	if err == nil {
		var db *DB
		if db, err = Parse(data, utf8); err == nil {
			return db, nil
		}
	}
	return nil, &OpenError{file, err}
}

// mmdbMark begins the description at the end of an .mmdb file.
var mmdbMark = []byte("\xab\xcd\xefMaxMind.com")

// Parse is [Open] for a file that is in memory. data must not be changed
// afterwards.
func Parse(data []byte, utf8 bool) (*DB, error) {
	if bytes.Contains(data[max(len(data)-128<<10, 0):], mmdbMark) {
		return parseMMDB(data)
	}
	return parseDAT(data, utf8)
}

// Serves reports whether the database can be asked for things of this kind. Places
// in an .mmdb file serve for their countries too.
func (db *DB) Serves(k Kind) bool {
	_, newer := db.format.(mmdb)
	return db.kind == k || newer && k == Country && db.kind == City
}

// Type is the name of the database's type for messages: the number of a legacy
// database's edition, or the text that an .mmdb file has.
func (db *DB) Type() string { return db.typ }

// Place returns where an address is. The zero Addr stands for a client without
// one, such as one of a unix socket. Databases of IPv4 addresses are asked for
// 255.255.255.255 then, and for other IPv6 addresses than mapped IPv4 ones, as
// nginx does. It is false if nothing is known, and for databases of other kinds.
func (db *DB) Place(a netip.Addr) (Place, bool) {
	if db.kind != Country && db.kind != City {
		return Place{}, false
	}
	return db.format.place(a)
}

// Org returns the organisation of an address; see [DB.Place] for addresses.
func (db *DB) Org(a netip.Addr) string {
	if db.kind != Org {
		return ""
	}
	return db.format.org(a)
}
