package proxyproto

import (
	"net"
	"net/netip"
	"strings"
	"testing"

	pp "github.com/pires/go-proxyproto"
)

// FuzzParse checks that what go-proxyproto accepts is accepted here with the
// same addresses, that nothing behind the header matters, and that a header
// written from the result is read back the same.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"PROXY TCP4 1.1.1.1 2.2.2.2 10 20\r\nDATA",
		"PROXY TCP6 ::1 2001:db8::2 10 20\r\n",
		"PROXY UNKNOWN\r\n",
		v2(0x21, 0x11, v4Body),
		v2(0x21, 0x21, v6Body+fullTLVs),
		v2(0x20, 0x00, ""),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		b = b[:min(len(b), MaxHeader)]
		h, n, err := Parse(b)
		checkLibrary(t, b, h, err)
		if err != nil {
			if n != 0 || h.Known {
				t.Fatalf("error %v with result", err)
			}
			return
		}
		if missing := Missing(b); missing != 0 && n <= maxV1 {
			t.Fatalf("%d bytes are missing of %q, which is a header", missing, b)
		}
		again, m, err := Parse(b[:n:n])
		if err != nil || m != n || show(again) != show(h) {
			t.Fatalf("the header alone gives %v %d %v", again, m, err)
		}
		for _, name := range []string{"alpn", "ssl_cn", "ssl_verify", "0xff", "x"} {
			_, _, _ = h.TLVs.Append(nil, name)
		}
		checkRoundTrip(t, h)
	})
}

// checkLibrary knows the cases in which the library gives addresses where nginx
// has none: whatever is not a TCP connection.
func checkLibrary(t *testing.T, b []byte, h Header, err error) {
	want, _, libErr := pp.ParseUDPDatagram(b)
	if libErr != nil {
		return
	}
	if err != nil {
		t.Fatalf("the library accepts %q, we say %v", b, err)
	}
	from, to, ok := want.TCPAddrs()
	if !ok || want.Command.IsLocal() {
		if h.Known {
			t.Fatalf("addresses from %q", b)
		}
		return
	}
	checkAddress(t, from, h.Source)
	checkAddress(t, to, h.Destination)
}

func checkAddress(t *testing.T, want *net.TCPAddr, got Address) {
	ip, _ := netip.AddrFromSlice(want.IP)
	if got.ip.Unmap() != ip.Unmap() && ip.Unmap() != netip.AddrFrom4([4]byte{255, 255, 255, 255}) || int(got.Port) != want.Port {
		t.Fatalf("got %v, want %v", got, want)
	}
}

// checkRoundTrip writes valid addresses again in both versions.
func checkRoundTrip(t *testing.T, h Header) {
	src, dst := h.Source.AddrPort(), h.Destination.AddrPort()
	if !src.IsValid() || !dst.IsValid() {
		return
	}
	none := netip.AddrFrom4([4]byte{255, 255, 255, 255}) // which nginx takes for no address in a text
	if src.Addr().Unmap() == none || dst.Addr().Unmap() == none {
		return
	}
	line := AppendV1(nil, src, dst)
	got, n, err := Parse(line)
	if err != nil || n != len(line) || !sameAddress(got.Source, src) || !sameAddress(got.Destination, dst) {
		t.Fatalf("%q is read as %v %v", line, got, err)
	}
	if got.Source.text != "" || !strings.Contains(string(line), " "+string(got.Source.AppendHost(nil))+" ") {
		t.Fatalf("%q is kept as text", line)
	}
	b, err := AppendV2(nil, src, dst, V2Options{})
	if err != nil {
		t.Fatal(err)
	}
	got, n, err = Parse(b)
	if err != nil || n != len(b) || got.Source.AddrPort().Addr().Unmap() != src.Addr().Unmap() || got.Destination.Port != dst.Port() {
		t.Fatalf("%q is read as %v %v", b, got, err)
	}
}

// sameAddress reports whether an address is the one that was written, which may
// have been written as one of IPv4.
func sameAddress(got Address, want netip.AddrPort) bool {
	return got.AddrPort().Addr().Unmap() == want.Addr().Unmap() && got.Port == want.Port()
}
