package relay

import (
	"errors"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// packetRig is a session of datagrams at work, with its upstream's socket.
type packetRig struct {
	*rig
	send     func(text string) // as the client
	far      net.PacketConn
	full     atomic.Bool
	orphaned atomic.Bool
	refuse   func() error // in place of taking an answer; nil: none

	got []string // by the client
}

func newPacketRig(t *testing.T) *packetRig {
	far, err := net.ListenPacket("udp4", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { far.Close() })
	return &packetRig{rig: &rig{done: make(chan End, 1)}, far: far}
}

// dial makes the session's end of the connection to the upstream.
func (r *packetRig) dial(t *testing.T, s setup) net.Conn {
	network, address := "udp4", r.far.LocalAddr().String()
	if s.network != "" {
		network, address = s.network, s.upstreamAt
	}
	conn, err := net.Dial(network, address)
	require.NoError(t, err)
	return conn
}

// answer is the client that takes an answer.
func (r *packetRig) answer(p []byte) error {
	if r.orphaned.Load() {
		return net.ErrClosed
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refuse != nil {
		return r.refuse()
	}
	r.got = append(r.got, string(p))
	return nil
}

func (r *packetRig) answered() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

func (r *packetRig) refuseAnswers(with func() error) {
	r.mu.Lock()
	r.refuse = with
	r.mu.Unlock()
}

// receive waits for a datagram at the upstream, and returns where it came from.
func (r *packetRig) receive(t *testing.T, want string) net.Addr {
	t.Helper()
	buf := make([]byte, 65536)
	require.NoError(t, r.far.SetReadDeadline(time.Now().Add(patience)))
	n, from, err := r.far.ReadFrom(buf)
	require.NoError(t, err)
	assert.Equal(t, want, string(buf[:n]))
	return from
}

// packetEngines are the ways to relay datagrams.
var packetEngines = map[string]func(*testing.T, setup) *packetRig{"goroutines": newPacketCopierRig}

// copierClient is the client of a DatagramCopier.
type copierClient struct {
	net.Conn // none
	rig      *packetRig
	in       chan string
	end      func()
	ended    chan struct{}
}

func (c *copierClient) Read(p []byte) (int, error) {
	select {
	case text := <-c.in:
		return copy(p, text), nil
	case <-c.ended:
		return 0, errors.New("ended")
	}
}

func (c *copierClient) Write(p []byte) (int, error) { return len(p), c.rig.answer(p) }

func (c *copierClient) SetDeadline(time.Time) error {
	c.end()
	return nil
}

func newPacketCopierRig(t *testing.T, s setup) *packetRig {
	r := newPacketRig(t)
	client := &copierClient{rig: r, in: make(chan string), ended: make(chan struct{})}
	client.end = sync.OnceFunc(func() { close(client.ended) })
	r.send = func(text string) {
		select {
		case client.in <- text:
		case <-client.ended:
		}
	}
	quit := make(chan struct{})
	r.stop = sync.OnceFunc(func() { close(quit) })
	t.Cleanup(r.stop)
	c := &DatagramCopier{Full: func() { r.full.Store(true) }}
	c.Options, c.Rates, c.Client, c.Upstream, c.Quit = s.opt, s.rates, client, r.dial(t, s), quit
	c.ToUpstream, c.FromClient, c.Error, c.Panic = []byte(s.header), []byte(s.early), r.relayError, r.relayPanicked
	r.counters = c.Counters
	go func() {
		end := c.Run()
		c.Upstream.Close()
		r.done <- end
	}()
	return r
}

func onPacketEngines(t *testing.T, test func(t *testing.T, start func(*testing.T, setup) *packetRig)) {
	for name, start := range packetEngines {
		t.Run(name, func(t *testing.T) { test(t, start) })
	}
}

func TestExchange(t *testing.T) {
	const unlimited = -1
	tests := []struct {
		requests, responses  int64 // as configured
		took, got            int64
		full, complete, late bool
	}{
		{0, unlimited, 3, 9, false, false, false},
		{0, 0, 1, 0, false, true, false},
		{0, 2, 2, 3, false, false, true},
		{0, 2, 2, 4, false, true, false},
		{3, 1, 2, 2, false, false, false},
		{3, 1, 3, 2, true, false, true},
		{3, 1, 3, 4, true, true, false},
		{1, unlimited, 1, 0, true, false, false},
	}
	for _, tt := range tests {
		o := &Options{Requests: tt.requests, Responses: tt.responses}
		x := &exchange{requests: tt.took, responses: tt.got}
		assert.Equal(t, tt.full, x.full(o), "%+v", tt)
		assert.Equal(t, tt.complete, x.complete(o), "%+v", tt)
		end := x.silence(o)
		assert.Equal(t, map[bool]End{false: TimedOut, true: Unanswered}[tt.late], end, "%+v", tt)
		assert.Equal(t, tt.late, x.failed, "%+v", tt)
	}
}

func TestDatagramSession(t *testing.T) {
	onPacketEngines(t, func(t *testing.T, start func(*testing.T, setup) *packetRig) {
		s := usual
		s.header, s.early = "header ", "first"
		s.opt.BufferSize, s.opt.Requests, s.opt.Responses = 10, 2, 1
		r := start(t, s)
		from := r.receive(t, "header first")
		assert.False(t, r.full.Load())
		r.send("more than ten bytes")
		r.receive(t, "more than ")
		for _, text := range []string{"", "more than ten bytes"} {
			_, err := r.far.WriteTo([]byte(text), from)
			require.NoError(t, err)
		}
		assert.Equal(t, Answered, r.end(t))
		assert.True(t, r.full.Load())
		assert.Equal(t, []string{"", "more than "}, r.answered())
		c := r.counters()
		c.FirstByte = time.Time{}
		assert.Equal(t, Counters{FromClient: 10, ToUpstream: 22, FromUpstream: 10, ToClient: 10, Requests: 2, Responses: 2}, c)
	})
}

func TestDatagramsRefused(t *testing.T) {
	onPacketEngines(t, func(t *testing.T, start func(*testing.T, setup) *packetRig) {
		s := usual
		s.early, s.opt.Responses = "x", 2
		r := start(t, s)
		r.receive(t, "x")
		r.far.Close()
		r.send("y") // is refused: an answer
		for r.counters().Responses < 1 {
			time.Sleep(time.Millisecond)
		}
		assert.True(t, r.counters().Failed)
		r.mu.Lock()
		assert.Equal(t, []*Error{{Side: Upstream, Op: "recv()", Err: syscall.ECONNREFUSED}}, r.errors)
		r.mu.Unlock()
		r.stop()
		assert.Equal(t, Stopped, r.end(t))
	})
}

func TestDatagramSilence(t *testing.T) {
	for end, responses := range map[End]int64{TimedOut: -1, Unanswered: 1} {
		onPacketEngines(t, func(t *testing.T, start func(*testing.T, setup) *packetRig) {
			s := usual
			s.early, s.opt.Responses, s.opt.Timeout = "x", responses, 10*time.Millisecond
			r := start(t, s)
			assert.Equal(t, end, r.end(t))
			assert.Equal(t, end == Unanswered, r.counters().Failed)
		})
	}
}

// What the client cannot be sent ends the session, and so does the end of the
// client's socket.
func TestDatagramsNotTaken(t *testing.T) {
	onPacketEngines(t, func(t *testing.T, start func(*testing.T, setup) *packetRig) {
		s := usual
		s.early, s.opt.Responses = "x", 5
		r := start(t, s)
		from := r.receive(t, "x")
		r.refuseAnswers(func() error { return syscall.EMSGSIZE })
		_, err := r.far.WriteTo([]byte("y"), from)
		require.NoError(t, err)
		assert.Equal(t, SendFailed, r.end(t))
		assert.Equal(t, []*Error{{Side: Client, Op: "sendmsg()", Err: syscall.EMSGSIZE}}, r.errors)
		assert.False(t, r.counters().Failed)

		r = start(t, s)
		from = r.receive(t, "x")
		r.orphaned.Store(true)
		_, err = r.far.WriteTo([]byte("y"), from)
		require.NoError(t, err)
		assert.Equal(t, Orphaned, r.end(t))
		assert.Empty(t, r.errors)
	})
}

// While a rate limit holds the client back, its datagrams are lost.
func TestDatagramsHeldBack(t *testing.T) {
	onPacketEngines(t, func(t *testing.T, start func(*testing.T, setup) *packetRig) {
		s := usual
		s.early, s.opt.Responses = string(make([]byte, 50000)), 1
		s.rates = Rates{Upload: 1, Start: time.Now()} // the first has used up 13 hours
		r := start(t, s)
		from := r.receive(t, s.early)
		r.send("lost")
		r.send("lost")
		_, err := r.far.WriteTo([]byte("y"), from)
		require.NoError(t, err)
		assert.Equal(t, Answered, r.end(t))
		assert.EqualValues(t, 1, r.counters().Requests)
	})
}
