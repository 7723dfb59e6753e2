package main

// daemon.go - from the shell to the background: daemon, and what nginx sets up
// in its processes.

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/tufanbarisyildirim/gonginx/config"

	"github.com/gostream/gostream/internal/errlog"
	"github.com/gostream/gostream/internal/logfile"
	"github.com/gostream/gostream/internal/process"
	"github.com/gostream/gostream/parser"
)

// foreground looks for "daemon off" ahead of everything else. The program that
// goes to the background reads the configuration itself, and tells what is
// wrong with it, so this is but a glance: blocks are passed over.
func (p *program) foreground() bool {
	if _, inherits := os.LookupEnv(socketsVariable); inherits || !process.HasBackground || p.child != nil {
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
		p.out.write(errlog.Alert, "cannot go to the background", err)
	}
	if !ok {
		return 1
	}
	return 0
}

// detach leaves the terminal, and gives what would still be written to it (by
// the Go runtime, say) to the error log, unless that is wanted there.
func (p *program) detach() error {
	if err := p.child.Detach(p.settings.logsTo(standardOutput, p.at)); err != nil {
		return err
	}
	return p.redirectStderr()
}

func (p *program) redirectStderr() error {
	path := (&revision{settings: p.settings, out: p.out}).stderrPath(p.at)
	if path == "" {
		return nil
	}
	file, err := logfile.OpenFile(path)
	if err != nil {
		return err
	}
	defer file.Close()
	return process.RedirectStderr(file)
}

// stderrPath is the log that takes the place of the standard error output; empty
// if that is left as it is.
func (r *revision) stderrPath(at places) string {
	if r.settings.logsTo(standardError, at) {
		return ""
	}
	return r.out.file(at)
}

// setUpProcess applies what nginx gives its worker processes, where the worker
// is the only process. Only a missing working directory is fatal.
func (p *program) setUpProcess() error {
	p.setLimits()
	p.bindToCPUs()
	// In nginx only the workers go to another directory. The files of the next
	// reload must not become unfindable.
	if !filepath.IsAbs(p.at.prefix) || !filepath.IsAbs(p.at.conf) {
		return nil
	}
	return p.changeDirectory()
}

// setUpWorker applies what nginx gives its worker processes, in its order.
func (p *program) setUpWorker() error {
	p.setLimits()
	if err := p.dropPrivileges(); err != nil {
		return err
	}
	p.bindToCPUs()
	p.attempt("prctl(PR_SET_DUMPABLE)", process.AllowDump())
	return p.changeDirectory()
}

func (p *program) setLimits() {
	m := p.settings.main
	if n := m.priority; n != 0 {
		p.attempt(fmt.Sprintf("setpriority(%d)", n), process.SetPriority(n))
	}
	p.setFileLimit()
	if n := m.rlimitCore; n > 0 {
		debug.SetTraceback("crash") // without it Go leaves no core
		p.attempt(fmt.Sprintf("setrlimit(RLIMIT_CORE, %d)", n), process.SetCoreLimit(n))
	}
}

// setFileLimit carries worker_rlimit_nofile out, which is for each worker of nginx:
// the one process has all event loops.
func (p *program) setFileLimit() {
	n, loops := p.settings.main.rlimitNofile, int64(p.settings.stream.Workers)
	if n <= 0 {
		return
	}
	wanted := int64(math.MaxInt64)
	if n <= wanted/loops {
		wanted = n * loops
	}
	got, err := process.SetFileLimit(wanted)
	if err != nil && got >= n {
		p.out.write(errlog.Warn, fmt.Sprintf("worker_rlimit_nofile %d for each of %d event loops is more than the %d open files "+
			"that the process can have", n, loops, got), nil)
	} else {
		p.attempt(fmt.Sprintf("setrlimit(RLIMIT_NOFILE, %d)", n), err)
	}
}

func (p *program) bindToCPUs() {
	if cpus := p.settings.main.affinity.all(p.settings.stream.Workers); len(cpus) > 0 {
		p.attempt("sched_setaffinity()", process.SetAffinity(cpus))
	}
}

// changeDirectory goes to the working_directory.
func (p *program) changeDirectory() error {
	dir := p.settings.main.workingDir
	if dir == "" {
		return nil
	}
	return failedCall("alert", `chdir("`+dir+`")`, os.Chdir(dir))
}

// failedCall makes an error of a system call that failed, for [journal.fail].
func failedCall(level, call string, err error) error {
	if err == nil {
		return nil
	}
	return &parser.Error{Level: level, Msg: call + " failed" + string(errlog.AppendErrno(nil, err))}
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
