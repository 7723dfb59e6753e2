package main

// master.go - the privileged process: it reads the configuration, has the
// sockets, starts workers and does as signals say. All of it happens in one
// goroutine, event by event.

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/gostream/gostream/internal/errlog"
	"github.com/gostream/gostream/internal/process"
)

// master is a program that has workers.
type master struct {
	*program
	signals  <-chan os.Signal
	ready    chan *child // workers that have begun to serve
	children []*child
	current  *revision
	next     *revision // of a reload that is under way; nil: none
	memory   *os.File  // of what the workers find out
	started  bool      // the first worker has been ready
	code     int       // exit code

	stop, quit   bool
	reloadAgain  bool // when the reload that is under way is done
	newBinary    int  // process id; 0: none
	noAccept     bool // the workers were sent away for a new binary
	killDelay    time.Duration
	killTimer    <-chan time.Time
	respawnDelay time.Duration
	respawnTimer <-chan time.Time
}

// maxStarting bounds the workers that report to the master at once.
const maxStarting = 64

func newMaster(p *program, signals <-chan os.Signal) *master {
	return &master{program: p, signals: signals, ready: make(chan *child, maxStarting)}
}

// run is the life of the master. It returns the exit code.
func (m *master) run() int {
	process.SetTitle(m.label + ": master process " + strings.Join(os.Args, " "))
	if err := m.begin(); err != nil {
		m.out.fail(err)
		m.stop, m.code = true, codeFatal
	}
	for !m.over() {
		select {
		case s := <-m.signals:
			m.signalled(process.SignalOf(s.(syscall.Signal)))
		case c := <-m.ready:
			m.serving(c)
		case <-m.killTimer:
			m.terminate()
		case <-m.respawnTimer:
			m.respawnTimer = nil
			m.respawn()
		}
	}
	m.end()
	return m.code
}

// begin starts the first worker.
func (m *master) begin() error {
	if err := m.child.Detach(m.settings.logsTo(standardOutput, m.at)); err != nil {
		return err
	}
	var err error
	if m.memory, err = process.Memory("gostream-memory"); err != nil {
		return err
	}
	m.current = &revision{settings: m.settings, out: m.out, sockets: m.srv.Sockets}
	if err := m.handOff(m.current); err != nil {
		return err
	}
	return m.startWorkers(m.current)
}

// handOff writes what the workers of a revision have to know.
func (m *master) handOff(r *revision) (err error) {
	h := handoff{Args: os.Args[1:], Snapshot: *m.snapshot, Label: m.label, Name: process.Name(), Daemonized: m.daemonized}
	for _, fds := range r.sockets() {
		h.Sockets = append(h.Sockets, len(fds))
	}
	r.handoff, err = h.write()
	m.snapshot = nil
	return err
}

func (m *master) startWorkers(r *revision) error {
	r.out.notice("start worker processes")
	c, err := m.spawn(r, m.ready)
	if err == nil {
		m.children = append(m.children, c)
	}
	return err
}

// serving is called when a worker has begun to serve.
func (m *master) serving(c *child) {
	switch {
	case m.stop || m.quit:
	case m.next != nil && c.of == m.next:
		m.enforce()
	case !m.started:
		m.started = true
		m.leaveConsole()
		m.notify(process.StateReady, process.StateMain(os.Getpid()))
	}
}

// leaveConsole lets those go who wait at the console.
func (m *master) leaveConsole() {
	if m.attempt("dup2(STDERR_FILENO)", m.redirectStderr()) == nil {
		m.out.console = nil
	}
	m.out.files.NeverWait()
	m.boot.files.Close()
	m.child.Ready()
}

// notify tells systemd.
func (m *master) notify(states ...string) { m.attempt("sd_notify()", process.Notify(states...)) }

// signalled does as a signal says.
func (m *master) signalled(s process.Signal) {
	if s.Action == process.Ended {
		m.reap(s)
		return
	}
	m.noteSignal(s, m.textOf(s.Action))
	switch s.Action {
	case process.Stop:
		m.stopping()
		m.stop = true
		m.terminate()
	case process.Quit:
		m.stopping()
		m.quit = true
		m.orderAll(linkQuit)
		m.closeListeners()
	case process.Reload:
		m.reload()
	case process.Reopen:
		m.reopen()
		m.giveLogs()
		m.orderAll(linkReopen)
	case process.Upgrade:
		m.upgrade()
	case process.Drain:
		if m.daemonized {
			m.noAccept = true
			m.orderAll(linkQuit)
		}
	}
}

// textOf is what nginx adds to the log line of a signal.
func (m *master) textOf(a process.Action) string {
	switch {
	case a == process.Drain && m.daemonized:
		return ", stop accepting connections"
	case a == process.Upgrade && !m.mayUpgrade():
		return ", ignoring"
	}
	return m.program.textOf(a)
}

func (m *master) stopping() {
	if m.newBinary > 0 {
		m.notify(process.StateMain(m.newBinary))
	} else if !m.stop && !m.quit {
		m.notify(process.StateStopping)
	}
}

// orderAll tells all workers what to do.
func (m *master) orderAll(what byte) {
	for _, c := range m.children {
		if c.of != nil && !(c.exiting && what == linkQuit) {
			c.order(what)
		}
	}
}

// terminate makes the workers end at once, in the end by force.
func (m *master) terminate() {
	const first, longest = 50 * time.Millisecond, time.Second
	if m.killDelay > longest {
		for _, c := range m.children {
			if c.of != nil {
				_ = process.Kill(c.pid)
			}
		}
	} else {
		m.orderAll(linkStop)
	}
	m.killDelay = max(2*m.killDelay, first)
	m.killTimer = time.After(m.killDelay)
}

// reap deals with children that have ended.
func (m *master) reap(s process.Signal) {
	e, ok := process.Reap()
	from := ""
	if ok {
		from = fmt.Sprintf(" from %d", e.PID)
	}
	m.out.notice("signal %d (%s) received%s", int(s.Number), s.Name, from)
	for ; ok; e, ok = process.Reap() {
		m.ended(e)
	}
}

// ended is called when a process has ended.
func (m *master) ended(e process.Exit) {
	i := slices.IndexFunc(m.children, func(c *child) bool { return c.pid == e.PID })
	if i < 0 {
		m.noteExit(&child{name: "unknown process"}, e)
		return
	}
	c := m.children[i]
	m.children = slices.Delete(m.children, i, i+1)
	if c.of == nil {
		m.noteExit(c, e)
		m.binaryEnded()
		return
	}
	<-c.followed
	c.link.Close()
	m.noteExit(c, e)
	m.workerEnded(c)
}

// workerEnded decides what to do without a worker.
func (m *master) workerEnded(c *child) {
	switch {
	case m.stop || m.quit || c.exiting:
	case c.of == m.next:
		m.giveUp()
	case !m.started:
		m.stop, m.code = true, codeFatal
	case c.of == m.current:
		m.respawnLater(time.Since(c.started))
	}
}

// respawnLater starts another worker: at once, unless workers keep dying.
func (m *master) respawnLater(lived time.Duration) {
	const longLife, shortest, longest = 10 * time.Second, 100 * time.Millisecond, 10 * time.Second
	if lived > longLife {
		m.respawnDelay = 0
	}
	if m.respawnDelay == 0 {
		m.respawnDelay = shortest
		m.respawn()
		return
	}
	m.respawnTimer = time.After(m.respawnDelay)
	m.respawnDelay = min(2*m.respawnDelay, longest)
}

func (m *master) respawn() {
	if m.stop || m.quit || m.noAccept || m.hasWorker() {
		return
	}
	c, err := m.spawn(m.current, m.ready)
	if err != nil {
		m.alert("could not respawn %s", workerName)
		return
	}
	m.children = append(m.children, c)
}

// hasWorker reports whether there is a worker of the current configuration.
func (m *master) hasWorker() bool {
	return slices.ContainsFunc(m.children, func(c *child) bool { return c.of == m.current && !c.exiting })
}

// over reports whether there is nothing left to do.
func (m *master) over() bool {
	return (m.stop || m.quit) && !slices.ContainsFunc(m.children, func(c *child) bool { return c.of != nil })
}

// closeListeners leaves the sockets to the workers, and the files of unix
// sockets to a binary before or after this one.
func (m *master) closeListeners() {
	m.srv.KeepPaths(m.newBinary > 0 || m.hasOlder())
	m.srv.Close()
}

// end is the last of the master.
func (m *master) end() {
	pid := m.settings.main.pid
	if m.newBinary > 0 {
		pid += oldSuffix
	}
	m.removePID(pid)
	m.closeListeners()
	m.out.notice("exit")
}

func (m *master) alert(format string, args ...any) {
	m.out.write(errlog.Alert, fmt.Sprintf(format, args...), nil)
}
