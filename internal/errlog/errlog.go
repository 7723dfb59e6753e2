// Package errlog writes nginx's error log: levels, line format, and the several
// places a line may go to.
package errlog

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/gostream/gostream/internal/guard"
	"github.com/gostream/gostream/internal/logfile"
)

// Level is the urgency of a line. Lower is more urgent.
type Level int8

// The levels of nginx, in the order of its names.
const (
	Emerg Level = iota + 1
	Alert
	Crit
	Error
	Warn
	Notice
	Info
	Debug
)

var levelNames = [...]string{Emerg: "emerg", Alert: "alert", Crit: "crit", Error: "error", Warn: "warn", Notice: "notice", Info: "info", Debug: "debug"}

// String returns nginx's name of the level.
func (l Level) String() string { return levelNames[l] }

// ParseLevel returns the level of that name; 0 if there is none.
func ParseLevel(name string) Level {
	for l := Emerg; l <= Debug; l++ {
		if levelNames[l] == name {
			return l
		}
	}
	return 0
}

// Record is what is logged. Control bytes in Text and Context, which may come from
// a client, become \xHH.
type Record struct {
	Conn uint64 // connection number; 0 outside of connections
	Text string
	Err  error // shown as " (111: Connection refused)" if it is or wraps an errno

	// Context, if not nil, appends what is known of the circumstances. It is not
	// called at level Debug.
	Context func(dst []byte) []byte

	// Stack is that of a panic, shown as it is in the lines that follow.
	Stack []byte
}

// Log is where the lines of one scope (the main configuration, a server) go.
// Make it with [New] or [Of]. It may be used from any goroutine. The nil Log
// drops everything.
type Log struct {
	sinks []Sink
	level Level // the most verbose of all sinks
	raw   bool  // control bytes stay
	clock logfile.Clock
}

// Sink is one destination of lines.
type Sink struct {
	Level Level // lines up to this one are wanted

	// Write takes a complete line, newline included, and does not keep it. now
	// is the line's time.
	Write func(line []byte, level Level, now time.Time)
}

// New makes a log of one or several sinks.
func New(sinks ...Sink) *Log {
	l := &Log{sinks: sinks}
	for _, s := range sinks {
		l.level = max(l.level, s.Level)
	}
	return l
}

// Verbose returns a log that writes all lines to all places of l: for clients
// of debug_connection.
func (l *Log) Verbose() *Log {
	sinks := slices.Clone(l.sinks)
	for i := range sinks {
		sinks[i].Level = Debug
	}
	return New(sinks...)
}

// Unescaped returns a log that writes to all places of l, and control bytes as
// they are: for the console.
func (l *Log) Unescaped() *Log { return &Log{sinks: l.sinks, level: l.level, raw: true} }

// Enabled reports whether lines of a level go anywhere.
func (l *Log) Enabled(level Level) bool { return l != nil && level <= l.level }

// Write writes a line.
func (l *Log) Write(level Level, r Record) {
	if !l.Enabled(level) {
		return
	}
	buf := lines.Get().(*[]byte)
	now := time.Now()
	line := l.appendLine((*buf)[:0], level, &r, now)
	for i := range l.sinks {
		if s := &l.sinks[i]; level <= s.Level {
			s.Write(line, level, now)
		}
	}
	if cap(line) <= 8*maxLine {
		*buf = line[:0]
	}
	lines.Put(buf)
}

// Report writes a line about an error of package logfile, at nginx's level. It
// serves as [logfile.Set.OnError].
func (l *Log) Report(err error) {
	var write *logfile.WriteError
	var dropped *logfile.DroppedError
	var syslog *logfile.SyslogError
	var panicked *guard.Panic
	switch {
	case errors.As(err, &dropped):
		l.Write(Alert, Record{Text: dropped.Error()})
	case errors.As(err, &panicked):
		l.Panicked(panicked)
	case errors.As(err, &write):
		l.Write(Alert, Record{Text: write.Error(), Err: write.Err})
	case errors.As(err, &syslog):
		l.Write(syslogErrorLevel(syslog), Record{Text: syslog.Error(), Err: syslog.Err,
			Context: func(b []byte) []byte { return append(b, syslog.Context()...) }})
	default:
		l.Write(Emerg, Record{Text: err.Error()})
	}
}

// Panicked writes a line about a panic. It serves as [guard.Report].
func (l *Log) Panicked(p *guard.Panic) {
	l.Write(Alert, Record{Text: p.Error(), Stack: p.Stack})
}

// syslogErrorLevel tells errors of the network from those that should not be,
// as which nginx counts every failed connect.
func syslogErrorLevel(err *logfile.SyslogError) Level {
	if err.Call == "connect" {
		return Alert
	}
	switch err.Err {
	case syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.EPIPE, syscall.ENOTCONN, syscall.ETIMEDOUT,
		syscall.ENETDOWN, syscall.ENETUNREACH, syscall.EHOSTDOWN, syscall.EHOSTUNREACH:
		return Error
	}
	return Alert
}

const (
	maxLine      = 2048 // the length at which nginx cuts a line, newline included
	roomForErrno = 50   // is kept for the errno when the text is long
)

// lines are buffers for lines on their way.
var lines = sync.Pool{New: func() any { b := make([]byte, 0, maxLine); return &b }}

// pid is the process id and nginx's thread id, which in a process of one thread
// is the same.
var pid = strconv.Itoa(os.Getpid()) + "#" + strconv.Itoa(os.Getpid()) + ": "

func (l *Log) appendLine(b []byte, level Level, r *Record, now time.Time) []byte {
	b = l.clock.Append(b, now, logfile.ErrorLogTime)
	b = append(append(append(b, " ["...), levelNames[level]...), "] "...)
	b = append(b, pid...)
	if r.Conn != 0 {
		b = strconv.AppendUint(append(b, '*'), r.Conn, 10)
		b = append(b, ' ')
	}
	b = l.escape(append(b, r.Text...), len(b))
	if errno := errnoOf(r.Err); errno != 0 {
		if len(b) > maxLine-roomForErrno {
			b = append(b[:maxLine-roomForErrno], "..."...)
		}
		b = appendErrno(b, errno)
	}
	if r.Context != nil && level != Debug {
		from := len(b)
		b = l.escape(r.Context(b), from)
	}
	if len(r.Stack) > 0 {
		b = append(append(b, '\n'), bytes.TrimSuffix(r.Stack, []byte("\n"))...)
	}
	if len(b) > maxLine-1 {
		b = b[:maxLine-1]
	}
	return append(b, '\n')
}

func (l *Log) escape(b []byte, from int) []byte {
	if l.raw {
		return b
	}
	return escapeControls(b, from)
}

// AppendErrno appends " (111: Connection refused)" for an error that is or
// wraps an errno.
func AppendErrno(b []byte, err error) []byte {
	if errno := errnoOf(err); errno != 0 {
		return appendErrno(b, errno)
	}
	return b
}

func appendErrno(b []byte, errno syscall.Errno) []byte {
	b = strconv.AppendInt(append(b, " ("...), int64(errno), 10)
	b = append(append(b, ": "...), logfile.ErrorText(errno)...)
	return append(b, ')')
}

// errnoOf returns the errno that err is or wraps; 0 if there is none.
func errnoOf(err error) syscall.Errno {
	if errno, ok := err.(syscall.Errno); ok || err == nil {
		return errno
	}
	errno, _ := errors.AsType[syscall.Errno](err)
	return errno
}
