// Package geoiptest writes small databases for tests, in both formats that
// package geoip reads.
package geoiptest

import (
	"encoding/binary"
	"net/netip"
)

// Entry is what a database says about a network.
type Entry struct {
	Net netip.Prefix

	// Data is what stands in the data of a legacy database: [Place] or a text
	// with a zero byte at its end. For a database of countries it is one byte,
	// the country's number.
	Data []byte

	// Record is what stands in an .mmdb file: texts, numbers (uint32, float64),
	// map[string]any and []any of these.
	Record any
}

// DAT makes a legacy database of an edition. recordSize is 3 or 4 bytes; IPv6
// networks make it one of IPv6 addresses, to which IPv4 ones are added as
// ::ffff:1.2.3.4.
func DAT(edition byte, recordSize int, entries ...Entry) []byte {
	const countryBegin = 0xffff00
	countries := edition == 1 || edition == 12
	t := newTree(entries)
	size := uint32(len(t.nodes))
	var data []byte
	records := make([]uint32, len(entries)) // of each entry
	for i, e := range entries {
		records[i] = size + 1 + uint32(len(data))
		if countries {
			records[i] = countryBegin + uint32(e.Data[0])
			continue
		}
		data = append(data, e.Data...)
	}
	var out []byte
	for _, node := range t.nodes {
		for _, to := range node {
			record := size // nothing
			switch {
			case to > 0:
				record = uint32(to)
			case to < 0:
				record = records[-to-1]
			case countries:
				record = countryBegin
			}
			out = append(out, binary.LittleEndian.AppendUint32(nil, record)[:recordSize]...)
		}
	}
	if !countries {
		out = append(append(out, 0), data...)
	}
	out = append(out, 0, 0, 0, 255, 255, 255, edition)
	return append(out, byte(size), byte(size>>8), byte(size>>16))
}

// Place is the data of a place in a legacy database of cities. tail follows the
// position: the three bytes of dialling codes, for places in the USA.
func Place(country byte, region, city, postal string, latitude, longitude float64, tail ...byte) []byte {
	b := []byte{country}
	for _, text := range []string{region, city, postal} {
		b = append(append(b, text...), 0)
	}
	for _, degrees := range []float64{latitude, longitude} {
		n := uint32((degrees+180)*10000 + 0.5)
		b = append(b, byte(n), byte(n>>8), byte(n>>16))
	}
	return append(b, tail...)
}

// tree is a binary tree over address bits. What a node says for a bit is another
// node if positive, entry -n-1 if negative, and nothing if zero.
type tree struct{ nodes [][2]int }

// newTree makes the tree of all networks, which must not contain each other.
func newTree(entries []Entry) *tree {
	t := &tree{nodes: [][2]int{{}}}
	v6 := false
	for _, e := range entries {
		v6 = v6 || e.Net.Addr().Is6()
	}
	for i, e := range entries {
		address, bits := e.Net.Addr().AsSlice(), e.Net.Bits()
		if v6 && e.Net.Addr().Is4() {
			mapped := e.Net.Addr().As16()
			address, bits = mapped[:], bits+96
		}
		t.insert(address, bits, -i-1)
	}
	return t
}

func (t *tree) insert(address []byte, bits, leaf int) {
	node := 0
	for i := range bits {
		bit := address[i/8] >> (7 - i%8) & 1
		if i == bits-1 {
			t.nodes[node][bit] = leaf
			return
		}
		if t.nodes[node][bit] == 0 {
			t.nodes = append(t.nodes, [2]int{})
			t.nodes[node][bit] = len(t.nodes) - 1
		}
		node = t.nodes[node][bit]
	}
}
