// Package logfile writes lines to log files and syslog servers the way nginx
// does: files are opened once per path and appended to, may be buffered and
// compressed, and can be reopened when they have been moved away.
//
// Nothing here waits for anything but the disk, and a line costs one system
// call and no allocation.
package logfile

import (
	"sync"
	"time"
)

// Set holds the log files and syslog servers of one configuration, each open
// once however many directives name it. The zero Set is empty and ready.
type Set struct {
	// OnError is told of errors that nobody waits for: of a flush by the timer,
	// at [Set.Reopen] and at [Set.Close], and those of syslog servers. The error
	// is a *WriteError, *OpenError or *SyslogError. Nil: they are dropped. It is
	// set before the first line is written, and may log to the very file or server that has
	// failed.
	OnError func(error)

	mu      sync.Mutex
	files   []*File // in the order of opening
	servers []*Syslog
	paths   []*Paths

	clock func() time.Time // Nil: time.Now. For tests.
}

// Open returns the file of that path, which is opened, and created with mode
// 0644, if it is not yet. The error is an *OpenError.
func (s *Set) Open(path string) (*File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.files {
		if f.path == path {
			return f, nil
		}
	}
	h, err := openFile(path)
	if err != nil {
		return nil, err
	}
	f := &File{path: path, set: s, handle: h}
	s.files = append(s.files, f)
	return f, nil
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
	p := &Paths{Cache: c, clock: s.clock}
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
