package loop

import (
	"net"
	"os"
	"sync/atomic"
)

// Await waits until the function that start is given has been called: from any
// goroutine, and at once if need be. It is for what is no socket of the loop.
// When c is closed or aborted before, Await calls what start has returned and
// returns the error that other waits do. A call after that does no harm.
func (c *Conn) Await(start func(done func()) (cancel func())) error {
	const (
		starting = iota
		waiting
		called
	)
	var state atomic.Int32
	over := false // set on the loop
	cancel := start(func() {
		if state.Swap(called) == waiting {
			c.loop.Post(func() {
				if !over {
					c.wakeUp()
				}
			})
		}
	})
	if !state.CompareAndSwap(starting, waiting) {
		return nil
	}
	c.waiter, c.waiting, c.expired = c.loop.current, 0, false
	c.waiter.wait()
	over = true
	switch {
	case !c.open:
		cancel()
		return net.ErrClosed
	case c.expired:
		cancel()
		return os.ErrDeadlineExceeded
	}
	return nil
}
