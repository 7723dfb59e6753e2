package preread

import (
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// helloSpec describes a ClientHello to be put together by hand.
type helloSpec struct {
	legacy     uint16
	extensions []byte
	none       bool // not even an empty list of extensions
}

func (s helloSpec) message() []byte {
	b := binary.BigEndian.AppendUint16(nil, s.legacy)
	b = append(b, make([]byte, 32)...) // random
	b = append(b, 4, 1, 2, 3, 4)       // session id
	b = append(b, 0, 2, 0x13, 0x01)    // cipher suites
	b = append(b, 1, 0)                // compression methods
	if !s.none {
		b = append(b, vector16(s.extensions)...)
	}
	return message(typeClientHello, b)
}

func message(typ byte, body []byte) []byte {
	return append([]byte{typ, byte(len(body) >> 16), byte(len(body) >> 8), byte(len(body))}, body...)
}

func vector16(b []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...)
}

func extension(typ uint16, body []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, typ), vector16(body)...)
}

func sni(name string) []byte {
	return extension(extServerName, vector16(append([]byte{0}, vector16([]byte(name))...)))
}

func alpn(names ...string) []byte {
	var list []byte
	for _, n := range names {
		list = append(append(list, byte(len(n))), n...)
	}
	return extension(extALPN, vector16(list))
}

func supportedVersions(versions ...byte) []byte {
	return extension(extSupportedVersions, append([]byte{byte(len(versions))}, versions...))
}

func join(parts ...[]byte) (b []byte) {
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

// records carries a message in records of at most size bytes.
func records(message []byte, size int) (b []byte) {
	for len(message) > 0 {
		n := min(size, len(message))
		b = append(b, typeHandshake, 3, 1)
		b = append(b, vector16(message[:n])...)
		message = message[n:]
	}
	return b
}

// realHello returns what crypto/tls sends with a configuration.
func realHello(t testing.TB, config *tls.Config) []byte {
	client, server := net.Pipe()
	defer server.Close()
	go func() {
		tls.Client(client, config).Handshake()
		client.Close()
	}()
	require.NoError(t, server.SetDeadline(time.Now().Add(10*time.Second)))
	b := make([]byte, recordHeaderLen)
	_, err := io.ReadFull(server, b)
	require.NoError(t, err)
	b = append(b, make([]byte, binary.BigEndian.Uint16(b[3:]))...)
	_, err = io.ReadFull(server, b[recordHeaderLen:])
	require.NoError(t, err)
	return b
}
