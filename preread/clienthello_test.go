package preread

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// show gives the three variables of nginx's module, or what kind of error.
func show(b []byte) string {
	h, err := ClientHello(b)
	if err != nil {
		return err.Error()
	}
	return string(h.ServerName) + "|" + h.Protocol() + "|" + string(h.AppendALPN(nil))
}

var h12 = helloSpec{legacy: 0x0303, extensions: sni("h.com")}

// vectorHellos are the hellos that the vectors describe.
func vectorHellos(t *testing.T) map[string][]byte {
	with := func(legacy uint16, extensions ...[]byte) []byte {
		return records(helloSpec{legacy: legacy, extensions: join(extensions...)}.message(), 1<<14)
	}
	fragmented := helloSpec{legacy: 0x0303, extensions: join(sni("frag.com"), supportedVersions(3, 4), alpn("a", "bc"))}.message()
	badName := sni("h.com")
	badName[6] = 1
	return map[string][]byte{
		"TLS1.3 supported_versions, ALPN h2,http/1.1": with(0x0303, sni("h.com"), supportedVersions(3, 4), alpn("h2", "http/1.1")),
		"legacy version 0x0303 no supported_versions": with(0x0303, sni("h.com")),
		"legacy 0x0302":                               with(0x0302, sni("h.com")),
		"legacy 0x0301":                               with(0x0301, sni("h.com")),
		"legacy 0x0300":                               with(0x0300, sni("h.com")),
		"no extensions at all":                        records(helloSpec{legacy: 0x0303, none: true}.message(), 1<<14),
		"plain HTTP":                                  []byte("GET / HTTP/1.0\r\n\r\n"),
		"SSLv2-format hello, version 3.1":             {0x80, 0x2e, 1, 3, 1, 0, 0},
		"SSLv2 hello version 0.2":                     {0x80, 0x2e, 1, 0, 2, 0, 0},
		"handshake record that is not a ClientHello":  records(message(2, []byte{3, 3}), 1<<14),
		"record major version 2":                      append([]byte{typeHandshake, 2}, with(0x0303, sni("h.com"))[2:]...),
		"SNI name_type 1":                             with(0x0303, badName, supportedVersions(3, 4)),
		"empty SNI host":                              with(0x0303, sni(""), supportedVersions(3, 4)),
		"real OpenSSL hello":                          realHello(t, &tls.Config{ServerName: "real.example", NextProtos: []string{"h2", "http/1.1"}}),
		"ALPN with empty protocol":                    with(0x0303, sni("h.com"), alpn("a", "", "b")),
		"ClientHello fragmented over two TLS records": records(fragmented, len(fragmented)/2+1),
	}
}

func TestVectors(t *testing.T) {
	text, err := os.ReadFile("../testdata/vectors.json")
	require.NoError(t, err)
	var file struct {
		Vectors []struct {
			Category string
			Input    json.RawMessage
			Output   json.RawMessage
		}
	}
	require.NoError(t, json.Unmarshal(text, &file))
	hellos := vectorHellos(t)
	for _, v := range file.Vectors {
		if v.Category != "ssl_preread variables" {
			continue
		}
		var in struct{ Hello string }
		var want string
		require.NoError(t, json.Unmarshal(v.Input, &in))
		require.NoError(t, json.Unmarshal(v.Output, &want))
		require.Contains(t, hellos, in.Hello)

		got := show(hellos[in.Hello])
		if strings.HasPrefix(got, "preread: ") {
			require.NotContains(t, got, ErrNeedMore.Error())
			got = "||"
		}
		assert.Equal(t, want, "single||"+got, in.Hello)
		delete(hellos, in.Hello)
	}
	assert.Empty(t, hellos, "hellos without a vector")
}

type helloTest struct {
	name string
	in   []byte
	want string // as show
}

func helloTests() []helloTest {
	with := func(extensions ...[]byte) []byte {
		return records(helloSpec{legacy: 0x0303, extensions: join(extensions...)}.message(), 1<<14)
	}
	// cut shortens the message by its own length, so that fields overrun it.
	cut := func(n int) []byte {
		b := with(sni("h.com"))
		b[8] -= byte(n)
		return b
	}
	// patch changes bytes of an extension before it is put into a hello.
	patch := func(ext []byte, at int, v byte) []byte {
		ext = bytes.Clone(ext)
		ext[at] = v
		return ext
	}
	return []helloTest{
		{"upper case", with(sni("Ex-A.com.")), "Ex-A.com.|TLSv1.2|"},
		{"any bytes", with(sni("a b\x00\xff")), "a b\x00\xff|TLSv1.2|"},
		{"data behind", append(with(sni("h.com")), "data"...), "h.com|TLSv1.2|"},
		{"empty extensions", with(), "|TLSv1.2|"},
		{"other extension", with(extension(10, []byte{1, 2, 3}), sni("h.com")), "h.com|TLSv1.2|"},
		{"first name counts", with(sni("a"), sni("b")), "a|TLSv1.2|"},
		{"first name counts, though empty", with(sni(""), sni("b")), "|TLSv1.2|"},
		{"first ALPN counts", with(alpn("a"), alpn("b")), "|TLSv1.2|a"},
		{"second name in list", with(extension(0, vector16(join([]byte{0, 0, 1, 'a'}, []byte{7, 0, 1, 'b'})))), "a|TLSv1.2|"},
		{"version below", with(supportedVersions(3, 1)), "|TLSv1.3|"},
		{"no versions", with(supportedVersions()), "|TLSv1.3|"},
		{"unknown version", records(helloSpec{legacy: 0x0305}.message(), 99), "||"},
		{"unknown major version", records(helloSpec{legacy: 0x0703}.message(), 99), "||"},
		{"ALPN with comma", with(alpn("a,b", "c")), "|TLSv1.2|a,b,c"},
		{"outer length ignored", with(patch(sni("h.com"), 3, 200)), "h.com|TLSv1.2|"},
		{"SSL 2, unknown minor version", []byte{0x80, 9, 1, 3, 9}, "||"},
		{"SSL 2 behind half a hello", append(records(h12.message(), 60)[:65], 0x80, 1, 1, 3, 2), "|TLSv1.1|"},

		{"empty", nil, ErrNeedMore.Error()},
		{"four bytes of HTTP", []byte("GET "), ErrNeedMore.Error()},
		{"HTTP", []byte("GET /"), ErrNotTLS.Error()},
		{"alert", []byte{21, 3, 1, 0, 2, 1, 0}, ErrNotTLS.Error()},
		{"SSL 2, other message", []byte{0x80, 9, 4, 3, 1}, ErrNotTLS.Error()},
		{"SSL 2, other version", []byte{0x80, 9, 1, 2, 1}, ErrNotTLS.Error()},
		{"other record in between", append(records(h12.message(), 30)[:35], 23, 3, 1, 0, 0), ErrNotTLS.Error()},
		{"empty records", append([]byte{22, 3, 1, 0, 0, 22, 3, 9, 0, 0}, with(sni("h.com"))...), "h.com|TLSv1.2|"},
		{"not a hello", records([]byte{2, 0, 0, 0}, 99), errNotHello.Error()},
		{"not a hello, incomplete", records([]byte{2, 0, 0}, 99), ErrNeedMore.Error()},
		{"no room for version", records([]byte{1, 0, 0, 1}, 99), errLength.Error()},
		{"message shorter", cut(1), errLength.Error()},
		{"message without random", records([]byte{1, 0, 0, 9, 3, 3}, 99), errLength.Error()},
		{"half an extension", with([]byte{0, 0, 0}), errLength.Error()},
		{"extension too long", with([]byte{0, 9, 0, 1}), errLength.Error()},
		{"name type", with(patch(sni("h.com"), 6, 1)), errNameType.Error()},
		{"name longer than list", with(patch(sni("h.com"), 5, 7)), errNameLength.Error()},
		{"name longer than message", with(patch(patch(sni("h.com"), 5, 99), 8, 80)), errLength.Error()},
		{"list longer than message", with(patch(sni("h.com"), 5, 99)), errLength.Error()},
		{"no name at all", with(extension(0, nil)), errLength.Error()},
		{"empty protocol", with(alpn("")), errEmptyProto.Error()},
		{"protocol longer than list", with(patch(alpn("abc"), 6, 4)), errProtoLength.Error()},
		{"protocol longer than message", with(patch(patch(alpn("abc"), 5, 99), 6, 80)), errLength.Error()},
		{"empty ALPN list", with(extension(16, []byte{0, 0})), errLength.Error()},
		{"empty ALPN list before others", with(extension(16, []byte{0, 0}), sni("h.com")), errEmptyProto.Error()},
		{"versions longer than message", with(patch(supportedVersions(3, 4), 4, 9)), errLength.Error()},
	}
}

func TestClientHello(t *testing.T) {
	for _, tt := range helloTests() {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, show(tt.in))
			_, err := ClientHello(tt.in)
			if err != nil && err != ErrNeedMore && err != ErrNotTLS {
				assert.ErrorIs(t, err, ErrMalformed)
			}
		})
	}
}

// TestPrefixes checks that a hello is decided by its last byte and not before,
// and that records make no difference.
func TestPrefixes(t *testing.T) {
	const want = "some.host.example|TLSv1.3|h2,http/1.1"
	message := helloSpec{legacy: 0x0303, extensions: join(
		extension(0xfe0d, make([]byte, 50)), sni("some.host.example"), alpn("h2", "http/1.1"), supportedVersions(3, 4, 3, 3),
	)}.message()
	for _, size := range []int{1, 2, 3, 7, 64, len(message) - 1, 1 << 14} {
		b := records(message, size)
		for n := range b {
			_, err := ClientHello(b[:n])
			require.Equal(t, ErrNeedMore, err, "%d of %d bytes in records of %d", n, len(b), size)
		}
		assert.Equal(t, want, show(b))
	}
}

// TestUnfinished has records of a hello whose rest does not come. What they say is
// what nginx 1.31.5 logs for them.
func TestUnfinished(t *testing.T) {
	message := helloSpec{legacy: 0x0303, extensions: join(sni("some.host"), alpn("h2", "h3"), supportedVersions(3, 4, 3, 3))}.message()
	name, protocols := bytes.Index(message, []byte("some.host")), bytes.Index(message, []byte("\x02h2"))
	for _, tt := range []struct {
		size int
		want string
	}{
		{4, "||"}, {5, "|SSLv3|"}, {6, "|TLSv1.2|"}, {name + 8, "|TLSv1.2|"}, {name + 9, "some.host|TLSv1.2|"}, {protocols, "some.host|TLSv1.2|"},
		{protocols + 2, "some.host|TLSv1.2|"}, {protocols + 3, "some.host|TLSv1.2|h2,"}, {protocols + 5, "some.host|TLSv1.2|h2,"},
		{protocols + 6, "some.host|TLSv1.2|h2,h3"}, {protocols + 10, "some.host|TLSv1.2|h2,h3"}, {protocols + 11, "some.host|TLSv1.3|h2,h3"},
	} {
		b := records(message, tt.size)
		h, err := ClientHello(b[:recordHeaderLen+tt.size])
		require.Equal(t, ErrNeedMore, err)
		assert.Equal(t, tt.want, string(h.ServerName)+"|"+h.Protocol()+"|"+string(h.AppendALPN(nil)), "%d", tt.size)
	}
}

func TestRealHellos(t *testing.T) {
	for name, config := range map[string]*tls.Config{
		"default":      {},
		"post-quantum": {CurvePreferences: []tls.CurveID{tls.X25519MLKEM768, tls.X25519}},
		"many names":   {NextProtos: strings.Split(strings.Repeat("protocol-name,", 500)+"h2", ",")},
		"TLS 1.2":      {MaxVersion: tls.VersionTLS12}, // has supported_versions, which is what counts
	} {
		config.ServerName = "db.example.com"
		b := realHello(t, config)
		want := "db.example.com|TLSv1.3|" + strings.Join(config.NextProtos, ",")
		assert.Equal(t, want, show(b), name)
		assert.Equal(t, want, show(records(b[recordHeaderLen:], 300)), name)
	}
}

func TestHelloAliasesInput(t *testing.T) {
	b := records(h12.message(), 1<<14)
	h, err := ClientHello(b)
	require.NoError(t, err)
	clear(b)
	assert.Equal(t, strings.Repeat("\x00", len("h.com")), string(h.ServerName))
	assert.Equal(t, len(h.ServerName), cap(h.ServerName), "appending to the name must not write to the input")
}

func TestProtocolsStops(t *testing.T) {
	h := Hello{ALPN: []byte("\x02h2\x01x")}
	for p := range h.Protocols() {
		assert.Equal(t, "h2", string(p))
		break
	}
}

func TestAllocations(t *testing.T) {
	b := realHello(t, &tls.Config{ServerName: "db.example.com", NextProtos: []string{"h2", "http/1.1"}})
	var buf [100]byte
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		h, err := ClientHello(b)
		if err != nil || len(h.AppendALPN(buf[:0])) == 0 || h.Protocol() == "" {
			panic(err)
		}
	}))
	bad := bytes.Clone(b)
	bad[6] = 0xff
	for _, in := range [][]byte{b[:200], bad, []byte("GET / HTTP/1.0")} {
		assert.Zero(t, testing.AllocsPerRun(100, func() { ClientHello(in) }))
	}
}

func BenchmarkClientHello(b *testing.B) {
	hello := realHello(b, &tls.Config{ServerName: "db.example.com", NextProtos: []string{"h2", "http/1.1"}})
	b.ReportAllocs()
	for b.Loop() {
		ClientHello(hello)
	}
}
