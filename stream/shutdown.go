package stream

// shutdown.go - the end of a Server.

import (
	"context"
	"errors"
	"time"

	"github.com/gostream/gostream/internal/logfile"
)

// Shutdown stops listening and waits for the sessions to end. When ctx is done
// it ends those that are left, with status 200 as nginx does at
// worker_shutdown_timeout, and returns ctx's error. Others may be in Shutdown, or
// call Close, at the same time: each waits, and what ends the sessions for one
// ends them for all. A [Change] that is under way comes to nothing. Log lines that
// somebody is slow to read are waited for up to a second more.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stopListening()
	_ = waitBriefly(&s.accepting)
	err := s.gen.counters.wait(ctx)
	if err != nil {
		s.workers.endSessions()
		s.onGoroutines.end()
		_ = waitBriefly(s.gen.counters)
	}
	s.stop.Do(func() {
		s.workers.stop()
		s.gen.retire()
		s.gen.close() // though there may be sessions that nothing ends
		logfile.Drain(logPatience)
	})
	return err
}

// logPatience is how long the end of a server waits for who reads its logs.
const logPatience = time.Second

// stopListening closes the Server. From then on s.gen does not change any more.
func (s *Server) stopListening() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for key, ln := range s.listeners {
		ln.close()
		delete(s.listeners, key)
	}
	for l, ln := range s.foreign {
		ln.close()
		delete(s.foreign, l)
	}
	s.gen.unfollow()
}

// waitBriefly is for those who have been told to end, and may not listen.
func waitBriefly(c *counters) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return c.wait(ctx)
}

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
