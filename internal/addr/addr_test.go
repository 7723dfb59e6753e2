package addr

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fake resolves "two" to two addresses and "odd" to none.
func fake(host string) ([]netip.Addr, error) {
	switch host {
	case "two":
		return []netip.Addr{netip.MustParseAddr("::2"), netip.MustParseAddr("::ffff:192.0.2.1")}, nil
	case "odd":
		return nil, nil
	}
	return nil, errors.New("no such host")
}

// parsed is the outcome of Parse in one line: the addresses, or the error.
func parsed(text string, o Options) string {
	o.Lookup = fake
	u, err := Parse(text, o)
	if err != nil {
		return err.Error()
	}
	out := make([]string, len(u.Addrs))
	for i, a := range u.Addrs {
		out[i] = a.String()
	}
	if u.NoPort {
		out = append(out, "no port")
	}
	return strings.Join(out, " ")
}

// What both a listen and an upstream make of an address. All outcomes are
// nginx's.
var bothForms = map[string]string{
	"127.0.0.1:80":                           "127.0.0.1:80",
	"127.0.0.1":                              "127.0.0.1:7 no port",
	"010.0.0.1:80":                           "10.0.0.1:80",
	"1..2.3:80":                              "1.0.2.3:80",
	"...:80":                                 "0.0.0.0:80",
	"[::1]:80":                               "[::1]:80",
	"[::1]":                                  "[::1]:7 no port",
	"[::ffff:1.2.3.4]:80":                    "[::ffff:1.2.3.4]:80",
	"two:65535":                              "[::2]:65535 192.0.2.1:65535",
	"two":                                    "[::2]:7 192.0.2.1:7 no port",
	"unix:/a:b":                              "unix:/a:b",
	"UNIX:a?/":                               "unix:a?/",
	"unix:" + strings.Repeat("a", maxPath-1): "unix:" + strings.Repeat("a", maxPath-1),

	"unix:":                                "no path in the unix domain socket",
	"unix:" + strings.Repeat("a", maxPath): "too long path in the unix domain socket",

	"":                                  "no host",
	":80":                               "no host",
	"[]:80":                             "no host",
	"127.0.0.1:":                        "invalid port",
	"127.0.0.1:0":                       "invalid port",
	"127.0.0.1:65536":                   "invalid port",
	"127.0.0.1:99999999999999999999999": "invalid port",
	"127.0.0.1:abc":                     "invalid port",
	"127.0.0.1:+80":                     "invalid port",
	"127.0.0.1:80-":                     "invalid port",
	"a:80:90":                           "invalid port",
	"::1:80":                            "invalid port",
	"[::1]:0":                           "invalid port",
	"[::1]:":                            "invalid port",
	"a/b:80":                            "invalid host",
	"a?b:80":                            "invalid host",
	"http://x":                          "invalid host",
	"[::1:80":                           "invalid host",
	"[::1]80":                           "invalid host",
	"[::1]:80/x":                        "invalid host",
	"[::zz]:80":                         "invalid IPv6 address",
	"[1.2.3.4]:80":                      "invalid IPv6 address",
	"[fe80::1%lo]:80":                   "invalid IPv6 address",
	"foo.invalid:80":                    "host not found",
	"foo.invalid":                       "host not found",
	"odd:80":                            "host not found",
	"1.2.3.4.5:80":                      "host not found",
	"1.2.3:80":                          "host not found", // fake is no inet_aton
	"256.1.1.1:80":                      "host not found",
	"255.255.255.255:80":                "host not found",
}

func TestParse(t *testing.T) {
	for text, want := range bothForms {
		assert.Equal(t, want, parsed(text, Options{DefaultPort: 7}), text)
		assert.Equal(t, want, parsed(text, Options{DefaultPort: 7, Listen: true}), "listen "+text)
	}
	for text, want := range map[string]string{
		"80":              "host not found",
		"*:80":            "host not found",
		"127.0.0.1:80-82": "invalid port",
		"[::1]:80-82":     "invalid port",
	} {
		assert.Equal(t, want, parsed(text, Options{}), text)
	}
	for text, want := range map[string]string{
		"80":              "0.0.0.0:80",
		"*:80":            "0.0.0.0:80",
		"*":               "0.0.0.0:0 no port",
		"80-82":           "0.0.0.0:80 0.0.0.0:81 0.0.0.0:82",
		"65535-65535":     "0.0.0.0:65535",
		"127.0.0.1:80-81": "127.0.0.1:80 127.0.0.1:81",
		"[::1]:80-81":     "[::1]:80 [::1]:81",
		"two:80-81":       "[::2]:80 [::2]:81 192.0.2.1:80 192.0.2.1:81",
		"0":               "invalid port",
		"65536":           "invalid port",
		"99999999999":     "invalid port",
		"0-80":            "invalid port",
		"80-70000":        "invalid port",
		"82-80":           "invalid port range",
		"[::1]:82-80":     "invalid port range",
		"127.0.0.1:82-80": "invalid port range",
		"80-":             "host not found",
		"-80":             "host not found",
		"abc-70000":       "host not found",
		"8000-9000-1":     "host not found",
	} {
		assert.Equal(t, want, parsed(text, Options{Listen: true}), "listen "+text)
	}
}

func TestParseIPPort(t *testing.T) {
	for text, want := range map[string]string{
		"127.0.0.1": "127.0.0.1:0", "127.0.0.1:80": "127.0.0.1:80", "127.0.0.1:65535": "127.0.0.1:65535",
		"::1": "[::1]:0", "[::1]": "[::1]:0", "[::1]:80": "[::1]:80", "[127.0.0.1]": "127.0.0.1:0", "[127.0.0.1]:80": "127.0.0.1:80",
		"1:2:3:4:5:6:7:80": "[1:2:3:4:5:6:7:80]:0", "::ffff:1.2.3.4": "[::ffff:1.2.3.4]:0",
	} {
		got, ok := ParseIPPort(text)
		assert.True(t, ok, text)
		assert.Equal(t, want, got.String())
	}
	for _, text := range []string{
		"", "x", "off", ":80", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:x", "127.0.0.1:80 ",
		"[::1", "[::1]80", "[::1]:", "[::1]:0", "[]", "[]:80", "::1]:80", "[x]:80", "fe80::1%lo", "unix:/x", "255.255.255.255",
	} {
		_, ok := ParseIPPort(text)
		assert.False(t, ok, text)
	}
}

func TestNoResolve(t *testing.T) {
	u, err := Parse("Two:80", Options{NoResolve: true})
	require.NoError(t, err)
	assert.Equal(t, URL{Host: "Two", Port: 80}, u)
	u, err = Parse("two", Options{NoResolve: true})
	require.NoError(t, err)
	assert.Equal(t, URL{Host: "two", NoPort: true}, u)
}

func TestLookup(t *testing.T) {
	for host, want := range map[string]string{
		"80": "0.0.0.80", "1.2.3": "1.2.0.3", "0x7f.1": "127.0.0.1", "010.1.1.1": "8.1.1.1",
		"4294967295": "255.255.255.255", "255.255.255.255": "255.255.255.255", "0xdeadbeef": "222.173.190.239",
	} {
		ips, err := Lookup(host)
		require.NoError(t, err, host)
		assert.Equal(t, []netip.Addr{netip.MustParseAddr(want)}, ips, host)
	}
	for _, text := range []string{"4294967296", "1.2.65536", "256.1", "1.2.3.4.5", "0b1", "0o7", "1_0", "", "1.", "x"} {
		_, ok := parseNumeric(text)
		assert.False(t, ok, text)
	}
	ips, err := Lookup("localhost")
	require.NoError(t, err)
	for _, ip := range ips {
		assert.True(t, ip.Unmap().IsLoopback(), ip)
	}
}

func TestAddr(t *testing.T) {
	tcp, sock := IP(netip.MustParseAddrPort("[::]:80")), Unix("/run/x")
	assert.Equal(t, []any{"[::]:80", "tcp", "[::]:80", uint16(80), true, false}, describe(tcp))
	assert.Equal(t, []any{"unix:/run/x", "unix", "/run/x", uint16(0), false, true}, describe(sock))
	assert.Equal(t, "192.0.2.1:80", tcp.WithAddr(netip.MustParseAddr("192.0.2.1")).String())
	assert.Equal(t, IP(netip.MustParseAddrPort("[::]:80")), tcp)
	assert.Empty(t, Addr{}.String())
}

func describe(a Addr) []any {
	return []any{a.String(), a.Network(), a.HostPort(), a.Port(), a.IsWildcard(), a.IsUnix()}
}

func FuzzParse(f *testing.F) {
	for text := range bothForms {
		f.Add(text, true)
	}
	f.Fuzz(func(t *testing.T, text string, listen bool) {
		u, err := Parse(text, Options{Listen: listen, NoResolve: true})
		if err != nil {
			assert.Empty(t, u.Addrs)
			return
		}
		assert.NotEmpty(t, u.Host)
		if len(u.Addrs) != 1 || u.NoPort {
			return
		}
		again, err := Parse(u.Addrs[0].String(), Options{NoResolve: true})
		assert.NoError(t, err)
		assert.Equal(t, u.Addrs, again.Addrs)
	})
}
