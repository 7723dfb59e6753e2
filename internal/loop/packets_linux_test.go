package loop

import (
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// collector keeps what a socket receives.
type collector struct {
	data   []string
	peers  []Sockaddr
	locals []netip.Addr
	errors []error
	told   chan struct{} // of each call
}

func newCollector() *collector { return &collector{told: make(chan struct{}, 1000)} }

func (c *collector) Received(d *Datagram) {
	defer func() { c.told <- struct{}{} }()
	if string(d.Data) == "panic" {
		panic("received")
	}
	c.data, c.peers, c.locals = append(c.data, string(d.Data)), append(c.peers, *d.Peer), append(c.locals, d.Local)
}

func (c *collector) ReceiveFailed(err error) {
	c.errors = append(c.errors, err)
	c.told <- struct{}{}
}

// bound makes a socket and returns its descriptor, which stays the socket's.
func bound(t *testing.T, network, address string) (net.PacketConn, int) {
	t.Helper()
	conn, err := net.ListenPacket(network, address)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	raw, err := conn.(syscall.Conn).SyscallConn()
	require.NoError(t, err)
	var fd int
	require.NoError(t, raw.Control(func(n uintptr) { fd = int(n) }))
	return conn, fd
}

func TestReceive(t *testing.T) {
	l := running(t, Options{})
	conn, fd := bound(t, "udp4", "127.0.0.1:0")
	client, err := net.Dial("udp4", conn.LocalAddr().String())
	require.NoError(t, err)
	defer client.Close()
	require.NoError(t, client.SetDeadline(time.Now().Add(testLimit)))
	// More than a batch, of all lengths, are there before anybody looks.
	var want []string
	for i := range 2*BatchSize + 1 {
		want = append(want, strings.Repeat("x", 7*i))
		_, err := client.Write([]byte(want[i]))
		require.NoError(t, err)
	}
	to := newCollector()
	var p *Packets
	l.do(func() { p, err = l.Receive(fd, false, to) })
	require.NoError(t, err)
	for range want {
		<-to.told
	}
	l.do(func() {
		assert.Equal(t, want, to.data)
		for i := range to.peers {
			assert.Equal(t, client.LocalAddr().String(), to.peers[i].AddrPort().String())
			assert.False(t, to.locals[i].IsValid())
		}
		assert.NoError(t, p.Send([]byte("answer"), &to.peers[0], netip.Addr{}))
		assert.NoError(t, p.Send(nil, &to.peers[0], netip.Addr{}))
		p.Close()
		p.Close()
	})
	buf := make([]byte, 100)
	n, err := client.Read(buf)
	require.NoError(t, err)
	assert.Equal(t, "answer", string(buf[:n]))
	n, err = client.Read(buf)
	require.NoError(t, err)
	assert.Zero(t, n)
}

// A socket bound to a wildcard tells where datagrams were sent to, and answers
// from there.
func TestReceiveTellsLocalAddress(t *testing.T) {
	for _, network := range []string{"udp4", "udp"} {
		t.Run(network, func(t *testing.T) {
			l := running(t, Options{})
			conn, fd := bound(t, network, ":0")
			to := newCollector()
			var p *Packets
			var err error
			l.do(func() { p, err = l.Receive(fd, true, to) })
			require.NoError(t, err)
			_, port, _ := net.SplitHostPort(conn.LocalAddr().String())
			client, err := net.Dial("udp4", "127.0.0.7:"+port)
			require.NoError(t, err)
			defer client.Close()
			require.NoError(t, client.SetDeadline(time.Now().Add(testLimit)))
			_, err = client.Write([]byte("x"))
			require.NoError(t, err)
			<-to.told
			l.do(func() {
				assert.Equal(t, "127.0.0.7", to.locals[0].Unmap().String())
				assert.NoError(t, p.Send([]byte("y"), &to.peers[0], to.locals[0]))
				assert.ErrorIs(t, p.Send(make([]byte, 70000), &to.peers[0], to.locals[0]), unix.EMSGSIZE)
				p.Close()
			})
			n, err := client.Read(make([]byte, 2)) // fails for an answer from elsewhere
			require.NoError(t, err)
			assert.Equal(t, 1, n)
		})
	}
}

// Unix sockets may send what does not fit, and need no address.
func TestReceiveFromUnix(t *testing.T) {
	l := running(t, Options{})
	path := filepath.Join(t.TempDir(), "s")
	_, fd := bound(t, "unixgram", path)
	require.NoError(t, unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 1<<20))
	to := newCollector()
	to.data = []string{}
	var err error
	l.do(func() { _, err = l.Receive(fd, false, to) })
	require.NoError(t, err)
	client, err := net.Dial("unixgram", path)
	require.NoError(t, err)
	defer client.Close()
	require.NoError(t, client.SetDeadline(time.Now().Add(testLimit)))
	require.NoError(t, client.(*net.UnixConn).SetWriteBuffer(1<<20))
	for _, text := range []string{strings.Repeat("x", MaxDatagram+1), "panic", "short", ""} {
		_, err = client.Write([]byte(text))
		require.NoError(t, err)
		<-to.told
	}
	l.do(func() {
		assert.Equal(t, []error{nil}, to.errors)
		assert.Equal(t, []string{"short", ""}, to.data)
		for i := range to.peers {
			assert.Equal(t, unix.AF_UNIX, to.peers[i].Family())
			assert.Empty(t, to.peers[i].Path())
			assert.False(t, to.peers[i].AddrPort().IsValid())
		}
	})
}

func TestTryReceive(t *testing.T) {
	l := running(t, Options{})
	far, err := net.ListenPacket("udp4", "127.0.0.1:0")
	require.NoError(t, err)
	defer far.Close()
	refused, err := net.ListenPacket("udp4", "127.0.0.1:0")
	require.NoError(t, err)
	refused.Close()
	l.perform(t, func() {
		var c Conn
		connect := func(to net.PacketConn) {
			assert.NoError(t, c.CreateDatagram(l, unix.AF_INET))
			assert.NoError(t, c.Connect(&Dial{To: IPSockaddr(to.LocalAddr().(*net.UDPAddr).AddrPort())}))
		}
		connect(far)
		_, err := c.TryWrite(nil)
		assert.NoError(t, err)
		_, from, err := far.ReadFrom(nil)
		assert.NoError(t, err)
		for _, text := range []string{"one", "", "three", "four"} {
			_, err := far.WriteTo([]byte(text), from)
			assert.NoError(t, err)
		}
		b := NewBatch()
		n, err := c.TryReceive(b, 3, 2)
		assert.NoError(t, err)
		got := []string{}
		for i := range n {
			got = append(got, string(b.Data(i)))
		}
		assert.Equal(t, []string{"on", "", "th"}, got)
		assert.True(t, c.Readable(), "there may be more")
		n, err = c.TryReceive(b, BatchSize, 100)
		assert.NoError(t, err)
		assert.Equal(t, 1, n)
		assert.False(t, c.Readable())
		_, err = c.TryReceive(b, 1, 1)
		assert.Equal(t, unix.EAGAIN, err)
		c.Close()

		connect(refused)
		_, err = c.TryWrite([]byte("x"))
		assert.NoError(t, err)
		_, err = c.TryReceive(b, 1, 1)
		assert.Equal(t, unix.ECONNREFUSED, err)
		assert.True(t, c.Readable(), "an error may hide what there is")
		c.Close()
	})
}

// One peer of a socket that has many can wait, and leaves the socket alone.
func TestShare(t *testing.T) {
	l := running(t, Options{})
	_, fd := bound(t, "udp4", "127.0.0.1:0")
	var c Conn
	l.perform(t, func() {
		c.Share(l, fd)
		assert.True(t, c.Open())
		assert.NoError(t, c.Await(func(done func()) func() {
			go done()
			return func() {}
		}))
		c.Close()
		assert.False(t, c.Open())
	})
	_, err := unix.Getsockname(fd)
	assert.NoError(t, err)
}

func TestSourceControl(t *testing.T) {
	for _, ip := range []string{"192.0.2.1", "2001:db8::1"} {
		var c control
		n := c.source(netip.MustParseAddr(ip))
		messages, err := unix.ParseSocketControlMessage(slices.Clone(c.bytes()[:n]))
		require.NoError(t, err)
		require.Len(t, messages, 1)
		assert.Contains(t, string(messages[0].Data), string(netip.MustParseAddr(ip).AsSlice()))
	}
}
