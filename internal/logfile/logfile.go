// Package logfile writes lines to log files and syslog servers the way nginx
// does: files are opened once per path and appended to, may be buffered and
// compressed, and can be reopened when they have been moved away.
package logfile

import (
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"
)

// Options make a [File] collect lines in memory. The zero value is a file that
// is written to at once.
type Options struct {
	Buffer int           // bytes; 0: no buffer
	Flush  time.Duration // longest time a line is kept; 0: until the buffer is full
	Gzip   int           // compression level of each flush, 1 to 9; 0: none
}

// File is an open log file. Its methods may be called from any goroutine.
type File struct {
	path string

	mu      sync.Mutex
	opt     Options
	file    *os.File
	buffer  []byte
	timer   *time.Timer // runs while there are lines that Flush has to see out
	full    int64       // Unix seconds at which the disk was found full
	alerted int64       // Unix seconds of the last error returned
	closed  bool
}

// Set holds the log files of one configuration, each open once however many
// directives name it.
type Set struct {
	mu    sync.Mutex
	files map[string]*File
}

// Open returns the file of that path, which is opened, and created with mode
// 0644, if it is not yet. The error has nginx's text: `open() "PATH" failed
// (2: No such file or directory)`.
func (s *Set) Open(path string) (*File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.files[path]; f != nil {
		return f, nil
	}
	file, err := open(path)
	if err != nil {
		return nil, err
	}
	if s.files == nil {
		s.files = map[string]*File{}
	}
	f := &File{path: path, file: file}
	s.files[path] = f
	return f, nil
}

// OpenError is a log file that cannot be opened.
type OpenError struct {
	Path string
	Err  error // the system's
}

// Error is nginx's text.
func (e *OpenError) Error() string {
	var errno syscall.Errno
	if pe, ok := e.Err.(*os.PathError); ok {
		errno, _ = pe.Err.(syscall.Errno)
	}
	return fmt.Sprintf("open() \"%s\" failed (%d: %s)", e.Path, int(errno), ErrorText(errno))
}

// Unwrap returns the system's error.
func (e *OpenError) Unwrap() error { return e.Err }

func open(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, &OpenError{path, err}
	}
	return file, nil
}

// Reopen opens all files anew, after what they had in memory was written: the
// answer to log rotation. A file that cannot be opened stays as it was; the
// first such error is returned.
func (s *Set) Reopen() (first error) {
	for _, f := range s.all() {
		if err := f.reopen(); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// Close writes what is in memory and closes all files.
func (s *Set) Close() {
	for _, f := range s.all() {
		f.close()
	}
}

func (s *Set) all() []*File {
	s.mu.Lock()
	defer s.mu.Unlock()
	files := make([]*File, 0, len(s.files))
	for _, f := range s.files {
		files = append(files, f)
	}
	return files
}

// Path is the name the file was opened by.
func (f *File) Path() string { return f.path }

// SetOptions makes a file buffered. It returns false if the file has other
// options already: nginx refuses a configuration with that.
func (f *File) SetOptions(o Options) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.opt != (Options{}) {
		return f.opt == o
	}
	f.opt = o
	if o.Buffer > 0 {
		f.buffer = make([]byte, 0, o.Buffer)
	}
	return true
}

// Write appends a line, newline included. An error is returned at most once a
// minute for a file, as nginx logs it. Within a second of finding the disk full
// lines are dropped.
func (f *File) Write(line []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.opt.Buffer == 0 {
		return f.write(line)
	}
	if len(f.buffer)+len(line) > cap(f.buffer) {
		err := f.flush()
		if len(line) > cap(f.buffer) {
			return f.writeBlock(line)
		}
		if err != nil {
			f.buffer = append(f.buffer, line...)
			return err
		}
	}
	if len(f.buffer) == 0 && f.opt.Flush > 0 && !f.closed {
		f.timer = time.AfterFunc(f.opt.Flush, f.flushLater)
	}
	f.buffer = append(f.buffer, line...)
	return nil
}

func (f *File) flushLater() {
	f.mu.Lock()
	defer f.mu.Unlock()
	_ = f.flush()
}

// flush writes the buffer.
func (f *File) flush() error {
	if f.timer != nil {
		f.timer.Stop()
		f.timer = nil
	}
	if len(f.buffer) == 0 {
		return nil
	}
	err := f.writeBlock(f.buffer)
	f.buffer = f.buffer[:0]
	return err
}

// writeBlock writes a buffer, compressed if that is wanted.
func (f *File) writeBlock(block []byte) error {
	if f.opt.Gzip == 0 {
		return f.write(block)
	}
	packed, err := compress(block, f.opt.Gzip)
	if err != nil {
		return err
	}
	return f.write(packed)
}

// write writes to the file with a single system call.
func (f *File) write(b []byte) error {
	now := time.Now().Unix()
	if f.closed || f.full == now {
		return nil
	}
	n, err := f.file.Write(b)
	if err == nil {
		return nil
	}
	var errno syscall.Errno
	if pe, ok := err.(*os.PathError); ok {
		errno, _ = pe.Err.(syscall.Errno)
	}
	if errno == syscall.ENOSPC {
		f.full = now
	}
	if now-f.alerted <= 59 {
		return nil
	}
	f.alerted = now
	if n > 0 {
		return fmt.Errorf("write() to \"%s\" was incomplete: %d of %d", f.path, n, len(b))
	}
	return &WriteError{f.path, errno}
}

// WriteError is a failed write to a log file.
type WriteError struct {
	Path string
	Err  syscall.Errno
}

// Error is nginx's text, without the errno that the log adds.
func (e *WriteError) Error() string { return fmt.Sprintf("write() to \"%s\" failed", e.Path) }

// Unwrap returns the errno.
func (e *WriteError) Unwrap() error { return e.Err }

func (f *File) reopen() error {
	file, err := open(f.path)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	_ = f.flush()
	f.file.Close()
	f.file = file
	return nil
}

func (f *File) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	_ = f.flush()
	f.closed = true
	f.file.Close()
}

// AppendOnce opens a file, appends a line and closes it: for paths with
// variables in them.
func AppendOnce(path string, line []byte) error {
	file, err := open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = file.Write(line)
	return err
}
