package main

// child.go - one process that the master has started, and how it starts one.

import (
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/gostream/gostream/internal/logfile"
	"github.com/gostream/gostream/internal/process"
)

// child is a process that the master has started: a worker, or a new binary.
type child struct {
	pid     int
	name    string    // what messages call it
	of      *revision // the configuration it serves; nil: it is no worker
	link    *os.File
	started time.Time
	exiting bool // was told to end

	// The rest is set by follow and may be read when followed is closed.
	failure  string // level and text of why the worker could not begin
	followed chan struct{}
}

const workerName = "worker process"

// spawn starts a worker for a revision. It reports to ready. Its standard error
// output is the error log, or what the master has.
func (m *master) spawn(r *revision, ready chan<- *child) (*child, error) {
	link, end, err := process.Pair()
	if err != nil {
		return nil, err
	}
	defer process.CloseDescriptor(end)
	stderr := standardError
	if path := r.stderrPath(m.at); path != "" {
		file, err := logfile.OpenFile(path)
		if err != nil {
			link.Close()
			return nil, err
		}
		defer file.Close()
		stderr = int(file.Fd())
	}
	files := []int{0, 1, stderr, end, int(r.handoff.Fd()), int(m.memory.Fd())}
	environ := os.Environ()
	pid, err := process.Spawn(process.Spec{
		Args:  []string{m.label + ": " + workerName},
		Env:   slices.Concat([]string{workerMark + "=" + workerMarkValue}, passedOn(environ), r.settings.main.workerEnvironment(environ)),
		Files: slices.Concat(files, slices.Concat(r.sockets()...)),
	})
	if err != nil {
		link.Close()
		return nil, failedCall("emerg", `execve() "`+process.OwnPath()+`" for a `+workerName, err)
	}
	c := &child{pid: pid, name: workerName, of: r, link: link, started: time.Now(), followed: make(chan struct{})}
	go c.follow(ready)
	r.out.notice("start %s %d", c.name, pid)
	return c, nil
}

// follow waits for what a worker says. It ends when that is said, or with the
// worker.
func (c *child) follow(ready chan<- *child) {
	defer close(c.followed)
	said := make([]byte, 1)
	if _, err := io.ReadFull(c.link, said); err != nil {
		return
	}
	if said[0] == linkReady {
		ready <- c
		return
	}
	text, _ := io.ReadAll(c.link)
	c.failure = string(text)
}

// order tells a worker what to do. If it cannot be told it is about to be
// reaped.
func (c *child) order(what byte) {
	if what != linkReopen {
		c.exiting = true
	}
	_, _ = c.link.Write([]byte{what})
}

// fatal reports whether the worker has given up because it could not begin. Go
// programs that crash have the same exit code.
func (c *child) fatal(e process.Exit) bool { return e.Code == codeFatal && c.failure != "" }

// mayRecover reports whether a worker that could not begin is started again: one
// of this configuration could before, so the reason may pass. nginx's workers
// need nothing to begin.
func (m *master) mayRecover(c *child) bool { return m.started && c.of == m.current }

// noteExit logs how a child ended, with nginx's words.
func (m *master) noteExit(c *child, e process.Exit) {
	if c.failure != "" {
		level, text, _ := strings.Cut(c.failure, " ")
		m.out.report(level, text)
	}
	switch {
	case e.Signal != 0 && e.Core:
		m.alert("%s %d exited on signal %d (core dumped)", c.name, e.PID, e.Signal)
	case e.Signal != 0:
		m.alert("%s %d exited on signal %d", c.name, e.PID, e.Signal)
	case c.of != nil && e.Code != codeOK && !c.fatal(e):
		m.alert("%s %d exited with code %d", c.name, e.PID, e.Code)
	default:
		m.out.notice("%s %d exited with code %d", c.name, e.PID, e.Code)
	}
	if c.fatal(e) && !m.mayRecover(c) {
		m.alert("%s %d exited with fatal code %d and cannot be respawned", c.name, e.PID, e.Code)
	}
}
