package main

// revision.go - going over to another configuration.

import (
	"errors"
	"io/fs"
	"os"

	"github.com/gostream/gostream/internal/errlog"
	"github.com/gostream/gostream/internal/process"
	"github.com/gostream/gostream/parser"
	"github.com/gostream/gostream/stream"
)

// revision is a configuration with what the program has opened for it.
type revision struct {
	settings *settings
	out      *journal
	change   *stream.Change // of the server to it; nil when that is done
	sockets  func() [][]int // for its workers
	handoff  *os.File       // for its workers; nil without a master
}

// newRevision reads the files and opens what they ask for. If anything is wrong
// all stays as it was.
func (p *program) newRevision() (*revision, error) {
	p.snapshot = &parser.Snapshot{}
	env := p.env(p.out.report)
	s, err := p.read(env)
	if err == nil {
		err = s.complete(env, p.at)
	}
	if err != nil {
		return nil, err
	}
	r := &revision{settings: s}
	if r.out, err = openJournal(mainTargets(s.main, p.at), p.at); err != nil {
		return nil, err
	}
	r.out.files.NeverWait()
	err = p.bind(func() (err error) {
		r.change, err = p.srv.Prepare(s.stream)
		return err
	})
	if err == nil {
		r.sockets = r.change.Sockets
		err = p.movePID(r)
	}
	if err != nil {
		p.drop(r)
		return nil, err
	}
	return r, nil
}

// movePID writes the process id to a file that the configuration newly names.
func (p *program) movePID(r *revision) error {
	if r.settings.main.pid == p.settings.main.pid {
		return nil
	}
	return writePID(r.settings.main.pid)
}

// drop closes what is open for a revision that does not come into force.
func (p *program) drop(r *revision) {
	if r.change != nil {
		r.change.Abort()
	}
	r.out.files.Close()
	if r.handoff != nil {
		r.handoff.Close()
	}
}

// adopt puts a revision into force.
func (p *program) adopt(r *revision) {
	before, old := p.settings, p.out
	p.out, p.settings = r.out, r.settings
	r.change.Commit()
	r.change, r.sockets = nil, p.srv.Sockets
	if before.main.pid != p.settings.main.pid {
		p.removePID(before.main.pid)
	}
	p.attempt("dup2(STDERR_FILENO)", p.redirectStderr())
	old.files.Close()
}

// reload goes over to what the files say now, in a program without workers.
func (p *program) reload() {
	p.out.notice("reconfiguring")
	r, err := p.newRevision()
	if err != nil {
		p.out.fail(err)
		return
	}
	p.adopt(r)
	p.snapshot = nil
	p.noteMethod()
}

// reload begins to go over to what the files say now. It is done when the
// worker that it starts is ready.
func (m *master) reload() {
	switch {
	case m.newBinary > 0:
		m.noAccept = false
		m.attempt("start of "+workerName, m.startWorkers(m.current))
		return
	case m.next != nil:
		m.reloadAgain = true
		return
	}
	m.out.notice("reconfiguring")
	m.notify(process.StateReloading())
	r, err := m.newRevision()
	if err != nil {
		m.out.fail(err)
		m.notify(process.StateReady)
		return
	}
	m.next = r
	r.out.notice(`using the "%s" event method`, nativeMethod())
	if err = m.handOff(r); err == nil {
		err = m.startWorkers(r)
	}
	if err != nil {
		m.out.fail(err)
		m.giveUp()
	}
}

// enforce completes a reload: the old workers may go.
func (m *master) enforce() {
	old := m.current
	m.current, m.next = m.next, nil
	m.adopt(m.current)
	old.handoff.Close()
	for _, c := range m.children {
		if c.of != nil && c.of != m.current && !c.exiting {
			c.order(linkQuit)
		}
	}
	m.reloaded()
}

// giveUp ends a reload whose worker did not come up.
func (m *master) giveUp() {
	r := m.next
	m.next = nil
	m.drop(r)
	if r.settings.main.pid != m.settings.main.pid {
		m.removePID(r.settings.main.pid)
	}
	m.reloaded()
}

func (m *master) reloaded() {
	m.notify(process.StateReady)
	if m.reloadAgain {
		m.reloadAgain = false
		m.reload()
	}
}

// giveLogs makes the log files those of the workers, who will open them again.
// A missing file could not be opened here either, as has been told.
func (m *master) giveLogs() {
	if os.Geteuid() != 0 {
		return
	}
	uid := m.settings.main.user.uid
	for _, give := range []func(int) error{m.out.files.Give, m.srv.GiveLogs} {
		if err := give(uid); err != nil && !errors.Is(err, fs.ErrNotExist) {
			m.out.write(errlog.Emerg, err.Error(), nil)
		}
	}
}
