package relay

// relay_linux.go - a relay on an event loop, in the order a byte meets it:
// Start, Ready, pump, read, write; then the ways it ends.

import (
	"io"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gostream/gostream/internal/loop"
)

// share is how often a direction is read and written before others get their
// turn.
const share = 16

// Relay is the state of one session. It is part of the session's struct; Start
// gives it all it needs.
type Relay struct {
	engine  *Engine
	opt     *Options
	handler Handler
	conns   [2]*loop.Conn // by Side
	flows   [2]flow       // by the side that is read

	timer     loop.Timer
	active    time.Time // when anything last happened
	firstByte time.Time
	over      bool
}

// flow is one direction.
type flow struct {
	received, sent int64
	pending        []byte // read and not yet written
	buffer         []byte // what pending is a part of
	pipe           pipe
	piped          int // bytes in the pipe
	limiter        *limiter
	hasPipe        bool
	bulk           bool // the last read filled the buffer: splice
	noSplice       bool // the kernel cannot splice these sockets
	eof            bool
	shut           bool // the end has been passed on
}

func (f *flow) blocked() bool { return len(f.pending) > 0 || f.piped > 0 }

// Start prepares to relay between two connected sockets; Run then does it.
func (r *Relay) Start(e *Engine, conns [2]*loop.Conn, opt *Options, h Handler) {
	*r = Relay{engine: e, opt: opt, handler: h, conns: conns, active: e.loop.Now()}
	conns[Client].SetHandler(r)
	conns[Upstream].SetHandler(r)
}

// Limit sets the rates of a relay that has been started but has not Run yet.
func (r *Relay) Limit(rates Rates) {
	for side, rate := range [...]int64{Client: rates.Upload, Upstream: rates.Download} {
		if rate > 0 {
			r.flows[side].limiter = &limiter{limit: limit{rate, rates.Start.Unix()}, relay: r, side: Side(side)}
		}
	}
}

// Early reads what the client has sent by now, at most a buffer, so that it can
// go out with the packet that completes the connection to the upstream. What it
// returns is to be handed to Run or to Drop.
func (e *Engine) Early(client *loop.Conn, size int) []byte {
	buf := e.takeBuffer(size)
	n, _ := client.TryRead(buf[:size])
	if n == 0 {
		e.putBuffer(buf)
		return nil
	}
	return buf[:n]
}

// Drop gives back what Early has returned.
func (e *Engine) Drop(early []byte) {
	if early != nil {
		e.putBuffer(early)
	}
}

// Run sends header and then early to the upstream, before anything else that
// the client sends, and then moves what there is. Only early is counted as
// received. It returns when events have to be waited for.
func (r *Relay) Run(header, early []byte) {
	// Nothing can have come from the upstream yet that an event will not tell of.
	r.conns[Upstream].MarkUnreadable()
	r.engine.loop.Start(&r.timer, r.opt.Timeout, r)
	f := &r.flows[Client]
	f.received = int64(len(early))
	f.buffer = early
	if len(header) > 0 {
		f.buffer = append(append(r.engine.takeBuffer(len(header)+len(early)), header...), early...)
		r.engine.Drop(early)
	}
	f.pending = f.buffer
	if !r.pump(Client) || r.ended(Client) {
		return
	}
	for _, c := range r.conns {
		if err := c.Arm(true, false); err != nil {
			r.fail(&Error{Side: Client, Op: "epoll_ctl()", Err: err})
			return
		}
	}
}

// Counters returns the bytes moved so far.
func (r *Relay) Counters() Counters {
	up, down := &r.flows[Client], &r.flows[Upstream]
	return Counters{FromClient: up.received, ToUpstream: up.sent, FromUpstream: down.received, ToClient: down.sent, FirstByte: r.firstByte}
}

// Ready handles an event of either connection.
func (r *Relay) Ready(c *loop.Conn) {
	r.active = r.engine.loop.Now()
	side := Client
	if c == r.conns[Upstream] {
		side = Upstream
	}
	if c.Writable() && r.flows[side.other()].blocked() {
		if !r.pump(side.other()) || r.ended(side.other()) {
			return
		}
	}
	if (c.Readable() || r.flows[side].blocked()) && r.pump(side) {
		r.ended(side)
	}
}

// pump moves what can be moved from one side to the other. It returns false if
// that ended the relay.
func (r *Relay) pump(from Side) bool {
	f, src, dst := &r.flows[from], r.conns[from], r.conns[from.other()]
	for range share {
		if f.blocked() {
			if dst.Writable() && !r.write(f, from.other()) {
				return false
			}
			if f.blocked() {
				return dst.Arm(true, true) == nil || r.fail(&Error{Side: from.other(), Op: "epoll_ctl()", Err: unix.ENOMEM})
			}
		}
		if f.eof || !src.Readable() {
			r.settle(f)
			return true
		}
		size := r.opt.BufferSize
		if f.limiter != nil {
			if size = f.limiter.allow(f); size == 0 {
				r.settle(f)
				return true
			}
		}
		if !r.read(f, from, size) {
			return false
		}
	}
	r.engine.loop.Again(src)
	return true
}

// read takes data from one side, and writes what it can of it. The first byte
// of the upstream is news, even if it is the end.
func (r *Relay) read(f *flow, from Side, size int) bool {
	src, before := r.conns[from], f.received
	var err error
	if f.bulk && !f.noSplice && r.spliceIn(f, src, size, &err) {
		// The data is in the pipe now.
	} else if err == nil {
		err = r.readThrough(f, from, size)
	}
	if err == unix.EAGAIN {
		f.bulk = false
		return true
	}
	if from == Upstream && r.firstByte.IsZero() {
		r.firstByte = r.engine.loop.Now()
		if h, ok := r.handler.(FirstByteHandler); ok {
			h.RelayFirstByte(r.firstByte)
		}
	}
	switch e, failed := err.(*Error); {
	case failed:
		return r.fail(e)
	case err == io.EOF:
		f.eof = true
	case err != nil:
		// An error counts as the end, once it has been told.
		r.handler.RelayError(&Error{Side: from, Op: "recv()", Err: err})
		f.eof = true
	}
	if f.limiter != nil {
		f.limiter.pause(int(f.received - before))
	}
	return true
}

// readThrough reads into the loop's buffer and writes from there: with both
// sides ready, which is the rule, a message needs no buffer of its own.
func (r *Relay) readThrough(f *flow, from Side, size int) error {
	buf := r.engine.loop.Scratch(size)[:size]
	n, err := r.conns[from].TryRead(buf)
	if err != nil {
		return err
	}
	f.received += int64(n)
	f.bulk = n == size
	dst, sent := r.conns[from.other()], 0
	if dst.Writable() {
		sent, err = dst.TryWrite(buf[:n])
		f.sent += int64(sent)
		if err != nil && err != unix.EAGAIN {
			return &Error{Side: from.other(), Op: "writev()", Err: err}
		}
	}
	if sent < n {
		f.buffer = append(r.engine.takeBuffer(r.opt.BufferSize), buf[sent:n]...)
		f.pending = f.buffer
	}
	return nil
}

// spliceIn moves data into a pipe. It returns false, without an error, if
// reading and writing has to do instead.
func (r *Relay) spliceIn(f *flow, src *loop.Conn, size int, errp *error) bool {
	if !f.hasPipe {
		if f.pipe, f.hasPipe = r.engine.takePipe(); !f.hasPipe {
			f.bulk = false
			return false
		}
	}
	if f.limiter == nil {
		size = pipeSize
	}
	n, errno := loop.Splice(src.FD(), f.pipe.w, size)
	switch {
	case errno == unix.EINVAL:
		f.noSplice = true
		return false
	case errno == unix.EAGAIN:
		src.MarkUnreadable()
		*errp = errno
	case errno != 0:
		*errp = errno
	case n == 0:
		*errp = io.EOF
	default:
		f.piped = n
		f.received += int64(n)
	}
	return true
}

// write sends what is in hand for a side.
func (r *Relay) write(f *flow, to Side) bool {
	dst := r.conns[to]
	for f.piped > 0 {
		n, errno := loop.Splice(f.pipe.r, dst.FD(), f.piped)
		if errno == unix.EAGAIN {
			dst.MarkUnwritable()
			return true
		}
		if errno != 0 {
			return r.fail(&Error{Side: to, Op: "writev()", Err: errno})
		}
		f.piped -= n
		f.sent += int64(n)
	}
	if len(f.pending) == 0 {
		return true
	}
	n, err := dst.TryWrite(f.pending)
	f.sent += int64(n)
	f.pending = f.pending[n:]
	if len(f.pending) == 0 {
		r.engine.putBuffer(f.buffer)
		f.pending, f.buffer = nil, nil
	}
	if err != nil && err != unix.EAGAIN {
		return r.fail(&Error{Side: to, Op: "writev()", Err: err})
	}
	return true
}

// settle gives back what an idle direction does not need.
func (r *Relay) settle(f *flow) {
	if f.hasPipe && f.piped == 0 {
		r.engine.putPipe(f.pipe, true)
		f.hasPipe, f.bulk = false, false
	}
}

// ended applies nginx's rule for the end of a session, after bytes of side were
// moved.
func (r *Relay) ended(side Side) bool {
	up, down := &r.flows[Client], &r.flows[Upstream]
	if !up.eof && !down.eof {
		return false
	}
	if r.opt.HalfClose {
		r.passEnd(Client)
		r.passEnd(Upstream)
		if !up.eof || !down.eof || up.blocked() || down.blocked() {
			return false
		}
	} else if !up.eof && down.blocked() || !down.eof && up.blocked() {
		return false
	}
	r.finish(End(side)) // ClientDisconnected or UpstreamDisconnected
	return true
}

// passEnd tells the other side that nothing more will come from one.
func (r *Relay) passEnd(from Side) {
	f := &r.flows[from]
	if f.eof && !f.shut && !f.blocked() {
		f.shut = true
		_ = r.conns[from.other()].CloseWrite()
	}
}

// Timeout looks whether both sides have been silent for too long. The timer is
// not moved with each event, only when it has run out.
func (r *Relay) Timeout(*loop.Timer) {
	if r.over {
		return
	}
	now := r.engine.loop.Now()
	if r.delayed() {
		r.active = now
	}
	if left := r.opt.Timeout - now.Sub(r.active); left > 0 {
		r.engine.loop.Start(&r.timer, left, r)
		return
	}
	r.finish(TimedOut)
}

// delayed reports whether a rate limit holds a direction back: that is no
// silence.
func (r *Relay) delayed() bool {
	for i := range r.flows {
		if l := r.flows[i].limiter; l != nil && l.timer.Running() {
			return true
		}
	}
	return false
}

// fail reports an error that ends the relay. It always returns false.
func (r *Relay) fail(e *Error) bool {
	r.handler.RelayError(e)
	r.finish(SendFailed)
	return false
}

// Panicked ends the relay when the event loop has caught a panic in it.
func (r *Relay) Panicked(value any, stack []byte) {
	r.handler.RelayPanicked(value, stack)
	if r.over {
		return
	}
	for i := range r.flows {
		// Nobody knows what is in them.
		r.flows[i].buffer, r.flows[i].piped = nil, 1
	}
	r.finish(Panicked)
}

// Stop ends the relay at once. What is in flight is lost.
func (r *Relay) Stop() {
	if !r.over {
		r.finish(Stopped)
	}
}

func (r *Relay) finish(end End) {
	r.over = true
	r.engine.loop.StopTimer(&r.timer)
	for i := range r.flows {
		f := &r.flows[i]
		if f.hasPipe {
			r.engine.putPipe(f.pipe, f.piped == 0)
			f.hasPipe = false
		}
		if f.buffer != nil {
			r.engine.putBuffer(f.buffer)
			f.buffer, f.pending = nil, nil
		}
		if f.limiter != nil {
			r.engine.loop.StopTimer(&f.limiter.timer)
		}
	}
	for _, c := range r.conns {
		c.SetHandler(nil)
	}
	r.handler.RelayDone(end)
}

// limiter holds one direction back.
type limiter struct {
	limit
	relay *Relay
	side  Side
	timer loop.Timer
}

// allow returns how much may be read; 0 while the direction has to wait.
func (l *limiter) allow(f *flow) int {
	if l.timer.Running() {
		return 0
	}
	n, wait := l.limit.allow(l.relay.engine.loop.Now(), f.received)
	if wait > 0 {
		l.relay.engine.loop.Start(&l.timer, wait, l)
		return 0
	}
	return int(min(n, int64(l.relay.opt.BufferSize)))
}

func (l *limiter) pause(n int) {
	if wait := l.limit.pause(n); wait > 0 {
		l.relay.engine.loop.Start(&l.timer, wait, l)
	}
}

// Panicked is like that of the relay.
func (l *limiter) Panicked(value any, stack []byte) { l.relay.Panicked(value, stack) }

// Timeout lets the direction go on.
func (l *limiter) Timeout(*loop.Timer) {
	r := l.relay
	r.active = r.engine.loop.Now()
	if r.pump(l.side) {
		r.ended(l.side)
	}
}
