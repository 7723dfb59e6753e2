package cidrtree

import (
	"fmt"
	"net/netip"
	"strings"
)

// ParseAddr reads an address the way nginx does. It takes some forms that
// netip.ParseAddr does not ("010.0.0.1" is decimal, empty numbers are 0), and
// no zones. The IPv4 address 255.255.255.255 is not accepted: nginx uses that
// value for "no address".
func ParseAddr(text string) (netip.Addr, bool) {
	if v4, ok := parseV4(text); ok {
		return netip.AddrFrom4(v4), true
	}
	if v6, ok := parseV6(text); ok {
		return netip.AddrFrom16(v6), true
	}
	return netip.Addr{}, false
}

// ParseCIDR reads "address" or "address/bits". Bits of the address beyond the
// network are cleared; lowBits tells that there were some, which nginx warns
// of: `low address bits of 1.2.3.4/8 are meaningless`. The error has no text of
// its own in nginx, callers word it.
func ParseCIDR(text string) (p netip.Prefix, lowBits bool, err error) {
	host, bits, hasBits := strings.Cut(text, "/")
	addr, ok := ParseAddr(host)
	if !ok {
		return p, false, fmt.Errorf("invalid address in %q", text)
	}
	n := addr.BitLen()
	if hasBits {
		if n, ok = parseBits(bits, n); !ok {
			return p, false, fmt.Errorf("invalid prefix length in %q", text)
		}
	}
	p = netip.PrefixFrom(addr, n).Masked()
	return p, p.Addr() != addr, nil
}

// parseBits reads a decimal number that is not above limit.
func parseBits(text string, limit int) (int, bool) {
	if text == "" {
		return 0, false
	}
	n := 0
	for _, c := range []byte(text) {
		if c < '0' || c > '9' {
			return 0, false
		}
		if n = n*10 + int(c-'0'); n > limit {
			return 0, false
		}
	}
	return n, true
}

// parseV4 reads four decimal numbers with dots between them.
func parseV4(text string) (addr [4]byte, ok bool) {
	dots, n := 0, 0
	for _, c := range []byte(text) {
		switch {
		case '0' <= c && c <= '9':
			if n = n*10 + int(c-'0'); n > 255 {
				return addr, false
			}
		case c == '.' && dots < 3:
			addr[dots] = byte(n)
			dots++
			n = 0
		default:
			return addr, false
		}
	}
	if dots != 3 {
		return addr, false
	}
	addr[3] = byte(n)
	return addr, addr != [4]byte{255, 255, 255, 255}
}

// parseV6 reads the usual forms of RFC 4291. Like nginx it also takes a colon in
// front, and one at the end if there is a "::", and no "::" that stands for
// nothing.
func parseV6(text string) (addr [16]byte, ok bool) {
	head, tail, gap := strings.Cut(text, "::")
	head = strings.TrimPrefix(head, ":")
	if !gap {
		n, ok := parseWords(addr[:], head, 1)
		return addr, ok && n == 16
	}
	n := 0
	if head != "" {
		if n, ok = parseWords(addr[:], head, noV4); !ok {
			return addr, false
		}
	}
	if tail == "" || strings.HasSuffix(tail, ":") {
		tail += "0"
	}
	var end [16]byte
	m, ok := parseWords(end[:], tail, 0)
	if !ok || n+m > 14 {
		return addr, false
	}
	copy(addr[16-m:], end[:m])
	return addr, true
}

// noV4 forbids an IPv4 address as the last word.
const noV4 = 8

// parseWords reads hexadecimal words separated by colons into dst and returns
// how many bytes they make. The last one may be an IPv4 address if at least
// before words precede it.
func parseWords(dst []byte, text string, before int) (n int, ok bool) {
	for more := true; more; {
		var word string
		word, text, more = strings.Cut(text, ":")
		if dot := strings.IndexByte(word, '.'); dot >= 1 && dot <= 4 && !more && n >= 2*before {
			quad, ok := parseV4(word)
			return n + copy(dst[n:], quad[:]), ok && n+4 <= len(dst)
		}
		if n+2 > len(dst) || !parseWord(dst[n:], word) {
			return 0, false
		}
		n += 2
	}
	return n, true
}

// parseWord reads one to four hexadecimal digits into two bytes.
func parseWord(dst []byte, text string) bool {
	if len(text) < 1 || len(text) > 4 {
		return false
	}
	word := 0
	for _, c := range []byte(text) {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return false
		}
		word = word<<4 | int(c)
	}
	dst[0], dst[1] = byte(word>>8), byte(word)
	return true
}
