package relay

// datagrams_linux.go - a session of datagrams on an event loop, in the order a
// datagram meets it: FromClient and send, then Ready and receive; then the ways
// the session ends.

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/gostream/gostream/internal/loop"
)

// Datagrams is the state of one session. It is part of the session's struct;
// Start gives it all it needs.
type Datagrams struct {
	engine    *Engine
	opt       *Options
	handler   DatagramHandler
	upstream  *loop.Conn // nil until Run
	size      int64      // of the datagram that began the session
	exchange             // the counts
	flows     [2]packetFlow
	queue     packetQueue // for the upstream
	timer     loop.Timer
	active    time.Time // when anything last happened
	firstByte time.Time
	over      bool
}

// packetFlow is one direction.
type packetFlow struct {
	received, sent int64
	brake          *brake // nil: no limit
}

// DatagramHandler is the [Handler] of a session of datagrams, and its client.
type DatagramHandler interface {
	Handler

	// RelayAnswer sends a datagram to the client.
	RelayAnswer(p []byte) error

	// RelayOrphaned reports whether the client's socket is closed.
	RelayOrphaned() bool

	// RelayFull tells that the client's next datagram is not for this session.
	// It may be told several times.
	RelayFull()
}

// Start prepares a session that a datagram of size bytes has begun. FromClient
// may be called from now on; Run does the rest when there is an upstream.
func (d *Datagrams) Start(e *Engine, opt *Options, h DatagramHandler, size int) {
	*d = Datagrams{engine: e, opt: opt, handler: h, size: int64(size), exchange: exchange{requests: 1}, active: e.loop.Now()}
}

// Limit sets the rates of a session that has been started but has not Run yet.
func (d *Datagrams) Limit(rates Rates) {
	for side, rate := range [...]int64{Client: rates.Upload, Upstream: rates.Download} {
		if rate > 0 {
			d.flows[side].brake = &brake{limit: limit{rate, rates.Start.Unix()}, of: d, side: Side(side)}
		}
	}
}

// Run sends the datagram that has begun the session, with header before it, to a
// connected upstream, and then what else the client has sent by now. It returns
// when events have to be waited for.
func (d *Datagrams) Run(upstream *loop.Conn, header, first []byte) {
	d.upstream = upstream
	upstream.MarkUnreadable()
	upstream.SetHandler(d)
	d.engine.loop.Start(&d.timer, d.opt.Timeout, d)
	if len(header) > 0 {
		buf := d.engine.takeBuffer(len(header) + len(first))
		first = append(append(buf, header...), first...)
		defer d.engine.putBuffer(buf)
	}
	waiting := d.queue
	d.queue = packetQueue{}
	ok := d.send(first)
	for _, size := range waiting.sizes {
		ok = ok && d.send(waiting.next(size))
	}
	if !ok || d.completed() {
		return
	}
	if err := upstream.Arm(true, false); err != nil {
		d.fail(&Error{Side: Upstream, Op: "epoll_ctl()", Err: err})
	}
}

// Counters returns what was moved so far. The datagram that began the session
// is not among the bytes from the client.
func (d *Datagrams) Counters() Counters {
	up, down := &d.flows[Client], &d.flows[Upstream]
	return Counters{
		FromClient: up.received, ToUpstream: up.sent, FromUpstream: down.received, ToClient: down.sent,
		FirstByte: d.firstByte, Requests: d.requests, Responses: d.responses, Failed: d.failed,
	}
}

// FromClient takes a datagram of the client. While a rate limit holds the
// client back, or too much waits for the upstream, it is lost.
func (d *Datagrams) FromClient(p []byte) {
	f := &d.flows[Client]
	if d.over || f.brake.on() {
		return
	}
	d.active = d.engine.loop.Now()
	p, ok := d.opt.cut(p, len(d.queue.bytes))
	if ok && f.brake.allows(d.size+f.received) {
		d.requests++
		f.received += int64(len(p))
		f.brake.pause(len(p))
		if !d.send(p) {
			return
		}
	}
	d.completed()
}

// send sends a datagram to the upstream, now or later. It returns false if that
// ended the session.
func (d *Datagrams) send(p []byte) bool {
	if d.upstream == nil || len(d.queue.sizes) > 0 {
		d.queue.add(p)
		return true
	}
	n, err := d.upstream.TryWrite(p)
	switch {
	case err == unix.EAGAIN:
		d.queue.add(p)
		return d.upstream.Arm(true, true) == nil || d.fail(&Error{Side: Upstream, Op: "epoll_ctl()", Err: unix.ENOMEM})
	case err != nil:
		return d.fail(&Error{Side: Upstream, Op: "sendmsg()", Err: err})
	}
	d.flows[Client].sent += int64(n)
	return true
}

// Ready handles an event of the upstream.
func (d *Datagrams) Ready(*loop.Conn) {
	if d.handler.RelayOrphaned() {
		d.finish(Orphaned)
		return
	}
	d.active = d.engine.loop.Now()
	if d.upstream.Readable() && !d.receive() {
		return
	}
	if d.upstream.Writable() && len(d.queue.sizes) > 0 && !d.flush() {
		return
	}
	d.completed()
}

// flush sends what waits for the upstream.
func (d *Datagrams) flush() bool {
	waiting := d.queue
	d.queue = packetQueue{}
	for _, size := range waiting.sizes {
		if !d.send(waiting.next(size)) {
			return false
		}
	}
	return true
}

// receive takes what the upstream has sent, and sends it to the client. It
// returns false if that ended the session.
func (d *Datagrams) receive() bool {
	f := &d.flows[Upstream]
	for range share {
		if f.brake.on() || !f.brake.allows(f.received) {
			return true
		}
		count := loop.BatchSize
		if f.brake != nil {
			count = 1
		}
		n, err := d.upstream.TryReceive(d.engine.batch(), count, d.opt.BufferSize)
		if err == unix.EAGAIN {
			return true
		}
		d.heard()
		if err != nil {
			// An error counts as an answer, once it has been told.
			d.failed = true
			d.responses++
			d.handler.RelayError(&Error{Side: Upstream, Op: "recv()", Err: err})
		}
		for i := range n {
			if !d.answer(f, d.engine.batch().Data(i)) {
				return false
			}
		}
		if !d.upstream.Readable() {
			return true
		}
	}
	d.engine.loop.Again(d.upstream)
	return true
}

// heard notes that the upstream was heard of.
func (d *Datagrams) heard() {
	if !d.firstByte.IsZero() {
		return
	}
	d.firstByte = d.engine.loop.Now()
	if h, ok := d.handler.(FirstByteHandler); ok {
		h.RelayFirstByte(d.firstByte)
	}
}

// answer sends a datagram of the upstream to the client.
func (d *Datagrams) answer(f *packetFlow, p []byte) bool {
	d.responses++
	f.received += int64(len(p))
	f.brake.pause(len(p))
	if err := d.handler.RelayAnswer(p); err != nil {
		return d.fail(&Error{Side: Client, Op: "sendmsg()", Err: err})
	}
	f.sent += int64(len(p))
	return true
}

// completed ends the session if it has had all that it is to have.
func (d *Datagrams) completed() bool {
	if d.full(d.opt) {
		d.handler.RelayFull()
	}
	if d.upstream == nil || len(d.queue.sizes) > 0 || !d.complete(d.opt) {
		return false
	}
	d.finish(Answered)
	return true
}

// Timeout looks whether both sides have been silent for too long. The timer is
// not moved with each datagram, only when it has run out.
func (d *Datagrams) Timeout(*loop.Timer) {
	now := d.engine.loop.Now()
	if d.flows[Client].brake.on() || d.flows[Upstream].brake.on() {
		d.active = now // being held back is no silence
	}
	if left := d.opt.Timeout - now.Sub(d.active); left > 0 {
		d.engine.loop.Start(&d.timer, left, d)
		return
	}
	d.finish(d.silence(d.opt))
}

// fail reports an error that ends the session. It always returns false.
func (d *Datagrams) fail(e *Error) bool {
	d.failed = d.failed || e.Side == Upstream
	d.handler.RelayError(e)
	d.finish(SendFailed)
	return false
}

// Panicked ends the session when a panic was caught in it.
func (d *Datagrams) Panicked(value any, stack []byte) {
	d.handler.RelayPanicked(value, stack)
	if !d.over {
		d.finish(Panicked)
	}
}

// Stop ends the session at once.
func (d *Datagrams) Stop() {
	if !d.over {
		d.finish(Stopped)
	}
}

func (d *Datagrams) finish(end End) {
	d.over = true
	d.engine.loop.StopTimer(&d.timer)
	for i := range d.flows {
		if b := d.flows[i].brake; b != nil {
			d.engine.loop.StopTimer(&b.timer)
		}
	}
	if d.upstream != nil {
		d.upstream.SetHandler(nil)
	}
	d.handler.RelayDone(end)
}

// brake holds one direction back. A nil brake does not.
type brake struct {
	limit
	of    *Datagrams
	side  Side
	timer loop.Timer
}

func (b *brake) on() bool { return b != nil && b.timer.Running() }

// allows reports whether a datagram may be taken after received bytes. If not,
// the direction has to wait.
func (b *brake) allows(received int64) bool {
	if b == nil {
		return true
	}
	_, wait := b.limit.allow(b.of.engine.loop.Now(), received)
	if wait > 0 {
		b.of.engine.loop.Start(&b.timer, wait, b)
	}
	return wait == 0
}

// pause makes the direction wait for having passed n bytes.
func (b *brake) pause(n int) {
	if b == nil {
		return
	}
	if wait := b.limit.pause(n); wait > 0 {
		b.of.engine.loop.Start(&b.timer, wait, b)
	}
}

// Panicked is like that of the session.
func (b *brake) Panicked(value any, stack []byte) { b.of.Panicked(value, stack) }

// Timeout lets the direction go on.
func (b *brake) Timeout(*loop.Timer) {
	d := b.of
	d.active = d.engine.loop.Now()
	if b.side == Upstream && d.upstream.Readable() {
		d.Ready(d.upstream)
	}
}

// packetQueue are datagrams that wait.
type packetQueue struct {
	bytes []byte
	sizes []int
}

func (q *packetQueue) add(p []byte) {
	q.bytes, q.sizes = append(q.bytes, p...), append(q.sizes, len(p))
}

// next takes the first size bytes.
func (q *packetQueue) next(size int) (p []byte) {
	p, q.bytes = q.bytes[:size], q.bytes[size:]
	return p
}
