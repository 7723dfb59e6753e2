// Package process holds what a server does to its own process: go to the
// background, take signals, set limits. Everything is called the same on all
// systems; what a system does not have returns [ErrUnsupported] or does nothing.
package process

import (
	"errors"
	"syscall"
)

// ErrUnsupported is returned for what the system does not have.
var ErrUnsupported = errors.New("not supported on this system")

// Action is what a signal asks a server for.
type Action int

// The actions, in nginx's words.
const (
	None    Action = iota
	Stop           // at once
	Quit           // when the connections have ended
	Reload         // the configuration
	Reopen         // the log files
	Upgrade        // start a new binary
	Drain          // stop accepting connections
	Ended          // a process that was started has ended
)

// Signal is a signal that a server takes.
type Signal struct {
	Number syscall.Signal
	Name   string // such as "SIGHUP"
	Action Action
}

// SignalOf returns the entry of a signal in [Signals], the zero value if there
// is none.
func SignalOf(number syscall.Signal) Signal {
	for _, s := range Signals() {
		if s.Number == number {
			return s
		}
	}
	return Signal{}
}

// SignalFor returns the first entry of [Signals] with an action, the zero value
// if the system has none.
func SignalFor(a Action) Signal {
	for _, s := range Signals() {
		if s.Action == a {
			return s
		}
	}
	return Signal{}
}
