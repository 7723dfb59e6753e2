package relay

import (
	"errors"
	"io"
	"net"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Copier relays between any two connections on two goroutines, with the same
// rules as [Relay]. Fill in the exported fields and call Run once.
type Copier struct {
	Options  Options
	Rates    Rates
	Client   net.Conn
	Upstream net.Conn

	ToUpstream []byte // sent to the upstream first, not counted as received
	FromClient []byte // already received from the client

	Quit <-chan struct{} // ends the relay when it is closed; nil: never

	// FirstByte is told when the upstream is first heard of. Nil: nobody is.
	FirstByte func(at time.Time)

	// Error is told of failed calls, one at a time. Nil: nobody is.
	Error func(*Error)

	// Panic is told of a panic, which ends the relay. Nil: nobody is.
	Panic func(value any, stack []byte)

	flows     [2]copyFlow
	active    atomic.Int64 // Unix nanoseconds of the last byte
	delayed   atomic.Int32 // directions that a rate limit holds back
	firstByte atomic.Int64

	mu    sync.Mutex
	end   End
	ended bool
	done  chan struct{}
}

// copyFlow is one direction.
type copyFlow struct {
	received, sent atomic.Int64
	eof            atomic.Bool
}

// Run relays until the session is over and tells why. The connections are left
// open, with their deadlines in the past.
func (c *Copier) Run() End {
	c.done = make(chan struct{})
	c.touch()
	var wg sync.WaitGroup
	for side := range Side(2) {
		wg.Go(func() { c.copy(side) })
	}
	c.watch()
	// Whoever still waits in a Read or Write is woken up.
	past := time.Unix(1, 0)
	_ = c.Client.SetDeadline(past)
	_ = c.Upstream.SetDeadline(past)
	wg.Wait()
	return c.end
}

// Counters returns the bytes moved so far. It may be called at any time.
func (c *Copier) Counters() Counters {
	up, down := &c.flows[Client], &c.flows[Upstream]
	counters := Counters{FromClient: up.received.Load(), ToUpstream: up.sent.Load(), FromUpstream: down.received.Load(), ToClient: down.sent.Load()}
	if at := c.firstByte.Load(); at != 0 {
		counters.FirstByte = time.Unix(0, at)
	}
	return counters
}

func (c *Copier) conn(s Side) net.Conn {
	if s == Client {
		return c.Client
	}
	return c.Upstream
}

func (c *Copier) touch() { c.active.Store(time.Now().UnixNano()) }

// watch waits for the end, or until both directions have been silent for too
// long.
func (c *Copier) watch() {
	timer := time.NewTimer(c.Options.Timeout)
	defer timer.Stop()
	for {
		select {
		case <-c.done:
			return
		case <-c.Quit:
			c.finish(Stopped)
			return
		case <-timer.C:
		}
		if c.delayed.Load() > 0 {
			c.touch()
		}
		left := c.Options.Timeout - time.Since(time.Unix(0, c.active.Load()))
		if left <= 0 {
			c.finish(TimedOut)
			return
		}
		timer.Reset(left)
	}
}

func (c *Copier) finish(end End) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended {
		c.end, c.ended = end, true
		close(c.done)
	}
}

func (c *Copier) over() bool {
	select {
	case <-c.done:
		return true
	case <-c.Quit:
		c.finish(Stopped)
		return true
	default:
		return false
	}
}

// guard keeps a panic, most likely of a connection that is not the system's,
// from ending the process.
func (c *Copier) guard() {
	if p := recover(); p != nil {
		if c.Panic != nil {
			c.Panic(p, debug.Stack())
		}
		c.finish(Panicked)
	}
}

// copy moves one direction.
func (c *Copier) copy(from Side) {
	defer c.guard()
	f := &c.flows[from]
	if from == Client && !c.sendFirst(f) {
		return
	}
	var held *limit
	if rate := [...]int64{Client: c.Rates.Upload, Upstream: c.Rates.Download}[from]; rate > 0 {
		held = &limit{rate, c.Rates.Start.Unix()}
	}
	buf := make([]byte, c.Options.BufferSize)
	for !c.over() {
		size := len(buf)
		if held != nil {
			if size = c.allowed(held, f, size); size == 0 {
				return
			}
		}
		n, err := c.conn(from).Read(buf[:size])
		if c.over() {
			return
		}
		c.touch()
		if now := time.Now(); from == Upstream && c.firstByte.CompareAndSwap(0, now.UnixNano()) && c.FirstByte != nil {
			c.FirstByte(now)
		}
		f.received.Add(int64(n))
		if n > 0 && !c.send(from.other(), f, buf[:n]) {
			return
		}
		if err != nil {
			c.endOf(from, err)
			return
		}
		if held != nil {
			c.pause(held.pause(n))
		}
	}
}

// sendFirst sends what is known before anything is read.
func (c *Copier) sendFirst(f *copyFlow) bool {
	f.received.Add(int64(len(c.FromClient)))
	first := append(append([]byte(nil), c.ToUpstream...), c.FromClient...)
	return len(first) == 0 || c.send(Upstream, f, first)
}

func (c *Copier) send(to Side, f *copyFlow, p []byte) bool {
	// Counted before: what the bytes bring about, the other direction may log
	// before Write returns.
	f.sent.Add(int64(len(p)))
	n, err := c.conn(to).Write(p)
	f.sent.Add(int64(n - len(p)))
	if err == nil {
		c.touch()
		return true
	}
	if !c.over() {
		c.report(&Error{Side: to, Op: "writev()", Err: errnoOf(err)})
		c.finish(SendFailed)
	}
	return false
}

// endOf handles the end of one direction, or an error, which counts as such.
func (c *Copier) endOf(from Side, err error) {
	if !errors.Is(err, io.EOF) {
		c.report(&Error{Side: from, Op: "recv()", Err: errnoOf(err)})
	}
	c.flows[from].eof.Store(true)
	if !c.Options.HalfClose {
		c.finish(End(from))
		return
	}
	if half, ok := c.conn(from.other()).(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	if c.flows[from.other()].eof.Load() {
		c.finish(End(from))
	}
}

func (c *Copier) report(e *Error) {
	if c.Error == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Error(e)
}

// allowed waits until a rate limit lets some bytes through; 0 if the relay ends
// before.
func (c *Copier) allowed(l *limit, f *copyFlow, size int) int {
	for {
		n, wait := l.allow(time.Now(), f.received.Load())
		if wait == 0 {
			return int(min(n, int64(size)))
		}
		if !c.pause(wait) {
			return 0
		}
	}
}

// pause waits; false if the relay ends meanwhile.
func (c *Copier) pause(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	c.delayed.Add(1)
	defer c.delayed.Add(-1)
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		c.touch()
		return true
	case <-c.done:
		return false
	}
}

// errnoOf takes the wrapping of package net off.
func errnoOf(err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return os.ErrDeadlineExceeded
	}
	return err
}
