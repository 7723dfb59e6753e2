//go:build linux

package conformance

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fileLimits are the soft and the hard limit of open files of a process.
func fileLimits(t *testing.T, pid int) string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", pid))
	require.NoError(t, err)
	found := regexp.MustCompile(`Max open files +(\d+) +(\d+) `).FindSubmatch(text)
	require.NotNil(t, found)
	return string(found[1]) + " " + string(found[2])
}

// limited is the server as a command of a shell that sets limits first.
func limited(s *service, limits string) *exec.Cmd {
	return exec.Command("sh", "-c", limits+` exec "$@"`, "sh", s.program, "-p", s.dir, "-c", "nginx.conf", "-e", "error.log")
}

// TestFileLimitOfEachLoop multiplies worker_rlimit_nofile, which is for each of
// nginx's workers, and that once: what a new binary gets is what the old one got.
func TestFileLimitOfEachLoop(t *testing.T) {
	p := takePorts(t, "Plain")
	s := newService(t, fmt.Sprintf(head+`worker_processes 4; worker_rlimit_nofile 60; events { worker_connections 512; }
stream { server { listen %d; proxy_pass 127.0.0.1:%d; } }`, p["Plain"], startEcho(t)), binary(t))
	require.NoError(t, limited(s, "ulimit -Sn 300; ulimit -Hn 400;").Run())
	master := s.pid("nginx.pid")
	s.eventually("the limits of the worker", func() bool { return fileLimits(t, s.worker(master)) == "240 240" })
	var open []net.Conn
	for range 90 { // at once, with 2 descriptors each
		c, err := net.Dial("tcp", local(p["Plain"]))
		require.NoError(t, err)
		require.NoError(t, exchange(c))
		open = append(open, c)
	}
	for _, c := range open {
		c.Close()
	}
	s.install(binary(t))
	s.kill(master, syscall.SIGUSR2)
	s.eventually("a new master", func() bool { n := s.pid("nginx.pid"); return n > 0 && n != master })
	newer := s.pid("nginx.pid")
	s.eventually("the limits of the new worker", func() bool { return fileLimits(t, s.worker(newer)) == "240 240" })
	s.kill(master, syscall.SIGQUIT)
	s.eventually("end of the old master", func() bool { return !alive(master) })

	require.NoError(t, os.WriteFile(s.file("foreign"), []byte("#!/bin/sh\necho $(ulimit -Sn) $(ulimit -Hn) >"+s.file("limits")+".new\nmv "+
		s.file("limits")+".new "+s.file("limits")+"\n"), 0o755))
	s.install(s.file("foreign"))
	s.kill(newer, syscall.SIGUSR2)
	s.eventually("the limits of a foreign binary", func() bool {
		text, _ := os.ReadFile(s.file("limits"))
		return strings.TrimSpace(string(text)) == "300 400"
	})
	s.eventually("the pid file of before", func() bool { return s.pid("nginx.pid") == newer })
}

// TestFileLimitThatCannotBeHad has a hard limit that its user may not raise.
func TestFileLimitThatCannotBeHad(t *testing.T) {
	root(t)
	for limit, want := range map[int]string{
		200: "[warn] PID#PID: worker_rlimit_nofile 200 for each of 4 event loops is more than the 500 open files that the process can have\n",
		600: "[alert] PID#PID: setrlimit(RLIMIT_NOFILE, 600) failed (1: Operation not permitted)\n", // as of nginx
	} {
		s := newService(t, fmt.Sprintf(`pid DIR/nginx.pid; error_log DIR/error.log warn; worker_processes 4; worker_rlimit_nofile %d;
events { worker_connections 60; } stream { server { listen unix:DIR/socket; return x; } }`, limit), binary(t))
		require.NoError(t, os.Chmod(s.dir, 0o777))
		runTool(t, "cp", binary(t), s.file("copy")) // that somebody else may read
		s.install(s.file("copy"))
		cmd := limited(s, "ulimit -n 500;")
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1, Gid: 1}}
		require.NoError(t, cmd.Run())
		assert.Equal(t, "500 500", fileLimits(t, s.worker(s.pid("nginx.pid"))))
		log := regexp.MustCompile(`(?m)^\S+ \S+ `).ReplaceAllString(s.log(), "")
		assert.Equal(t, want, regexp.MustCompile(`\d+#\d+`).ReplaceAllString(log, "PID#PID"))
	}
}
