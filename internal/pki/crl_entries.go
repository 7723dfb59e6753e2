package pki

import (
	"bytes"
	"hash/maphash"
	"math"
	"slices"

	"github.com/gostream/gostream/internal/ber"
)

// crlEntries are the entries of a list. They stay encoded; beside them there is
// a table with their places, 6 to 12 bytes for an entry.
type crlEntries struct {
	encoded  []byte
	seed     maphash.Seed
	table    []uint32 // places in encoded plus one, by hash; 0: empty
	critical bool     // an entry has a critical extension that OpenSSL does not know

	// issuers are the places from which on entries are those of other issuers,
	// in order.
	issuers []entryIssuers

	// unread is the place from which on extensions do not count, because one
	// is malformed.
	unread int

	scratch []crlExtension // used again for each entry
}

// entryIssuers are the issuers that the certificateIssuer of an entry names for
// this and those that follow.
type entryIssuers struct {
	from  int
	any   bool // that of the list
	names []string
}

// parse reads the contents of revokedCertificates. Like OpenSSL it looks at the
// form of all, but at the meaning of extensions only up to a malformed one.
func (e *crlEntries) parse(in []byte) bool {
	e.encoded, e.unread = in, len(in)
	if uint64(len(in)) >= math.MaxUint32 {
		return false
	}
	n := 0
	for rest := in; len(rest) > 0; n++ {
		place := len(in) - len(rest)
		var entry ber.TLV
		var ok bool
		if entry, rest, ok = ber.ReadTLV(rest); !ok || !entry.Is(ber.SequenceTag) || !entry.Constructed {
			return false
		}
		_, extensions, ok := readEntry(entry.Content)
		if !ok || len(extensions) > 0 && !e.parseExtensions(place, extensions) {
			return false
		}
	}
	e.scratch = nil
	e.index(n)
	return true
}

// readEntry returns the serial number of an entry and its extensions. It does
// not look into these.
func readEntry(in []byte) (serial, extensions []byte, ok bool) {
	number, rest, ok := ber.ReadTLV(in)
	if !ok || !number.Is(ber.Integer) || !number.Valid(number.Number) {
		return nil, nil, false
	}
	date, rest, ok := ber.ReadTLV(rest)
	return number.Content, rest, ok && isTime(date)
}

// parseExtensions reads the extensions of the entry at a place.
func (e *crlEntries) parseExtensions(place int, in []byte) bool {
	v, rest, ok := ber.ReadTLV(in)
	if !ok || len(rest) > 0 || !v.Is(ber.SequenceTag) {
		return false
	}
	if e.scratch, ok = readCRLExtensions(e.scratch[:0], v.Content); ok && e.unread == len(e.encoded) {
		e.consider(place, e.scratch)
	}
	return ok
}

// consider notes what the extensions of an entry mean.
func (e *crlEntries) consider(place int, all []crlExtension) {
	value, count := findExtension(all, idCertificateIssuer)
	if count > 0 {
		names, ok := readPointNames(value)
		if count > 1 || !ok {
			e.stop(place, place)
			return
		}
		e.name(place, names.directories())
	}
	value, count = findExtension(all, idReason)
	if count > 0 {
		v, _, ok := ber.ReadTLV(value)
		if count > 1 || !ok || !v.Is(ber.Enumerated) || !v.Valid(v.Number) {
			e.stop(place, place+1)
			return
		}
	}
	if slices.ContainsFunc(all, func(x crlExtension) bool { return x.critical && string(x.id) != idCertificateIssuer }) {
		e.critical = true
	}
}

// name notes the issuers of the entry at a place.
func (e *crlEntries) name(place int, issuers []string) {
	if last := len(e.issuers) - 1; last < 0 || !slices.Equal(e.issuers[last].names, issuers) {
		e.issuers = append(e.issuers, entryIssuers{from: place, names: issuers})
	}
}

// stop ends the reading of extensions at an entry. From a place on, issuers are
// that of the list.
func (e *crlEntries) stop(entry, place int) {
	e.unread = entry
	if len(e.issuers) > 0 {
		e.issuers = append(e.issuers, entryIssuers{from: place, any: true})
	}
}

// index makes the table for n entries. Where they have the same number, the
// first one is found first.
func (e *crlEntries) index(n int) {
	size := 1
	for size <= n*3/2 {
		size *= 2
	}
	e.seed, e.table = maphash.MakeSeed(), make([]uint32, size)
	for rest := e.encoded; len(rest) > 0; {
		place := len(e.encoded) - len(rest)
		var entry ber.TLV
		entry, rest, _ = ber.ReadTLV(rest)
		serial, _, _ := ber.ReadTLV(entry.Content)
		i := e.slot(serial.Content)
		for e.table[i] != 0 {
			i = e.next(i)
		}
		e.table[i] = uint32(place) + 1
	}
}

func (e *crlEntries) slot(serial []byte) int {
	return int(maphash.Bytes(e.seed, serial) & uint64(len(e.table)-1))
}

func (e *crlEntries) next(slot int) int { return (slot + 1) & (len(e.table) - 1) }

// revokes reports whether a certificate with a number is revoked, whose issuer
// is that of the list: issuer is its name.
func (e *crlEntries) revokes(serial []byte, issuer string) bool {
	if len(e.encoded) == 0 {
		return false
	}
	for i := e.slot(serial); e.table[i] != 0; i = e.next(i) {
		place := int(e.table[i] - 1)
		entry, _, _ := ber.ReadTLV(e.encoded[place:])
		number, extensions, _ := readEntry(entry.Content)
		if bytes.Equal(number, serial) && e.isOf(place, issuer) {
			return place >= e.unread || !isRemoval(extensions)
		}
	}
	return false
}

// isOf reports whether the entry at a place is about a certificate of an issuer
// that has the name of the list's.
func (e *crlEntries) isOf(place int, issuer string) bool {
	for _, other := range slices.Backward(e.issuers) {
		if other.from <= place {
			return other.any || slices.Contains(other.names, issuer)
		}
	}
	return true
}

// isRemoval reports whether the reason of an entry is removeFromCRL.
func isRemoval(extensions []byte) bool {
	v, _, ok := ber.ReadTLV(extensions)
	if !ok {
		return false
	}
	all, _ := readCRLExtensions(nil, v.Content)
	value, _ := findExtension(all, idReason)
	reason, _, _ := ber.ReadTLV(value)
	const removeFromCRL = 8
	return len(reason.Content) == 1 && reason.Content[0] == removeFromCRL
}
