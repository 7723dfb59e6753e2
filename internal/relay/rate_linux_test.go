package relay

import (
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/gostream/gostream/internal/loop"
)

// relayKinds are the relays of this system.
var relayKinds = map[string]relayed{"copier": copied, "loop": looped}

// onLoop is the handler of a relay that runs on a loop of its own.
type onLoop struct {
	t     *testing.T
	loop  *loop.Loop
	conns [2]loop.Conn
	relay Relay
	end   End
	told  time.Time
}

func (h *onLoop) RelayError(e *Error)           { h.t.Errorf("%v", e) }
func (h *onLoop) RelayFirstByte(at time.Time)   { h.told = at }
func (h *onLoop) RelayPanicked(p any, _ []byte) { h.t.Errorf("%v", p) }

func (h *onLoop) RelayDone(end End) {
	h.end = end
	for i := range h.conns {
		h.conns[i].Close()
	}
	h.loop.Stop()
}

func looped(t *testing.T, client, upstream *net.TCPConn, o Options, r Rates) (End, Counters, time.Time) {
	l, err := loop.New(loop.Options{})
	require.NoError(t, err)
	h := &onLoop{t: t, loop: l}
	fds := [...]int{descriptor(t, client), descriptor(t, upstream)}
	e := NewEngine(l)
	defer e.Close()
	l.Post(func() {
		for i, fd := range fds {
			h.conns[i].Init(l, fd)
		}
		h.relay.Start(e, [2]*loop.Conn{&h.conns[Client], &h.conns[Upstream]}, &o, h)
		h.relay.Limit(r)
		h.relay.Run(nil, nil)
	})
	require.NoError(t, l.Run())
	return h.end, h.relay.Counters(), h.told
}

// descriptor returns a descriptor of its own for the connection.
func descriptor(t *testing.T, conn *net.TCPConn) int {
	raw, err := conn.SyscallConn()
	require.NoError(t, err)
	fd := -1
	require.NoError(t, raw.Control(func(f uintptr) {
		fd, err = unix.FcntlInt(f, unix.F_DUPFD_CLOEXEC, 0)
	}))
	require.NoError(t, err)
	return fd
}
