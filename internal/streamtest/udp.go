package streamtest

import (
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Datagrams is an upstream for datagrams. It gives handle each of them and a way
// to answer it.
func Datagrams(t testing.TB, handle func(p []byte, answer func(string))) (address string) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	ServeDatagrams(t, conn, handle)
	return conn.LocalAddr().String()
}

// ServeDatagrams is Datagrams for a socket that there is. It closes the socket
// when the test is over.
func ServeDatagrams(t testing.TB, conn net.PacketConn, handle func(p []byte, answer func(string))) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 65535)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			handle(buf[:n], func(text string) { _, _ = conn.WriteTo([]byte(text), from) })
		}
	}()
	t.Cleanup(func() {
		conn.Close()
		<-done
	})
}

// EchoDatagrams is an upstream that answers with greeting and what it got.
func EchoDatagrams(t testing.TB, greeting string) (address string) {
	t.Helper()
	return Datagrams(t, func(p []byte, answer func(string)) { answer(greeting + string(p)) })
}

// RefusedDatagrams is an address where nobody takes datagrams.
func RefusedDatagrams(t testing.TB) (address string) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	defer conn.Close()
	return conn.LocalAddr().String()
}

// Datagram waits for a datagram.
func Datagram(t testing.TB, conn net.Conn) string {
	t.Helper()
	buf := make([]byte, 65535)
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(Patience)))
	n, err := conn.Read(buf)
	require.NoError(t, err)
	return string(buf[:n])
}
