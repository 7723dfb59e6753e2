package stream

// server.go - a running configuration: New, Listen, Start. Reload is in
// change.go, Shutdown in shutdown.go.

import (
	"errors"
	"maps"
	"net"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/gostream/gostream/internal/errlog"
)

// ErrServerClosed is what methods of a [Server] return after Shutdown or Close.
var ErrServerClosed = errors.New("stream: server closed")

// Server serves a stream block. Make it with [New], then call Listen and Start.
//
// Its methods may be called from any goroutine, and again. A Server that was
// shut down cannot be used any more: [ErrServerClosed].
type Server struct {
	// changing is held by what opens sockets, and from Prepare to Commit or Abort.
	// mu guards the fields; names are resolved without it. Shutdown needs only mu.
	changing sync.Mutex
	mu       sync.Mutex

	gen       *generation
	listeners map[addressKey]*listener
	foreign   map[net.Listener]*listener // those that the program has brought
	inherited inherited
	workers   workers
	keepPaths bool // of unix sockets, see KeepPaths
	started   bool
	closed    bool
	stop      sync.Once // what is left when there are no sessions any more

	accepting    counters // goroutines that accept
	onGoroutines netSessions
	slots        slots                      // of sessions that no event loop has accepted
	log          atomic.Pointer[errlog.Log] // for what happens outside of sessions
}

// New compiles a configuration and opens its log files. Nothing is served yet. A
// Server that is not needed any more is to be closed, started or not. Errors have
// nginx's texts; the listeners of a configuration that is refused stay open.
func New(cfg *Config) (*Server, error) {
	gen, err := compileConfig(cfg, nil)
	if err != nil {
		return nil, err
	}
	s := &Server{gen: gen, listeners: map[addressKey]*listener{}, foreign: map[net.Listener]*listener{}}
	s.adoptForeign(gen)
	return s, nil
}

// Check returns what is wrong with the text of a configuration, as [New] would,
// but opens no log files.
func Check(cfg *Config) error {
	if err := cfg.checkElements(); err != nil {
		return err
	}
	g := newGeneration(cfg, nil)
	defer g.close()
	return g.check()
}

// Listen opens the listening sockets, in the order of [Server.Addrs]. When one
// cannot be opened, all are closed again and the error is that of the system
// call, worded as nginx does: `bind() to 0.0.0.0:80 failed (98: Address already
// in use)`. Addresses in use do not keep it from trying the others: their errors
// are joined as by [errors.Join], and one of another kind comes last. Listen may
// be tried again. Sockets that are open already stay as they are.
func (s *Server) Listen() error {
	s.changing.Lock()
	defer s.changing.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrServerClosed
	}
	fresh, err := s.openListeners(s.gen)
	if err != nil {
		return err
	}
	s.adopt(s.gen, fresh)
	s.dropInherited()
	return nil
}

// Listeners returns the number of listening sockets.
func (s *Server) Listeners() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.listeners)
}

// Planned returns the number of listening sockets that the configuration asks
// for, open or not.
func (s *Server) Planned() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.gen.plan)
}

// Addrs returns the addresses that are listened on, in the order of the
// configuration, except that those of a port are together, first those with
// socket options and a wildcard last. A port that the kernel chose is known after Listen.
func (s *Server) Addrs() []net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	var addrs []net.Addr
	for _, plan := range s.gen.plan {
		if ln := s.listeners[plan.key]; ln != nil {
			addrs = append(addrs, ln.netAddr())
		}
	}
	return addrs
}

// Start begins to serve and returns at once. It comes after Listen, unless all
// servers have a Listener of their own, and does nothing if the Server serves. It
// fails if event loops cannot be made, and then the Server is good for nothing but
// to be closed.
func (s *Server) Start() error {
	s.changing.Lock()
	defer s.changing.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return ErrServerClosed
	case s.started:
		return nil
	case len(s.listeners) < len(s.gen.plan):
		return errors.New("stream: Start before Listen")
	}
	s.gen.files.NeverWait()
	if err := s.workers.start(s); err != nil {
		return err
	}
	s.started = true
	s.gen.follow()
	return s.startListeners(slices.Concat(slices.Collect(maps.Values(s.listeners)), slices.Collect(maps.Values(s.foreign))))
}

// startListeners begins to accept. It returns the errors of all that cannot.
func (s *Server) startListeners(all []*listener) error {
	var failed []error
	for _, ln := range all {
		failed = append(failed, ln.start())
	}
	return errors.Join(failed...)
}

// Reopen opens all log files anew, after rotation. The first error is returned;
// a file that cannot be opened goes on as it was.
func (s *Server) Reopen() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gen.files.Reopen()
}

// GiveLogs makes a user the owner of all log files, able to open them again.
// The first error is returned.
func (s *Server) GiveLogs(uid int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gen.files.Give(uid)
}
