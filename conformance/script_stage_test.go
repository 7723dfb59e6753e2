//go:build unix

package conformance

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// stage is where a script is played: one server and all that is around it.
type stage struct {
	dir         string // the server's prefix
	ports       map[string]string
	server      *process
	pid         string // the server's pid file
	inContainer bool
	backends    map[string]*backend
	peers       map[string]*peer
	clients     []string          // names of peers, as they connected
	named       []string          // names of peers to record
	numbers     map[string]string // what ports of listeners and clients are called
	sources     map[source]string // what the server's connections to backends are called
	held        []io.Closer       // what keeps ports for this stage
}

// source is the ports of a connection to a backend. The first alone may also be
// a client's, or that of a connection to another backend.
type source struct{ from, to string }

func newStage(dir string) *stage {
	return &stage{
		dir: dir, ports: map[string]string{}, numbers: map[string]string{},
		sources:  map[source]string{},
		backends: map[string]*backend{}, peers: map[string]*peer{},
	}
}

// close ends what is left of a script that failed.
func (s *stage) close() {
	if s.server != nil && s.server.cmd.Process != nil && !s.gone() {
		_ = s.tell(syscall.SIGTERM)
		s.server.stop(syscall.SIGTERM)
	}
	for _, b := range s.backends {
		b.close()
	}
	for _, p := range s.peers {
		p.conn.Close()
	}
	for _, h := range s.held {
		h.Close()
	}
}

// explain adds what the server said.
func (s *stage) explain(err error) error {
	return fmt.Errorf("%w\n%s%s", err, readText(filepath.Join(s.dir, "error.log")), map[bool]string{
		true: "the server has ended", false: ""}[s.gone()])
}

var placeholder = regexp.MustCompile(`\$PORT\d+`)

// expand replaces $DIR, and $PORT1 and so on.
func (s *stage) expand(text string) string {
	text = strings.ReplaceAll(text, "$DIR", s.dir)
	return placeholder.ReplaceAllStringFunc(text, func(name string) string {
		name = name[1:]
		if s.ports[name] == "" {
			port, hold := portPool.take()
			s.ports[name], s.held = port, append(s.held, hold)
			s.numbers[s.ports[name]] = name
		}
		return s.ports[name]
	})
}

// pool hands out ports below those that systems give to clients, each once
// before any comes again.
type pool struct {
	mu   sync.Mutex
	next int
}

var portPool = &pool{next: os.Getpid() % poolSize}

const firstPort, poolSize = 10001, 1999

// take returns a port for TCP. Until hold is closed, no other test process takes
// it, not even while the script has nobody listening there: that process cannot
// have the UDP port of this number at the IPv6 loopback.
func (p *pool) take() (port string, hold io.Closer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var failed error
	for range poolSize {
		p.next = (p.next + 1) % poolSize
		port := strconv.Itoa(firstPort + p.next)
		hold, err := net.ListenPacket("udp6", "[::1]:"+port)
		if err != nil {
			failed = err
			continue
		}
		ln, err := net.Listen("tcp", ":"+port)
		if err == nil {
			ln.Close()
			return port, hold
		}
		failed = err
		hold.Close()
	}
	panic(fmt.Sprintf("no free port: %v", failed))
}
