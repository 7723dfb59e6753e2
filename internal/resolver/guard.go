package resolver

// guard.go - what runs by itself, and may panic.

import (
	"time"

	"github.com/gostream/gostream/internal/guard"
)

// guarded calls f. What panics is of one answer, or of one who has asked.
func (r *Resolver) guarded(f func()) { guard.Run(guarded, r.cfg.Panicked, f) }

// background calls f on a goroutine of its own.
func (r *Resolver) background(f func()) { guard.Go(guarded, r.cfg.Panicked, f) }

// startTimer calls f in a while.
func (r *Resolver) startTimer(d time.Duration, f func()) *time.Timer {
	return guard.AfterFunc(d, guarded, r.cfg.Panicked, f)
}

// guarded is what a panic is said to be in.
const guarded = "resolver"
