package process

// Account is who a process runs as.
type Account struct {
	Name     string // for messages
	UID, GID int
	Groups   []int // supplementary groups

	// RawSockets keeps the capability of opening raw sockets, which is also that
	// of connecting from addresses of others.
	RawSockets bool
}

// CallError is a failed system call.
type CallError struct {
	Call  string // such as "setuid(65534)"
	Err   error
	Minor bool // the process may go on without
}

// Error shows the call, not the errno.
func (e *CallError) Error() string { return e.Call + " failed" }

// Unwrap returns the system's error.
func (e *CallError) Unwrap() error { return e.Err }
