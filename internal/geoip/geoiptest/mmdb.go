package geoiptest

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"slices"
)

// MMDB makes an .mmdb file of a type, such as "GeoLite2-City". It is one of IPv6
// addresses, in which IPv4 ones stand as ::1.2.3.4.
func MMDB(typ string, entries ...Entry) []byte {
	var data []byte
	offsets := make([]uint32, len(entries))
	widened := slices.Clone(entries)
	for i, e := range entries {
		offsets[i] = uint32(len(data))
		data = appendValue(data, e.Record)
		if a := e.Net.Addr(); a.Is4() {
			var wide [16]byte
			copy(wide[12:], a.AsSlice())
			widened[i].Net = netip.PrefixFrom(netip.AddrFrom16(wide), e.Net.Bits()+96)
		}
	}
	t := newTree(widened)
	size := uint32(len(t.nodes))
	const separator = 16 // zero bytes between tree and data
	var out []byte
	for _, node := range t.nodes {
		for _, to := range node {
			record := size
			if to > 0 {
				record = uint32(to)
			} else if to < 0 {
				record = size + separator + offsets[-to-1]
			}
			out = append(out, byte(record>>16), byte(record>>8), byte(record))
		}
	}
	out = append(append(out, make([]byte, separator)...), data...)
	out = append(out, "\xab\xcd\xefMaxMind.com"...)
	return appendValue(out, map[string]any{
		"binary_format_major_version": uint16(2), "binary_format_minor_version": uint16(0), "build_epoch": uint64(1),
		"database_type": typ, "description": map[string]any{"en": "test"}, "ip_version": uint16(6),
		"languages": []any{"en"}, "node_count": size, "record_size": uint16(24),
	})
}

// Types of the format.
const (
	typeText   = 2
	typeDouble = 3
	typeUint16 = 5
	typeUint32 = 6
	typeMap    = 7
	typeUint64 = 9
	typeArray  = 11
)

func appendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		return append(appendType(b, typeText, len(v)), v...)
	case float64:
		return binary.BigEndian.AppendUint64(appendType(b, typeDouble, 8), math.Float64bits(v))
	case uint16:
		return binary.BigEndian.AppendUint16(appendType(b, typeUint16, 2), v)
	case uint32:
		return binary.BigEndian.AppendUint32(appendType(b, typeUint32, 4), v)
	case uint64:
		return binary.BigEndian.AppendUint64(appendType(b, typeUint64, 8), v)
	case []any:
		b = appendType(b, typeArray, len(v))
		for _, e := range v {
			b = appendValue(b, e)
		}
		return b
	case map[string]any:
		b = appendType(b, typeMap, len(v))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			b = appendValue(appendValue(b, key), v[key])
		}
		return b
	}
	panic(fmt.Sprintf("geoiptest: no type for %T", v))
}

// appendType writes the head of a value; sizes from 29 to 284 have a byte of
// their own.
func appendType(b []byte, typ byte, size int) []byte {
	const short = 29
	field := byte(min(size, short))
	if typ <= typeMap {
		b = append(b, typ<<5|field)
	} else {
		b = append(b, field, typ-typeMap)
	}
	if size >= short {
		b = append(b, byte(size-short))
	}
	return b
}
