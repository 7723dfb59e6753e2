package relay

import (
	"net"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/gostream/gostream/internal/loop"
)

func init() { engines["loop"] = newLoopRig }

// loopRig is the handler of a relay on a loop.
type loopRig struct {
	*rig
	loop   *loop.Loop
	engine *Engine
	relay  Relay
	near   [2]loop.Conn // the relay's ends, by Side
	ended  bool
}

func (r *loopRig) RelayError(e *Error)                   { r.relayError(e) }
func (r *loopRig) RelayPanicked(value any, stack []byte) { r.relayPanicked(value, stack) }

func (r *loopRig) RelayDone(end End) {
	r.ended = true
	r.near[Client].Close()
	r.near[Upstream].Close()
	r.done <- end
}

// do runs a function on the loop and waits for it.
func (r *loopRig) do(fn func()) {
	done := make(chan struct{})
	r.loop.Post(func() {
		defer close(done)
		fn()
	})
	<-done
}

func newLoopRig(t testing.TB, s setup) *rig { return startLoopRig(t, s).rig }

func startLoopRig(t testing.TB, s setup) *loopRig {
	t.Helper()
	l, err := loop.New(loop.Options{})
	require.NoError(t, err)
	ended := make(chan error)
	go func() { ended <- l.Run() }()
	r := &loopRig{rig: &rig{}, loop: l, engine: NewEngine(l)}
	client, upstream := r.connect(t, s)
	t.Cleanup(func() {
		r.stop()
		l.Stop()
		assert.NoError(t, <-ended)
		r.engine.Close()
	})
	r.counters = func() (c Counters) {
		r.do(func() { c = r.relay.Counters() })
		return c
	}
	r.stop = func() { r.do(r.relay.Stop) }
	ours, theirs := detached(t, client), detached(t, upstream)
	r.do(func() {
		r.near[Client].Init(l, ours)
		r.near[Upstream].Init(l, theirs)
		r.relay.Start(r.engine, [2]*loop.Conn{Client: &r.near[Client], Upstream: &r.near[Upstream]}, &s.opt, r)
		r.relay.Limit(s.rates)
		var early []byte
		if s.early != "" {
			early = append(r.engine.takeBuffer(s.opt.BufferSize), s.early...)
		}
		r.relay.Run([]byte(s.header), early)
	})
	return r
}

// detached takes the socket out of a connection.
func detached(t testing.TB, conn net.Conn) int {
	t.Helper()
	file, err := conn.(syscall.Conn).SyscallConn()
	require.NoError(t, err)
	var fd int
	require.NoError(t, file.Control(func(n uintptr) {
		fd, err = unix.FcntlInt(n, unix.F_DUPFD_CLOEXEC, 0)
	}))
	require.NoError(t, err)
	conn.Close()
	return fd
}
