package main

// upgrade.go - replacing the running binary: nginx's protocol, so that either
// side may be nginx. The new one is a child of the old one and gets its
// sockets; the variable NGINX has their numbers.

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/gostream/gostream/internal/conf"
	"github.com/gostream/gostream/internal/errlog"
	"github.com/gostream/gostream/internal/process"
)

const (
	socketsVariable = "NGINX"
	oldSuffix       = ".oldbin" // of the pid file of the old binary
	binaryName      = "new binary process"
)

// spare makes room for the title of a new binary.
var spare = "SPARE=" + strings.Repeat("X", 300)

// inherit reads which sockets an older binary has left to this one.
func (p *program) inherit() (fds []int) {
	list, ok := os.LookupEnv(socketsVariable)
	if !ok {
		return nil
	}
	os.Unsetenv(socketsVariable)
	p.inherited, p.daemonized = true, true
	p.out.notice(`using inherited sockets from "%s"`, list)
	rest := list
	for {
		end := strings.IndexAny(rest, ":;")
		if end < 0 {
			break
		}
		fd, ok := conf.ParseNumber(rest[:end])
		if !ok {
			p.out.write(errlog.Emerg, fmt.Sprintf(`invalid socket number "%s" in `+socketsVariable+
				` environment variable, ignoring the rest of the variable`, rest), nil)
			return fds
		}
		fds = append(fds, int(fd))
		rest = rest[end+1:]
	}
	if rest != "" {
		p.out.write(errlog.Emerg, fmt.Sprintf(`invalid socket number "%s" in `+socketsVariable+
			` environment variable, ignoring`, rest), nil)
	}
	return fds
}

// hasOlder reports whether the binary that has started this one is still there.
func (p *program) hasOlder() bool { return p.inherited && process.Parent() == p.parent }

// barsUpgrade reports whether no new binary may be started from this one: the old
// binary still watches it or, as in nginx, it is in the foreground, where nobody
// would know the new main process.
func (p *program) barsUpgrade() bool { return p.hasOlder() || !p.daemonized }

// noteBarred logs that a signal for an upgrade has come too early.
func (p *program) noteBarred() {
	p.out.write(errlog.Crit, "the changing binary signal is ignored: you should shutdown or terminate "+
		"before either old or new binary's process", nil)
}

// mayUpgrade reports whether a new binary can be started: there is no newer one.
func (m *master) mayUpgrade() bool { return m.newBinary == 0 && !m.barsUpgrade() }

// upgrade starts a new binary.
func (m *master) upgrade() {
	if !m.mayUpgrade() {
		m.noteBarred()
		return
	}
	m.out.notice("changing binary")
	pid, old := m.settings.main.pid, m.settings.main.pid+oldSuffix
	if err := os.Rename(pid, old); err != nil {
		m.out.write(errlog.Alert, fmt.Sprintf(`rename() %s to %s failed before executing new binary process "%s"`, pid, old, os.Args[0]), err)
		return
	}
	c, err := m.spawnBinary()
	if err != nil {
		m.out.write(errlog.Alert, fmt.Sprintf(`execve() failed while executing %s "%s"`, binaryName, os.Args[0]), err)
		m.renameBack("rename() %s back to %s failed after an attempt to execute new binary process \"%s\"")
		return
	}
	m.newBinary = c.pid
	m.children = append(m.children, c)
	m.out.notice("start %s %d", binaryName, c.pid)
}

func (m *master) spawnBinary() (*child, error) {
	path := os.Args[0]
	if !strings.Contains(path, "/") {
		var err error
		if path, err = exec.LookPath(path); err != nil {
			return nil, err
		}
	}
	files := []int{0, 1, 2}
	list := socketsVariable + "="
	for _, fd := range slices.Concat(m.srv.Sockets()...) {
		list += fmt.Sprintf("%d;", len(files))
		files = append(files, fd)
	}
	environ := os.Environ()
	env := slices.Concat(m.settings.main.workerEnvironment(environ), passedOn(environ), []string{list, spare})
	if address, ok := os.LookupEnv(process.NotifySocket); ok {
		env = append(env, process.NotifySocket+"="+address)
	}
	pid, err := process.Spawn(process.Spec{Path: path, Args: os.Args, Env: env, Files: files})
	return &child{pid: pid, name: binaryName, started: time.Now()}, err
}

// binaryEnded is called when the new binary has ended: this one is in charge
// again.
func (m *master) binaryEnded() {
	m.newBinary = 0
	m.renameBack("rename() %s back to %s failed after the new binary process \"%s\" exited")
	if m.noAccept {
		m.noAccept = false
		m.attempt("start of "+workerName, m.startWorkers(m.current))
	}
}

func (m *master) renameBack(format string) {
	pid, old := m.settings.main.pid, m.settings.main.pid+oldSuffix
	if err := os.Rename(old, pid); err != nil {
		m.out.write(errlog.Alert, fmt.Sprintf(format, old, pid, os.Args[0]), err)
	}
}
