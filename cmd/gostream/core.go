package main

// core.go - the main context: ngx_core_module and what other modules have
// outside of all blocks. Setters of more than a line are in core_setters.go.

import (
	"strconv"
	"time"

	"github.com/tufanbarisyildirim/gonginx/config"

	"github.com/gostream/gostream/internal/conf"
	"github.com/gostream/gostream/internal/errlog"
	"github.com/gostream/gostream/parser"
)

// mainConfig is the main context of a configuration. After [mainConfig.load]
// every field has a value: the configured one or the default. A number or time
// that was configured as 0 is negative, as conf.Zero has it.
type mainConfig struct {
	daemon        conf.Flag // go to the background
	masterProcess conf.Flag // serve in a process of its own; off: in the one that was started
	pid           string    // path of the file for the master's process id
	lockFile      string    // path; only compared at a reload

	// errorLog has the error_log lines. Empty: the compiled-in file or that of
	// -e, at level error.
	errorLog []errlog.Target

	user         account  // who the workers run as
	environment  []string // NAME or NAME=VALUE, see workerEnvironment
	workingDir   string   // of the workers; empty: that of the master
	processes    int64    // event loops (worker_processes); negative: none
	affinity     affinity // of the event loops to CPUs
	priority     int      // nice value
	rlimitNofile int64    // RLIMIT_NOFILE; 0: unchanged
	rlimitCore   int64    // RLIMIT_CORE in bytes; 0: unchanged

	shutdownTimeout time.Duration // of a graceful shutdown; negative: no limit
	timerResolution time.Duration // of the time in logs; negative: as good as possible
	debugPoints     debugPoint

	events *eventsConfig

	// stream is called with the stream block. Nil: the block is skipped.
	stream func(d *conf.Directive) error

	// Accepted for the sake of existing configurations, without effect.
	pcreJIT, cacheInheritable conf.Flag
	sslEngine, profiles       string
	threadPools, blocks       []string // names, to see duplicates
}

// debugPoint is what happens at an internal inconsistency.
type debugPoint int

const (
	debugPointStop  debugPoint = iota + 1 // stop the process (SIGSTOP)
	debugPointAbort                       // abort it
)

// notServed are the blocks of nginx that gostream skips. The parser need not
// follow their includes.
var notServed = []string{"http", "mail"}

var coreTable = &conf.Table[mainConfig]{
	Name: "core",
	Commands: []conf.Command[mainConfig]{
		{Name: "daemon", Syntax: "on | off", Default: "on", In: conf.Main,
			Set: conf.FlagOf(func(m *mainConfig) *conf.Flag { return &m.daemon })},
		{Name: "master_process", Syntax: "on | off", Default: "on", In: conf.Main,
			Set: conf.FlagOf(func(m *mainConfig) *conf.Flag { return &m.masterProcess })},
		{Name: "timer_resolution", Syntax: "interval", Default: "0", In: conf.Main,
			Set: conf.Msec(func(m *mainConfig) *time.Duration { return &m.timerResolution })},
		{Name: "pid", Syntax: "file", Default: "logs/nginx.pid", In: conf.Main,
			Set: conf.String(func(m *mainConfig) *string { return &m.pid })},
		{Name: "lock_file", Syntax: "file", Default: "logs/nginx.lock", In: conf.Main,
			Set: conf.String(func(m *mainConfig) *string { return &m.lockFile })},
		{Name: "worker_processes", Syntax: "number | auto", Default: "1", In: conf.Main,
			Set: conf.Slot(func(m *mainConfig) *int64 { return &m.processes }, workerProcesses)},
		{Name: "debug_points", Syntax: "abort | stop", In: conf.Main,
			Set: conf.Enum(func(m *mainConfig) *debugPoint { return &m.debugPoints },
				map[string]debugPoint{"stop": debugPointStop, "abort": debugPointAbort})},
		{Name: "user", Syntax: "user [group]", Default: "nobody nobody", In: conf.Main, Args: conf.Take(1, 2), Set: conf.Func(setUser)},
		{Name: "worker_priority", Syntax: "number", Default: "0", In: conf.Main, Set: conf.Func(setPriority)},
		{Name: "worker_cpu_affinity", Syntax: "cpumask ... | auto [cpumask]", In: conf.Main, Args: conf.AtLeast(1), Set: conf.Func(setAffinity)},
		{Name: "worker_rlimit_nofile", Syntax: "number", In: conf.Main,
			Set: conf.Number(func(m *mainConfig) *int64 { return &m.rlimitNofile })},
		{Name: "worker_rlimit_core", Syntax: "size", In: conf.Main,
			Set: conf.Offset(func(m *mainConfig) *int64 { return &m.rlimitCore })},
		{Name: "worker_shutdown_timeout", Syntax: "time", Default: "0", In: conf.Main,
			Set: conf.Msec(func(m *mainConfig) *time.Duration { return &m.shutdownTimeout })},
		{Name: "working_directory", Syntax: "directory", In: conf.Main,
			Set: conf.String(func(m *mainConfig) *string { return &m.workingDir })},
		{Name: "env", Syntax: "variable[=value]", In: conf.Main,
			Set: conf.Strings(func(m *mainConfig) *[]string { return &m.environment })},
		{Name: "load_module", Syntax: "file", In: conf.Main, Set: conf.Func(loadModule)},
	},
}

// mainTables are the tables of the main context, in nginx's order.
var mainTables = []*conf.Table[mainConfig]{
	coreTable,
	{Name: "errlog", Commands: []conf.Command[mainConfig]{
		{Name: "error_log", Syntax: "file [level]", Default: "logs/error.log error", In: conf.Main, Args: conf.AtLeast(1), Set: conf.Func(addErrorLog)},
	}},
	{Name: "thread_pool", Commands: []conf.Command[mainConfig]{
		{Name: "thread_pool", Syntax: "name threads=number [max_queue=number]", In: conf.Main, Args: conf.Take(2, 3), Set: conf.Func(addThreadPool)},
	}},
	{Name: "openssl", Commands: []conf.Command[mainConfig]{
		{Name: "ssl_engine", Syntax: "device", In: conf.Main, Set: conf.String(func(m *mainConfig) *string { return &m.sslEngine })},
	}},
	{Name: "openssl_cache", Commands: []conf.Command[mainConfig]{
		{Name: "ssl_object_cache_inheritable", Syntax: "on | off", Default: "on", In: conf.Main,
			Set: conf.FlagOf(func(m *mainConfig) *conf.Flag { return &m.cacheInheritable })},
	}},
	{Name: "regex", Commands: []conf.Command[mainConfig]{
		{Name: "pcre_jit", Syntax: "on | off", Default: "off", In: conf.Main,
			Set: conf.FlagOf(func(m *mainConfig) *conf.Flag { return &m.pcreJIT })},
	}},
	{Name: "google_perftools", Commands: []conf.Command[mainConfig]{
		{Name: "google_perftools_profiles", Syntax: "file", In: conf.Main,
			Set: conf.String(func(m *mainConfig) *string { return &m.profiles })},
	}},
	{Name: "events", Commands: []conf.Command[mainConfig]{block("events", setEvents)}},
	{Name: "stream", Commands: []conf.Command[mainConfig]{block("stream", setStream)}},
	{Name: "http", Commands: []conf.Command[mainConfig]{block("http", skipBlock)}},
	{Name: "mail", Commands: []conf.Command[mainConfig]{block("mail", skipBlock)}},
}

// block is the row of a block that may stand once.
func block(name string, set func(*mainConfig, *conf.Directive) error) conf.Command[mainConfig] {
	once := func(m *mainConfig, d *conf.Directive) error {
		if !addNew(&m.blocks, d.Name) {
			return d.Duplicate()
		}
		return set(m, d)
	}
	return conf.Command[mainConfig]{Name: name, Syntax: "{ ... }", In: conf.Main, Args: conf.None, Block: true, Set: conf.Func(once)}
}

func setStream(m *mainConfig, d *conf.Directive) error {
	if m.stream == nil {
		return nil
	}
	return m.stream(d)
}

func skipBlock(_ *mainConfig, d *conf.Directive) error {
	d.Warnf(`"%s" block is not served by gostream, skipped`, d.Name)
	return nil
}

// newSchema makes the schema of a whole configuration file. stream are the
// tables of the stream block.
func newSchema(stream ...conf.Rows) *conf.Schema {
	var rows []conf.Rows
	for _, t := range mainTables {
		rows = append(rows, t)
	}
	for _, t := range eventsTables {
		rows = append(rows, t)
	}
	return conf.NewSchema(append(rows, stream...)...).KnowElsewhere(conf.HTTPDirectives()...)
}

// load reads trees, the one of -g and the one of the main file, as one
// configuration, and completes it with defaults. The first mistake ends it.
func (m *mainConfig) load(s *conf.Schema, env *conf.Env, trees ...*config.Config) error {
	if err := m.apply(s, env, trees...); err != nil {
		return err
	}
	return m.complete(env)
}

// apply is the first half of load: what the files say. nginx calls the syntax
// ok when that is done.
func (m *mainConfig) apply(s *conf.Schema, env *conf.Env, trees ...*config.Config) error {
	for _, tree := range trees {
		if err := conf.Apply(tree, s, conf.Main, env, m); err != nil {
			return err
		}
	}
	return nil
}

// complete is the second half of load: defaults, and what concerns the whole.
func (m *mainConfig) complete(env *conf.Env) error {
	for _, t := range mainTables {
		if err := conf.Defaults(t, m); err != nil {
			return err
		}
	}
	if masks := len(m.affinity.masks); !m.affinity.auto && masks > 1 && masks != int(max(m.processes, 0)) {
		env.Report("warn", `the number of "worker_processes" is not equal to the number of "worker_cpu_affinity" masks, `+
			`using last mask for remaining worker processes`)
	}
	if err := m.user.setDefault(); err != nil {
		return err
	}
	m.pid, m.lockFile = env.PrefixPath(m.pid), env.PrefixPath(m.lockFile)
	if m.events == nil {
		return &parser.Error{Msg: `no "events" section in configuration`}
	}
	return nil
}

// checkConnections reports whether each worker can have its listening sockets and
// one connection more. nginx looks at that when it has read everything, before it opens sockets.
func (m *mainConfig) checkConnections(listening int) error {
	n := max(m.events.connections, 0)
	if n > int64(listening) {
		return nil
	}
	return &parser.Error{Msg: strconv.FormatInt(n, 10) + " worker_connections are not enough for " +
		strconv.Itoa(listening) + " listening sockets"}
}
