package stream

import (
	"crypto/tls"
	"io"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/gostream/gostream/internal/streamtest"
)

// handedOver is the only session that an event loop has given to a goroutine.
func (s *Server) handedOver(t *testing.T) (found *socketConn) {
	t.Helper()
	streamtest.Eventually(t, "a session on a goroutine", func() bool {
		s.onGoroutines.mu.Lock()
		defer s.onGoroutines.mu.Unlock()
		for tr := range s.onGoroutines.running {
			found = tr.accepted.(*socketConn)
		}
		return found != nil
	})
	return found
}

// Sessions with TLS have sockets with the options that others have.
func TestHandedOverOptions(t *testing.T) {
	for _, c := range []struct {
		listen, server string
		want           []int // keepalive, nodelay
	}{
		{"", "", []int{0, 1}},
		{"so_keepalive=on", "", []int{1, 1}},
		{"", "tcp_nodelay off;", []int{0, 0}},
	} {
		s := startTLS(t, "server { listen 127.0.0.1:PORT0 ssl "+c.listen+"; proxy_pass ECHO; "+c.server+" }", "ECHO", streamtest.Echo(t, ""))
		client := s.tlsClient("PORT0", nil)
		streamtest.Send(t, client, "a")
		streamtest.Expect(t, client, "a")
		conn := s.handedOver(t)
		assert.NoError(t, conn.control(func(fd int) error {
			assert.Equal(t, c.want, sockopts(t, fd, keepAlive, nodelay), c)
			return nil
		}))
		assert.Equal(t, client.RemoteAddr().String(), conn.LocalAddr().String())
		assert.Equal(t, client.LocalAddr().String(), conn.RemoteAddr().String())
	}
}

// A socketConn ends, fails and waits as a connection of package net does, with bare
// errors.
func TestSocketConn(t *testing.T) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	var both [2]*socketConn
	for i, fd := range fds {
		both[i], err = newSocketConn(fd, endpoint{unix: true}, false)
		require.NoError(t, err)
	}
	one, other := both[0], both[1]
	buf := make([]byte, 4)
	streamtest.Send(t, one, "ping")
	streamtest.Expect(t, other, "ping")

	require.NoError(t, one.SetReadDeadline(time.Unix(1, 0)))
	_, err = one.Read(buf)
	assert.Equal(t, os.ErrDeadlineExceeded, err)
	assert.Implements(t, (*net.Error)(nil), err, "or crypto/tls takes it for the end")

	require.NoError(t, one.CloseWrite())
	_, err = other.Read(buf)
	assert.Equal(t, io.EOF, err)
	require.NoError(t, one.SetReadDeadline(time.Time{}))
	streamtest.Send(t, other, "pong")
	streamtest.Expect(t, one, "pong")

	require.NoError(t, other.Close())
	_, err = one.Write(buf)
	assert.Equal(t, unix.EPIPE, err)
	require.NoError(t, one.Close())
	_, err = one.Read(buf)
	assert.Equal(t, net.ErrClosed, err)
	_, err = one.Write(buf)
	assert.Equal(t, net.ErrClosed, err)
	assert.Equal(t, net.ErrClosed, one.Close())
	for _, err := range []error{one.CloseWrite(), one.SetNoDelay(true), one.SetDeadline(time.Time{})} {
		assert.Error(t, err)
	}
	assert.Equal(t, "unix", one.LocalAddr().Network())
	assert.Equal(t, "unix", one.RemoteAddr().Network())
}

// A socket that Go's poller does not take is closed.
func TestSocketConnRefused(t *testing.T) {
	fd, err := unix.Open(t.TempDir(), unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	require.NoError(t, err)
	_, err = newSocketConn(fd, endpoint{unix: true}, false)
	assert.Equal(t, os.ErrNoDeadline, err)
	assert.Equal(t, unix.EBADF, unix.Close(fd))
}

// A client that takes the last descriptor is served, with TLS too.
func TestLastDescriptor(t *testing.T) {
	c := exec.Command(os.Args[0], "-test.run=^TestServeLast$", "-test.v")
	c.Env = append(os.Environ(), roleVariable+"=last")
	out, err := c.CombinedOutput()
	assert.NoError(t, err, "%s", out)
	assert.Contains(t, string(out), "--- PASS: TestServeLast")
}

// TestServeLast is the other program: limits are those of a process.
func TestServeLast(t *testing.T) {
	if os.Getenv(roleVariable) != "last" {
		t.Skip("run by TestLastDescriptor")
	}
	s := startTLS(t, "server { listen 127.0.0.1:PORT0 ssl; return x; }")
	assert.Equal(t, "x", s.askTLS("PORT0", nil)) // the log files are open
	streamtest.Eventually(t, "no session", func() bool {
		s.onGoroutines.mu.Lock()
		defer s.onGoroutines.mu.Unlock()
		return len(s.onGoroutines.running) == 0
	})
	client, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	fillers := fillBelow(t, client)
	var limit unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &limit))
	before := limit
	limit.Cur = uint64(client) + 2
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &limit))
	to := s.Addrs()[0].(*net.TCPAddr)
	require.NoError(t, unix.Connect(client, &unix.SockaddrInet4{Addr: [4]byte(to.IP.To4()), Port: to.Port}))
	require.NoError(t, unix.SetNonblock(client, true))
	conn, err := newSocketConn(client, endpoint{}, true)
	require.NoError(t, err)
	defer conn.Close()
	text, err := io.ReadAll(tls.Client(conn, &tls.Config{InsecureSkipVerify: true}))
	assert.NoError(t, err)
	assert.Equal(t, "x", string(text))
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &before))
	for _, fd := range fillers {
		unix.Close(fd)
	}
	assert.Empty(t, s.errors("crit", "alert"))
}
