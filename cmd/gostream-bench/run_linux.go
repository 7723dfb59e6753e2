package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// options are the command line.
type options struct {
	nginx, haproxy, gostream string
	proxies, only            string
	rounds                   int
	duration                 time.Duration
	sessions                 int
	port                     int
	json, markdown           bool
}

// Names under which the program starts itself again; see client.go, backend.go.
const (
	clientCommand  = "_client"
	backendCommand = "_backend"
)

// run is the program: it returns the exit status.
func run(args []string) int {
	if len(args) > 0 {
		switch args[0] {
		case clientCommand:
			return runClient(args[1:])
		case backendCommand:
			return runBackend(args[1:])
		}
	}
	o, err := parseFlags(args)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err == nil {
		err = measure(o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gostream-bench:", err)
		return 1
	}
	return 0
}

func parseFlags(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("gostream-bench", flag.ContinueOnError)
	f.StringVar(&o.nginx, "nginx", "", "nginx `path` (default from PATH)")
	f.StringVar(&o.haproxy, "haproxy", "", "HAProxy `path` (default from PATH)")
	f.StringVar(&o.gostream, "gostream", "", "gostream `path` (default: go build)")
	f.StringVar(&o.proxies, "proxies", "nginx,haproxy,gostream", "proxies to measure, a comma-separated `list`")
	f.StringVar(&o.only, "only", strings.Join(workloadNames(), ","), "workloads to run, a comma-separated `list`")
	f.IntVar(&o.rounds, "rounds", 5, "measurements per workload and proxy")
	f.DurationVar(&o.duration, "duration", 3*time.Second, "length of one measurement")
	f.IntVar(&o.sessions, "sessions", 4000, "sessions of the idle workload")
	f.IntVar(&o.port, "port", 15600, "first of 40 ports on 127.0.0.1")
	f.BoolVar(&o.json, "json", false, "print the result as JSON")
	f.BoolVar(&o.markdown, "markdown", false, "print the result as Markdown tables")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	return o, o.check(f.Args())
}

// check refuses what would fail later, or measure something else than meant.
func (o *options) check(rest []string) error {
	if len(rest) > 0 {
		return fmt.Errorf("unexpected argument %q", rest[0])
	}
	if o.rounds < 1 || o.duration <= 0 || o.sessions < 1 {
		return errors.New("-rounds, -duration and -sessions must be positive")
	}
	if o.port < 1 || o.port+portsNeeded > 65536 {
		return fmt.Errorf("-port must leave room for %d ports", portsNeeded)
	}
	for _, name := range strings.Split(o.only, ",") {
		if !slices.Contains(workloadNames(), name) {
			return fmt.Errorf("unknown workload %q", name)
		}
	}
	for _, name := range strings.Split(o.proxies, ",") {
		if !slices.Contains(proxyNames(), name) {
			return fmt.Errorf("unknown proxy %q", name)
		}
	}
	return nil
}

// measure starts everything, runs the workloads and prints the result.
func measure(o options) error {
	// Children die with the thread that started them: stay on one that lasts.
	runtime.LockOSThread()
	limit, err := raiseFileLimit()
	if err != nil {
		return err
	}
	for _, hint := range hints(o, portRange(), limit) {
		fmt.Fprintln(os.Stderr, "hint:", hint)
	}
	// From here on there is something to clean up.
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	b, err := newBench(o)
	if err != nil {
		return err
	}
	defer b.close()
	b.interrupted = stop

	tables, err := b.run()
	if err != nil {
		return err
	}
	return report{b.environment(), tables}.print(os.Stdout, o)
}
