// Package logfile writes lines to log files and syslog servers the way nginx
// does: files are opened once per path and appended to, may be buffered and
// compressed, and can be reopened when they have been moved away.
//
// Nothing here waits for anything but the disk, once [Set.NeverWait] was called,
// and a line costs one system call and no allocation.
package logfile

import (
	"sync"
	"sync/atomic"
	"time"
)

// Set holds the log files and syslog servers of one configuration, each once
// however many directives name it. [Set.File] and [Set.Syslog] collect them,
// [Set.Open] opens the files. The zero Set is empty and ready.
type Set struct {
	// OnError is told of errors that nobody waits for: of a flush by the timer,
	// at [Set.Reopen] and at [Set.Close], those of syslog servers, lines that were
	// dropped, and panics. The error is a *WriteError, *DroppedError, *OpenError,
	// *SyslogError or *guard.Panic. Nil: they are dropped. It is
	// set before the first line is written, and may log to the very file or server that has
	// failed.
	OnError func(error)

	mu      sync.Mutex
	files   []*File // in the order in which they are opened
	servers []*Syslog
	paths   []*Paths

	neverWait atomic.Bool

	clock func() time.Time // Nil: time.Now. For tests.
}

// File returns the file of that path. What is written to it before [Set.Open]
// is dropped.
func (s *Set) File(path string) *File {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.files {
		if f.path == path && !f.stderr {
			return f
		}
	}
	f := &File{path: path, set: s}
	s.files = append(s.files, f)
	return f
}

// Stderr returns the standard error output. [Set.Reopen] leaves it as it is.
func (s *Set) Stderr() *File {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.files {
		if f.stderr {
			return f
		}
	}
	f := &File{path: "stderr", stderr: true, set: s}
	s.files = append(s.files, f)
	return f
}

// NeverWait makes lines for a pipe, a socket or a terminal be written by somebody
// else than who logs them: a server must not stand still because nobody reads
// what it says. If a megabyte of them waits, more lines are dropped; how many, OnError is told
// when writing goes on. Without it a line is written, in the order of all output
// of the program, when Write returns. See also [Drain].
func (s *Set) NeverWait() { s.neverWait.Store(true) }

// Open opens the files that are not open yet, and creates those that are not
// there with mode 0644. The error is the *OpenError of the first that cannot be
// opened.
func (s *Set) Open() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.files {
		if err := f.open(); err != nil {
			return err
		}
	}
	return nil
}

// Syslog returns the server that text describes; see [ParseSyslog]. Equal texts
// share a socket. Its failures go to OnError too.
func (s *Set) Syslog(text string, resolve Resolver) (*Syslog, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, known := range s.servers {
		if known.text == text {
			return known, nil
		}
	}
	server, err := ParseSyslog(text, resolve)
	if err != nil {
		return nil, err
	}
	server.OnError = func(err *SyslogError) { s.report(err) }
	s.servers = append(s.servers, server)
	return server, nil
}

// Paths returns a new Paths, whose files are closed with those of the set.
func (s *Set) Paths(c Cache) *Paths {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := &Paths{Cache: c, set: s, clock: s.clock}
	s.paths = append(s.paths, p)
	return p
}

// Reopen opens all files anew, after what they had in memory was written: the
// answer to log rotation. Files of Paths are closed, and opened when they are
// used. A file that cannot be opened stays as it was. The
// first such error is returned, OnError is told of all others.
func (s *Set) Reopen() (first error) {
	s.mu.Lock()
	files, paths := s.files, s.paths
	s.mu.Unlock()
	for _, p := range paths {
		p.Close()
	}
	for _, f := range files {
		switch err := f.reopen(); {
		case err == nil:
		case first == nil:
			first = err
		default:
			s.report(err)
		}
	}
	return first
}

// Give makes a user the owner of all files and lets him read and write them, so
// that a process of his can reopen them. The first error is returned.
func (s *Set) Give(uid int) (first error) {
	s.mu.Lock()
	files := s.files
	s.mu.Unlock()
	for _, f := range files {
		if err := f.give(uid); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// Close writes what is in memory and closes everything. Later lines are dropped.
func (s *Set) Close() {
	s.mu.Lock()
	files, servers, paths := s.files, s.servers, s.paths
	s.mu.Unlock()
	for _, p := range paths {
		p.Close()
	}
	for _, f := range files {
		f.close()
	}
	for _, server := range servers {
		server.Close()
	}
}

func (s *Set) report(err error) {
	if err != nil && s.OnError != nil {
		s.OnError(err)
	}
}

// now is the time in seconds.
func (s *Set) now() int64 {
	if s.clock != nil {
		return s.clock().Unix()
	}
	return time.Now().Unix()
}
