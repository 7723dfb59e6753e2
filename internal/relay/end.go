package relay

// end.go - how a relay on a loop comes to its end.

import (
	"github.com/gostream/gostream/internal/loop"
)

// ended applies nginx's rule after a turn of one direction: the end of one side is
// the end of the session, unless something is held for the side that still is
// there. It also restarts the idle timer.
func (r *Relay) ended(from Side) bool {
	up, down := &r.flows[Client], &r.flows[Upstream]
	if up.eof || down.eof {
		over := (up.eof || !down.blocked()) && (down.eof || !up.blocked())
		if r.opts.HalfClose {
			over = up.eof && down.eof && !up.blocked() && !down.blocked()
		}
		if over {
			r.finish(Result(from)) // ClientDisconnected or UpstreamDisconnected
			return true
		}
		if r.opts.HalfClose && !r.passEnd(from) {
			return true
		}
	}
	if r.limits != nil && r.limits.delayed() {
		// What is held back by a rate is not idle.
		r.timer.Stop(r.conns[Client].Loop())
	} else {
		r.timer.Start(r.conns[Client].Loop(), r.opts.IdleTimeout, r)
	}
	return false
}

// passEnd tells the other side, once, that nothing more will come.
func (r *Relay) passEnd(from Side) bool {
	f := &r.flows[from]
	if !f.eof || f.blocked() || r.halved {
		return true
	}
	r.halved = true
	if err := r.conns[from^1].CloseWrite(); err != nil {
		return r.fail(Failure{from ^ 1, "shutdown()", err}, Broken)
	}
	return true
}

// Expired ends the session because it was idle for too long.
func (r *Relay) Expired(*loop.Timer) { r.finish(TimedOut) }

// Stop ends the session. What is in flight is lost. It does nothing when the relay
// is not running.
func (r *Relay) Stop() {
	if r.handler != nil {
		r.finish(Stopped)
	}
}

// Panicked ends the relay after a panic, which is passed on to the handler if that
// is a loop.Panicker; else the session ends as Broken.
func (r *Relay) Panicked(value any, stack []byte) {
	h := r.handler
	if h == nil {
		return
	}
	r.release()
	if p, ok := h.(loop.Panicker); ok {
		p.Panicked(value, stack)
	} else {
		h.Done(Broken)
	}
}

// fail reports a failure that ends the session. It returns false.
func (r *Relay) fail(f Failure, as Result) bool {
	r.handler.Failed(f)
	r.finish(as)
	return false
}

func (r *Relay) finish(as Result) {
	h := r.handler
	r.release()
	h.Done(as)
}

// release gives back all that was borrowed. The counters stay.
func (r *Relay) release() {
	l := r.conns[Client].Loop()
	r.timer.Stop(l)
	if r.limits != nil {
		r.limits.stop()
	}
	for i := range r.flows {
		f := &r.flows[i]
		if f.pipe != nil {
			l.ReleasePipe(f.pipe)
		}
		if f.held != nil {
			l.Release(f.held)
		}
		f.pipe, f.held = nil, nil
	}
	for _, c := range r.conns {
		c.Unwatch()
	}
	r.handler = nil
}
