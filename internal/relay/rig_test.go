package relay

import (
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

// rig is a relay at work, with the far ends of its connections.
type rig struct {
	client, upstream net.Conn
	done             chan End
	counters         func() Counters
	stop             func()

	mu     sync.Mutex
	errors []*Error
	panics []any
}

func (r *rig) relayError(e *Error) {
	r.mu.Lock()
	r.errors = append(r.errors, e)
	r.mu.Unlock()
}

func (r *rig) relayPanicked(value any, _ []byte) {
	r.mu.Lock()
	r.panics = append(r.panics, value)
	r.mu.Unlock()
}

// end waits for the relay to end.
func (r *rig) end(t testing.TB) End {
	t.Helper()
	select {
	case end := <-r.done:
		return end
	case <-time.After(patience):
		require.FailNow(t, "the relay did not end")
		return 0
	}
}

// setup says what a rig relays.
type setup struct {
	opt           Options
	rates         Rates
	header, early string
	network       string // empty: tcp

	// Of datagrams, early is the first.
	queued     []string // sent by the client before there was an upstream
	upstreamAt string   // of a network that is not UDP
}

var usual = setup{opt: Options{Timeout: time.Minute, BufferSize: 16 << 10}}

// engines are the ways to relay; loops adds one where there are event loops.
var engines = map[string]func(testing.TB, setup) *rig{"goroutines": newCopierRig}

func onEngines(t *testing.T, test func(t *testing.T, start func(testing.TB, setup) *rig)) {
	for name, start := range engines {
		t.Run(name, func(t *testing.T) { test(t, start) })
	}
}

// connPair is a connection, from both ends.
func connPair(t testing.TB, network string) (far, near net.Conn) {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(t.TempDir(), "s")
	}
	l, err := net.Listen(network, address)
	require.NoError(t, err)
	defer l.Close()
	far, err = net.Dial(network, l.Addr().String())
	require.NoError(t, err)
	near, err = l.Accept()
	require.NoError(t, err)
	require.NoError(t, far.SetDeadline(time.Now().Add(patience)))
	t.Cleanup(func() { far.Close() })
	return far, near
}

// connect makes the connections of a rig and returns the relay's ends.
func (r *rig) connect(t testing.TB, s setup) (client, upstream net.Conn) {
	if s.network == "" {
		s.network = "tcp"
	}
	r.client, client = connPair(t, s.network)
	r.upstream, upstream = connPair(t, s.network)
	r.done = make(chan End, 1)
	return client, upstream
}

func newCopierRig(t testing.TB, s setup) *rig {
	t.Helper()
	r := &rig{}
	client, upstream := r.connect(t, s)
	quit := make(chan struct{})
	r.stop = sync.OnceFunc(func() { close(quit) })
	c := &Copier{
		Options: s.opt, Rates: s.rates, Client: client, Upstream: upstream, Quit: quit,
		ToUpstream: []byte(s.header), FromClient: []byte(s.early), Error: r.relayError, Panic: r.relayPanicked,
	}
	r.counters = c.Counters
	go func() {
		end := c.Run()
		client.Close()
		upstream.Close()
		r.done <- end
	}()
	t.Cleanup(r.stop)
	return r
}
