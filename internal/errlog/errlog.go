// Package errlog writes nginx's error log: levels, line format, and the several
// places a line may go to.
package errlog

import (
	"errors"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

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

// Record is what is logged.
type Record struct {
	Conn uint64 // connection number; 0 outside of connections
	Text string
	Err  error // shown as " (111: Connection refused)" if it is or wraps an errno

	// Context, if not nil, appends what is known of the circumstances.
	Context func(dst []byte) []byte
}

// Log is where the lines of one scope (the main configuration, a server) go.
// It may be used from any goroutine. The nil Log drops everything.
type Log struct {
	sinks []Sink
	level Level // the most verbose of all sinks
}

// Sink is one destination of lines.
type Sink struct {
	Level Level // lines up to this one are wanted

	// Write takes a complete line, newline included. now is the line's time.
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

// Enabled reports whether lines of a level go anywhere.
func (l *Log) Enabled(level Level) bool { return l != nil && level <= l.level }

// maxLine is the length at which nginx cuts a line, newline included.
const maxLine = 2048

var lines = sync.Pool{New: func() any { b := make([]byte, 0, maxLine); return &b }}

// Write writes a line.
func (l *Log) Write(level Level, r Record) {
	if !l.Enabled(level) {
		return
	}
	buf := lines.Get().(*[]byte)
	defer lines.Put(buf)
	now := time.Now()
	line := appendLine((*buf)[:0], level, &r, now)
	for i := range l.sinks {
		if s := &l.sinks[i]; level <= s.Level {
			s.Write(line, level, now)
		}
	}
	*buf = line[:0]
}

var pid = strconv.Itoa(os.Getpid())

func appendLine(b []byte, level Level, r *Record, now time.Time) []byte {
	b = now.AppendFormat(b, "2006/01/02 15:04:05 [")
	b = append(b, levelNames[level]...)
	b = append(b, "] "...)
	b = append(append(append(append(b, pid...), '#'), pid...), ": "...)
	if r.Conn != 0 {
		b = strconv.AppendUint(append(b, '*'), r.Conn, 10)
		b = append(b, ' ')
	}
	b = append(b, r.Text...)
	b = AppendErrno(b, r.Err)
	if r.Context != nil {
		b = r.Context(b)
	}
	if len(b) > maxLine-1 {
		b = b[:maxLine-1]
	}
	return append(b, '\n')
}

// AppendErrno appends " (111: Connection refused)" for an error that is or
// wraps an errno.
func AppendErrno(b []byte, err error) []byte {
	var errno syscall.Errno
	if err == nil || !errors.As(err, &errno) || errno == 0 {
		return b
	}
	b = strconv.AppendInt(append(b, " ("...), int64(errno), 10)
	b = append(append(b, ": "...), logfile.ErrorText(errno)...)
	return append(b, ')')
}
