package main

// console.go - messages: to the error log, and while the program starts to the
// standard error output too.

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/gostream/gostream/internal/errlog"
	"github.com/gostream/gostream/internal/logfile"
	"github.com/gostream/gostream/parser"
)

// journal is where the program's own messages go. The zero journal drops them.
type journal struct {
	targets []errlog.Target
	log     *errlog.Log
	files   *logfile.Set

	// console gets a copy of what is serious. Nil: the program is up, or the
	// log is the console.
	console *errlog.Log
}

// say prints a line to the console.
func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "nginx: "+format+"\n", args...)
}

// openJournal opens the files of error_log targets. The error is the one of the
// first file that cannot be opened.
func openJournal(targets []errlog.Target, p places) (*journal, error) {
	j := &journal{targets: targets, files: &logfile.Set{}}
	var err error
	if j.log, err = errlog.Of(targets, j.files, p.full); err == nil {
		err = j.files.Open()
	}
	if err != nil {
		j.files.Close()
		return nil, err
	}
	j.files.OnError = j.log.Report
	return j, nil
}

// openBootJournal opens the log that is used until the configuration has been
// read.
func openBootJournal(p places, level string) *journal {
	for {
		target, err := errlog.Parse([]string{p.errorLog, level})
		if err == nil {
			var j *journal
			if j, err = openJournal([]errlog.Target{target}, p); err == nil {
				return j.copied()
			}
		}
		say("[alert] could not open error log file: %s", err)
		p.errorLog = "stderr"
	}
}

// mainTargets are the error_log lines of the main context, or what nginx puts in
// their place if there is no file among them.
func mainTargets(m *mainConfig, p places) []errlog.Target {
	for _, t := range m.errorLog {
		if isFile(t.Args[0]) {
			return m.errorLog
		}
	}
	standard, err := errlog.Parse([]string{p.errorLog})
	if err != nil {
		return m.errorLog
	}
	return append(m.errorLog[:len(m.errorLog):len(m.errorLog)], standard)
}

// isFile reports whether an error_log goes to a file, "stderr" included.
func isFile(name string) bool {
	return !strings.HasPrefix(name, "syslog:") && !strings.HasPrefix(name, "memory:")
}

// hasStderr reports whether the standard error output is among the targets.
func (j *journal) hasStderr() bool {
	for _, t := range j.targets {
		if t.Args[0] == "stderr" {
			return true
		}
	}
	return false
}

// file is the path of the first target that is a file; empty if none is.
func (j *journal) file(p places) string {
	for _, t := range j.targets {
		if name := t.Args[0]; isFile(name) && name != "stderr" {
			return p.full(name)
		}
	}
	return ""
}

// copied makes the console get a copy of warnings and worse, unless they go
// there anyway. It returns j.
func (j *journal) copied() *journal {
	if !j.hasStderr() {
		j.console = errlog.New(errlog.Sink{Level: errlog.Warn, Write: func(line []byte, _ errlog.Level, _ time.Time) {
			copyLine(os.Stderr, line)
		}}).Unescaped()
	}
	return j
}

// copyLine prints "nginx: [level] text" for a line of the log.
func copyLine(w io.Writer, line []byte) {
	level, text, _ := bytes.Cut(line, []byte("] "))
	level = level[bytes.LastIndexByte(level, '[')+1:]
	_, text, _ = bytes.Cut(text, []byte(": ")) // behind the process id
	fmt.Fprintf(w, "nginx: [%s] %s", level, text)
}

// write logs a message. err, if it is a system's error, is shown behind it.
func (j *journal) write(level errlog.Level, text string, err error) {
	r := errlog.Record{Text: text, Err: err}
	j.log.Write(level, r)
	j.console.Write(level, r)
}

func (j *journal) notice(format string, args ...any) {
	j.write(errlog.Notice, fmt.Sprintf(format, args...), nil)
}

func (j *journal) debug(format string, args ...any) {
	if j.log.Enabled(errlog.Debug) {
		j.write(errlog.Debug, fmt.Sprintf(format, args...), nil)
	}
}

// report logs a message whose level is given by name, as the configuration's
// readers have it. One without a level is for the console alone.
func (j *journal) report(level, text string) {
	if level == "" {
		fmt.Fprintln(os.Stderr, text)
		return
	}
	j.write(levelOf(level), text, nil)
}

// fail logs what made an undertaking fail. The errors of all packages have
// nginx's texts, the system's error included.
func (j *journal) fail(err error) { j.report(failureLevel(err), err.Error()) }

// failureLevel is the level at which fail logs an error.
func failureLevel(err error) string {
	var pe *parser.Error
	if errors.As(err, &pe) && pe.Level != "" {
		return pe.Level
	}
	return errlog.Emerg.String()
}

func levelOf(name string) errlog.Level { return max(errlog.ParseLevel(name), errlog.Emerg) }
