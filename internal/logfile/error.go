package logfile

import (
	"fmt"
	"sync/atomic"
	"syscall"
)

// OpenError is a log file that cannot be opened.
type OpenError struct {
	Path string
	Err  syscall.Errno
}

// NewOpenError makes an OpenError of an error of package os.
func NewOpenError(path string, err error) *OpenError { return &OpenError{path, errnoOf(err)} }

// Error is nginx's text, `open() "PATH" failed (2: No such file or directory)`.
func (e *OpenError) Error() string {
	return fmt.Sprintf(`open() "%s" failed%s`, e.Path, errnoSuffix(e.Err))
}

// Unwrap returns the errno.
func (e *OpenError) Unwrap() error { return e.Err }

// WriteError is a failed, or not completed, write to a log file.
type WriteError struct {
	Path            string
	Err             syscall.Errno // 0: the write was incomplete
	Written, Wanted int           // bytes
}

// Error is nginx's text, without the errno that the log adds.
func (e *WriteError) Error() string {
	if e.Err == 0 {
		return fmt.Sprintf(`write() to "%s" was incomplete: %d of %d`, e.Path, e.Written, e.Wanted)
	}
	return fmt.Sprintf(`write() to "%s" failed`, e.Path)
}

// Unwrap returns the errno.
func (e *WriteError) Unwrap() error { return e.Err }

// DroppedError is lines that were dropped because nobody had read those before.
type DroppedError struct {
	Path  string
	Lines int
}

// Error is the text of the log.
func (e *DroppedError) Error() string {
	return fmt.Sprintf(`%d lines for "%s" were dropped, as nobody read it`, e.Lines, e.Path)
}

// SyslogError is a line that a syslog server could not be sent.
type SyslogError struct {
	Call   string // "connect" or "send"
	Server string // as in the configuration, port included
	Err    syscall.Errno
}

// Error is nginx's text, without the errno that the log puts behind Call; see
// [SyslogError.Context] for the rest of the line.
func (e *SyslogError) Error() string { return e.Call + "() failed" }

// Context is what follows the errno in the log.
func (e *SyslogError) Context() string { return " while logging to syslog, server: " + e.Server }

// Unwrap returns the errno.
func (e *SyslogError) Unwrap() error { return e.Err }

// complaintPause is how many seconds a file's errors go untold after one that
// was told.
const complaintPause = 59

// health remembers the troubles of a file. Times are Unix seconds.
type health struct{ full, told atomic.Int64 }

// suspended reports whether the disk was found full this very second. Writing to a
// full disk may take long.
func (h *health) suspended(now func() int64) bool {
	full := h.full.Load()
	return full != 0 && full == now()
}

// failed notes an error. It returns it if it should be told.
func (h *health) failed(err *WriteError, now int64) error {
	if err.Err == syscall.ENOSPC {
		h.full.Store(now)
	}
	if told := h.told.Load(); now-told <= complaintPause || !h.told.CompareAndSwap(told, now) {
		return nil
	}
	return err
}

// filter is failed for errors of all kinds.
func (h *health) filter(err error, now int64) error {
	if write, ok := err.(*WriteError); ok {
		return h.failed(write, now)
	}
	return err
}
