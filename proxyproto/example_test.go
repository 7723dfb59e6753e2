package proxyproto_test

import (
	"bufio"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"github.com/gostream/gostream/proxyproto"
)

// A connection is peeked at once; what the header does not take is the payload.
func ExampleParse() {
	conn := strings.NewReader("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\nhello")

	r := bufio.NewReaderSize(conn, proxyproto.MaxHeader)
	r.Peek(1) // wait for something
	b, _ := r.Peek(r.Buffered())
	h, n, err := proxyproto.Parse(b)
	if err != nil {
		fmt.Println(err)
		return
	}
	r.Discard(n)

	rest, _ := io.ReadAll(r)
	fmt.Println(h.Source, "to", h.Destination)
	fmt.Printf("%s\n", rest)
	// Output:
	// 192.0.2.1:56324 to 198.51.100.2:443
	// hello
}

func ExampleTLVs_Append() {
	src, dst := netip.MustParseAddrPort("192.0.2.1:56324"), netip.MustParseAddrPort("198.51.100.2:443")
	b, _ := proxyproto.AppendV2(nil, src, dst, proxyproto.V2Options{
		Authority: "db.example",
		SSL:       &proxyproto.SSL{Version: "TLSv1.3"},
	})

	h, _, _ := proxyproto.Parse(b)
	for _, name := range []string{"authority", "ssl_version", "alpn"} {
		value, found, _ := h.TLVs.Append(nil, name)
		fmt.Printf("%s %q %v\n", name, value, found)
	}
	// Output:
	// authority "db.example" true
	// ssl_version "TLSv1.3" true
	// alpn "" false
}

func ExampleAppendV1() {
	src, dst := netip.MustParseAddrPort("192.0.2.1:56324"), netip.MustParseAddrPort("198.51.100.2:443")
	fmt.Printf("%q\n", proxyproto.AppendV1(nil, src, dst))
	fmt.Printf("%q\n", proxyproto.AppendV1(nil, netip.AddrPort{}, netip.AddrPort{}))
	// Output:
	// "PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n"
	// "PROXY UNKNOWN\r\n"
}
