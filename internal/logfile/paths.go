package logfile

import (
	"container/list"
	"sync"
	"time"
)

// Cache says which files [Paths] keep open (open_log_file_cache). The zero value
// keeps none.
type Cache struct {
	Max      int           // files; those not used for longest go first
	Inactive time.Duration // a file not used for that long is closed; 0: at once
	MinUses  int           // uses within Inactive for a file to stay open
	Valid    time.Duration // how often it is checked that the name still leads to the file
}

// Paths appends lines to files that are named anew for each line: an access_log
// with variables in its path. The zero value opens, writes and closes for every
// line. It may be used from any goroutine.
type Paths struct {
	Cache  Cache
	health health
	set    *Set // nil: none

	mu     sync.Mutex
	byPath map[string]*list.Element // of *cached
	recent list.List                // latest use first
	queues map[string]*queue        // of files that make their writer wait; they stay open

	clock func() time.Time // nil: time.Now. For tests.
}

// cached is a file of a [Cache].
type cached struct {
	path    string
	open    bool
	blocks  bool // a write may have to wait
	handle  handle
	uses    int
	used    time.Time // last
	checked time.Time
}

// Write appends a line, newline included, to the file at path. The error is an
// *OpenError, or a *WriteError as with [File.Write].
func (p *Paths) Write(path string, line []byte) error {
	now := p.now()
	unix := func() int64 { return now.Unix() }
	if p.health.suspended(unix) {
		return nil
	}
	if p.enqueue(path, line) {
		return nil
	}
	if p.Cache.Max > 0 {
		return p.writeCached(path, line, now)
	}
	h, err := openFile(path, p.neverWaits())
	if err != nil {
		return err
	}
	if p.neverWaits() && h.mayBlock() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.keep(h, path).add(line)
		return nil
	}
	defer h.close()
	return p.write(h, path, line, now)
}

func (p *Paths) writeCached(path string, line []byte, now time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, err := p.take(path, now)
	if err != nil {
		return err
	}
	if c.blocks {
		c.open = false
		p.remove(p.byPath[path])
		p.keep(c.handle, path).add(line)
		return nil
	}
	defer p.put(c)
	return p.write(c.handle, path, line, now)
}

func (p *Paths) neverWaits() bool { return p.set != nil && p.set.neverWait.Load() }

// enqueue adds a line to the queue of a path. It returns false if there is none.
func (p *Paths) enqueue(path string, line []byte) bool {
	if !p.neverWaits() {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	q := p.queues[path]
	if q != nil {
		q.add(line)
	}
	return q != nil
}

// keep returns the queue of a path, which h leads to. The lock is held.
func (p *Paths) keep(h handle, path string) *queue {
	if q := p.queues[path]; q != nil {
		h.close() // somebody was faster
		return q
	}
	if p.queues == nil {
		p.queues = map[string]*queue{}
	}
	q := &queue{handle: h, path: path, report: func(err error) { p.set.report(p.health.filter(err, p.set.now())) }}
	p.queues[path] = q
	return q
}

func (p *Paths) write(h handle, path string, line []byte, now time.Time) error {
	n, errno := h.write(line)
	if n == len(line) {
		return nil
	}
	return p.health.failed(&WriteError{Path: path, Err: errno, Written: n, Wanted: len(line)}, now.Unix())
}

// take returns the file of that path, open.
func (p *Paths) take(path string, now time.Time) (*cached, error) {
	p.expire(now)
	e := p.byPath[path]
	if e == nil {
		if p.byPath == nil {
			p.byPath = map[string]*list.Element{}
		}
		e = p.recent.PushFront(&cached{path: path})
		p.byPath[path] = e
	}
	c := e.Value.(*cached)
	if c.open && now.Sub(c.checked) >= p.Cache.Valid {
		c.checked = now
		if !c.handle.sameAs(path) {
			c.close()
		}
	}
	if !c.open {
		h, err := openFile(path, p.neverWaits())
		if err != nil {
			p.remove(e)
			return nil, err
		}
		c.open, c.handle, c.checked = true, h, now
		c.blocks = p.neverWaits() && h.mayBlock()
	}
	p.recent.MoveToFront(e)
	c.uses++
	c.used = now
	return c, nil
}

// put ends the use of a file, which stays open if it has been used often enough.
func (p *Paths) put(c *cached) {
	if c.uses < p.Cache.MinUses {
		c.close()
	}
	if p.recent.Len() > p.Cache.Max {
		p.remove(p.recent.Back())
	}
}

// expire forgets what has not been used for long.
func (p *Paths) expire(now time.Time) {
	for e := p.recent.Back(); e != nil; e = p.recent.Back() {
		if now.Sub(e.Value.(*cached).used) <= p.Cache.Inactive {
			return
		}
		p.remove(e)
	}
}

func (p *Paths) remove(e *list.Element) {
	c := p.recent.Remove(e).(*cached)
	delete(p.byPath, c.path)
	c.close()
}

func (c *cached) close() {
	if c.open {
		c.open = false
		c.handle.close()
	}
}

// Close closes the files that are open. Paths may be used further.
func (p *Paths) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for e := p.recent.Back(); e != nil; e = p.recent.Back() {
		p.remove(e)
	}
	for path, q := range p.queues {
		delete(p.queues, path)
		q.close()
	}
}

func (p *Paths) now() time.Time {
	if p.clock != nil {
		return p.clock()
	}
	return time.Now()
}
