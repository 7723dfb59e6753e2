package stream

// server.go - a running configuration: New, Listen, Start; Reload; Shutdown.

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gostream/gostream/internal/errlog"
	"github.com/gostream/gostream/internal/logfile"
)

// Server serves a stream block. Make it with [New], then call Listen and Start.
type Server struct {
	mu        sync.Mutex
	gen       *generation
	listeners map[addressKey]*listener
	foreign   []*foreignListener
	inherited inherited
	workers   workers
	keepPaths bool // of unix sockets, see KeepPaths

	onGoroutines netSessions
	slots        slots                      // of sessions that no event loop has accepted
	log          atomic.Pointer[errlog.Log] // for what happens outside of sessions
	started      bool
	closed       bool
}

// New compiles a configuration and opens its log files. Nothing is served yet.
// Errors have nginx's texts.
func New(cfg *Config) (*Server, error) {
	gen, err := compileConfig(cfg, nil)
	if err != nil {
		return nil, err
	}
	return &Server{gen: gen, listeners: map[addressKey]*listener{}}, nil
}

// Check returns what is wrong with the text of a configuration, as [New] would,
// but opens no log files.
func Check(cfg *Config) error {
	g := newGeneration(cfg, nil)
	defer g.close()
	return g.check()
}

// Listen opens the listening sockets, in the order of [Server.Addrs]. When one
// cannot be opened, all are closed again and the error is that of the system
// call, worded as nginx does: `bind() to 0.0.0.0:80 failed (98: Address already
// in use)`. Addresses in use do not keep it from trying the others: their errors
// are joined as by [errors.Join], and one of another kind comes last.
func (s *Server) Listen() error {
	s.mu.Lock()
	defer s.mu.Unlock()
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

// Start begins to serve and returns at once. It fails if the event loops cannot
// be made.
func (s *Server) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gen.files.NeverWait()
	if err := s.workers.start(s); err != nil {
		return err
	}
	s.started = true
	s.gen.follow()
	for _, ln := range s.listeners {
		if err := ln.start(); err != nil {
			return err
		}
	}
	s.startForeign()
	return nil
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

// Shutdown stops listening and waits for the sessions to end. When ctx is done
// it ends those that are left, with status 200 as nginx does at
// worker_shutdown_timeout, and returns ctx's error. Log lines that somebody is
// slow to read are waited for up to a second more.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	for key, ln := range s.listeners {
		ln.close()
		delete(s.listeners, key)
	}
	s.stopForeign()
	gen := s.gen
	gen.unfollow()
	s.mu.Unlock()

	err := gen.counters.wait(ctx)
	if err != nil {
		s.workers.endSessions()
		s.onGoroutines.end()
		settle, cancel := context.WithTimeout(context.Background(), time.Second)
		_ = gen.counters.wait(settle)
		cancel()
	}
	s.workers.stop()
	gen.close()
	logfile.Drain(logPatience)
	return err
}

// logPatience is how long the end of a server waits for who reads its logs.
const logPatience = time.Second

// Close stops at once. Sessions are cut off without a log line, as when nginx
// gets a TERM signal.
func (s *Server) Close() error {
	s.mu.Lock()
	s.gen.counters.silent.Store(true)
	s.mu.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Shutdown(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}
