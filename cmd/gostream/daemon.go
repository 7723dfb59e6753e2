package main

// daemon.go - from the shell to the background: daemon, and what nginx sets up
// in its processes.

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/tufanbarisyildirim/gonginx/config"

	"github.com/gostream/gostream/internal/errlog"
	"github.com/gostream/gostream/internal/process"
	"github.com/gostream/gostream/parser"
)

// foreground looks for "daemon off" ahead of everything else. The program that
// goes to the background reads the configuration itself, and tells what is
// wrong with it, so this is but a glance: blocks are passed over.
func (p *program) foreground() bool {
	if !process.HasBackground || p.child != nil {
		return true
	}
	g, _ := parser.ParseString(parser.CommandLine, p.opt.directives, parser.Options{Dir: p.at.confDir})
	if off, found := daemonOff(g); found {
		return off
	}
	file, _ := parser.ParseFile(p.at.conf, parser.Options{Opaque: append([]string{"events", "stream"}, notServed...)})
	off, _ := daemonOff(file)
	return off
}

// daemonOff looks for the daemon directive, and for "off" in it.
func daemonOff(tree *config.Config) (off, found bool) {
	for _, d := range parser.Directives(tree, tree.FilePath) {
		if args := d.GetParameters(); parser.Unquote(d.GetName()) == "daemon" && len(args) == 1 {
			return parser.Unquote(args[0].Value) == "off", true
		}
	}
	return false, false
}

// toBackground starts the program that will serve. It returns the exit code.
func (p *program) toBackground() int {
	ok, err := process.Background()
	if err != nil {
		p.out.write(errlog.Alert, "cannot go to the background: "+err.Error(), nil)
	}
	if !ok {
		return 1
	}
	return 0
}

// detach leaves the terminal, and gives what would still be written to it (by
// the Go runtime, say) to the error log, unless that is wanted there.
func (p *program) detach() error {
	if err := p.child.Detach(); err != nil {
		return err
	}
	return p.redirectStderr()
}

func (p *program) redirectStderr() error {
	path := p.out.file(p.at)
	if path == "" || p.out.hasStderr() || p.settings.logsToStderr() {
		return nil
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer file.Close()
	return process.RedirectStderr(file)
}

// setUpProcess applies what nginx gives its worker processes. Only a missing
// working directory is fatal.
func (p *program) setUpProcess() error {
	m := p.settings.main
	if n := m.rlimitNofile; n > 0 {
		p.attempt(fmt.Sprintf("setrlimit(RLIMIT_NOFILE, %d)", n), process.SetFileLimit(n))
	}
	if n := m.rlimitCore; n > 0 {
		p.attempt(fmt.Sprintf("setrlimit(RLIMIT_CORE, %d)", n), process.SetCoreLimit(n))
	}
	if n := m.priority; n != 0 {
		p.attempt(fmt.Sprintf("setpriority(%d)", n), process.SetPriority(n))
	}
	if cpus := m.affinity.all(p.settings.stream.Workers); len(cpus) > 0 {
		p.attempt("sched_setaffinity()", process.SetAffinity(cpus))
	}
	return p.changeDirectory(m.workingDir)
}

// changeDirectory goes to the working_directory, unless that would make the
// files of the next reload unfindable: in nginx only the workers go.
func (p *program) changeDirectory(dir string) error {
	if dir == "" || !filepath.IsAbs(p.at.prefix) || !filepath.IsAbs(p.at.conf) {
		return nil
	}
	return p.attempt(`chdir("`+dir+`")`, os.Chdir(dir))
}

// attempt logs a system call that failed.
func (p *program) attempt(call string, err error) error {
	if err != nil {
		p.out.write(errlog.Alert, call+" failed", err)
	}
	return err
}

// all are the CPUs of all workers together: the event loops of one process are
// not bound one by one.
func (a *affinity) all(workers int) (cpus []int) {
	for n := range workers {
		cpus = append(cpus, a.cpus(n)...)
	}
	return cpus
}
