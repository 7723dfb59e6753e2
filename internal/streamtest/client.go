package streamtest

import (
	"encoding/binary"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Dial connects to an address of network tcp or unix. The connection is closed
// at the end of the test, and nothing on it takes longer than Patience.
func Dial(t testing.TB, network, address string) net.Conn {
	t.Helper()
	c, err := net.Dial(network, address)
	require.NoError(t, err)
	require.NoError(t, c.SetDeadline(time.Now().Add(Patience)))
	t.Cleanup(func() { c.Close() })
	return c
}

// Send writes text.
func Send(t testing.TB, c net.Conn, text string) {
	t.Helper()
	_, err := io.WriteString(c, text)
	require.NoError(t, err)
}

// Expect reads as many bytes as text has, which must be text.
func Expect(t testing.TB, c net.Conn, text string) {
	t.Helper()
	got := make([]byte, len(text))
	n, err := io.ReadFull(c, got)
	require.NoError(t, err, "got %q", got[:n])
	require.Equal(t, text, string(got))
}

// Rest reads to the end. A reset is as good an end as any.
func Rest(t testing.TB, c net.Conn) string {
	t.Helper()
	all, err := io.ReadAll(c)
	if e, ok := err.(net.Error); ok && e.Timeout() {
		require.FailNow(t, "no end", "got %q", all)
	}
	return string(all)
}

// ClientHello is the first record of a TLS 1.3 client that asks for a server
// name, which need not be a sensible one, and for protocols. An empty name is
// not sent.
func ClientHello(name string, protocols ...string) []byte {
	var extensions []byte
	if name != "" {
		extensions = appendExtension(extensions, 0, prefixed16(append([]byte{0}, prefixed16([]byte(name))...)))
	}
	if len(protocols) > 0 {
		var list []byte
		for _, p := range protocols {
			list = append(append(list, byte(len(p))), p...)
		}
		extensions = appendExtension(extensions, 16, prefixed16(list))
	}
	extensions = appendExtension(extensions, 43, []byte{2, 3, 4}) // TLS 1.3

	body := append([]byte{3, 3}, make([]byte, 32)...) // version, random
	body = append(body, 0, 0, 2, 0x13, 0x01, 1, 0)    // session, ciphers, compression
	body = append(body, prefixed16(extensions)...)
	message := append([]byte{1, 0, byte(len(body) >> 8), byte(len(body))}, body...)
	return append([]byte{22, 3, 1}, prefixed16(message)...)
}

func appendExtension(b []byte, kind uint16, content []byte) []byte {
	return append(binary.BigEndian.AppendUint16(b, kind), prefixed16(content)...)
}

func prefixed16(b []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...)
}
