package stream

import (
	"context"
	"sync"
	"sync/atomic"
)

// counters are what all generations of a Server share.
type counters struct {
	connection atomic.Uint64 // the last $connection given out
	silent     atomic.Bool   // sessions end without a word

	mu       sync.Mutex
	sessions int
	idle     chan struct{} // closed when sessions has come down to 0; nil: nobody waits
}

func (c *counters) enter() {
	c.mu.Lock()
	c.sessions++
	c.mu.Unlock()
}

func (c *counters) leave() {
	c.mu.Lock()
	if c.sessions--; c.sessions == 0 && c.idle != nil {
		close(c.idle)
		c.idle = nil
	}
	c.mu.Unlock()
}

// wait returns when there is no session, or with the error of ctx.
func (c *counters) wait(ctx context.Context) error {
	c.mu.Lock()
	if c.sessions == 0 {
		c.mu.Unlock()
		return nil
	}
	if c.idle == nil {
		c.idle = make(chan struct{})
	}
	idle := c.idle
	c.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
