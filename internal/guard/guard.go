// Package guard keeps a panic where it has happened. In Go a panic ends the
// process, with everybody's sessions, unless its own goroutine recovers from it: so
// goroutines are started here, and so is what timers call.
package guard

import (
	"fmt"
	"os"
	"runtime/debug"
	"time"
)

// Panic is the error of something that has panicked.
type Panic struct {
	What  string // it was: "resolver"
	Value any    // of the panic
	Stack []byte // as of [debug.Stack]
}

// Error is `panic in WHAT: VALUE`.
func (p *Panic) Error() string { return fmt.Sprintf("panic in %s: %v", p.What, p.Value) }

// Report is told of a panic, on the goroutine where it has happened. The nil Report
// writes to standard error, where a panic in a Report is written, too.
type Report func(*Panic)

func (r Report) tell(p *Panic) {
	defer func() {
		if recover() != nil {
			p.print()
		}
	}()
	if r == nil {
		p.print()
		return
	}
	r(p)
}

func (p *Panic) print() { fmt.Fprintf(os.Stderr, "%s\n%s", p.Error(), p.Stack) }

// Run calls f. It reports whether f has returned, and not panicked.
func Run(what string, report Report, f func()) (returned bool) {
	defer func() {
		if v := recover(); v != nil {
			report.tell(&Panic{what, v, debug.Stack()})
		}
	}()
	f()
	return true
}

// Go calls f on a goroutine of its own, which a panic ends.
func Go(what string, report Report, f func()) {
	go Run(what, report, f)
}

// AfterFunc is [time.AfterFunc] for an f that may panic.
func AfterFunc(d time.Duration, what string, report Report, f func()) *time.Timer {
	return time.AfterFunc(d, func() { Run(what, report, f) })
}
