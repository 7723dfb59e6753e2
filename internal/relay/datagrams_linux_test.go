package relay

import (
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/loop"
)

func init() { packetEngines["loop"] = newLoopPacketRig }

// loopPacketRig is the handler of a session of datagrams on a loop.
type loopPacketRig struct {
	*packetRig
	relay Datagrams
	near  loop.Conn
}

func (r *loopPacketRig) RelayError(e *Error)                   { r.relayError(e) }
func (r *loopPacketRig) RelayPanicked(value any, stack []byte) { r.relayPanicked(value, stack) }
func (r *loopPacketRig) RelayFull()                            { r.full.Store(true) }
func (r *loopPacketRig) RelayOrphaned() bool                   { return r.orphaned.Load() }
func (r *loopPacketRig) RelayAnswer(p []byte) error            { return r.answer(p) }

func (r *loopPacketRig) RelayDone(end End) {
	r.near.Close()
	r.done <- end
}

func newLoopPacketRig(t *testing.T, s setup) *packetRig {
	l, err := loop.New(loop.Options{})
	require.NoError(t, err)
	ended := make(chan error)
	go func() { ended <- l.Run() }()
	do := func(fn func()) {
		done := make(chan struct{})
		l.Post(func() {
			defer close(done)
			fn()
		})
		<-done
	}
	r := &loopPacketRig{packetRig: newPacketRig(t)}
	engine := NewEngine(l)
	r.stop = func() { do(r.relay.Stop) }
	r.send = func(text string) { do(func() { r.relay.FromClient([]byte(text)) }) }
	r.counters = func() (c Counters) {
		do(func() { c = r.relay.Counters() })
		return c
	}
	t.Cleanup(func() {
		r.stop()
		l.Stop()
		assert.NoError(t, <-ended)
	})
	upstream := detached(t, r.dial(t, s))
	do(func() {
		r.near.Init(l, upstream)
		r.relay.Start(engine, &s.opt, r, len(s.early))
		r.relay.Limit(s.rates)
		for _, text := range s.queued {
			r.relay.FromClient([]byte(text))
		}
		r.relay.Run(&r.near, []byte(s.header), []byte(s.early))
	})
	return r.packetRig
}

// While the upstream takes nothing more, a buffer of datagrams waits.
func TestDatagramsWait(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	far, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	require.NoError(t, err)
	defer far.Close()
	s := usual
	s.network, s.upstreamAt, s.early = "unixgram", path, "0"
	s.opt.BufferSize, s.opt.Responses = 1000, -1
	r := newLoopPacketRig(t, s)
	for c := r.counters(); c.ToUpstream == c.Requests; c = r.counters() { // until something waits
		r.send("1")
	}
	waiting := []string{"a", strings.Repeat("b", 900), "", strings.Repeat("c", 200), "lost"}
	for _, text := range waiting {
		r.send(text)
	}
	buf := make([]byte, 2000)
	var got []string
	require.NoError(t, far.SetReadDeadline(time.Now().Add(patience)))
	for len(got) == 0 || got[len(got)-1] == "" || got[len(got)-1][0] != 'c' {
		n, err := far.Read(buf)
		require.NoError(t, err)
		got = append(got, string(buf[:n]))
	}
	assert.Equal(t, []string{"a", waiting[1], "", strings.Repeat("c", 98)}, got[len(got)-4:], "%v datagrams", len(got))
	assert.EqualValues(t, len(got), r.counters().Requests, "the last one found no room")
	r.send("d")
	n, err := far.Read(buf)
	require.NoError(t, err)
	assert.Equal(t, "d", string(buf[:n]))
}

// Many answers that are there at once reach the client in their order.
func TestManyAnswers(t *testing.T) {
	s := usual
	s.early, s.opt.Responses = "x", 500
	r := newLoopPacketRig(t, s)
	from := r.receive(t, "x")
	var want []string
	for i := range 500 {
		want = append(want, strconv.Itoa(i))
		_, err := r.far.WriteTo([]byte(want[i]), from)
		require.NoError(t, err)
		if i%100 == 99 { // the socket has room for no more
			for !assert.ObjectsAreEqual(want, r.answered()) {
				time.Sleep(time.Millisecond)
			}
		}
	}
	assert.Equal(t, Answered, r.end(t))
	assert.Equal(t, want, r.answered())
}

// A panic of the handler ends the session.
func TestDatagramsPanic(t *testing.T) {
	s := usual
	s.early, s.opt.Responses = "x", 1
	r := newLoopPacketRig(t, s)
	r.refuseAnswers(func() error { panic("answer") })
	from := r.receive(t, "x")
	_, err := r.far.WriteTo(nil, from)
	require.NoError(t, err)
	assert.Equal(t, Panicked, r.end(t))
	r.mu.Lock()
	assert.Equal(t, []any{"answer"}, r.panics)
	r.mu.Unlock()
}
