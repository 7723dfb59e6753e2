package logfile

import (
	"sync"
	"sync/atomic"
	"time"
)

// Options make a [File] collect lines in memory. The zero value is a file that
// is written to at once.
type Options struct {
	Buffer int           // bytes (buffer=); 0: no buffer
	Flush  time.Duration // longest time a line is kept (flush=); 0: until the buffer is full
	Gzip   int           // compression level of each flush, 1 to 9 (gzip=); 0: none
}

// File is a log file. Its methods may be called from any goroutine.
type File struct {
	path   string
	stderr bool // the standard error output
	set    *Set

	// gate is held for reading while handle is used, so that lines of several
	// event loops need not wait for each other, and for changing it.
	gate   sync.RWMutex
	handle handle
	opened bool
	queue  *queue // of a handle that makes its writer wait; nil: it does not

	buffer atomic.Pointer[buffer] // nil: none
	health health
}

// Path is the name of the file.
func (f *File) Path() string { return f.path }

// SetOptions makes a file buffered, for all who write to it. It returns false if
// the file has another buffer already: nginx calls that `access_log "PATH"
// already defined with conflicting parameters`. Without a buffer wanted, either
// is fine.
func (f *File) SetOptions(o Options) bool {
	if o.Buffer <= 0 {
		return true
	}
	fresh := newBuffer(f, o)
	if f.buffer.CompareAndSwap(nil, fresh) {
		return true
	}
	return f.buffer.Load().opt == o
}

// Write appends a line, newline included, through the buffer if there is one.
// The error is a *WriteError and is returned at most once a minute for a file,
// as nginx logs it. Within the second that the disk was found full lines are
// dropped.
func (f *File) Write(line []byte) error {
	if f.health.suspended(f.set.now) {
		return nil
	}
	if b := f.buffer.Load(); b != nil {
		return b.add(line)
	}
	return f.write(line)
}

// WriteThrough is Write past the buffer: for error logs, which nginx does not
// buffer even if an access log does so to the same file.
func (f *File) WriteThrough(line []byte) error {
	if f.health.suspended(f.set.now) {
		return nil
	}
	return f.write(line)
}

// write writes to the file with a single system call, so that lines of several
// processes do not mix.
func (f *File) write(b []byte) error {
	f.gate.RLock()
	defer f.gate.RUnlock()
	if !f.opened {
		return nil
	}
	if f.queue != nil && f.set.neverWait.Load() {
		f.queue.add(b)
		return nil
	}
	n, errno := f.handle.write(b)
	if n == len(b) {
		return nil
	}
	return f.health.failed(&WriteError{Path: f.path, Err: errno, Written: n, Wanted: len(b)}, f.set.now())
}

func (f *File) open() error {
	f.gate.Lock()
	defer f.gate.Unlock()
	if f.opened {
		return nil
	}
	open := func() (handle, error) { return openFile(f.path, f.set.neverWait.Load()) }
	if f.stderr {
		open = openStderr
	}
	h, err := open()
	if err != nil {
		return err
	}
	f.use(h)
	return nil
}

// use makes a handle the one that is written to. The gate is closed.
func (f *File) use(h handle) {
	f.handle, f.opened, f.queue = h, true, nil
	if h.mayBlock() {
		f.queue = &queue{handle: h, path: f.path, report: func(err error) { f.set.report(f.health.filter(err, f.set.now())) }}
	}
}

// let goes of the handle. The gate is closed.
func (f *File) let() {
	if f.opened = false; f.queue != nil {
		f.queue.close()
		return
	}
	f.handle.close()
}

func (f *File) reopen() error {
	if b := f.buffer.Load(); b != nil {
		f.set.report(b.flush())
	}
	if f.stderr {
		return nil
	}
	h, err := openFile(f.path, f.set.neverWait.Load())
	if err != nil {
		return err
	}
	f.gate.Lock()
	defer f.gate.Unlock()
	if !f.opened || f.queue != nil && h.same(f.handle) {
		h.close() // and lines that wait are not overtaken
		return nil
	}
	f.let()
	f.use(h)
	return nil
}

func (f *File) close() {
	if b := f.buffer.Load(); b != nil {
		f.set.report(b.stop())
	}
	f.gate.Lock()
	defer f.gate.Unlock()
	if f.opened {
		f.let()
	}
}
