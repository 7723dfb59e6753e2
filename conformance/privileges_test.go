//go:build linux

package conformance

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// status returns the lines of /proc/PID/task/*/status with a name: one for each
// thread.
func status(t *testing.T, pid int, name string) (values []string) {
	t.Helper()
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	require.NoError(t, err)
	for _, file := range files {
		text, _ := os.ReadFile(file)
		for line := range strings.Lines(string(text)) {
			if value, ok := strings.CutPrefix(line, name+":"); ok {
				values = append(values, strings.Join(strings.Fields(value), " "))
			}
		}
	}
	require.NotEmpty(t, values)
	return values
}

// filesOf are the names of what a process has open.
func filesOf(t *testing.T, pid int) (names []string) {
	t.Helper()
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, f := range files {
		name, _ := os.Readlink(filepath.Join(dir, f.Name()))
		names = append(names, name)
	}
	return names
}

func root(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs the rights of root")
	}
}

// TestWorkerRights looks at what a worker may do, thread by thread, and at what
// it has nevertheless: files of root.
func TestWorkerRights(t *testing.T) {
	root(t)
	p := takePorts(t, "Plain")
	s := newService(t, fmt.Sprintf(head+`user daemon nogroup; events { }
stream { log_format basic "served"; access_log DIR/private/access.log basic; server { listen %d; return x; } }`, p["Plain"]), binary(t))
	require.NoError(t, os.Mkdir(s.file("private"), 0o700))
	master := s.start()
	worker := s.worker(master)
	assert.Equal(t, "nginx: worker process", title(worker))
	assert.True(t, strings.HasPrefix(title(master), "nginx: master process "+s.program+" -p "), title(master))
	assert.Equal(t, "x", answerOf(t, local(p["Plain"])))
	for name, want := range map[string]string{
		"Uid": "1 1 1 1", "Gid": "65534 65534 65534 65534", "Groups": "65534",
		"CapEff": "0000000000000000", "CapPrm": "0000000000000000",
	} {
		for _, value := range status(t, worker, name) {
			assert.Equal(t, want, value, name)
		}
	}
	assert.Equal(t, "0 0 0 0", status(t, master, "Uid")[0])
	for _, pid := range []int{master, worker} {
		assert.NotContains(t, filesOf(t, pid), s.file("left-open"))
	}
	s.eventually("a line in the log of root", func() bool {
		text, _ := os.ReadFile(s.file("private/access.log"))
		return string(text) == "served\n"
	})
}

// TestTransparentCapability looks at what proxy_bind needs besides: CAP_NET_RAW,
// in all threads, and nothing else.
func TestTransparentCapability(t *testing.T) {
	root(t)
	if raceDetector || *serverFlag != "" {
		t.Skip("needs a binary built without cgo")
	}
	p := takePorts(t, "Plain")
	s := newService(t, fmt.Sprintf(head+`user daemon; events { }
stream { server { listen %d; proxy_bind $remote_addr transparent; proxy_pass 127.0.0.1:%d; } }`, p["Plain"], startEcho(t)), binary(t))
	worker := s.worker(s.start())
	require.NoError(t, once(local(p["Plain"])))
	for _, name := range []string{"CapEff", "CapPrm"} {
		for _, value := range status(t, worker, name) {
			assert.Equal(t, "0000000000002000", value, name)
		}
	}
	assert.Equal(t, "1 1 1 1", status(t, worker, "Uid")[0])
}

// TestWorkerSettings looks at limits, priority, folder and environment.
func TestWorkerSettings(t *testing.T) {
	root(t)
	s := newService(t, head+`user daemon; worker_rlimit_nofile 1234; worker_rlimit_core 5k; worker_priority 3;
worker_cpu_affinity 1; working_directory /usr; env GIVEN=value; env KEPT; events { } stream { server { listen unix:DIR/socket; return x; } }`, binary(t))
	t.Setenv("KEPT", "too")
	t.Setenv("DROPPED", "yes")
	t.Setenv("GOSTREAM_PROCESS_NAME", "balancer")
	master := s.start()
	var worker int
	s.eventually("a worker", func() bool {
		pids := s.workers(master)
		if len(pids) == 1 {
			worker = pids[0]
		}
		return worker > 0 && once(s.file("socket")) != nil // it answers with another text
	})
	s.known = append(s.known, worker)
	assert.Equal(t, "balancer: worker process", title(worker))
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", worker))
	require.NoError(t, err)
	assert.Regexp(t, `Max open files +1234 +1234 `, string(limits))
	assert.Regexp(t, `Max core file size +5120 +5120 `, string(limits))
	for _, cpus := range status(t, worker, "Cpus_allowed_list") {
		assert.Equal(t, "0", cpus)
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", worker))
	require.NoError(t, err)
	const nice = 18 - 2 // behind the name
	_, fields, _ := strings.Cut(string(stat), ") ")
	assert.Equal(t, "3", strings.Fields(fields)[nice-1+1])
	dir, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", worker))
	require.NoError(t, err)
	assert.Equal(t, "/usr", dir)
	environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", worker))
	require.NoError(t, err)
	assert.Contains(t, string(environ), "GIVEN=value\x00")
	assert.Contains(t, string(environ), "KEPT=too\x00")
	assert.NotContains(t, string(environ), "DROPPED")
}

// TestLogsBelongToWorkers reopens logs: their owner is who has to reopen them.
func TestLogsBelongToWorkers(t *testing.T) {
	root(t)
	p := takePorts(t, "Plain")
	s := newService(t, fmt.Sprintf(head+`user daemon; events { } stream { log_format basic "served"; access_log DIR/logs/access.log basic;
server { listen %d; return x; } }`, p["Plain"]), binary(t))
	require.NoError(t, os.Mkdir(s.file("logs"), 0o755))
	master := s.start()
	s.worker(master)
	owner := func(name string) uint32 {
		var info syscall.Stat_t
		_ = syscall.Stat(s.file(name), &info)
		return info.Uid
	}
	assert.Zero(t, owner("logs/access.log"))
	require.NoError(t, os.Rename(s.file("logs/access.log"), s.file("logs/access.log.1")))
	s.kill(master, syscall.SIGUSR1)
	s.eventually("two processes that reopen", func() bool { return s.logged("] reopening logs")+s.logged(": reopening logs") >= 2 })
	assert.EqualValues(t, 1, owner("logs/access.log"))
	assert.EqualValues(t, 1, owner("error.log"))
	assert.Equal(t, "x", answerOf(t, local(p["Plain"])))
	s.eventually("a line in the new log", func() bool {
		text, _ := os.ReadFile(s.file("logs/access.log"))
		return string(text) == "served\n"
	})
	assert.NotContains(t, s.log(), "[emerg]")
}

// TestShutdownTimeout cuts a session off that will not end.
func TestShutdownTimeout(t *testing.T) {
	p := takePorts(t, "Plain")
	s := newService(t, fmt.Sprintf(head+"worker_shutdown_timeout 50ms; events { } stream { server { listen %d; proxy_pass 127.0.0.1:%d; } }",
		p["Plain"], startEcho(t)), binary(t))
	master := s.start()
	c, err := net.Dial("tcp", local(p["Plain"]))
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, exchange(c))
	s.kill(master, syscall.SIGHUP)
	assert.Error(t, exchangeUntilError(c))
	s.worker(master)
}

func exchangeUntilError(c net.Conn) error {
	for {
		if err := exchange(c); err != nil {
			return err
		}
	}
}
