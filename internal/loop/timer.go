package loop

import "time"

// Expirer is told that a timer has run out.
type Expirer interface {
	Expired(t *Timer)
}

// Timer calls its owner once, after a while. It is meant to be embedded; the zero
// value is a timer that does not run. Starting and stopping allocate nothing.
//
// Putting off a running timer costs one store, so that a connection can restart
// its idle timer with every message: the loop notices when the old time comes.
type Timer struct {
	when    int64 // loop's count; the entry in the heap may be for an earlier time
	expirer Expirer
	index   int32 // position in the heap, counted from 1; 0 if not running
}

// Start has e called after d, measured from the loop's present iteration. A
// running timer is restarted.
func (t *Timer) Start(l *Loop, d time.Duration, e Expirer) {
	t.startAt(l, l.mono+int64(d), e)
}

func (t *Timer) startAt(l *Loop, when int64, e Expirer) {
	t.expirer = e
	t.when = when
	switch {
	case t.index == 0:
		l.timers.push(t)
	case when < l.timers.heap[t.index-1].when:
		l.timers.heap[t.index-1].when = when
		l.timers.up(int(t.index - 1))
	}
}

// Stop keeps the timer from calling its owner. It may be called at any time.
func (t *Timer) Stop(l *Loop) {
	if t.index != 0 {
		l.timers.remove(int(t.index - 1))
	}
	t.expirer = nil
}

// Running reports whether the timer will still call its owner.
func (t *Timer) Running() bool { return t.index != 0 }

// expire calls the owners of all timers whose time has come.
func (l *Loop) expire() {
	for {
		when, ok := l.timers.first()
		if !ok || when > l.mono {
			return
		}
		t := l.timers.heap[0].timer
		if t.when > l.mono { // was put off
			l.timers.heap[0].when = t.when
			l.timers.down(0)
			continue
		}
		l.timers.remove(0)
		e := t.expirer
		t.expirer = nil
		l.owner = e
		e.Expired(t)
	}
}

// timers is a heap with four children per node, ordered by time. Most timers are
// the latest of all when they start, and go in at the end for good.
type timers struct {
	heap []timerEntry
}

type timerEntry struct {
	when  int64
	timer *Timer
}

const arity = 4

func (h *timers) first() (when int64, ok bool) {
	if len(h.heap) == 0 {
		return 0, false
	}
	return h.heap[0].when, true
}

func (h *timers) push(t *Timer) {
	h.heap = append(h.heap, timerEntry{t.when, t})
	h.up(len(h.heap) - 1)
}

func (h *timers) remove(i int) {
	h.heap[i].timer.index = 0
	last := len(h.heap) - 1
	moved := h.heap[last]
	h.heap[last] = timerEntry{}
	h.heap = h.heap[:last]
	if i < last {
		h.set(i, moved)
		h.up(i)
		h.down(int(moved.timer.index - 1))
	}
}

func (h *timers) set(i int, e timerEntry) {
	h.heap[i] = e
	e.timer.index = int32(i + 1)
}

func (h *timers) up(i int) {
	e := h.heap[i]
	for i > 0 {
		parent := (i - 1) / arity
		if h.heap[parent].when <= e.when {
			break
		}
		h.set(i, h.heap[parent])
		i = parent
	}
	h.set(i, e)
}

func (h *timers) down(i int) {
	e := h.heap[i]
	for {
		first := i*arity + 1
		if first >= len(h.heap) {
			break
		}
		least := first
		for child := first + 1; child < min(first+arity, len(h.heap)); child++ {
			if h.heap[child].when < h.heap[least].when {
				least = child
			}
		}
		if e.when <= h.heap[least].when {
			break
		}
		h.set(i, h.heap[least])
		i = least
	}
	h.set(i, e)
}
