// Package loop runs many connections on few threads: event loops, each with its
// own epoll instance, timers and coroutines.
//
// Code that has to wait is written straight-line, as a [Task]: Read, Write, Peek
// and Connect of a [Conn] suspend the task, and the loop goes on with others.
// Code that has no story to tell - moving bytes between two connections that are
// both up - is a [Handler], called when a connection becomes ready, and costs
// neither a goroutine nor a coroutine while it waits.
//
// Everything belongs to the loop it was made on and may be used only there: in
// tasks, handlers, timers and posted functions of that loop. Only [Loop.Post] and
// [Loop.Stop] may be called from elsewhere.
//
// Event loops exist on Linux. On other systems [New] returns
// errors.ErrUnsupported, and connections are served by goroutines instead.
package loop

import (
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// Options configure a [Loop]. The zero value is usable.
type Options struct {
	// OnPanic is told of a panic in a task, a handler, a timer or a posted
	// function; the loop goes on. Owner is the Task, Handler or Expirer, or nil
	// for a posted function. An owner that is a [Panicker] is told instead. Nil
	// means that panics are not caught.
	OnPanic func(owner, value any, stack []byte)
}

// Panicker is implemented by tasks, handlers and expirers that clean up after
// their own panic.
type Panicker interface {
	// Panicked is called on the loop, after the stack was unwound.
	Panicked(value any, stack []byte)
}

// Handler is called when a connection that it watches becomes readable or
// writable. Several changes may be reported as one and none is reported twice, so
// a handler goes on until TryRead or TryWrite say EAGAIN, or asks for another
// turn with [Conn.Again].
type Handler interface {
	Ready(c *Conn)
}

// Loop is one event loop. Make it with [New].
type Loop struct {
	opts   Options
	poller poller
	conns  []*Conn // by descriptor
	serial uint32  // number of the last registration: tells a late event from one for the next owner of the descriptor

	base time.Time // what mono counts from
	time time.Time // cached once per iteration, as nginx does
	mono int64     // nanoseconds since base

	// The work of the present iteration. Positions are kept here so that it can
	// go on after a panic.
	event, events int
	turns         []turn // connections that asked for another turn
	turn          int
	batch         []func() // posted functions
	owner         any      // whose code runs

	again   []turn // asked for a turn in the next iteration
	timers  timers
	running *coroutine
	idle    coroutines
	closed  bool
	pools

	mu      sync.Mutex
	posted  []func()
	woken   atomic.Bool
	stopped atomic.Bool
}

// turn is a connection to be called again, unless it is closed meanwhile.
type turn struct {
	conn   *Conn
	serial uint32
}

// New makes a loop. It does nothing before Run is called, which also releases its
// descriptors in the end.
func New(o Options) (*Loop, error) {
	l := &Loop{opts: o, base: time.Now()}
	if err := l.poller.open(); err != nil {
		return nil, err
	}
	l.tick()
	return l, nil
}

// Run serves until Stop. It blocks; the calling goroutine is the loop. Tasks that
// still wait when it ends get net.ErrClosed from what they wait for.
func (l *Loop) Run() error {
	defer l.close()
	for !l.stopped.Load() {
		n, err := l.poller.wait(l.timeout())
		if err != nil {
			return err
		}
		l.tick()
		l.event, l.events = 0, n
		l.turn, l.turns, l.again = 0, l.again, l.turns[:0]
		for !l.work() {
		}
	}
	return nil
}

// Stop makes Run return. It may be called from any goroutine, and more than once.
func (l *Loop) Stop() {
	l.stopped.Store(true)
	l.wake()
}

// Post has fn called on the loop. It may be called from any goroutine. Functions
// run in the order they were posted; after Stop they may not run at all.
func (l *Loop) Post(fn func()) {
	l.mu.Lock()
	l.posted = append(l.posted, fn)
	l.mu.Unlock()
	l.wake()
}

// Now returns the time at which the present iteration of the loop began. It reads
// no clock.
func (l *Loop) Now() time.Time { return l.time }

func (l *Loop) tick() {
	l.time = time.Now()
	l.mono = int64(l.time.Sub(l.base))
}

// deadline turns a point in time into the loop's count. The zero time is 0: none.
func (l *Loop) deadline(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return max(1, int64(t.Sub(l.base)))
}

// wake ends the wait for events. One write serves any number of callers.
func (l *Loop) wake() {
	if !l.woken.Swap(true) {
		l.poller.wake()
	}
}

// timeout says how long to wait for events: milliseconds, -1 without end.
func (l *Loop) timeout() int {
	if len(l.again) > 0 {
		return 0
	}
	when, ok := l.timers.first()
	if !ok {
		return -1
	}
	// Rounded up: to wake early would only mean to wait once more.
	left := min(max(0, when-l.mono), int64(time.Hour))
	return int((left + int64(time.Millisecond) - 1) / int64(time.Millisecond))
}

// work does what the iteration has to do, and reports whether it came to the end.
// It has not after a panic; then it is called again and leaves out the culprit.
func (l *Loop) work() (done bool) {
	if l.opts.OnPanic != nil {
		defer l.rescue()
	}
	for l.event < l.events {
		fd, serial, bits := l.poller.event(l.event)
		l.event++
		if fd < 0 {
			l.takePosted()
			continue
		}
		if c := l.conns[fd]; c != nil && c.serial == serial {
			c.flags |= bits
			l.ready(c)
		}
	}
	for l.turn < len(l.turns) {
		t := l.turns[l.turn]
		l.turns[l.turn] = turn{}
		l.turn++
		if t.conn.serial == t.serial {
			t.conn.flags &^= queued
			l.ready(t.conn)
		}
	}
	l.runPosted()
	l.expire()
	return true
}

func (l *Loop) ready(c *Conn) {
	if c.handler != nil {
		l.owner = c.handler
		c.handler.Ready(c)
	}
}

// rescue ends a panic, and tells whom it concerns.
func (l *Loop) rescue() {
	if v := recover(); v != nil {
		owner := l.owner
		l.owner, l.running = nil, nil
		l.panicked(owner, v)
	}
}

func (l *Loop) panicked(owner, value any) {
	stack := debug.Stack()
	if p, ok := owner.(Panicker); ok {
		p.Panicked(value, stack)
	} else {
		l.opts.OnPanic(owner, value, stack)
	}
}

// takePosted makes what was posted part of this iteration. What it posts in turn
// runs in the next one.
func (l *Loop) takePosted() {
	l.poller.drain()
	l.woken.Store(false)
	l.mu.Lock()
	l.batch = append(l.batch, l.posted...)
	clear(l.posted)
	l.posted = l.posted[:0]
	l.mu.Unlock()
}

func (l *Loop) runPosted() {
	for len(l.batch) > 0 {
		fn := l.batch[0]
		l.batch[0] = nil
		if l.batch = l.batch[1:]; len(l.batch) == 0 {
			l.batch = nil
		}
		l.owner = nil
		fn()
	}
}

// close ends the tasks that wait and releases the loop's own descriptors.
// Connections and listening sockets stay open: they belong to whoever made them.
func (l *Loop) close() {
	l.closed = true
	for _, c := range l.conns {
		if c == nil {
			continue
		}
		if co, ok := c.handler.(*coroutine); ok {
			co.interrupt()
		}
	}
	for len(l.timers.heap) > 0 {
		t := l.timers.heap[0].timer
		co, waits := t.expirer.(*coroutine)
		if t.Stop(l); waits {
			co.interrupt()
		}
	}
	l.idle.stop()
	l.pools.close()
	l.poller.close()
}
