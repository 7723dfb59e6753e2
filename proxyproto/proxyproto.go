// Package proxyproto reads and writes PROXY protocol headers, versions 1 and 2,
// the way nginx does.
//
// Reading is [Parse], over bytes that were peeked. nginx looks at a connection
// exactly once; whoever wants to wait for a header that comes in pieces asks
// [Missing] first. nginx accepts more than
// the specification in places and less in others; Parse draws the same line, so
// that whoever moves from nginx meets no new refusals. What it read is kept in
// a [Header] in the form that nginx's $proxy_protocol_* variables show.
//
// Writing is [AppendV1] and [AppendV2]. Both append to a buffer of the caller
// and produce nginx's bytes.
//
// The protocol: https://www.haproxy.org/download/3.4/doc/proxy-protocol.txt
package proxyproto

import "bytes"

// MaxHeader is the number of bytes nginx looks at for a header, and the size of
// the largest one that it writes.
const MaxHeader = 4096

// MaxRead is the size of the largest header that [Missing] waits for. Cloud
// balancers put certificates into their TLVs, which can take 9 KB.
const MaxRead = 16384

// maxV1 is the size of the largest header of version 1, by its specification.
const maxV1 = 107

// Header is what a PROXY protocol header says. It holds nothing of the buffer
// that it was read from.
type Header struct {
	// Version is 1 or 2.
	Version int

	// Known is false for a header that carries no addresses of a TCP
	// connection: UNKNOWN in version 1; LOCAL, UDP, unix and unspecified in
	// version 2. nginx skips such a header, with its TLVs, and goes on as if
	// there had been none: all other fields are zero.
	Known bool

	// Source is who opened the connection: $proxy_protocol_addr and
	// $proxy_protocol_port.
	Source Address

	// Destination is where it was opened to: $proxy_protocol_server_addr and
	// $proxy_protocol_server_port.
	Destination Address

	// TLVs are the extensions of version 2, nil if there were none.
	TLVs TLVs
}

// Error is a header or a TLV that nginx refuses.
type Error struct {
	// Text is what nginx writes to its error log, at level error. It is empty
	// where nginx closes the connection without a word, which it does if the
	// length of a version 2 header leaves no room for the addresses.
	Text string
}

// Error returns the log text behind the name of this package.
func (e *Error) Error() string {
	if e.Text == "" {
		return "proxyproto: no room for the addresses"
	}
	return "proxyproto: " + e.Text
}

// Parse reads the header that b begins with and returns it together with its
// length. The bytes behind it are not looked at.
//
// b is all that the client has sent so far; a header that is not complete in it is
// an error, in nginx's words. Errors are of type *[Error]. b may be reused as soon as Parse returns.
func Parse(b []byte) (Header, int, error) {
	if len(b) >= v2HeaderLen && bytes.HasPrefix(b, signature) {
		return parseV2(b)
	}
	h, n, ok := parseV1(b)
	if !ok {
		return Header{}, 0, brokenHeader(b)
	}
	return h, n, nil
}

// Missing returns how many bytes b lacks, at least, to hold the header that it
// begins with. 0: the header is complete, or b begins with none, or it is larger
// than [MaxRead]; Parse then tells which.
func Missing(b []byte) int {
	if len(b) >= v2HeaderLen && bytes.HasPrefix(b, signature) {
		return missingV2(b)
	}
	if begins(b, signature) {
		return v2HeaderLen - len(b)
	}
	if len(b) < maxV1 && mayBecomeV1(b) {
		return 1
	}
	return 0
}

// begins reports whether the shorter of two texts begins the other.
func begins(b, text []byte) bool {
	n := min(len(b), len(text))
	return bytes.Equal(b[:n], text[:n])
}

// brokenHeader quotes the first line of what came instead of a header.
func brokenHeader(b []byte) error {
	if i := bytes.IndexAny(b, "\r\n"); i >= 0 {
		b = b[:i]
	}
	return &Error{`broken header: "` + string(b) + `"`}
}
