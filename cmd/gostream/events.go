package main

// events.go - the events block: ngx_event_core_module and ngx_epoll_module.

import (
	"runtime"
	"time"

	"github.com/gostream/gostream/internal/addr"
	"github.com/gostream/gostream/internal/cidrtree"
	"github.com/gostream/gostream/internal/conf"
)

// eventsConfig is the events block. All fields have a value, the configured one
// or the default; a configured 0 is negative.
type eventsConfig struct {
	connections int64 // per worker, listening sockets included (worker_connections)

	// acceptDelay is how long accepting pauses when descriptors have run out
	// (accept_mutex_delay). The mutex itself is not needed.
	acceptDelay time.Duration

	multiAccept     conf.Flag // take all waiting connections at once
	events          int64     // taken from the kernel at once (epoll_events)
	debugConnection []string  // clients whose sessions are logged at level debug

	// Without effect.
	use         string
	acceptMutex conf.Flag
	aioRequests int64
}

// eventsTables are the tables of the events block.
var eventsTables = []*conf.Table[eventsConfig]{
	{Name: "event_core", Commands: []conf.Command[eventsConfig]{
		{Name: "worker_connections", Syntax: "number", Default: "512", In: conf.Events,
			Set: conf.Slot(func(e *eventsConfig) *int64 { return &e.connections }, workerConnections)},
		{Name: "use", Syntax: "method", In: conf.Events,
			Set: conf.Slot(func(e *eventsConfig) *string { return &e.use }, eventMethod)},
		{Name: "multi_accept", Syntax: "on | off", Default: "off", In: conf.Events,
			Set: conf.FlagOf(func(e *eventsConfig) *conf.Flag { return &e.multiAccept })},
		{Name: "accept_mutex", Syntax: "on | off", Default: "off", In: conf.Events,
			Set: conf.FlagOf(func(e *eventsConfig) *conf.Flag { return &e.acceptMutex })},
		{Name: "accept_mutex_delay", Syntax: "time", Default: "500ms", In: conf.Events,
			Set: conf.Msec(func(e *eventsConfig) *time.Duration { return &e.acceptDelay })},
		{Name: "debug_connection", Syntax: "address | CIDR | unix:", In: conf.Events, Set: conf.Func(addDebugConnection)},
	}},
	{Name: "epoll", Commands: []conf.Command[eventsConfig]{
		{Name: "epoll_events", Syntax: "number", Default: "512", In: conf.Events,
			Set: conf.Number(func(e *eventsConfig) *int64 { return &e.events })},
		{Name: "worker_aio_requests", Syntax: "number", Default: "32", In: conf.Events,
			Set: conf.Number(func(e *eventsConfig) *int64 { return &e.aioRequests })},
	}},
}

func setEvents(m *mainConfig, d *conf.Directive) error {
	m.events = &eventsConfig{}
	if err := d.Apply(nil, conf.Events, m.events); err != nil {
		return err
	}
	for _, t := range eventsTables {
		if err := conf.Defaults(t, m.events); err != nil {
			return err
		}
	}
	return nil
}

func workerConnections(d *conf.Directive) (int64, error) {
	n, ok := conf.ParseNumber(d.Args[0])
	if !ok {
		return 0, d.Errorf(`invalid number "%s"`, d.Args[0])
	}
	if n == 0 {
		return conf.Zero, nil
	}
	return n, nil
}

// eventMethod accepts the one method that an nginx has that was built for this
// system without further options.
func eventMethod(d *conf.Directive) (string, error) {
	method := nativeMethod()
	if d.Args[0] != method {
		return "", d.Errorf(`invalid event type "%s"`, d.Args[0])
	}
	return method, nil
}

func nativeMethod() string {
	switch runtime.GOOS {
	case "linux":
		return "epoll"
	case "windows":
		return "select"
	}
	return "kqueue"
}

func addDebugConnection(e *eventsConfig, d *conf.Directive) error {
	from := d.Args[0]
	_, lowBits, err := cidrtree.ParseCIDR(from)
	if lowBits {
		d.Warnf("low address bits of %s are meaningless", from)
	}
	if err == nil || from == "unix:" {
		e.debugConnection = append(e.debugConnection, from)
		return nil
	}
	addresses, err := addr.Lookup(from)
	if err != nil {
		return d.Errorf(`host not found in debug_connection "%s"`, from)
	}
	for _, ip := range addresses {
		e.debugConnection = append(e.debugConnection, ip.String())
	}
	return nil
}
