//go:build unix

package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/process"
)

const patience = 20 * time.Second

// eventually waits for something to become true.
func (f *folder) eventually(what string, ok func() bool) {
	f.t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			log, _ := os.ReadFile(f.file("e.log"))
			require.FailNow(f.t, "waited in vain: "+what, "%s", log)
		}
	}
}

// logged waits until the log has a line with the text.
func (f *folder) logged(text string) {
	f.t.Helper()
	f.eventually(text, func() bool {
		log, _ := os.ReadFile(f.file("e.log"))
		return bytes.Contains(log, []byte(text))
	})
}

// exists reports whether there is a file with something in it.
func (f *folder) exists(name string) bool {
	info, err := os.Stat(f.file(name))
	return err == nil && info.Size() > 0
}

// answer connects to a socket in the folder and reads all that comes.
func (f *folder) answer(socket string) string {
	f.t.Helper()
	c, err := net.Dial("unix", f.file(socket))
	require.NoError(f.t, err)
	defer c.Close()
	text, err := io.ReadAll(c)
	require.NoError(f.t, err)
	return string(text)
}

// foreground starts gostream and waits until it serves.
func (f *folder) foreground(args ...string) *exec.Cmd {
	f.t.Helper()
	c := f.start(args...)
	f.logged("start worker process ")
	require.Empty(f.t, f.read("stderr"))
	return c
}

// alone is foreground for a process without a master. It waits until signals are
// taken.
func (f *folder) alone() *exec.Cmd {
	f.t.Helper()
	c := f.start("-g", "daemon off; master_process off;")
	f.eventually("a pid file", func() bool { return f.exists("a.pid") })
	return c
}

// start starts gostream. It is killed at the end of the test, unless it has
// ended.
func (f *folder) start(args ...string) *exec.Cmd {
	f.t.Helper()
	c := f.command(append([]string{"-p", "DIR", "-c", "a.conf", "-e", "boot.log"}, args...)...)
	stderr, err := os.Create(f.file("stderr"))
	require.NoError(f.t, err)
	defer stderr.Close()
	c.Stderr = stderr
	require.NoError(f.t, c.Start())
	f.t.Cleanup(func() {
		if c.Process.Signal(syscall.SIGTERM) == nil { // it takes its worker along
			_ = c.Wait()
		}
	})
	return c
}

func send(t *testing.T, c *exec.Cmd, a process.Action) {
	t.Helper()
	require.NoError(t, c.Process.Signal(process.SignalFor(a).Number))
}

const liveConf = `pid a.pid; error_log e.log notice;
events { }
stream { server { listen unix:DIR/a.sock; return one; } }
`

// aloneLines are what one process logs at start, and startLines what a master does.
const (
	aloneLines = `LOG [notice] using the "epoll" event method
LOG [notice] nginx/1.31.5 (gostream dev)
LOG [notice] built by GO
LOG [notice] OS: SYSTEM
LOG [notice] getrlimit(RLIMIT_NOFILE): LIMIT
`
	startLines = aloneLines + `LOG [notice] start worker processes
LOG [notice] start worker process PID
`
)

// log is what a process has logged, with PID for process ids and so on.
func (f *folder) log(name string, pid int) string {
	f.t.Helper()
	text, err := os.ReadFile(f.file(name))
	require.NoError(f.t, err)
	own, id := "", " "+strconv.Itoa(pid)+"#"
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, id) {
			own += line
		}
	}
	soft, hard, _ := process.FileLimit()
	own = regexp.MustCompile(`(process|from) \d+`).ReplaceAllString(own, "$1 PID")
	return f.plain(strings.NewReplacer(
		`"`+nativeMethod()+`"`, `"epoll"`, runtime.Version(), "GO", process.System(), "SYSTEM",
		limitText(soft)+":"+limitText(hard), "LIMIT",
	).Replace(own))
}

// workers are the process ids of the workers that have been started.
func (f *folder) workers() (pids []int) {
	f.t.Helper()
	text, err := os.ReadFile(f.file("e.log"))
	require.NoError(f.t, err)
	for _, found := range regexp.MustCompile(`start worker process (\d+)`).FindAllSubmatch(text, -1) {
		pid, _ := strconv.Atoi(string(found[1]))
		pids = append(pids, pid)
	}
	return pids
}

func TestSignals(t *testing.T) {
	f := newFolder(t, "a.conf", liveConf)
	c := f.foreground("-g", "daemon off;")
	assert.Equal(t, strconv.Itoa(c.Process.Pid)+"\n", f.read("a.pid"))
	assert.Equal(t, "one", f.answer("a.sock"))

	f.write("a.conf", strings.Replace(liveConf, "return one", "return two", 1))
	send(t, c, process.Reload)
	f.eventually("the new answer", func() bool { return f.answer("a.sock") == "two" })
	f.logged("exited with code 0")

	f.write("a.conf", "foo bar;")
	send(t, c, process.Reload)
	f.logged("unknown directive")
	assert.Equal(t, "two", f.answer("a.sock"), "all or nothing")

	send(t, c, process.Upgrade)
	f.logged(", ignoring")
	send(t, c, process.Quit)
	require.NoError(t, c.Wait())
	assert.NoFileExists(t, f.file("a.pid"))
	assert.Empty(t, f.read("boot.log"))
	assert.Equal(t, startLines+`LOG [notice] signal 1 (SIGHUP) received, reconfiguring
LOG [notice] reconfiguring
LOG [notice] using the "epoll" event method
LOG [notice] start worker processes
LOG [notice] start worker process PID
LOG [notice] signal 17 (SIGCHLD) received from PID
LOG [notice] worker process PID exited with code 0
LOG [notice] signal 1 (SIGHUP) received, reconfiguring
LOG [notice] reconfiguring
LOG [emerg] unknown directive "foo" in DIR/a.conf:1
LOG [notice] signal 12 (SIGUSR2) received, ignoring
LOG [crit] the changing binary signal is ignored: you should shutdown or terminate before either old or new binary's process
LOG [notice] signal 3 (SIGQUIT) received, shutting down
LOG [notice] signal 17 (SIGCHLD) received from PID
LOG [notice] worker process PID exited with code 0
LOG [notice] exit
`, f.log("e.log", c.Process.Pid))
	for _, pid := range f.workers() {
		assert.Equal(t, "LOG [notice] gracefully shutting down\nLOG [notice] exiting\nLOG [notice] exit\n", f.log("e.log", pid))
	}
}

// TestAlone shows what is logged where there is no worker.
func TestAlone(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		f := newFolder(t, "a.conf", liveConf)
		c := f.alone()
		require.NoError(t, c.Process.Signal(sig))
		require.NoError(t, c.Wait())
		name := process.SignalOf(sig).Name
		assert.Equal(t, aloneLines+"LOG [notice] signal "+strconv.Itoa(int(sig))+" ("+name+") received, exiting\n"+
			"LOG [notice] exit\n", f.log("e.log", c.Process.Pid))
		assert.NoFileExists(t, f.file("a.pid"))
	}

	f := newFolder(t, "a.conf", liveConf)
	c := f.alone()
	send(t, c, process.Reload)
	f.logged(": reconfiguring\n")
	send(t, c, process.Upgrade)
	f.logged("is ignored")
	send(t, c, process.Quit)
	require.NoError(t, c.Wait())
	assert.Equal(t, aloneLines+`LOG [notice] signal 1 (SIGHUP) received, reconfiguring
LOG [notice] reconfiguring
LOG [notice] using the "epoll" event method
LOG [notice] signal 12 (SIGUSR2) received, ignoring
LOG [crit] the changing binary signal is ignored: you should shutdown or terminate before either old or new binary's process
LOG [notice] signal 3 (SIGQUIT) received, shutting down
LOG [notice] exit
`, f.log("e.log", c.Process.Pid))
}

// TestQuitWaits shows that a graceful stop waits for sessions, and that a second
// signal ends the wait.
func TestQuitWaits(t *testing.T) {
	f := newFolder(t, "a.conf", strings.Replace(liveConf, "return one", "proxy_pass unix:DIR/back.sock", 1))
	back, err := net.Listen("unix", f.file("back.sock"))
	require.NoError(t, err)
	defer back.Close()
	require.NoError(t, os.Chmod(f.file("back.sock"), 0o777))
	c := f.foreground("-g", "daemon off;")
	client, err := net.Dial("unix", f.file("a.sock"))
	require.NoError(t, err)
	defer client.Close()
	server, err := back.Accept()
	require.NoError(t, err)
	defer server.Close()

	send(t, c, process.Quit)
	f.logged("gracefully shutting down")
	_, err = server.Write([]byte("still there"))
	require.NoError(t, err)
	got := make([]byte, len("still there"))
	_, err = io.ReadFull(client, got)
	require.NoError(t, err)
	assert.Equal(t, "still there", string(got))

	send(t, c, process.Stop)
	require.NoError(t, c.Wait())
	_, err = client.Read(got)
	assert.Error(t, err, "the session was cut off")
}

func TestReopen(t *testing.T) {
	f := newFolder(t, "a.conf", liveConf)
	c := f.foreground("-g", "daemon off;")
	require.NoError(t, os.Rename(f.file("e.log"), f.file("old.log")))
	send(t, c, process.Reopen)
	f.eventually("a new log", func() bool { _, err := os.Stat(f.file("e.log")); return err == nil })
	send(t, c, process.Quit)
	require.NoError(t, c.Wait())
	assert.Contains(t, f.read("old.log"), "LOG [notice] signal 10 (SIGUSR1) received, reopening logs\nLOG [notice] reopening logs\n")
	assert.Contains(t, f.read("e.log"), "LOG [notice] signal 3 (SIGQUIT) received, shutting down\n")
}

// TestReloadMoves moves the pid file, the log and the socket.
func TestReloadMoves(t *testing.T) {
	f := newFolder(t, "a.conf", liveConf)
	c := f.foreground("-g", "daemon off;")
	f.write("a.conf", strings.NewReplacer("a.pid", "b.pid", "e.log", "f.log", "a.sock", "b.sock").Replace(liveConf))
	send(t, c, process.Reload)
	f.eventually("a new pid file", func() bool { return f.exists("b.pid") })
	f.eventually("no old pid file", func() bool { return !f.exists("a.pid") })
	assert.Equal(t, "one", f.answer("b.sock"))
	send(t, c, process.Stop)
	require.NoError(t, c.Wait())
	assert.NotContains(t, f.read("e.log"), "SIGTERM")
	assert.Contains(t, f.read("f.log"), "signal 15 (SIGTERM) received, exiting\n")
	assert.NoFileExists(t, f.file("b.pid"))
}

func TestDebugLevel(t *testing.T) {
	f := newFolder(t, "a.conf", strings.Replace(liveConf, "notice", "debug", 1))
	c := f.foreground("-g", "daemon off;")
	f.logged("[debug]")
	send(t, c, process.Stop)
	require.NoError(t, c.Wait())
}

// TestStandardErrorGoesToTheLog unless a log is there.
func TestStandardErrorGoesToTheLog(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("looks into /proc")
	}
	stderr := func(pid int) string {
		name, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/fd/2")
		require.NoError(t, err)
		return filepath.Base(name)
	}
	f := newFolder(t, "a.conf", liveConf)
	c := f.foreground("-g", "daemon off;")
	assert.Equal(t, "e.log", stderr(f.workers()[0]))
	f.eventually("redirection in the master", func() bool { return stderr(c.Process.Pid) == "e.log" })

	f = newFolder(t, "a.conf", strings.Replace(liveConf, "return", "error_log stderr; return", 1))
	f.foreground("-g", "daemon off;")
	assert.NotEqual(t, "e.log", stderr(f.workers()[0]))
}

func TestDaemon(t *testing.T) {
	f := newFolder(t, "a.conf", strings.Replace(liveConf, "return", "listen unix:DIR/b.sock; return", 1))
	args := []string{"-p", "DIR", "-c", "a.conf", "-e", "boot.log"}
	require.Equal(t, outcome{}, f.run(args...))
	assert.Equal(t, "one", f.answer("a.sock"), "serves when the command returns")
	pid, err := strconv.Atoi(strings.TrimSpace(f.read("a.pid")))
	require.NoError(t, err)
	t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGTERM) })
	if runtime.GOOS == "linux" {
		session, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		require.NoError(t, err)
		_, fields, _ := strings.Cut(string(session), ") ")
		assert.Equal(t, strconv.Itoa(pid), strings.Fields(fields)[3], "leads a session")
	}

	second := f.run(append(args, "-g", "daemon on;")...)
	assert.Equal(t, 1, second.code)
	const busy = "nginx: [emerg] bind() to unix:DIR/%s.sock failed (98: Address already in use)\n"
	assert.Equal(t, strings.Repeat(fmt.Sprintf(busy+busy, "a", "b"), 5)+"nginx: [emerg] still could not bind()\n", second.stderr)
	assert.Equal(t, outcome{"", "nginx: the configuration file DIR/a.conf syntax is ok\n" +
		"nginx: configuration file DIR/a.conf test is successful\n", 0}, f.run(append(args, "-t")...), "while the other has the address")
	f.write("b.conf", "pid b.pid; events { worker_connections 1; } stream { server { listen unix:DIR/a.sock; return x; } }")
	assert.Equal(t, outcome{"", "nginx: the configuration file DIR/b.conf syntax is ok\n" +
		"nginx: [emerg] 1 worker_connections are not enough for 1 listening sockets\n" +
		"nginx: configuration file DIR/b.conf test failed\n", 1}, f.run("-p", "DIR", "-c", "b.conf", "-e", "boot.log", "-t"))

	assert.Equal(t, outcome{}, f.run(append(args, "-s", "reload")...))
	f.logged("reconfiguring")
	assert.Equal(t, outcome{}, f.run(append(args, "-s", "stop")...))
	f.logged("[notice] " + strconv.Itoa(pid) + "#" + strconv.Itoa(pid) + ": exit\n")
	assert.NoFileExists(t, f.file("a.pid"))
	assert.Equal(t, 2, strings.Count(f.read("boot.log"), "signal process started"))
}

func TestDaemonFails(t *testing.T) {
	f := newFolder(t, "a.conf", "foo;")
	assert.Equal(t, outcome{"", `nginx: [emerg] unknown directive "foo" in DIR/a.conf:1` + "\n", 1},
		f.run("-p", "DIR", "-c", "a.conf", "-e", "boot.log"))
	f.write("a.conf", "events { } error_log e.log; pid none/a.pid;")
	assert.Equal(t, outcome{"", `nginx: [emerg] open() "DIR/none/a.pid" failed (2: No such file or directory)` + "\n", 1},
		f.run("-p", "DIR", "-c", "a.conf", "-e", "boot.log"))
}

func TestProcessSetup(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("looks into /proc")
	}
	f := newFolder(t, "a.conf", "worker_rlimit_nofile 1234; worker_priority 3; worker_cpu_affinity 1; working_directory DIR/none;\n"+liveConf)
	got := f.run("-p", "DIR", "-c", "a.conf", "-e", "stderr", "-g", "daemon off;")
	got.stderr = regexp.MustCompile(`process \d+`).ReplaceAllString(got.stderr, "process PID")
	assert.Equal(t, outcome{"", `nginx: [alert] chdir("DIR/none") failed (2: No such file or directory)` + "\n" +
		"nginx: [alert] worker process PID exited with fatal code 2 and cannot be respawned\n", 2}, got)
	assert.NoFileExists(t, f.file("a.sock"))

	f.write("none/x", "")
	require.NoError(t, os.Remove(f.file("e.log")))
	c := f.foreground("-g", "daemon off;")
	assert.Equal(t, "one", f.answer("a.sock"))
	proc := "/proc/" + strconv.Itoa(f.workers()[0])
	dir, err := os.Readlink(proc + "/cwd")
	require.NoError(t, err)
	assert.Equal(t, f.file("none"), dir)
	limits, err := os.ReadFile(proc + "/limits")
	require.NoError(t, err)
	assert.Regexp(t, `Max open files +1234 +1234 `, string(limits))
	status, err := os.ReadFile(proc + "/status")
	require.NoError(t, err)
	assert.Regexp(t, `Cpus_allowed_list:\t0\n`, string(status))
	send(t, c, process.Stop)
	require.NoError(t, c.Wait())
}

// TestFailedStartCleansUp: a start that fails with its sockets open leaves no
// unix socket in the way of the next.
func TestFailedStartCleansUp(t *testing.T) {
	f := newFolder(t, "a.conf", strings.Replace(liveConf, "a.pid", "none/a.pid", 1))
	for range 2 {
		assert.Equal(t, outcome{"", `nginx: [emerg] open() "DIR/none/a.pid" failed (2: No such file or directory)` + "\n", 1},
			f.run("-p", "DIR", "-c", "a.conf", "-e", "boot.log", "-g", "daemon off;"))
		assert.NoFileExists(t, f.file("a.sock"))
	}
}
