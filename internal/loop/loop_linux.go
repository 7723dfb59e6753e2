package loop

import (
	"cmp"
	"fmt"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Options of a loop. The zero value is fit for use.
type Options struct {
	// Panic is told of panics that do not end the loop: in tasks, in posted
	// functions, in handlers that are no [Recoverer]. Nil: they are written to
	// standard error.
	Panic func(value any, stack []byte)

	Events      int           // taken from the kernel at a time; 0: 512, as in nginx
	MultiAccept bool          // listeners take all waiting connections at once
	AcceptPause time.Duration // when descriptors or memory run out; 0: 500 ms, negative: none
}

// Loop is an event loop. All of its methods but Post and Stop are to be called
// on the loop itself: from tasks, handlers and posted functions.
type Loop struct {
	opt  Options
	epfd int
	wake int // eventfd

	base    time.Time // when the loop was made; timers count from it
	now     time.Time
	timers  timers
	sources []source // by slot; the first is nobody's
	vacant  int32    // the first of the slots that are free
	spare   []*coroutine
	current *coroutine // the one that is running, if any
	scratch []byte
	inbox   *Batch  // of all Packets; nil: there have been none
	again   []*Conn // to be told of once more, having stopped to let others run

	mu      sync.Mutex
	posted  []func()
	pending atomic.Bool // posted is not empty
	ended   bool        // wake and epfd are closed, and their numbers may be others' by now
	stopped bool
}

// source is whom the events of a descriptor are for. It has a slot of its loop, and
// not the place of the descriptor's number: that may be any of all loops. The sequence number tells
// events of a descriptor that was closed from those of a successor, within one
// batch of events, in its slot.
type source struct {
	to   eventHandler
	seq  int32
	next int32 // of the slots that are free; 0: none
}

type eventHandler interface{ ready(events uint32) }

// defaultEvents is nginx's epoll_events.
const defaultEvents = 512

// New makes a loop, which Run then runs.
func New(opt Options) (*Loop, error) {
	epfd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll_create() failed: %w", err)
	}
	wake, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		unix.Close(epfd)
		return nil, fmt.Errorf("eventfd() failed: %w", err)
	}
	l := &Loop{opt: opt, epfd: epfd, wake: wake, base: time.Now(), sources: make([]source, 1)}
	l.now = l.base
	var slot int32 // is kept as long as the loop
	if err := l.register(&slot, wake, (*waker)(l), unix.EPOLLIN|unix.EPOLLET); err != nil {
		unix.Close(epfd)
		unix.Close(wake)
		return nil, err
	}
	return l, nil
}

// Now is the time at which the events being handled were fetched. Like nginx's
// clock it stands still in between.
func (l *Loop) Now() time.Time { return l.now }

// Scratch returns a buffer of at least n bytes that belongs to whoever runs on
// the loop until it next waits or returns.
func (l *Loop) Scratch(n int) []byte {
	if len(l.scratch) < n {
		l.scratch = make([]byte, n)
	}
	return l.scratch[:n]
}

// Run handles events until Stop is called. It closes the loop's own
// descriptors when it returns, but no connections.
func (l *Loop) Run() error {
	defer l.end()
	defer l.endSpare()
	events := make([]unix.EpollEvent, cmp.Or(l.opt.Events, defaultEvents))
	for !l.stopped {
		n, err := l.poll(events)
		if err != nil {
			return fmt.Errorf("epoll_wait() failed: %w", err)
		}
		l.now = time.Now()
		for i := range events[:n] {
			l.dispatch(&events[i])
		}
		l.expire()
		l.runAgain()
		if l.pending.Load() {
			l.runPosted()
		}
	}
	return nil
}

// end closes the loop's own descriptors.
func (l *Loop) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended, l.posted = true, nil
	unix.Close(l.epfd)
	unix.Close(l.wake)
}

// patience is how long poll waits without telling Go's scheduler (ms). Under
// load the next event comes within it, and the two hand-overs of a system call
// that may block are saved.
const patience = 1

// poll waits for events.
func (l *Loop) poll(events []unix.EpollEvent) (int, error) {
	timeout := l.timeout()
	if len(l.again) > 0 || l.pending.Load() {
		timeout = 0
	}
	brief := patience
	if timeout >= 0 {
		brief = min(timeout, patience)
	}
	n, errno := epollWait(l.epfd, events, brief)
	switch {
	case errno == unix.EINTR:
		// Go wants the goroutine to stop for a moment.
		return 0, nil
	case errno != 0:
		return 0, errno
	case n > 0 || timeout == brief:
		return n, nil
	}
	n, err := unix.EpollWait(l.epfd, events, timeout)
	if err == unix.EINTR {
		return 0, nil
	}
	return n, err
}

func epollWait(epfd int, events []unix.EpollEvent, timeout int) (int, unix.Errno) {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(epfd),
		uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), uintptr(timeout), 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

// timeout is how long poll may wait, in milliseconds.
func (l *Loop) timeout() int {
	if len(l.timers) == 0 {
		return -1
	}
	return int(max(l.timers[0].at-l.millis(), 0))
}

func (l *Loop) dispatch(e *unix.EpollEvent) {
	s := &l.sources[e.Fd] // a slot
	if s.seq != e.Pad || s.to == nil {
		return
	}
	defer l.guard(s.to)
	s.to.ready(e.Events)
}

// Again calls the handler of c once more, after the events at hand and those
// that come next. A handler that has done a fair share of work on a connection
// asks for this instead of going on.
func (l *Loop) Again(c *Conn) { l.again = append(l.again, c) }

func (l *Loop) runAgain() {
	n := len(l.again)
	for i := range n {
		if c := l.again[i]; c.open && c.handler != nil {
			c.dispatchAgain()
		}
	}
	l.again = append(l.again[:0], l.again[n:]...)
}

func (c *Conn) dispatchAgain() {
	defer c.loop.guard(c)
	c.handler.Ready(c)
}

// Recoverer is a [Handler] or [TimerHandler] that is told when it has panicked,
// so that it can end what it was doing.
type Recoverer interface {
	Panicked(value any, stack []byte)
}

// guard keeps a panic inside the one that caused it.
func (l *Loop) guard(culprit any) {
	p := recover()
	if p == nil {
		return
	}
	stack := debug.Stack()
	if c, ok := culprit.(*Conn); ok {
		culprit = c.handler
	}
	if r, ok := culprit.(Recoverer); ok {
		defer l.guard(nil) // it may do it again
		r.Panicked(p, stack)
		return
	}
	l.panicked(p, stack)
}

func (l *Loop) panicked(p any, stack []byte) {
	if l.opt.Panic != nil {
		l.opt.Panic(p, stack)
		return
	}
	fmt.Fprintf(os.Stderr, "panic on an event loop: %v\n%s", p, stack)
}

// register makes a descriptor's events come to a handler, which keeps the slot.
func (l *Loop) register(slot *int32, fd int, to eventHandler, events uint32) error {
	i := l.vacant
	if i == 0 {
		i = int32(len(l.sources))
		l.sources = append(l.sources, source{})
	}
	s := &l.sources[i]
	l.vacant, s.next = s.next, 0
	s.to, *slot = to, i
	return l.control(unix.EPOLL_CTL_ADD, fd, i, events)
}

func (l *Loop) control(op, fd int, slot int32, events uint32) error {
	e := unix.EpollEvent{Events: events, Fd: slot, Pad: l.sources[slot].seq}
	_, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(l.epfd), uintptr(op), uintptr(fd), uintptr(unsafe.Pointer(&e)), 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// forget frees a slot, and drops what may still come for a descriptor that is
// being closed. Slot 0 is none.
func (l *Loop) forget(slot *int32) {
	if *slot == 0 {
		return
	}
	s := &l.sources[*slot]
	s.to = nil
	s.seq++
	s.next, l.vacant, *slot = l.vacant, *slot, 0
}

// Post runs a function on the loop soon. It may be called from any goroutine,
// also before Run; after Stop the function may never run.
func (l *Loop) Post(fn func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return
	}
	l.posted = append(l.posted, fn)
	if !l.pending.Swap(true) {
		one := [8]byte{1}
		_, _ = unix.Write(l.wake, one[:])
	}
}

// Stop makes Run return when the events at hand are handled. It may be called
// from any goroutine.
func (l *Loop) Stop() { l.Post(func() { l.stopped = true }) }

func (l *Loop) runPosted() {
	l.mu.Lock()
	fns := l.posted
	l.posted = nil
	l.pending.Store(false)
	l.mu.Unlock()
	for _, fn := range fns {
		func() {
			defer l.guard(nil)
			fn()
		}()
	}
}

// waker handles the events of the eventfd.
type waker Loop

func (w *waker) ready(uint32) {
	var count [8]byte
	_, _ = unix.Read(w.wake, count[:])
}
