package relay

// loop.go - a relay on an event loop, in the order a byte meets it: Start, Ready,
// move, read, flush. How it ends is in end.go.

import (
	"io"
	"syscall"

	"github.com/gostream/gostream/internal/loop"
)

const (
	// share is how many buffers or pipes of one direction are moved before other
	// connections get their turn.
	share = 8
	// chunk is how much is spliced at a time, in bytes, and so how much a slow
	// receiver can leave in a pipe.
	chunk = 256 << 10
)

// Relay is the state of one session on a loop. It is meant to be embedded in the
// session. Start gives it all it needs; after Done it may be started again.
type Relay struct {
	conns   [2]*loop.Conn // by Side
	opts    *Options
	handler Handler
	limits  *limits // nil without rates
	timer   loop.Timer
	flows   [2]flow // by the side that is read
	heard   bool    // something came from the upstream
	halved  bool    // the end of one direction was passed on
}

// flow is one direction.
type flow struct {
	received, sent int64        // bytes
	held           *loop.Buffer // read and not yet written
	pipe           *loop.Pipe   // lent while there are bytes in flight
	eof            bool
	bulk           bool // the last turn moved a lot: splice
	copies         bool // the system cannot splice these sockets
}

// blocked reports whether there is something to be written first.
func (f *flow) blocked() bool { return f.held != nil || f.pipe != nil && f.pipe.Held > 0 }

// Start begins to relay between two connected sockets of one loop, by [Side].
// First is sent to the upstream before anything else, and counted as sent only; it
// is copied if it cannot be sent at once. When Start returns the session may be
// over, and Done have been called.
func (r *Relay) Start(conns [2]*loop.Conn, o *Options, h Handler, first []byte) {
	*r = Relay{conns: conns, opts: o, handler: h}
	if o.UploadRate > 0 || o.DownloadRate > 0 {
		r.limits = newLimits(r)
	}
	if len(first) > 0 && !r.write(&r.flows[Client], Upstream, first) {
		return
	}
	// The client mostly has sent something by now. Reading before epoll knows the
	// socket saves the event; of the upstream nothing can have come that epoll
	// would not tell.
	if !r.move(Client) {
		return
	}
	for side, c := range conns {
		if err := c.Watch(r); err != nil {
			r.fail(Failure{Side(side), "epoll_ctl()", err}, Broken)
			return
		}
	}
	if conns[Upstream].Readable() {
		r.move(Upstream)
	}
}

// Counters returns the bytes moved so far.
func (r *Relay) Counters() Counters {
	up, down := &r.flows[Client], &r.flows[Upstream]
	return Counters{FromClient: up.received, ToUpstream: up.sent, FromUpstream: down.received, ToClient: down.sent}
}

// Ready handles an event of either connection.
func (r *Relay) Ready(c *loop.Conn) {
	side := Client
	if c == r.conns[Upstream] {
		side = Upstream
	}
	if r.flows[side^1].blocked() && c.Writable() && !r.move(side^1) {
		return
	}
	if c.Readable() {
		r.move(side)
	}
}

// move moves what can be moved from one side to the other. It returns false if the
// session is over.
func (r *Relay) move(from Side) bool {
	f, src := &r.flows[from], r.conns[from]
	start := f.received
	for n := 0; ; n++ {
		if f.blocked() && !r.flush(f, from^1) {
			return false
		}
		if f.blocked() || f.eof || !src.Readable() {
			break
		}
		if n == share {
			src.Again()
			break
		}
		size := r.opts.bufferSize()
		if r.limits != nil {
			if size = r.limits.allow(from, size); size == 0 {
				break
			}
		}
		if !r.read(f, from, size) {
			return false
		}
	}
	f.bulk = f.received-start >= int64(r.opts.bufferSize())
	r.settle(f)
	return !r.ended(from)
}

// read takes what one side has sent, and writes what it can of it. The upstream is
// heard of even if all it does is to close.
func (r *Relay) read(f *flow, from Side, size int) bool {
	before := f.received
	err, ok := r.take(f, from, size)
	if !ok {
		return false
	}
	if err == syscall.EAGAIN {
		return true
	}
	if from == Upstream && !r.heard {
		r.heard = true
		r.handler.FirstByte()
	}
	if err != nil {
		f.eof = true
		if err != io.EOF {
			r.handler.Failed(Failure{from, "recv()", err})
		}
	}
	if r.limits != nil {
		r.limits.pause(from, f.received-before)
	}
	return true
}

// take reads by way of a pipe or of memory.
func (r *Relay) take(f *flow, from Side, size int) (err error, ok bool) {
	if f.bulk && r.limits == nil && !f.copies && !r.opts.NoSplice {
		if f.pipe == nil {
			f.pipe = r.conns[from].Loop().TakePipe()
		}
		if f.pipe != nil {
			n, err := f.pipe.Fill(r.conns[from], chunk)
			f.received += int64(n)
			if err != syscall.EINVAL {
				return err, true
			}
			f.copies = true
		}
	}
	return r.copy(f, from, size)
}

// copy reads into the loop's own buffer and writes from there. With both sides
// ready, which is the rule, a message needs no memory of its own.
func (r *Relay) copy(f *flow, from Side, size int) (err error, ok bool) {
	buf := r.conns[from].Loop().Scratch()
	buf = buf[:min(size, len(buf))]
	n, err := r.conns[from].TryRead(buf)
	if n > 0 {
		f.received += int64(n)
		f.bulk = n == len(buf)
		ok = r.write(f, from^1, buf[:n])
		return nil, ok
	}
	return err, true
}

// write sends p, of which nothing is held yet, and keeps what is not taken.
func (r *Relay) write(f *flow, to Side, p []byte) bool {
	n, err := r.conns[to].TryWrite(p)
	f.sent += int64(n)
	if n == len(p) {
		return true
	}
	if err != nil && err != syscall.EAGAIN {
		return r.fail(Failure{to, "send()", err}, SendFailed)
	}
	f.held = r.conns[to].Loop().Keep(p[n:])
	return true
}

// flush sends what is held for a side, as far as it goes. It returns false if the
// session is over.
func (r *Relay) flush(f *flow, to Side) bool {
	dst := r.conns[to]
	for f.blocked() && dst.Writable() {
		n, err := f.send(dst)
		f.sent += int64(n)
		if err != nil && err != syscall.EAGAIN {
			return r.fail(Failure{to, "send()", err}, SendFailed)
		}
	}
	return true
}

// send makes one system call's worth of progress.
func (f *flow) send(dst *loop.Conn) (n int, err error) {
	if f.held == nil {
		return f.pipe.Drain(dst)
	}
	n, err = dst.TryWrite(f.held.Data)
	if f.held.Data = f.held.Data[n:]; len(f.held.Data) == 0 {
		dst.Loop().Release(f.held)
		f.held = nil
	}
	return n, err
}

// settle gives back a pipe that is not in use.
func (r *Relay) settle(f *flow) {
	if f.pipe != nil && f.pipe.Held == 0 {
		r.conns[Client].Loop().ReleasePipe(f.pipe)
		f.pipe = nil
	}
}
