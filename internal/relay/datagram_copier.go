package relay

import (
	"errors"
	"net"
	"sync"
	"syscall"
	"time"
)

// DatagramCopier relays the datagrams of one client on two goroutines, with the
// same rules as [Datagrams]. Fill in the exported fields and call Run once. Each
// Read of a connection is one datagram, and so is each Write; one of Client that
// fails with net.ErrClosed ends the session as Orphaned.
type DatagramCopier struct {
	Copier // ToUpstream and FromClient are the first datagram

	// Full is told, maybe several times, that the client's next datagram is not
	// for this session. Nil: nobody is.
	Full func()

	held   time.Time  // until then datagrams of the client are lost
	counts sync.Mutex // of the exchange
	exchange
}

// Run relays until the session is over and tells why. The connections are left
// open, with their deadlines in the past.
func (c *DatagramCopier) Run() End {
	c.done = make(chan struct{})
	c.requests = 1
	c.touch()
	var wg sync.WaitGroup
	wg.Go(func() {
		// The first datagram may be all there is to the session; nothing is read
		// before that is known.
		if c.begin() {
			wg.Go(c.fromUpstream)
			c.fromClient()
		}
	})
	c.watch()
	past := time.Unix(1, 0)
	_ = c.Client.SetDeadline(past)
	_ = c.Upstream.SetDeadline(past)
	wg.Wait()
	if c.end == TimedOut {
		return c.silence(&c.Options)
	}
	return c.end
}

// Counters returns what was moved so far. The datagram that began the session is
// not among the bytes from the client. Counters may be called at any time.
func (c *DatagramCopier) Counters() Counters {
	c.counts.Lock()
	defer c.counts.Unlock()
	counters := c.Copier.Counters()
	counters.Requests, counters.Responses, counters.Failed = c.requests, c.responses, c.failed
	return counters
}

// count changes the exchange.
func (c *DatagramCopier) count(change func(x *exchange)) {
	c.counts.Lock()
	defer c.counts.Unlock()
	change(&c.exchange)
}

// begin sends the first datagram. It returns false if the session is over.
func (c *DatagramCopier) begin() bool {
	defer c.guard()
	return c.pass(Upstream, &c.flows[Client], append(append([]byte(nil), c.ToUpstream...), c.FromClient...))
}

func (c *DatagramCopier) fromClient() {
	defer c.guard()
	f := &c.flows[Client]
	var held *limit
	if c.Rates.Upload > 0 {
		held = &limit{c.Rates.Upload, c.Rates.Start.Unix()}
	}
	buf := make([]byte, c.Options.BufferSize)
	for !c.noMore() {
		n, err := c.Client.Read(buf)
		if err != nil || c.over() {
			return
		}
		if time.Now().Before(c.held) || !c.allows(held, f) {
			continue
		}
		c.touch()
		f.received.Add(int64(n))
		c.count(func(x *exchange) { x.requests++ })
		if held != nil {
			c.hold(held.pause(n))
		}
		if !c.pass(Upstream, f, buf[:n]) {
			return
		}
	}
}

// noMore reports whether what the client sends now is for others.
func (c *DatagramCopier) noMore() (full bool) {
	c.count(func(x *exchange) { full = x.full(&c.Options) })
	return full
}

// allows reports whether the client may send something now.
func (c *DatagramCopier) allows(held *limit, f *copyFlow) bool {
	if held == nil {
		return true
	}
	_, wait := held.allow(time.Now(), int64(len(c.FromClient))+f.received.Load())
	c.hold(wait)
	return wait == 0
}

// hold makes the client wait, which is no silence.
func (c *DatagramCopier) hold(wait time.Duration) {
	if wait > 0 {
		c.held = time.Now().Add(wait)
		c.active.Store(c.held.UnixNano())
	}
}

func (c *DatagramCopier) fromUpstream() {
	defer c.guard()
	f := &c.flows[Upstream]
	var held *limit
	if c.Rates.Download > 0 {
		held = &limit{c.Rates.Download, c.Rates.Start.Unix()}
	}
	buf := make([]byte, c.Options.BufferSize)
	for !c.over() {
		if held != nil && c.allowed(held, f, len(buf)) == 0 {
			return
		}
		n, err := c.Upstream.Read(buf)
		if c.over() {
			return
		}
		c.touch()
		if now := time.Now(); c.firstByte.CompareAndSwap(0, now.UnixNano()) && c.FirstByte != nil {
			c.FirstByte(now)
		}
		c.count(func(x *exchange) { x.responses++ })
		if err != nil {
			if !c.readFailed(err) {
				return
			}
			continue
		}
		f.received.Add(int64(n))
		if !c.pass(Client, f, buf[:n]) {
			return
		}
		if held != nil {
			c.pause(held.pause(n))
		}
	}
}

// readFailed reports an error in place of an answer. The session goes on after
// those of the network.
func (c *DatagramCopier) readFailed(err error) bool {
	c.count(func(x *exchange) { x.failed = true })
	c.report(&Error{Side: Upstream, Op: "recv()", Err: errnoOf(err)})
	if !errors.As(err, new(syscall.Errno)) {
		c.finish(SendFailed)
		return false
	}
	return !c.completed()
}

// pass sends a datagram. It returns false if the session is over.
func (c *DatagramCopier) pass(to Side, f *copyFlow, p []byte) bool {
	f.sent.Add(int64(len(p)))
	n, err := c.conn(to).Write(p)
	f.sent.Add(int64(n - len(p)))
	switch {
	case err == nil:
		return !c.completed()
	case c.over():
	case to == Client && errors.Is(err, net.ErrClosed):
		c.finish(Orphaned)
	default:
		c.count(func(x *exchange) { x.failed = x.failed || to == Upstream })
		c.report(&Error{Side: to, Op: "sendmsg()", Err: errnoOf(err)})
		c.finish(SendFailed)
	}
	return false
}

// completed ends the session if it has had all that it is to have.
func (c *DatagramCopier) completed() bool {
	var full, over bool
	c.count(func(x *exchange) { full, over = x.full(&c.Options), x.complete(&c.Options) })
	if full && c.Full != nil {
		c.Full()
	}
	if over {
		c.finish(Answered)
	}
	return over
}
