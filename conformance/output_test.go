//go:build linux

package conformance

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// capture is a standard output that the test reads, and keeps.
type capture struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write keeps what has come.
func (o *capture) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *capture) count(text string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.Count(o.text.String(), text)
}

// socketPair is a pair of connected sockets.
func socketPair(t *testing.T) (ours, theirs *os.File) {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	return os.NewFile(uintptr(fds[0]), ""), os.NewFile(uintptr(fds[1]), "")
}

// TestLogsToASocket has logs in the standard streams, which are sockets as under
// systemd: nobody can open them by name. Lines come in the background, from a worker
// without rights, and after a reload, a reopening and an upgrade. TestUpgrade does
// the rest of the latter.
func TestLogsToASocket(t *testing.T) {
	p := takePorts(t, "One", "Two", "Three")
	s := newService(t, fmt.Sprintf(`pid DIR/nginx.pid; error_log stderr notice; events { } stream {
	log_format one 'access $server_port $pid'; log_format two 'linked $server_port $pid';
	access_log /dev/stdout one; access_log DIR/access.log two; error_log /dev/stderr info;
	server { listen %d; return x; } server { listen %d; return x; error_log stderr info; } server { listen %d; return x; access_log /dev/$out one; }
	map x $out { default stdout; }
}`, p["One"], p["Two"], p["Three"]), binary(t))
	require.NoError(t, os.Symlink("/dev/stdout", s.file("access.log")))
	ours, theirs := socketPair(t)
	defer ours.Close()
	var out capture
	go func() { _, _ = io.Copy(&out, ours) }()
	cmd := exec.Command(s.program, "-p", s.dir, "-c", "nginx.conf", "-e", "stderr")
	cmd.Stdout, cmd.Stderr = theirs, theirs
	require.NoError(t, cmd.Run())
	theirs.Close()
	master := s.pid("nginx.pid")
	require.NotZero(t, master)

	worker := s.worker(master)
	speak := func(what string) {
		for name, lines := range map[string][]string{"One": {"access", "linked"}, "Two": {"access", "linked"}, "Three": {"access"}} {
			assert.Equal(t, "x", answerOf(t, local(p[name])))
			for _, line := range lines {
				want := fmt.Sprintf("%s %d %d\n", line, p[name], worker)
				s.eventually(what+": "+want, func() bool { return out.count(want) > 0 })
			}
			connected := fmt.Sprintf(" connected to 0.0.0.0:%d", p[name])
			before := out.count(connected)
			assert.Equal(t, "x", answerOf(t, local(p[name])))
			s.eventually(what+": a line of the session", func() bool { return out.count(connected) > before })
		}
	}
	next := func() {
		before := worker
		s.eventually("another worker", func() bool { worker = s.worker(s.pid("nginx.pid")); return worker != before })
	}
	speak("at start")
	s.kill(master, syscall.SIGUSR1)
	s.eventually("reopened", func() bool { return out.count(fmt.Sprintf("%d#%[1]d: reopening logs", worker)) > 0 })
	speak("reopened")
	s.kill(master, syscall.SIGHUP)
	next()
	speak("reloaded")
	s.kill(worker, syscall.SIGKILL)
	next()
	speak("respawned")
	s.kill(master, syscall.SIGUSR2)
	s.eventually("a new master", func() bool { n := s.pid("nginx.pid"); return n > 0 && n != master })
	s.kill(master, syscall.SIGQUIT)
	s.eventually("end of the old master", func() bool { return !alive(master) })
	next()
	speak("upgraded")
	assert.Zero(t, out.count("[emerg]"))
}

// TestWithoutProc runs where no /proc is mounted, as in a chroot: in the background,
// with settings of the worker, over a reload and an upgrade.
func TestWithoutProc(t *testing.T) {
	root(t)
	if raceDetector || *serverFlag != "" {
		t.Skip("needs a binary built without cgo")
	}
	p := takePorts(t, "Plain")
	s := newService(t, fmt.Sprintf(head+`user daemon; worker_priority 3; worker_cpu_affinity 1; worker_rlimit_core 5k; events { }
stream { log_format l served; access_log /dev/stdout l; server { listen %d; return x; } }`, p["Plain"]), binary(t))
	out, err := os.Create(s.file("out"))
	require.NoError(t, err)
	defer out.Close()
	cmd := exec.Command(need(t, "unshare"), "--mount", "sh", "-c", `mount -t tmpfs none /proc && exec "$@"`, "sh",
		s.program, "-p", s.dir, "-c", "nginx.conf", "-e", "error.log")
	cmd.Stdout, cmd.Stderr = out, out
	require.NoError(t, cmd.Run())
	master := s.pid("nginx.pid")
	worker := s.worker(master)
	for _, value := range status(t, worker, "Cpus_allowed_list") {
		assert.Equal(t, "0", value)
	}
	s.kill(master, syscall.SIGHUP)
	s.eventually("another worker", func() bool { return s.worker(master) != worker })
	s.kill(master, syscall.SIGUSR2)
	s.eventually("a new master", func() bool { n := s.pid("nginx.pid"); return n > 0 && n != master })
	s.worker(s.pid("nginx.pid"))
	s.kill(master, syscall.SIGQUIT)
	s.eventually("end of the old master", func() bool { return !alive(master) })
	assert.Equal(t, "x", answerOf(t, local(p["Plain"])))
	s.eventually("a line", func() bool { text, _ := os.ReadFile(s.file("out")); return string(text) == "served\n" })
	for _, level := range []string{"[emerg]", "[alert]"} {
		assert.NotContains(t, s.log(), level)
	}
}

// TestOutputThatNobodyReads fills the standard streams. Sessions go on, and so do
// signals; when somebody reads again the log says what is missing.
func TestOutputThatNobodyReads(t *testing.T) {
	p := takePorts(t, "Plain")
	s := newService(t, fmt.Sprintf(`pid DIR/nginx.pid; error_log stderr notice; daemon off; events { } stream {
	log_format l '%s $status'; access_log /dev/stdout l; error_log stderr info; server { listen %d; return x; } }`,
		strings.Repeat("x", 4000), p["Plain"]), binary(t))
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	cmd := exec.Command(s.program, "-p", s.dir, "-c", "nginx.conf", "-e", "stderr")
	cmd.Stdout, cmd.Stderr = w, w
	require.NoError(t, cmd.Start())
	w.Close()
	s.eventually("a server", func() bool { return s.pid("nginx.pid") > 0 && accepts(p["Plain"]) })
	master := s.pid("nginx.pid")
	overflow := func() {
		for range 600 {
			require.Equal(t, "x", answerOf(t, local(p["Plain"])))
		}
	}
	overflow()
	worker := s.worker(master)
	s.kill(master, syscall.SIGHUP)
	s.eventually("only another worker", func() bool { return s.worker(master) != worker })
	overflow()

	var out capture
	copied := make(chan struct{})
	go func() { defer close(copied); _, _ = io.Copy(&out, r) }()
	s.eventually("an account", func() bool { return out.count(` lines for "/dev/stdout" were dropped, as nobody read it`) > 0 })
	s.kill(master, syscall.SIGTERM)
	require.NoError(t, cmd.Wait())
	<-copied
	assert.Equal(t, 1, out.count("were dropped"))
	assert.Positive(t, out.count(fmt.Sprintf("%d#%[1]d: exit\n", master)))
}
