package main

// serve.go - from a configuration to a running stream server.

import (
	"cmp"
	"context"
	"errors"
	"os"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/tufanbarisyildirim/gonginx/config"

	"github.com/gostream/gostream/internal/conf"
	"github.com/gostream/gostream/internal/errlog"
	"github.com/gostream/gostream/internal/logfile"
	"github.com/gostream/gostream/parser"
	"github.com/gostream/gostream/stream"
)

// settings are a configuration that has been read.
type settings struct {
	main   *mainConfig
	stream *stream.Config
	ended  bool // stream was read to its end
}

// parse reads the text of -g and of the main file. Mistakes are in the trees,
// at their places.
func (p *program) parse() []*config.Config {
	o := parser.Options{Opaque: notServed, NoInclude: stream.NoInclude(), Until: fullSchema().Refuses, Snapshot: p.snapshot}
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
		s.ended = err == nil
		return err
	}
	trees := p.parse()
	if p.snapshot != nil {
		env.ReadFile = p.snapshot.ReadFile
	}
	err := s.main.apply(fullSchema(), env, trees...)
	if err != nil && s.ended {
		// nginx checks the block as a whole before it reads what follows.
		err = cmp.Or(stream.Check(s.stream), err)
	}
	return s, err
}

// complete fills in defaults and what the stream block has to know of the
// blocks around it.
func (s *settings) complete(env *conf.Env, at places) error {
	m := s.main
	if m.pid == "" {
		m.pid = defaultPID
	}
	if slices.ContainsFunc(m.blocks, func(name string) bool { return slices.Contains(notServed, name) }) {
		for _, stray := range s.stream.StrayPasses() {
			env.Report("warn", stray.Error())
		}
	}
	err := m.complete(env)
	s.stream.Workers = int(max(m.processes, 1))
	if m.events != nil {
		s.stream.Connections = int(max(m.events.connections, 0))
		s.stream.MultiAccept = m.events.multiAccept.On()
		s.stream.EventsAtOnce = int(max(m.events.events, 1))
		s.stream.AcceptPause = m.events.acceptDelay
		s.stream.DebugConnection = m.events.debugConnection
	}
	for _, t := range mainTargets(m, at) {
		s.stream.ErrorLog = append(s.stream.ErrorLog, stream.ErrorLog(t.Args))
	}
	return err
}

// Descriptors of the standard streams.
const (
	standardOutput = 1
	standardError  = 2
)

// logsTo reports whether a log goes to a standard stream, which then has to be
// left alone. Names with variables do not count.
func (s *settings) logsTo(stream int, at places) bool {
	errorLogs, accessLogs := slices.Concat(s.stream.ErrorLog, s.stream.Defaults.ErrorLog), slices.Clone(s.stream.Defaults.AccessLog)
	for _, c := range s.stream.Servers {
		errorLogs, accessLogs = append(errorLogs, c.ErrorLog...), append(accessLogs, c.AccessLog...)
	}
	for _, line := range errorLogs {
		if line[0] == "stderr" && stream == standardError || isFile(line[0]) && logfile.Descriptor(at.full(line[0])) == stream {
			return true
		}
	}
	for _, l := range accessLogs {
		if isFile(l.Path) && logfile.Descriptor(at.full(l.Path)) == stream {
			return true
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

// bind calls open until it no longer fails for addresses in use: the one who
// has them may just be leaving.
func (p *program) bind(open func() error) error {
	for range bindTries {
		err := open()
		if !errors.Is(err, syscall.EADDRINUSE) {
			return err
		}
		if err := p.noteBusy(failures(err)); err != nil || p.opt.test {
			return err
		}
		p.out.notice("try again to bind() after %dms", bindPause.Milliseconds())
		time.Sleep(bindPause)
	}
	return errNotBound
}

// noteBusy logs which addresses are in use, in a test by the server that is
// running, most likely. It returns the error that is of another kind.
func (p *program) noteBusy(failed []error) error {
	for _, err := range failed {
		switch {
		case !errors.Is(err, syscall.EADDRINUSE):
			return err
		case !p.opt.test:
			p.out.fail(err)
		}
	}
	return nil
}

// failures are the errors that have been joined to one.
func failures(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}

// setProcs lets Go use a thread for each event loop and one for the rest.
func (s *settings) setProcs() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(s.stream.Workers + 1)
	}
}

// serve starts the server. From then on nobody waits for who reads the log.
func (p *program) serve() error {
	p.out.files.NeverWait()
	p.settings.setProcs()
	p.out.debug("event loops: %d, connections of each: %d", p.settings.stream.Workers, p.settings.stream.Connections)
	for _, a := range p.srv.Addrs() {
		p.out.debug("listening on %s %s", a.Network(), a)
	}
	return p.srv.Start()
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

// reopen is for log rotation. A file that has several uses is told of once.
func (p *program) reopen() {
	p.out.notice("reopening logs")
	var told []string
	for _, err := range []error{p.out.files.Reopen(), p.srv.Reopen(), p.redirectStderr()} {
		if err != nil && addNew(&told, err.Error()) {
			p.out.write(errlog.Emerg, err.Error(), nil)
		}
	}
}
