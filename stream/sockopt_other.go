//go:build !linux && !darwin && !freebsd

package stream

// tuneSocket leaves a socket as package net makes it.
func tuneSocket(uintptr, *Listen) error { return nil }

// setBacklog leaves the backlog at the system's maximum.
func setBacklog(uintptr, int) error { return nil }
