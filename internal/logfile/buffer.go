package logfile

import (
	"sync"
	"time"

	"github.com/gostream/gostream/internal/guard"
)

// buffer collects the lines of a file.
type buffer struct {
	file *File
	opt  Options

	mu      sync.Mutex
	lines   []byte // capacity: opt.Buffer
	timer   *time.Timer
	packer  packer
	stopped bool
}

func newBuffer(f *File, o Options) *buffer {
	return &buffer{file: f, opt: o, lines: make([]byte, 0, o.Buffer), packer: packer{level: o.Gzip}}
}

// add keeps a line. If there is no room for it, what is there is written first;
// a line longer than the buffer is then written by itself.
func (b *buffer) add(line []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var err error
	if len(line) > cap(b.lines)-len(b.lines) {
		err = b.writeOut()
	}
	switch {
	case b.stopped:
		return err
	case len(line) > cap(b.lines):
		if direct := b.write(line); err == nil {
			err = direct
		}
		return err
	case len(b.lines) == 0 && b.opt.Flush > 0:
		b.startTimer()
	}
	b.lines = append(b.lines, line...)
	return err
}

// startTimer sees to it that the first line of a buffer is not kept too long.
func (b *buffer) startTimer() {
	if b.timer != nil {
		b.timer.Reset(b.opt.Flush)
		return
	}
	set := b.file.set
	panicked := func(p *guard.Panic) { set.report(p) }
	b.timer = guard.AfterFunc(b.opt.Flush, "log buffer", panicked, func() { set.report(b.flush()) })
}

// flush writes what is there.
func (b *buffer) flush() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.writeOut()
}

// stop is the last flush.
func (b *buffer) stop() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stopped = true
	return b.writeOut()
}

func (b *buffer) writeOut() error {
	if b.timer != nil {
		b.timer.Stop()
	}
	if len(b.lines) == 0 {
		return nil
	}
	err := b.write(b.lines)
	b.lines = b.lines[:0] // lost, if that went wrong
	return err
}

func (b *buffer) write(lines []byte) error {
	if b.opt.Gzip == 0 {
		return b.file.write(lines)
	}
	packed, err := b.packer.pack(lines)
	if err != nil {
		return err
	}
	return b.file.write(packed)
}
