package proxyproto

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// signature begins every version 2 header; no line of version 1 can look so.
var signature = []byte("\r\n\r\n\x00\r\nQUIT\n")

// A version 2 header: the signature, a byte for version and command, one for
// address family and transport, the length of what follows in two bytes; then
// both addresses, both ports, and the TLVs.
const (
	v2HeaderLen = 16

	version2      = 0x20
	cmdLocal      = 0x00
	cmdProxy      = 0x01
	familyV4      = 0x10
	familyV6      = 0x20
	transportTCP  = 0x01
	transportUDP  = 0x02
	transportMask = 0x0f
)

// missingV2 is [Missing] for a header whose length is known.
func missingV2(b []byte) int {
	if n := headerLenV2(b); n <= MaxRead {
		return max(n-len(b), 0)
	}
	return 0
}

func headerLenV2(b []byte) int { return v2HeaderLen + int(binary.BigEndian.Uint16(b[14:])) }

// parseV2 reads the binary form; b begins with the signature. The length is
// trusted to find the end of the header also if the content is unknown.
func parseV2(b []byte) (Header, int, error) {
	h := Header{Version: 2}
	verCmd, famTrans := b[12], b[13]
	if verCmd&0xf0 != version2 {
		return Header{}, 0, &Error{fmt.Sprintf("unknown PROXY protocol version: %d", verCmd>>4)}
	}
	n := headerLenV2(b)
	if n > len(b) {
		return Header{}, 0, &Error{"header is too large"}
	}
	if verCmd&0x0f != cmdProxy || famTrans&transportMask != transportTCP {
		return h, n, nil
	}
	size := addrSize(famTrans)
	if size == 0 {
		return h, n, nil
	}
	body := b[v2HeaderLen:n]
	if len(body) < 2*size+4 {
		return Header{}, 0, &Error{}
	}
	h.Known = true
	h.Source = binaryAddress(body[:size], body[2*size:])
	h.Destination = binaryAddress(body[size:2*size], body[2*size+2:])
	if tlvs := body[2*size+4:]; len(tlvs) > 0 {
		h.TLVs = append(TLVs(nil), tlvs...)
	}
	return h, n, nil
}

// addrSize is the length of an IP address of a family, 0 for other families.
func addrSize(famTrans byte) int {
	switch famTrans &^ transportMask {
	case familyV4:
		return 4
	case familyV6:
		return 16
	}
	return 0
}

func binaryAddress(ip, port []byte) Address {
	a, _ := netip.AddrFromSlice(ip)
	return Address{ip: a, Port: binary.BigEndian.Uint16(port)}
}
