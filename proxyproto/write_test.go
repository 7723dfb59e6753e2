package proxyproto

import (
	"encoding/hex"
	"net"
	"net/netip"
	"strings"
	"testing"

	pp "github.com/pires/go-proxyproto"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var addrPort = netip.MustParseAddrPort

func TestAppendV1(t *testing.T) {
	unix := netip.AddrPort{}
	tests := []struct {
		src, dst netip.AddrPort
		want     string
	}{
		{addrPort("10.0.0.1:56324"), addrPort("10.0.0.2:443"), "PROXY TCP4 10.0.0.1 10.0.0.2 56324 443\r\n"},
		{addrPort("[2001:db8::1]:1"), addrPort("[::1]:65535"), "PROXY TCP6 2001:db8::1 ::1 1 65535\r\n"},
		{addrPort("[2001:db8::1]:1234"), addrPort("127.0.0.1:28102"), "PROXY TCP6 2001:db8::1 127.0.0.1 1234 28102\r\n"},
		{addrPort("10.0.0.1:1"), addrPort("[::1]:2"), "PROXY TCP4 10.0.0.1 ::1 1 2\r\n"},
		{addrPort("[::ffff:127.0.0.1]:1"), addrPort("[::ffff:127.0.0.1]:2"), "PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n"},
		{addrPort("[fe80::1%eth0]:1"), addrPort("[fe80::2%eth0]:0"), "PROXY TCP6 fe80::1 fe80::2 1 0\r\n"},
		{addrPort("[::102:304]:1"), addrPort("[::5]:2"), "PROXY TCP6 ::1.2.3.4 ::5 1 2\r\n"},
		{unix, unix, "PROXY UNKNOWN\r\n"},
		{addrPort("10.0.0.1:1"), unix, "PROXY UNKNOWN\r\n"},
	}
	for _, tt := range tests {
		assert.Equal(t, "x"+tt.want, string(AppendV1([]byte("x"), tt.src, tt.dst)))
	}
}

func TestAppendIP(t *testing.T) {
	tests := []struct{ in, want string }{
		{"::", "::"},
		{"::1", "::1"},
		{"::2", "::2"},
		{"::101", "::101"},
		{"::1:0", "::0.1.0.0"},
		{"::102", "::0.0.1.2"},
		{"::1.2.3.4", "::1.2.3.4"},
		{"::ffff:0.0.0.0", "::ffff:0.0.0.0"},
		{"1::102:304", "1::102:304"},
		{"1:0:0:2:0:0:0:3", "1:0:0:2::3"},
		{"1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"},
	}
	for _, tt := range tests {
		assert.Equal(t, tt.want, string(appendIP(nil, netip.MustParseAddr(tt.in))), tt.in)
	}
}

// TestVectorsV2 writes the headers that nginx was seen to write.
func TestVectorsV2(t *testing.T) {
	ssl := SSL{Version: "TLSv1.3", Cipher: "TLS_AES_256_GCM_SHA384", SignatureAlg: "RSA-SHA256", KeyAlg: "RSA2048"}
	cert := ssl
	cert.ClientCert, cert.CommonName, cert.Verify = true, "client one", 0x15
	options := func(name string) V2Options {
		switch {
		case strings.HasPrefix(name, "TLS client"):
			return V2Options{Authority: "sni.example", ALPN: "h2", SSL: &ssl}
		case strings.HasPrefix(name, "as above plus client cert"):
			return V2Options{Authority: "sni.example", ALPN: "h2", SSL: &cert}
		}
		return V2Options{}
	}
	for _, v := range vectors(t, "PROXY v2 write") {
		name := decode[struct{ Case string }](t, v.Input).Case
		want, err := hex.DecodeString(decode[string](t, v.Output))
		require.NoError(t, err)
		want = want[:len(want)-1] // the payload is one byte
		if strings.HasPrefix(string(want), "PROXY") {
			assert.Equal(t, string(want), string(AppendV1(nil, netip.AddrPort{}, netip.AddrPort{})), name)
			continue
		}
		h, n, err := Parse(want)
		require.NoError(t, err)
		require.Equal(t, len(want), n)
		got, err := AppendV2([]byte("x"), h.Source.AddrPort(), h.Destination.AddrPort(), options(name))
		require.NoError(t, err)
		assert.Equal(t, "x"+string(want), string(got), name)
	}
}

func TestAppendV2Addresses(t *testing.T) {
	tests := []struct {
		src, dst netip.AddrPort
		udp      bool
		want     string // from the command byte to the ports
	}{
		{addrPort("1.2.3.4:1"), addrPort("5.6.7.8:2"), false, "2111001301020304050607080001" + "0002"},
		{addrPort("1.2.3.4:1"), addrPort("5.6.7.8:2"), true, "2112001301020304050607080001" + "0002"},
		{addrPort("[::1]:1"), addrPort("5.6.7.8:2"), false, "2121002b" + strings.Repeat("00", 15) + "01" + strings.Repeat("00", 10) + "ffff05060708" + "00010002"},
		{addrPort("5.6.7.8:1"), addrPort("[::1]:2"), true, "2122002b" + strings.Repeat("00", 10) + "ffff05060708" + strings.Repeat("00", 15) + "01" + "00010002"},
		{addrPort("[::ffff:1.2.3.4]:1"), addrPort("[::ffff:5.6.7.8]:2"), false, "2111001301020304050607080001" + "0002"},
		{addrPort("[::ffff:1.2.3.4]:1"), addrPort("5.6.7.8:2"), false, "2121002b" + strings.Repeat("00", 10) + "ffff01020304" + strings.Repeat("00", 10) + "ffff05060708" + "00010002"},
		{netip.AddrPort{}, addrPort("5.6.7.8:2"), false, "20000007"},
		{addrPort("5.6.7.8:2"), netip.AddrPort{}, true, "20000007"},
	}
	for _, tt := range tests {
		b, err := AppendV2(nil, tt.src, tt.dst, V2Options{Datagram: tt.udp})
		require.NoError(t, err)
		assert.Equal(t, tt.want, hex.EncodeToString(b[12:len(b)-7]), "%v %v", tt.src, tt.dst)
	}
}

func TestAppendV2SSL(t *testing.T) {
	tests := []struct {
		ssl  SSL
		want string
	}{
		{SSL{}, "\x01\x00\x00\x00\x01"},
		{SSL{Resumed: true, Verify: 7}, "\x01\x00\x00\x00\x01"},
		{SSL{ClientCert: true}, "\x07\x00\x00\x00\x00"},
		{SSL{ClientCert: true, Resumed: true, Verify: 0x01020304}, "\x05\x01\x02\x03\x04"},
	}
	for _, tt := range tests {
		b, err := AppendV2(nil, addrPort("1.2.3.4:1"), addrPort("5.6.7.8:2"), V2Options{SSL: &tt.ssl})
		require.NoError(t, err)
		h, _, err := Parse(b)
		require.NoError(t, err)
		got, found, err := h.TLVs.Find(0x20)
		require.NoError(t, err)
		assert.True(t, found)
		assert.Equal(t, tt.want, string(got))
	}
}

func TestAppendV2TooLarge(t *testing.T) {
	for _, n := range []int{4020, 5000, 1 << 16, 1 << 20} {
		b, err := AppendV2([]byte("x"), addrPort("1.2.3.4:1"), addrPort("5.6.7.8:2"),
			V2Options{SSL: &SSL{CommonName: strings.Repeat("n", n)}})
		assert.Equal(t, "x", string(b[:1]))
		if n == 4020 {
			assert.NoError(t, err)
			continue
		}
		assert.EqualError(t, err, "proxyproto: too small buffer for PROXY protocol v2 TLV")
		assert.Len(t, b, 1)
	}
}

func TestWriteAllocations(t *testing.T) {
	src, dst := addrPort("[2001:db8::1]:1"), addrPort("[2001:db8::2]:2")
	ssl := SSL{Version: "TLSv1.3", CommonName: "c"}
	buf := make([]byte, 0, MaxHeader)
	assert.Zero(t, testing.AllocsPerRun(100, func() { buf = AppendV1(buf[:0], src, dst) }))
	assert.Zero(t, testing.AllocsPerRun(100, func() { buf, _ = AppendV2(buf[:0], src, dst, V2Options{ALPN: "h2", SSL: &ssl}) }))
}

// TestWriteOracle compares with go-proxyproto where it writes what nginx does.
func TestWriteOracle(t *testing.T) {
	pairs := [][2]string{
		{"1.2.3.4:1", "5.6.7.8:2"}, {"[2001:db8::1]:1", "[2001:db8::2]:65535"}, {"255.255.255.255:0", "0.0.0.0:0"},
	}
	for _, p := range pairs {
		src, dst := addrPort(p[0]), addrPort(p[1])
		for _, udp := range []bool{false, true} {
			checkOracle(t, src, dst, udp)
		}
	}
}

func checkOracle(t *testing.T, src, dst netip.AddrPort, udp bool) {
	from, to := net.Addr(net.TCPAddrFromAddrPort(src)), net.Addr(net.TCPAddrFromAddrPort(dst))
	if udp {
		from, to = net.UDPAddrFromAddrPort(src), net.UDPAddrFromAddrPort(dst)
	} else {
		want, err := pp.HeaderProxyFromAddrs(1, from, to).Format()
		require.NoError(t, err)
		assert.Equal(t, string(want), string(AppendV1(nil, src, dst)))
	}
	h := pp.HeaderProxyFromAddrs(2, from, to)
	got, err := AppendV2(nil, src, dst, V2Options{Datagram: udp, Authority: "a.example", ALPN: "h2"})
	require.NoError(t, err)
	require.NoError(t, h.SetTLVs([]pp.TLV{
		{Type: pp.PP2_TYPE_AUTHORITY, Value: []byte("a.example")},
		{Type: pp.PP2_TYPE_ALPN, Value: []byte("h2")},
		{Type: pp.PP2_TYPE_CRC32C, Value: got[len(got)-4:]},
	}))
	want, err := h.Format()
	require.NoError(t, err)
	assert.Equal(t, want, got)
}
