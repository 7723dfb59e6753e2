package main

// serve.go - from a configuration to a running stream server.

import (
	"context"
	"errors"
	"os"
	"runtime"
	"syscall"
	"time"

	"github.com/tufanbarisyildirim/gonginx/config"

	"github.com/gostream/gostream/internal/conf"
	"github.com/gostream/gostream/internal/errlog"
	"github.com/gostream/gostream/parser"
	"github.com/gostream/gostream/stream"
)

// settings are a configuration that has been read.
type settings struct {
	main   *mainConfig
	stream *stream.Config
}

// parse reads the text of -g and of the main file. Mistakes are in the trees,
// at their places.
func (p *program) parse() []*config.Config {
	o := parser.Options{Opaque: notServed}
	if p.opt.dump {
		o.OnFile = p.dump.add
	}
	var trees []*config.Config
	if p.opt.directives != "" {
		tree, _ := parser.ParseString(parser.CommandLine, p.opt.directives, parser.Options{Dir: p.at.confDir})
		trees = append(trees, tree)
	}
	tree, _ := parser.ParseFile(p.at.conf, o)
	return append(trees, tree)
}

// fullSchema is the schema of everything that gostream knows.
func fullSchema() *conf.Schema { return newSchema(stream.Tables()...) }

// read reads the configuration and carries its directives out.
func (p *program) read(env *conf.Env) (*settings, error) {
	s := &settings{main: &mainConfig{}, stream: &stream.Config{Prefix: env.Prefix, ConfDir: env.ConfDir}}
	s.main.stream = func(d *conf.Directive) (err error) {
		s.stream, err = stream.Parse(d)
		return err
	}
	return s, s.main.apply(fullSchema(), env, p.parse()...)
}

// complete fills in defaults and what the stream block has to know of the
// blocks around it.
func (s *settings) complete(env *conf.Env, at places) error {
	m := s.main
	if m.pid == "" {
		m.pid = defaultPID
	}
	err := m.complete(env)
	s.stream.Workers = int(max(m.processes, 1))
	if m.events != nil {
		s.stream.Connections = int(max(m.events.connections, 0))
	}
	if len(s.stream.Defaults.ErrorLog) == 0 {
		for _, t := range mainTargets(m, at) {
			s.stream.Defaults.ErrorLog = append(s.stream.Defaults.ErrorLog, stream.ErrorLog(t.Args))
		}
	}
	return err
}

// logsToStderr tells whether a server logs to the standard error output, which
// then has to be left alone.
func (s *settings) logsToStderr() bool {
	for _, c := range append([]*stream.ServerConfig{&s.stream.Defaults}, s.stream.Servers...) {
		for _, line := range c.ErrorLog {
			if line[0] == "stderr" {
				return true
			}
		}
	}
	return false
}

const (
	bindTries = 5
	bindPause = 500 * time.Millisecond
)

// errNotBound means that the reasons have been logged.
var errNotBound = errors.New("still could not bind()")

// bind calls open until it no longer fails for an address in use: the one who
// has it may just be leaving.
func (p *program) bind(open func() error) error {
	for range bindTries {
		err := open()
		if err == nil || !errors.Is(err, syscall.EADDRINUSE) {
			return err
		}
		if p.opt.test {
			return nil // by the server that is running, most likely
		}
		p.out.fail(err)
		p.out.notice("try again to bind() after %dms", bindPause.Milliseconds())
		time.Sleep(bindPause)
	}
	return errNotBound
}

// setProcs lets Go use a thread for each event loop and one for the rest.
func (s *settings) setProcs() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(s.stream.Workers + 1)
	}
}

// serve starts the server.
func (p *program) serve() error {
	p.settings.setProcs()
	p.noteStart()
	return p.srv.Start()
}

// noteStart logs what nginx does when its workers start.
func (p *program) noteStart() {
	p.out.notice("start worker processes")
	p.out.notice("start worker process %d", os.Getpid())
	p.out.debug("event loops: %d, connections of each: %d", p.settings.stream.Workers, p.settings.stream.Connections)
	for _, a := range p.srv.Addrs() {
		p.out.debug("listening on %s %s", a.Network(), a)
	}
}

// reload goes over to what the files say now. If anything is wrong with that,
// it is logged and all stays as it was.
func (p *program) reload() {
	p.out.notice("reconfiguring")
	env := p.env(p.out.report)
	s, err := p.read(env)
	if err == nil {
		err = s.complete(env, p.at)
	}
	if err == nil {
		err = p.replace(s)
	}
	if err != nil {
		p.out.fail(err)
	}
}

func (p *program) replace(s *settings) error {
	out, err := openJournal(mainTargets(s.main, p.at), p.at)
	if err != nil {
		return err
	}
	if err := p.bind(func() error { return p.srv.Reload(s.stream) }); err != nil {
		out.files.Close()
		return err
	}
	before := p.settings
	p.out.files.Close()
	p.out, p.settings = out, s
	if before.main.pid != s.main.pid {
		if err := writePID(s.main.pid); err != nil {
			p.out.fail(err)
			s.main.pid = before.main.pid
		} else {
			p.removePID(before.main.pid)
		}
	}
	p.attempt("dup2(STDERR_FILENO)", p.redirectStderr())
	p.noteMethod()
	p.noteStart()
	return nil
}

// shutDown waits for the sessions to end, at most for worker_shutdown_timeout,
// or until ctx is done.
func (p *program) shutDown(ctx context.Context) {
	if limit := p.settings.main.shutdownTimeout; limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	// The error is that sessions were cut off, as they had to be.
	_ = p.srv.Shutdown(ctx)
}

// reopen is for log rotation.
func (p *program) reopen() {
	p.out.notice("reopening logs")
	for _, err := range []error{p.out.files.Reopen(), p.srv.Reopen(), p.redirectStderr()} {
		if err != nil {
			p.out.write(errlog.Emerg, err.Error(), nil)
		}
	}
}
