package proxyproto

import (
	"bytes"
	"net/netip"
)

// parseV1 reads the text form:
//
//	PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n
//
// nginx makes no difference between TCP4 and TCP6, and an address is any run of
// the characters that addresses are made of: it may be of the other family,
// empty, or none at all. Behind UNKNOWN anything may follow up to the line end.
func parseV1(b []byte) (Header, int, bool) {
	h := Header{Version: 1}
	rest, ok := bytes.CutPrefix(b, []byte("PROXY "))
	if !ok {
		return h, 0, false
	}
	if skipped, ok := bytes.CutPrefix(rest, []byte("UNKNOWN")); ok {
		_, rest, ok = bytes.Cut(skipped, []byte("\r\n"))
		return h, len(b) - len(rest), ok
	}
	if !bytes.HasPrefix(rest, []byte("TCP4 ")) && !bytes.HasPrefix(rest, []byte("TCP6 ")) {
		return h, 0, false
	}
	l := line{rest: rest[len("TCP4 "):], ok: true}
	h.Source.setText(l.address())
	h.Destination.setText(l.address())
	h.Source.Port = l.port(' ')
	h.Destination.Port = l.port('\r')
	l.end()
	h.Known = l.ok
	return h, len(b) - len(l.rest), l.ok
}

// mayBecomeV1 reports whether b is the beginning of a header of version 1, without
// its end.
func mayBecomeV1(b []byte) bool {
	if !begins(b, []byte("PROXY ")) || bytes.IndexByte(b, '\n') >= 0 {
		return false
	}
	if cr := bytes.IndexByte(b, '\r'); cr >= 0 {
		if cr < len(b)-1 {
			return false
		}
		b = b[:cr]
	}
	rest := b[min(len(b), len("PROXY ")):]
	if begins(rest, []byte("UNKNOWN")) {
		return true
	}
	if !begins(rest, []byte("TCP4 ")) && !begins(rest, []byte("TCP6 ")) {
		return false
	}
	for _, c := range rest[min(len(rest), len("TCP4 ")):] {
		if c != ' ' && !isAddressChar(c) {
			return false
		}
	}
	return true
}

// line is what remains to be read of a version 1 header. Once a field is wrong,
// ok stays false and what the other fields give does not matter.
type line struct {
	rest []byte
	ok   bool
}

// field takes the bytes up to the separator, and the separator.
func (l *line) field(sep byte) []byte {
	i := bytes.IndexByte(l.rest, sep)
	if i < 0 {
		l.ok = false
		return nil
	}
	f := l.rest[:i]
	l.rest = l.rest[i+1:]
	return f
}

func (l *line) address() []byte {
	f := l.field(' ')
	for _, c := range f {
		l.ok = l.ok && isAddressChar(c)
	}
	return f
}

func isAddressChar(c byte) bool {
	return c == ':' || c == '.' || '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// port takes a decimal number below 65536; leading zeros do no harm.
func (l *line) port(sep byte) uint16 {
	f := l.field(sep)
	n := 0
	for _, c := range f {
		l.ok = l.ok && '0' <= c && c <= '9'
		n = min(n*10+int(c-'0'), 1<<16)
	}
	l.ok = l.ok && len(f) > 0 && n < 1<<16
	return uint16(n)
}

func (l *line) end() {
	l.ok = l.ok && len(l.rest) > 0 && l.rest[0] == '\n'
	if l.ok {
		l.rest = l.rest[1:]
	}
}

// AppendV1 appends the header that nginx writes for "proxy_protocol on". An
// address that is not valid stands for a unix socket, of which version 1 can
// only say UNKNOWN.
//
// The source decides between TCP4 and TCP6. If both addresses are IPv4 ones, or of
// the form ::ffff:a.b.c.d that the system reports for IPv4 clients of a
// dual-stack listener, it is TCP4. UDP sessions are announced as TCP too.
//
// nginx announces such clients as TCP6, and for an IP source (put there by
// realip) and a unix destination it writes a line that no receiver can read.
func AppendV1(dst []byte, source, destination netip.AddrPort) []byte {
	if !source.IsValid() || !destination.IsValid() {
		return append(dst, "PROXY UNKNOWN\r\n"...)
	}
	source, destination = oneFamily(source, destination)
	if source.Addr().Is4() {
		dst = append(dst, "PROXY TCP4 "...)
	} else {
		dst = append(dst, "PROXY TCP6 "...)
	}
	dst = appendIP(dst, source.Addr())
	dst = appendIP(append(dst, ' '), destination.Addr())
	dst = appendNumber(append(dst, ' '), source.Port())
	dst = appendNumber(append(dst, ' '), destination.Port())
	return append(dst, "\r\n"...)
}

// oneFamily makes both addresses IPv4 ones, if they can be.
func oneFamily(a, b netip.AddrPort) (netip.AddrPort, netip.AddrPort) {
	first, second := a.Addr().Unmap(), b.Addr().Unmap()
	if !first.Is4() || !second.Is4() {
		return a, b
	}
	return netip.AddrPortFrom(first, a.Port()), netip.AddrPortFrom(second, b.Port())
}
