package stream

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/gostream/gostream/internal/loop"
	"github.com/gostream/gostream/internal/streamtest"
)

// handedOver is a socket as a service manager hands it over, without anything
// that those of this package have, and its address.
func handedOver(t *testing.T, kind int) (fd int, address string) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, kind|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	require.NoError(t, unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	if kind == unix.SOCK_STREAM {
		require.NoError(t, unix.Listen(fd, 16))
	}
	at, err := loop.Sockname(fd)
	require.NoError(t, err)
	return fd, at.AddrPort().String()
}

// TestInheritedSockets serves on sockets that were blocking: several loops of which
// one is first, all connections that wait, and datagrams that are answered.
func TestInheritedSockets(t *testing.T) {
	stream, streamAddress := handedOver(t, unix.SOCK_STREAM)
	packets, packetAddress := handedOver(t, unix.SOCK_DGRAM)
	s := site{t: t, dir: t.TempDir(), extra: []string{"STREAM", streamAddress, "PACKETS", packetAddress}}
	cfg := s.config(`server { listen STREAM; return tcp; } server { listen PACKETS udp; return udp; }`)
	cfg.Workers, cfg.MultiAccept = 3, true
	srv, err := New(cfg)
	require.NoError(t, err)
	srv.Inherit([]int{stream, packets})
	require.NoError(t, srv.Listen())
	defer srv.Close()
	for _, fd := range []int{stream, packets} {
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
		require.NoError(t, err)
		require.NotZero(t, flags&unix.O_NONBLOCK)
	}
	assert.Equal(t, []int{1}, sockopts(t, stream, nodelay))
	require.NoError(t, srv.Start())
	for range 10 {
		assert.Equal(t, "tcp", streamtest.Rest(t, streamtest.Dial(t, "tcp", streamAddress)))
	}
	c := streamtest.Dial(t, "udp", packetAddress)
	streamtest.Send(t, c, "x")
	streamtest.Expect(t, c, "udp")
}
