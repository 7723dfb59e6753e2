//go:build linux

package conformance

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// service is a server in the background with a folder of its own. The folder
// has the configuration, nginx.conf, and what that names: nginx.pid, error.log.
type service struct {
	t       *testing.T
	dir     string
	program string // path by which the server is started, in dir
	known   []int  // all processes that were seen
}

// head is how configurations of services begin.
const head = "pid DIR/nginx.pid; error_log DIR/error.log notice;\n"

// newService makes a folder, which everybody may enter, with a configuration in
// which DIR is that folder, and a program.
func newService(t *testing.T, conf, program string) *service {
	t.Helper()
	dir, err := os.MkdirTemp("", "gostream-service")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o755))
	s := &service{t: t, dir: dir, program: filepath.Join(dir, "server")}
	s.configure(conf)
	s.install(program)
	t.Cleanup(func() {
		s.end()
		if t.Failed() {
			t.Logf("error.log:\n%s", s.log())
		}
		os.RemoveAll(dir)
	})
	return s
}

func (s *service) file(name string) string { return filepath.Join(s.dir, name) }

func (s *service) configure(conf string) {
	s.t.Helper()
	require.NoError(s.t, os.WriteFile(s.file("nginx.conf"), []byte(strings.ReplaceAll(conf, "DIR", s.dir)), 0o644))
}

// install puts a program at the place of the server, as packages do.
func (s *service) install(program string) {
	s.t.Helper()
	require.NoError(s.t, os.Symlink(program, s.program+".new"))
	require.NoError(s.t, os.Rename(s.program+".new", s.program))
}

// start starts the server. It returns the process id of the master.
func (s *service) start() int {
	s.t.Helper()
	cmd := exec.Command(s.program, "-p", s.dir, "-c", "nginx.conf", "-e", "error.log")
	cmd.Dir = s.dir
	// Somebody has left files open. See TestWorkerRights.
	left, err := os.Create(s.file("left-open"))
	require.NoError(s.t, err)
	defer left.Close()
	cmd.ExtraFiles = []*os.File{left, left, left, left, left, left, left, left}
	out, err := cmd.CombinedOutput()
	require.NoError(s.t, err, "%s", out)
	s.eventually("pid file", func() bool { return s.pid("nginx.pid") > 0 })
	return s.pid("nginx.pid")
}

// pid is the process id in a file; 0 if there is none.
func (s *service) pid(name string) int {
	text, _ := os.ReadFile(s.file(name))
	pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	if pid > 0 {
		s.known = append(s.known, pid)
	}
	return pid
}

func (s *service) log() string {
	text, _ := os.ReadFile(s.file("error.log"))
	return string(text)
}

// logged counts a text in the log.
func (s *service) logged(text string) int { return strings.Count(s.log(), text) }

func (s *service) eventually(what string, holds func() bool) {
	s.t.Helper()
	eventually(s.t, what, holds)
}

func (s *service) kill(pid int, sig syscall.Signal) {
	s.t.Helper()
	require.NoError(s.t, syscall.Kill(pid, sig))
}

// workers are the children of a master.
func (s *service) workers(master int) (pids []int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range stats {
		text, _ := os.ReadFile(name)
		pid, parent, ok := parentOf(text)
		if ok && parent == master && strings.Contains(title(pid), ": worker process") {
			pids = append(pids, pid)
		}
	}
	s.known = append(s.known, pids...)
	return pids
}

// parentOf reads /proc/PID/stat.
func parentOf(stat []byte) (pid, parent int, ok bool) {
	end := bytes.LastIndexByte(stat, ')')
	if end < 0 {
		return 0, 0, false
	}
	_, _ = fmt.Sscanf(string(stat), "%d", &pid)
	var state string
	_, err := fmt.Sscanf(string(stat[end+1:]), "%s %d", &state, &parent)
	return pid, parent, err == nil && state != "Z"
}

// title is what ps shows of a process.
func title(pid int) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return strings.TrimRight(strings.ReplaceAll(string(text), "\x00", " "), " ")
}

func alive(pid int) bool {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, _, ok := parentOf(text)
	return ok
}

// worker waits until a master has exactly one worker.
func (s *service) worker(master int) int {
	s.t.Helper()
	var pids []int
	s.eventually("one worker", func() bool { pids = s.workers(master); return len(pids) == 1 })
	return pids[0]
}

// end stops all that runs; nothing may be left.
func (s *service) end() {
	for _, name := range []string{"nginx.pid.oldbin", "nginx.pid"} {
		if pid := s.pid(name); pid > 0 {
			s.workers(pid)
			_ = syscall.Kill(pid, syscall.SIGTERM)
		}
	}
	gone := func() bool {
		for _, pid := range s.known {
			if alive(pid) && strings.HasPrefix(title(pid), "nginx: ") {
				return false
			}
		}
		return true
	}
	for end := time.Now().Add(patience); !gone(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			assert.Fail(s.t, "processes are left", "%v", s.known)
			for _, pid := range s.known {
				if strings.HasPrefix(title(pid), "nginx: ") {
					_ = syscall.Kill(pid, syscall.SIGKILL)
				}
			}
			return
		}
	}
}

// startEcho is a backend that returns what it gets.
func startEcho(t *testing.T) (port int) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(c, c)
				c.Close()
			}()
		}
	}()
	return ln.Addr().(*net.TCPAddr).Port
}

// answerOf connects and reads all that comes.
func answerOf(t *testing.T, address string) string {
	t.Helper()
	c, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	text, err := io.ReadAll(c)
	require.NoError(t, err)
	return string(text)
}

// exchange sends a text and reads it back.
func exchange(c net.Conn) error {
	const text = "ping"
	got := make([]byte, len(text))
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := c.Write([]byte(text)); err != nil {
		return err
	}
	if _, err := io.ReadFull(c, got); err != nil {
		return err
	}
	if string(got) != text {
		return fmt.Errorf("%q came back", got)
	}
	return nil
}

// churn is clients that connect, exchange a text and leave, again and again.
type churn struct {
	stopped chan struct{}
	done    sync.WaitGroup
	count   atomic.Int64
	mu      sync.Mutex
	errors  []error
}

// startChurn starts some clients for each address.
func startChurn(t *testing.T, clients int, addresses ...string) *churn {
	t.Helper()
	c := &churn{stopped: make(chan struct{})}
	for _, address := range addresses {
		for range clients {
			c.done.Go(func() { c.run(address) })
		}
	}
	t.Cleanup(func() { c.stop() })
	return c
}

func (c *churn) run(address string) {
	for {
		select {
		case <-c.stopped:
			return
		case <-time.After(time.Millisecond):
		}
		if err := once(address); err != nil {
			c.mu.Lock()
			c.errors = append(c.errors, fmt.Errorf("%s: %w", address, err))
			c.mu.Unlock()
		}
		c.count.Add(1)
	}
}

func once(address string) error {
	network := "tcp"
	if strings.HasPrefix(address, "/") {
		network = "unix"
	}
	conn, err := net.Dial(network, address)
	if err != nil {
		return err
	}
	defer conn.Close()
	return exchange(conn)
}

// stop ends the clients. It returns what went wrong.
func (c *churn) stop() []error {
	select {
	case <-c.stopped:
	default:
		close(c.stopped)
	}
	c.done.Wait()
	return c.errors
}

// more waits until a number of exchanges have been made from now on.
func (c *churn) more(t *testing.T, n int64) {
	t.Helper()
	target := c.count.Load() + n
	eventually(t, "exchanges", func() bool { return c.count.Load() >= target })
}
