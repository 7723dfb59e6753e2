package loop

import (
	"iter"
	"net"
	"os"
	"time"
)

// Task is sequential code run by a loop. While it waits, the loop serves others.
//
// A task may wait only through a Conn of its loop, [Loop.Sleep] and [Loop.Block]:
// a channel, a contended mutex or a file would hold up all connections.
type Task interface {
	Run()
}

// maxIdle is how many coroutines are kept for reuse. Making one costs about a
// microsecond, a stack and eleven allocations; keeping one, its stack.
const maxIdle = 256

// coroutine is what tasks run on, one after the other.
type coroutine struct {
	loop   *Loop
	resume func() (struct{}, bool)
	yield  func(struct{}) bool
	cancel func()
	task   Task // nil between tasks

	conn  *Conn // waited for
	want  flags // for which of these
	err   error // why the wait ended
	timer Timer // the wait's deadline
	next  *coroutine
}

// coroutines is a list of idle ones.
type coroutines struct {
	first *coroutine
	n     int
}

// Go runs t as a coroutine. It returns when t waits for the first time or is done.
// It must be called on the loop; elsewhere, post it.
func (l *Loop) Go(t Task) {
	co := l.idle.first
	if co == nil {
		co = newCoroutine(l)
	} else {
		l.idle.first, co.next = co.next, nil
		l.idle.n--
	}
	co.task = t
	co.run()
}

// Sleep suspends the task. It returns nil, or net.ErrClosed if the loop ends.
func (l *Loop) Sleep(d time.Duration) error {
	co := l.task()
	err := co.wait(nil, 0, l.mono+int64(max(d, 0)))
	if err == os.ErrDeadlineExceeded {
		return nil
	}
	return err
}

// Block suspends the task while fn runs on a goroutine of its own: for what can
// only be waited for in ways that would hold up the loop. A panic in fn is raised
// again in the task.
func (l *Loop) Block(fn func()) {
	co := l.task()
	var failure any
	go func() {
		defer l.Post(co.run)
		defer func() { failure = recover() }()
		fn()
	}()
	co.park()
	if failure != nil {
		panic(failure)
	}
}

// task returns the coroutine that is running.
func (l *Loop) task() *coroutine {
	if l.running == nil {
		panic("loop: waiting outside of a task")
	}
	return l.running
}

func newCoroutine(l *Loop) *coroutine {
	co := &coroutine{loop: l}
	co.resume, co.cancel = iter.Pull(co.serve)
	return co
}

// serve runs one task after the other, for as long as it is given any.
func (co *coroutine) serve(yield func(struct{}) bool) {
	co.yield = yield
	for {
		co.runTask()
		co.task = nil
		if !yield(struct{}{}) {
			return
		}
	}
}

func (co *coroutine) runTask() {
	if co.loop.opts.OnPanic != nil {
		defer func() {
			if v := recover(); v != nil {
				co.loop.panicked(co.task, v)
			}
		}()
	}
	co.task.Run()
}

// run goes on with the task until it waits or is done.
func (co *coroutine) run() {
	l := co.loop
	before := l.running
	l.running = co
	co.resume()
	l.running = before
	if co.task != nil {
		return
	}
	if l.idle.n >= maxIdle {
		co.cancel()
		return
	}
	co.next, l.idle.first = l.idle.first, co
	l.idle.n++
}

// park gives control back to the loop until run is called again.
func (co *coroutine) park() { co.yield(struct{}{}) }

// wait parks until c has one of the flags or the deadline (of the loop's count, 0
// for none) has come. Without c it waits for the deadline only.
func (co *coroutine) wait(c *Conn, want flags, deadline int64) error {
	l := co.loop
	if l.closed {
		return net.ErrClosed
	}
	if deadline != 0 {
		if deadline <= l.mono {
			return os.ErrDeadlineExceeded
		}
		co.timer.startAt(l, deadline, co)
	}
	co.conn, co.want, co.err = c, want, nil
	if c != nil {
		c.handler = co
	}
	co.park()
	co.timer.Stop(l)
	co.conn = nil
	if c != nil && c.handler == Handler(co) {
		c.handler = nil
	}
	return co.err
}

// Ready ends the wait if it was for this.
func (co *coroutine) Ready(c *Conn) {
	if c.flags&co.want != 0 {
		co.run()
	}
}

// Expired ends the wait at its deadline.
func (co *coroutine) Expired(*Timer) {
	co.err = os.ErrDeadlineExceeded
	co.run()
}

// interrupt ends the wait because what it is for has gone.
func (co *coroutine) interrupt() {
	co.err = net.ErrClosed
	co.run()
}

func (cs *coroutines) stop() {
	for ; cs.first != nil; cs.first = cs.first.next {
		cs.first.cancel()
	}
	cs.n = 0
}
