//go:build linux

package conformance

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestWorkerCrash ends workers by force: others take their place, and clients
// that come meanwhile only wait.
func TestWorkerCrash(t *testing.T) {
	p := takePorts(t, "Plain")
	s := newService(t, fmt.Sprintf(head+"worker_rlimit_core 1m; events { } stream { server { listen %d; return x; } }", p["Plain"]), binary(t))
	master := s.start()
	for i, end := range []struct {
		sig  syscall.Signal
		text string
	}{{syscall.SIGKILL, "on signal 9"}, {syscall.SIGSEGV, "on signal 11"}, {syscall.SIGABRT, "on signal 6"}} {
		worker := s.worker(master)
		assert.Equal(t, "x", answerOf(t, local(p["Plain"])))
		s.kill(worker, end.sig)
		alert := fmt.Sprintf("[alert] %d#%[1]d: worker process %d exited %s", master, worker, end.text)
		s.eventually(alert, func() bool { return s.logged(alert) == 1 })
		assert.Equal(t, "x", answerOf(t, local(p["Plain"])))
		assert.Equal(t, i+2, s.logged("start worker process "))
	}
}

// TestWorkerCannotBegin ends a worker while the next one lacks something: it is
// tried again until that is there.
func TestWorkerCannotBegin(t *testing.T) {
	p := takePorts(t, "Plain")
	s := newService(t, fmt.Sprintf(head+`events { } stream { log_format basic "served"; access_log DIR/logs/access.log basic;
server { listen %d; return x; } }`, p["Plain"]), binary(t))
	require.NoError(t, os.Mkdir(s.file("logs"), 0o755))
	master := s.start()
	worker := s.worker(master)
	assert.Equal(t, "x", answerOf(t, local(p["Plain"])))
	require.NoError(t, os.Rename(s.file("logs"), s.file("gone")))
	s.kill(worker, syscall.SIGKILL)
	failure := `open() "` + s.file("logs/access.log") + `" failed (2: No such file or directory)`
	s.eventually("more than one try", func() bool { return s.logged(failure) > 1 })
	require.NoError(t, os.Rename(s.file("gone"), s.file("logs")))
	assert.Equal(t, "x", answerOf(t, local(p["Plain"])))
	assert.NotContains(t, s.log(), "cannot be respawned")
}

// TestMasterCrash ends the master by force: the worker goes on, as nginx's.
func TestMasterCrash(t *testing.T) {
	p := takePorts(t, "Plain")
	s := newService(t, fmt.Sprintf(head+"events { } stream { server { listen %d; return x; } }", p["Plain"]), binary(t))
	master := s.start()
	worker := s.worker(master)
	assert.Equal(t, "x", answerOf(t, local(p["Plain"])))
	s.kill(master, syscall.SIGKILL)
	s.eventually("end of the master", func() bool { return !alive(master) })
	assert.Equal(t, "x", answerOf(t, local(p["Plain"])))
	s.kill(worker, syscall.SIGQUIT)
	s.eventually("end of the worker", func() bool { return !alive(worker) })
	require.NoError(t, os.Remove(s.file("nginx.pid")))
}

// TestDiskFull serves while nothing can be logged.
func TestDiskFull(t *testing.T) {
	p := takePorts(t, "Plain")
	s := newService(t, fmt.Sprintf(head+`events { } stream { log_format basic "served"; access_log /dev/full basic;
server { listen %d; proxy_pass 127.0.0.1:%d; } }`, p["Plain"], startEcho(t)), binary(t))
	s.worker(s.start())
	load := startChurn(t, 4, local(p["Plain"]))
	load.more(t, 200)
	assert.Empty(t, load.stop())
	assert.Equal(t, 1, s.logged(`[alert]`), "once a minute")
	assert.Contains(t, s.log(), `write() to "/dev/full" failed (28: No space left on device)`)
}

// TestReopenFails reopens logs whose folder is gone: each process says so, once
// for a file, and goes on with the old ones.
func TestReopenFails(t *testing.T) {
	p := takePorts(t, "Plain")
	s := newService(t, fmt.Sprintf(`pid DIR/nginx.pid; error_log DIR/logs/error.log notice; events { } stream { log_format basic "served";
access_log DIR/logs/access.log basic; server { listen %d; return x; } }`, p["Plain"]), binary(t))
	require.NoError(t, os.Mkdir(s.file("logs"), 0o755))
	master := s.start()
	s.worker(master)
	assert.Equal(t, "x", answerOf(t, local(p["Plain"])))
	require.NoError(t, os.Rename(s.file("logs"), s.file("moved")))
	s.kill(master, syscall.SIGUSR1)
	text := func() string {
		text, _ := os.ReadFile(s.file("moved/error.log"))
		return string(text)
	}
	for _, name := range []string{"access.log", "error.log"} {
		failure := fmt.Sprintf(`: open() "%s" failed (2: No such file or directory)`, s.file("logs/"+name))
		s.eventually("two processes that miss "+name, func() bool { return strings.Count(text(), failure) == 2 })
	}
	assert.Equal(t, "x", answerOf(t, local(p["Plain"])))
	assert.Equal(t, 4, strings.Count(text(), "[emerg]"), text())
}

// TestLogrotate lets the system's logrotate move the logs away under load: each
// exchange is in one of the files.
func TestLogrotate(t *testing.T) {
	logrotate := need(t, "logrotate", "/usr/sbin")
	p := takePorts(t, "Plain")
	s := newService(t, fmt.Sprintf(head+`events { } stream { log_format basic "served"; access_log DIR/access.log basic;
server { listen %d; proxy_pass 127.0.0.1:%d; } }`, p["Plain"], startEcho(t)), binary(t))
	const rotations = 3
	require.NoError(t, os.WriteFile(s.file("rotate"), []byte(strings.ReplaceAll(fmt.Sprintf(`DIR/access.log DIR/error.log {
	rotate %d
	create
	sharedscripts
	postrotate
		kill -USR1 $(cat DIR/nginx.pid)
	endscript
}`, rotations), "DIR", s.dir)), 0o644))
	s.worker(s.start())
	load := startChurn(t, 4, local(p["Plain"]))
	for i := range rotations {
		load.more(t, 50)
		out, err := exec.Command(logrotate, "--force", "--state", s.file("state"), s.file("rotate")).CombinedOutput()
		require.NoError(t, err, "%s", out)
		s.eventually("lines in the new log", func() bool {
			info, err := os.Stat(s.file("access.log"))
			return err == nil && info.Size() > 0
		})
		assert.FileExists(t, s.file(fmt.Sprintf("access.log.%d", i+1)))
	}
	load.more(t, 50)
	assert.Empty(t, load.stop())
	s.eventually("a line for each exchange", func() bool {
		lines := 0
		for _, name := range []string{"access.log", "access.log.1", "access.log.2", "access.log.3"} {
			text, _ := os.ReadFile(s.file(name))
			lines += strings.Count(string(text), "served\n")
		}
		return lines == int(load.count.Load())
	})
}
