package loop

import (
	"iter"
	"runtime/debug"
)

// Task is sequential code that runs on a loop.
type Task interface{ Run() }

// coroutine runs one task after the other. iter.Pull's switch costs a fraction
// of a goroutine hand-over; keeping coroutines saves starting a new stack for
// each connection.
type coroutine struct {
	loop   *Loop
	task   Task
	resume func() (struct{}, bool)
	stop   func() // ends the coroutine while it has no task
	yield  func(struct{}) bool
}

// maxSpare bounds the coroutines that are kept. Tasks need one only while they
// wait; after an attack with many that do, the stacks of 4 to 8 KB go back.
const maxSpare = 256

// Go runs a task until it first has to wait. To be called on the loop. A task
// may only wait by the methods of [Conn].
func (l *Loop) Go(t Task) {
	var c *coroutine
	if n := len(l.spare); n > 0 {
		c, l.spare = l.spare[n-1], l.spare[:n-1]
	} else {
		c = &coroutine{loop: l}
		c.resume, c.stop = iter.Pull(c.run)
	}
	c.task = t
	c.enter()
}

// enter switches to the coroutine until it waits or is done.
func (c *coroutine) enter() {
	outer := c.loop.current
	c.loop.current = c
	c.resume()
	c.loop.current = outer
}

func (c *coroutine) run(yield func(struct{}) bool) {
	c.yield = yield
	for {
		c.runTask()
		c.task = nil
		if len(c.loop.spare) == maxSpare {
			return
		}
		c.loop.spare = append(c.loop.spare, c)
		if !yield(struct{}{}) {
			return
		}
	}
}

// endSpare ends the coroutines that are kept.
func (l *Loop) endSpare() {
	for _, c := range l.spare {
		c.stop()
	}
	l.spare = nil
}

// runTask keeps a panic inside the task that caused it.
func (c *coroutine) runTask() {
	defer func() {
		if p := recover(); p != nil {
			c.loop.panicked(p, debug.Stack())
		}
	}()
	c.task.Run()
}

// wait gives the loop to others until something resumes the coroutine.
func (c *coroutine) wait() { c.yield(struct{}{}) }
