// Command gostream serves the stream block of an nginx.conf. It has nginx's
// command line, console messages, log lines and signals.
//
// Certificates with a negative number are in use, and nginx takes them.
//
//go:debug x509negativeserial=1
package main

// main.go - the life of the program: command line, configuration, sockets,
// background, serving. The order is nginx's, so that of several mistakes the
// same one is reported.

import (
	"errors"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/gostream/gostream/internal/conf"
	"github.com/gostream/gostream/internal/logfile"
	"github.com/gostream/gostream/internal/process"
	"github.com/gostream/gostream/parser"
	"github.com/gostream/gostream/stream"
)

func main() { os.Exit(run(os.Args[1:])) }

// Exit codes. codeFatal is that of a worker which cannot be helped by starting
// it again.
const (
	codeOK = iota
	codeFailed
	codeFatal
)

// program is a running gostream.
type program struct {
	opt      *options
	at       places
	dump     dump
	snapshot *parser.Snapshot // of the configuration, for workers
	child    *process.Child   // nil in the foreground
	boot     *journal         // the log until the configured one is open
	out      *journal         // the log
	settings *settings
	srv      *stream.Server

	label      string // the first word of the titles of processes
	parent     int    // process id of who started this one
	inherited  bool   // by an older binary, which has left its sockets
	daemonized bool   // in the background, or in the hands of systemd
}

// logPatience is how long the end of the program waits for who reads its log.
const logPatience = time.Second

// run is the program with the given arguments. It returns the exit code.
func run(args []string) int {
	defer logfile.Drain(logPatience)
	process.OwnArguments()
	process.KeepFiles()
	if isWorker() {
		return runWorker()
	}
	opt, err := parseOptions(args)
	if err != nil {
		say("%s", err)
		return codeFailed
	}
	if opt.version {
		writeVersion(os.Stderr, opt)
		if !opt.test {
			return codeOK
		}
	}
	level := "notice"
	if opt.test {
		level = "info"
	}
	p := &program{opt: opt, at: opt.places(), child: process.StartedBy(), label: label(), parent: process.Parent()}
	p.daemonized = p.child != nil || os.Getenv(process.NotifySocket) != ""
	p.boot = openBootJournal(p.at, level)
	p.out = p.boot
	switch {
	case opt.test:
		return p.test()
	case opt.signal != "":
		return p.signal()
	case !p.foreground():
		return p.toBackground()
	}
	return p.live()
}

// test carries out -t and -T.
func (p *program) test() int {
	err := p.prepare()
	if err == nil && p.srv != nil {
		err = p.listen()
	}
	if err != nil {
		p.out.fail(err)
		say("configuration file %s test failed", p.at.conf)
		return codeFailed
	}
	if p.srv != nil {
		p.srv.Close()
	}
	if !p.opt.quiet {
		say("configuration file %s test is successful", p.at.conf)
	}
	if err := p.dump.writeTo(os.Stdout); err != nil {
		return codeFailed
	}
	return codeOK
}

// signal carries out -s.
func (p *program) signal() int {
	if err := p.prepare(); err != nil {
		p.out.fail(err)
		return codeFailed
	}
	return p.sendSignal(p.settings.main.pid)
}

// live serves until a signal ends it.
func (p *program) live() int {
	p.snapshot = &parser.Snapshot{}
	fds := p.inherit()
	err := p.prepare()
	if err == nil {
		p.srv.Inherit(fds)
		err = p.listen()
	}
	if err != nil {
		p.out.fail(err)
		return codeFailed
	}
	p.noteSystem(runtime.Version())
	signals := subscribe()
	if err := writePID(p.settings.main.pid); err != nil {
		p.out.fail(err)
		p.srv.Close()
		return codeFailed
	}
	if process.HasWorkers && p.settings.main.masterProcess == conf.On {
		return newMaster(p, signals).run()
	}
	return p.liveAlone(signals)
}

// liveAlone serves in this process.
func (p *program) liveAlone(signals <-chan os.Signal) int {
	p.snapshot = nil
	if code := p.begin(); code != codeOK {
		p.removePID(p.settings.main.pid)
		p.srv.Close() // or the next start finds the unix sockets in use
		return code
	}
	p.obey(signals)
	p.removePID(p.settings.main.pid)
	p.out.notice("exit")
	return codeOK
}

// begin starts serving, and leaves the console to those who wait there.
func (p *program) begin() int {
	if err := p.setUpProcess(); err != nil {
		p.out.fail(err)
		return codeFatal
	}
	if err := p.serve(); err != nil {
		p.out.fail(err)
		return codeFatal
	}
	if err := p.detach(); err != nil {
		p.out.fail(err)
		return codeFailed
	}
	p.out.console = nil
	p.boot.files.Close()
	p.child.Ready()
	return codeOK
}

// env is what the readers of a configuration need to know.
func (p *program) env(log func(level, msg string)) *conf.Env {
	return &conf.Env{Prefix: p.at.prefix, ConfDir: p.at.confDir, Log: log}
}

// prepare does everything that comes before the sockets, or what of it a test
// or -s needs. Messages about the configuration as a whole follow those about
// its text.
func (p *program) prepare() error {
	// Reading a large configuration makes more of what stays than of garbage.
	const percent = 400
	defer debug.SetGCPercent(debug.SetGCPercent(percent))
	s, err := p.read(p.env(p.out.report))
	if err != nil {
		return err
	}
	var late [][2]string
	lateErr := s.complete(p.env(func(level, msg string) { late = append(late, [2]string{level, msg}) }), p.at)
	srv, err := stream.New(s.stream)
	var notOpened *logfile.OpenError
	var resource *stream.ResourceError
	if err != nil && !errors.As(err, &notOpened) && !errors.As(err, &resource) {
		return err
	}
	if p.opt.test && !p.opt.quiet {
		say("the configuration file %s syntax is ok", p.at.conf)
	}
	for _, m := range late {
		p.out.report(m[0], m[1])
	}
	p.settings = s
	if lateErr != nil || p.opt.signal != "" {
		return lateErr
	}
	p.srv = srv
	return p.openFiles(err)
}

// openFiles opens the files of the main context, and changes over to the
// configured log. refused is what the stream block lacks: its own logs, or zones.
func (p *program) openFiles(refused error) error {
	if p.opt.test {
		if err := touchPID(p.settings.main.pid); err != nil {
			return err
		}
	}
	out, err := openJournal(mainTargets(p.settings.main, p.at), p.at)
	if err == nil {
		err = refused
	}
	if err != nil {
		return err
	}
	p.out = out.copied()
	return nil
}

// listen opens the listening sockets, if there are connections enough for them.
func (p *program) listen() error {
	if err := p.settings.main.checkConnections(p.srv.Planned()); err != nil {
		return err
	}
	return p.bind(p.srv.Listen)
}
