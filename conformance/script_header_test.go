//go:build unix

package conformance

import (
	wire "encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"net/netip"
	"strconv"
	"strings"
)

// signature starts a PROXY protocol header of version 2.
const signature = "\r\n\r\n\x00\r\nQUIT\n"

// proxyHeader sends a PROXY protocol header: v1 SOURCE DESTINATION, or the same
// with v2 and TYPE=TEXT for TLVs, or "v2 local".
func proxyHeader(p *peer, args []string) error {
	if args[0] == "v2" && len(args) == 2 && args[1] == "local" {
		_, err := io.WriteString(p.conn, signature+"\x20\x00\x00\x00")
		return err
	}
	if len(args) < 3 {
		return fmt.Errorf("proxy header of %d words", len(args))
	}
	source, err := netip.ParseAddrPort(args[1])
	if err != nil {
		return err
	}
	destination, err := netip.ParseAddrPort(args[2])
	if err != nil {
		return err
	}
	header := headerV1(source, destination)
	if args[0] == "v2" {
		if header, err = headerV2(source, destination, args[3:]); err != nil {
			return err
		}
	}
	_, err = io.WriteString(p.conn, header)
	return err
}

func headerV1(source, destination netip.AddrPort) string {
	family := "TCP4"
	if source.Addr().Is6() {
		family = "TCP6"
	}
	return fmt.Sprintf("PROXY %s %s %s %d %d\r\n", family,
		source.Addr(), destination.Addr(), source.Port(), destination.Port())
}

func headerV2(source, destination netip.AddrPort, tlvs []string) (string, error) {
	family := byte(0x11)
	if source.Addr().Is6() {
		family = 0x21
	}
	var body []byte
	for _, a := range []netip.AddrPort{source, destination} {
		body = append(body, a.Addr().AsSlice()...)
	}
	body = wire.BigEndian.AppendUint16(body, source.Port())
	body = wire.BigEndian.AppendUint16(body, destination.Port())
	for _, tlv := range tlvs {
		kind, text, _ := strings.Cut(tlv, "=")
		n, err := strconv.ParseUint(kind, 0, 8)
		if err != nil {
			return "", err
		}
		body = append(body, byte(n))
		body = wire.BigEndian.AppendUint16(body, uint16(len(text)))
		body = append(body, text...)
	}
	head := append([]byte(signature), 0x21, family)
	head = wire.BigEndian.AppendUint16(head, uint16(len(body)))
	return string(append(head, body...)), nil
}

// readableHeader writes out the addresses of a version 2 header that starts a
// text, for ports in it to get their names.
func readableHeader(text string) string {
	if !strings.HasPrefix(text, signature) || len(text) < 16 {
		return text
	}
	length := int(wire.BigEndian.Uint16([]byte(text[14:16])))
	if len(text) < 16+length {
		return text
	}
	body, rest := []byte(text[16:16+length]), text[16+length:]
	size := map[byte]int{0x11: 4, 0x12: 4, 0x21: 16, 0x22: 16}[text[13]]
	if size == 0 || length < 2*size+4 {
		return fmt.Sprintf("<v2 %#x %#x %q>%s", text[12], text[13], body, rest)
	}
	source, _ := netip.AddrFromSlice(body[:size])
	destination, _ := netip.AddrFromSlice(body[size : 2*size])
	tlvs := []byte(checkedTLVs(text[:16+length], 16+2*size+4))
	return fmt.Sprintf("<v2 %#x %#x %s:%d %s:%d %q>%s", text[12], text[13],
		source, wire.BigEndian.Uint16(body[2*size:]),
		destination, wire.BigEndian.Uint16(body[2*size+2:]), tlvs, rest)
}

// checkedTLVs returns the TLVs of a header, the checksum as the word "good" or
// "evil", because it covers ports that are different each time.
func checkedTLVs(header string, start int) string {
	const checksum = 3
	for at := start; at+3 <= len(header); {
		kind, length := header[at], int(wire.BigEndian.Uint16([]byte(header[at+1:at+3])))
		at += 3
		if kind == checksum && length == 4 && at+4 <= len(header) {
			zeroed := header[:at] + "\x00\x00\x00\x00" + header[at+4:]
			sum := crc32.Checksum([]byte(zeroed), crc32.MakeTable(crc32.Castagnoli))
			verdict := "evil"
			if wire.BigEndian.Uint32([]byte(header[at:])) == sum {
				verdict = "good"
			}
			return header[start:at] + verdict + header[at+4:]
		}
		at += length
	}
	return header[start:]
}
