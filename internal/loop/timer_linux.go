package loop

import "time"

// Timer is a point in time at which a handler is told. It is part of the struct
// that needs it, so that starting one allocates nothing. The zero value is a
// stopped timer.
type Timer struct {
	at    int64 // loop milliseconds
	index int32 // place in the heap plus one; 0 when stopped
	to    TimerHandler
}

// TimerHandler is told when a timer's time has come. The timer is stopped by
// then and may be started again.
type TimerHandler interface{ Timeout(t *Timer) }

// Running reports whether the timer is started.
func (t *Timer) Running() bool { return t.index != 0 }

// timers is a heap with four children to a node: flatter than two, and the
// children share a cache line.
type timers []*Timer

func (h timers) put(i int, t *Timer) {
	h[i] = t
	t.index = int32(i) + 1
}

func (h timers) up(i int) {
	t := h[i]
	for i > 0 {
		parent := (i - 1) / 4
		if h[parent].at <= t.at {
			break
		}
		h.put(i, h[parent])
		i = parent
	}
	h.put(i, t)
}

func (h timers) down(i int) {
	t := h[i]
	for {
		least := 4*i + 1
		if least >= len(h) {
			break
		}
		for c := least + 1; c < min(4*i+5, len(h)); c++ {
			if h[c].at < h[least].at {
				least = c
			}
		}
		if h[least].at >= t.at {
			break
		}
		h.put(i, h[least])
		i = least
	}
	h.put(i, t)
}

func (h *timers) add(t *Timer) {
	*h = append(*h, t)
	h.up(len(*h) - 1)
}

func (h *timers) remove(t *Timer) {
	i, last := int(t.index)-1, len(*h)-1
	moved := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	if i < last {
		h.put(i, moved)
		h.up(i)
		h.down(int(moved.index) - 1)
	}
	t.index = 0
}

// millis is the loop's clock for timers. It does not follow when somebody sets
// the system's clock.
func (l *Loop) millis() int64 { return l.now.Sub(l.base).Milliseconds() }

// Start makes t tell the handler in d from now. A running timer is moved.
func (l *Loop) Start(t *Timer, d time.Duration, to TimerHandler) {
	at := l.millis() + max(int64((d+time.Millisecond-1)/time.Millisecond), 0)
	t.to = to
	if t.index != 0 {
		l.timers.remove(t)
	}
	t.at = at
	l.timers.add(t)
}

// StopTimer stops t, if it runs.
func (l *Loop) StopTimer(t *Timer) {
	if t.index != 0 {
		l.timers.remove(t)
	}
}

// expire tells the handlers of all timers whose time has come.
func (l *Loop) expire() {
	now := l.millis()
	for len(l.timers) > 0 && l.timers[0].at <= now {
		t := l.timers[0]
		l.timers.remove(t)
		func() {
			defer l.guard(t.to)
			t.to.Timeout(t)
		}()
	}
}
