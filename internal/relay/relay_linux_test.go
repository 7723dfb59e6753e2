package relay

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// The timer is not moved by traffic: when it fires it looks at what happened
// last.
func TestTimerIsLazy(t *testing.T) {
	r := startLoopRig(t, usual)
	r.do(func() {
		r.relay.active = r.loop.Now().Add(-usual.opt.Timeout + time.Second)
		r.loop.StopTimer(&r.relay.timer)
		r.relay.Timeout(nil)
		assert.True(t, r.relay.timer.Running())
		assert.False(t, r.ended)
		r.relay.active = r.loop.Now().Add(-usual.opt.Timeout)
		r.relay.Timeout(nil)
		assert.True(t, r.ended)
		r.relay.Timeout(nil) // a late one does nothing
	})
	assert.Equal(t, TimedOut, r.end(t))
}

// Pipes and buffers are only held while there is data in flight.
func TestIdleRelayHoldsNothing(t *testing.T) {
	r := startLoopRig(t, usual)
	const size = 4 << 20
	go blob(r.upstream, 3, size) // ends its direction
	n, err := io.Copy(io.Discard, r.client)
	require.NoError(t, err)
	assert.EqualValues(t, size, n)
	r.end(t)
	r.do(func() {
		for _, f := range r.relay.flows {
			assert.False(t, f.hasPipe)
			assert.Nil(t, f.buffer)
		}
		assert.NotEmpty(t, r.engine.pipes, "the pipe is kept for the next")
		for _, p := range r.engine.pipes {
			_, err := unix.Read(p.r, make([]byte, 1))
			assert.Equal(t, unix.EAGAIN, err, "it is empty")
		}
	})
}

// A pipe with data in it is of no use to others.
func TestFullPipeIsDropped(t *testing.T) {
	r := startLoopRig(t, usual)
	r.do(func() {
		p, ok := r.engine.takePipe()
		assert.True(t, ok)
		_, err := unix.Write(p.w, []byte("x"))
		assert.NoError(t, err)
		f := &r.relay.flows[Client]
		f.pipe, f.hasPipe, f.piped = p, true, 1
		r.relay.Stop()
		assert.Empty(t, r.engine.pipes)
	})
}

// Sockets that the kernel cannot splice, and the lack of pipes, make no
// difference.
func TestWithoutSplice(t *testing.T) {
	r := startLoopRig(t, usual)
	r.do(func() {
		r.relay.flows[Client].noSplice = true
		r.relay.flows[Upstream].noSplice = true
	})
	data := bytes.Repeat([]byte("0123456789"), 500_000)
	go func() {
		_, _ = r.client.Write(data)
		closeWrite(r.client)
	}()
	got, err := io.ReadAll(r.upstream)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(data, got))
	r.end(t)
	r.do(func() { assert.Empty(t, r.engine.pipes) })
}

func TestBackpressureWithoutSplice(t *testing.T) {
	r := startLoopRig(t, usual)
	r.do(func() { r.relay.flows[Client].noSplice = true })
	written := fill(t, r.client)
	c := r.counters()
	assert.LessOrEqual(t, c.FromClient-c.ToUpstream, int64(usual.opt.BufferSize))
	closeWrite(r.client)
	n, err := io.Copy(io.Discard, r.upstream)
	require.NoError(t, err)
	assert.Equal(t, written, n)
}

func TestEarly(t *testing.T) {
	r := startLoopRig(t, usual)
	far, near := connPair(t, "unix")
	_, err := far.Write([]byte("hello"))
	require.NoError(t, err)
	fd := detached(t, near)
	r.do(func() {
		r.near[Client].Close()
		r.near[Client].Init(r.loop, fd)
		early := r.engine.Early(&r.near[Client], 100)
		assert.Equal(t, "hello", string(early))
		r.engine.Drop(early)
		assert.Len(t, r.engine.buffers, 1)
		assert.Nil(t, r.engine.Early(&r.near[Client], 100))
		r.engine.Drop(nil)
		assert.Len(t, r.engine.buffers, 1)
	})
}

// A panic ends the one relay; the loop lives.
func TestPanicInARelay(t *testing.T) {
	r := startLoopRig(t, usual)
	r.do(func() { r.relay.flows[Client].limiter = &limiter{} }) // its relay is nil
	_, err := r.client.Write([]byte("x"))
	require.NoError(t, err)
	assert.Equal(t, Panicked, r.end(t))
	r.do(func() { assert.Len(t, r.panics, 1) })
	_, err = r.upstream.Read(make([]byte, 1))
	assert.Equal(t, io.EOF, err)
}

func TestEngineBounds(t *testing.T) {
	e := &Engine{}
	var pipes []pipe
	for range sparePipes + 1 {
		p, ok := e.takePipe()
		require.True(t, ok)
		pipes = append(pipes, p)
	}
	for _, p := range pipes {
		e.putPipe(p, true)
	}
	assert.Len(t, e.pipes, sparePipes)
	for range spareBuffers + 1 {
		e.putBuffer(make([]byte, 10))
	}
	assert.Len(t, e.buffers, spareBuffers)
	assert.Equal(t, 20, cap(e.takeBuffer(20)), "too small ones are passed over")
	e.Close()
	_, err := unix.FcntlInt(uintptr(pipes[0].r), unix.F_GETFD, 0)
	assert.Equal(t, unix.EBADF, err)
}
