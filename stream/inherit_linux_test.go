package stream

import (
	"errors"
	"io"
	"net"
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

// TestReloadToAnotherAddressOfThePort goes from the wildcard to addresses that it
// covers, and back. There is always somebody who listens.
func TestReloadToAnotherAddressOfThePort(t *testing.T) {
	port := []string{"127.0.0.1:PORT0"}
	if ln, err := net.Listen("tcp6", "[::1]:0"); err == nil {
		ln.Close()
		port = append(port, "[::]:PORT0 ipv6only=off", "127.0.0.1:PORT0; listen [::1]:PORT0", "[::]:PORT0 ipv6only=off reuseport")
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		s := startWith(t, change, `server { listen PORT0; return old; }`)
		reload := func(block string) error {
			cfg := s.config(block)
			if change != nil {
				change(cfg)
			}
			return s.Reload(cfg)
		}
		stop, ended := make(chan struct{}), make(chan error, 1)
		go func() { ended <- s.askUntil(stop) }()
		for _, listen := range port {
			require.ErrorIs(t, reload(`server { listen `+listen+`; listen `+taken.Addr().String()+`; return new; }`), unix.EADDRINUSE, listen)
			assert.Equal(t, "old", s.ask("PORT0", ""))
			for _, ln := range s.listeners {
				assert.Equal(t, []int{0}, sockopts(t, int(ln.sockets[0]), reusePort), "as it was")
			}
			require.NoError(t, reload(`server { listen `+listen+`; return new; }`), listen)
			assert.Equal(t, "new", s.ask("PORT0", ""), listen)
			require.NoError(t, reload(`server { listen PORT0; return old; }`), listen)
			assert.Equal(t, "old", s.ask("PORT0", ""), listen)
		}
		close(stop)
		assert.NoError(t, streamtest.Receive(t, ended))
	})
}

var reusePort = [2]int{unix.SOL_SOCKET, unix.SO_REUSEPORT}

// askUntil asks the first port again and again. It returns the first refusal. A
// handshake that is under way when its listener goes is reset by the kernel.
func (s *site) askUntil(stop chan struct{}) error {
	address := s.text("127.0.0.1:PORT0")
	for {
		select {
		case <-stop:
			return nil
		default:
		}
		c, err := net.Dial("tcp", address)
		if errors.Is(err, unix.ECONNREFUSED) {
			return err
		}
		if err == nil {
			_, _ = io.ReadAll(c)
			c.Close()
		}
	}
}

// TestInheritedWildcard is an upgrade that changes to one address of the port.
// The older binary still listens on all of them.
func TestInheritedWildcard(t *testing.T) {
	older := start(t, `server { listen PORT0; return older; }`)
	fd, err := unix.FcntlInt(uintptr(older.Sockets()[0][0]), unix.F_DUPFD_CLOEXEC, 0)
	require.NoError(t, err)
	newer := site{t: t, dir: t.TempDir(), ports: older.ports}
	srv, err := New(newer.config(`server { listen 127.0.0.1:PORT0; return newer; }`))
	require.NoError(t, err)
	srv.Inherit([]int{fd})
	require.NoError(t, srv.Listen())
	require.NoError(t, srv.Start())
	assert.Equal(t, "newer", newer.ask("PORT0", ""))
	require.NoError(t, srv.Close())
	assert.Equal(t, "older", older.ask("PORT0", ""))
}
