package loop

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// counter accepts and keeps connections.
type counter struct {
	fds    []int
	peers  []string
	errors []error
	told   chan struct{} // of each call
}

func (c *counter) Accepted(fd int, peer *Sockaddr) {
	c.fds, c.peers = append(c.fds, fd), append(c.peers, peer.AddrPort().String())
	c.told <- struct{}{}
}

func (c *counter) AcceptFailed(err error) {
	c.errors = append(c.errors, err)
	c.told <- struct{}{}
}

func (c *counter) close() {
	for _, fd := range c.fds {
		unix.Close(fd)
	}
	c.fds = nil
}

// descriptor is the socket of a listener. It stays the listener's.
func descriptor(t testing.TB, ln net.Listener) (fd int) {
	raw, err := ln.(*net.TCPListener).SyscallConn()
	require.NoError(t, err)
	require.NoError(t, raw.Control(func(n uintptr) { fd = int(n) }))
	return fd
}

func TestAccept(t *testing.T) {
	for _, multi := range []bool{false, true} {
		t.Run(fmt.Sprint("multi ", multi), func(t *testing.T) {
			l := running(t, Options{MultiAccept: multi})
			ln := listening(t, "tcp4", "127.0.0.1:0")
			const n = 20
			to := &counter{told: make(chan struct{}, 2*n)}
			var clients []string
			for range n { // they wait in the queue
				conn, err := net.Dial("tcp4", ln.Addr().String())
				require.NoError(t, err)
				t.Cleanup(func() { conn.Close() })
				clients = append(clients, conn.LocalAddr().String())
			}
			var from *Listener
			l.do(func() {
				var err error
				from, err = l.Listen(descriptor(t, ln), to)
				assert.NoError(t, err)
			})
			for range n {
				<-to.told
			}
			l.do(func() {
				assert.Equal(t, clients, to.peers)
				assert.Empty(t, to.errors)
				from.Close()
				from.Close() // does nothing
				to.close()
			})
			_, err := net.Dial("tcp4", ln.Addr().String())
			assert.NoError(t, err, "the socket is still open")
			l.do(func() { assert.Empty(t, to.fds) })
		})
	}
}

// Close takes what the kernel has queued: no other process may be told of it.
func TestCloseDrains(t *testing.T) {
	l := running(t, Options{})
	ln := listening(t, "tcp4", "127.0.0.1:0")
	to := &counter{told: make(chan struct{}, 10)}
	for range 3 {
		conn, err := net.Dial("tcp4", ln.Addr().String())
		require.NoError(t, err)
		t.Cleanup(func() { conn.Close() })
	}
	l.do(func() {
		from, err := l.Listen(descriptor(t, ln), to)
		assert.NoError(t, err)
		from.Close()
		assert.Len(t, to.fds, 3)
		to.close()
	})
}

// Running out of descriptors changes the whole process, so it happens in one of
// its own.
const roleVariable = "GOSTREAM_TEST_ROLE"

func TestMain(m *testing.M) {
	if os.Getenv(roleVariable) == "starve" {
		if err := starve(); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestAcceptPausesWithoutDescriptors(t *testing.T) {
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), roleVariable+"=starve")
	out, err := c.CombinedOutput()
	assert.NoError(t, err, "%s", out)
}

// starve lets accept fail, then work again, and tells what was not as it
// should be.
func starve() error {
	l, err := New(Options{AcceptPause: 20 * time.Millisecond})
	if err != nil {
		return err
	}
	go l.Run() //nolint:errcheck // the process ends first
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	raw, _ := ln.(*net.TCPListener).SyscallConn()
	var fd int
	_ = raw.Control(func(n uintptr) { fd = int(n) })
	client, err := net.Dial("tcp4", ln.Addr().String())
	if err != nil {
		return err
	}
	defer client.Close()
	if err := lowerLimit(); err != nil {
		return err
	}
	hoard, err := takeAll()
	if err != nil {
		return err
	}
	to := &counter{told: make(chan struct{}, 100)}
	var from *Listener
	l.do(func() { from, err = l.Listen(fd, to) })
	if err != nil {
		return err
	}
	<-to.told
	<-to.told // tried again
	var failed int
	l.do(func() {
		failed = len(to.errors)
		for _, fd := range hoard {
			unix.Close(fd)
		}
	})
	for range failed - 2 {
		<-to.told
	}
	<-to.told
	var got []string
	l.do(func() {
		got = to.peers
		for _, err := range to.errors {
			if err != unix.EMFILE {
				got = append(got, err.Error())
			}
		}
		from.pause(unix.EMFILE)
		from.Close() // during a pause
	})
	if len(got) != 1 || got[0] != client.LocalAddr().String() {
		return fmt.Errorf("accepted %s", strings.Join(got, " "))
	}
	return nil
}

func lowerLimit() error {
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &r); err != nil {
		return err
	}
	r.Cur = 64
	return unix.Setrlimit(unix.RLIMIT_NOFILE, &r)
}

// takeAll opens descriptors until there are no more.
func takeAll() (fds []int, err error) {
	for {
		fd, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		switch err {
		case nil:
			fds = append(fds, fd)
		case unix.EMFILE:
			return fds, nil
		default:
			return nil, err
		}
	}
}

// A connection that is gone before it was accepted is told of, without a pause.
func TestAborted(t *testing.T) {
	l := running(t, Options{})
	ln := listening(t, "tcp4", "127.0.0.1:0")
	to := &counter{told: make(chan struct{}, 10)}
	l.do(func() {
		from, err := l.Listen(descriptor(t, ln), to)
		assert.NoError(t, err)
		defer from.Close()
		from.failed(unix.ECONNABORTED)
		assert.False(t, from.timer.Running())
		from.failed(unix.EAGAIN)
		assert.Equal(t, []error{unix.ECONNABORTED}, to.errors)
	})
}
