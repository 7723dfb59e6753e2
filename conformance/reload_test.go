//go:build linux

package conformance

import (
	"flag"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var reloadsFlag = flag.Int("reloads", 25, "`number` of reloads under load")

// TestReloads reloads again and again while clients come and go and others stay:
// nobody may notice, and nothing may be left behind.
func TestReloads(t *testing.T) {
	const longSessions = 200
	p := takePorts(t, "Plain", "Shared")
	s := newService(t, fmt.Sprintf(head+`worker_processes 2; events { worker_connections 4096; }
stream {
	server { listen %d; proxy_pass 127.0.0.1:%d; }
	server { listen %d reuseport; listen unix:DIR/socket; proxy_pass 127.0.0.1:%[2]d; }
}`, p["Plain"], startEcho(t), p["Shared"]), binary(t))
	master := s.start()
	addresses := []string{local(p["Plain"]), local(p["Shared"]), s.file("socket")}

	long := make([]net.Conn, longSessions)
	for i := range long {
		c, err := net.Dial("tcp", local(p["Plain"]))
		require.NoError(t, err)
		defer c.Close()
		require.NoError(t, exchange(c))
		long[i] = c
	}
	load := startChurn(t, 2, addresses...)
	first := s.worker(master)
	reload := func() {
		before := s.logged("start worker process ")
		s.kill(master, syscall.SIGHUP)
		s.eventually("a new worker", func() bool { return s.logged("start worker process ") > before })
		s.eventually("two workers", func() bool { return len(s.workers(master)) == 2 })
		load.more(t, 10)
	}
	for range 5 {
		reload()
	}
	before := usageOf(t, master)
	for range *reloadsFlag {
		reload()
	}
	for _, c := range long {
		assert.NoError(t, exchange(c), "a session that lasts")
		c.Close()
	}
	s.eventually("end of the first worker", func() bool { return !alive(first) })
	assert.Empty(t, load.stop())
	t.Logf("%d exchanges", load.count.Load())

	last := s.worker(master)
	after := usageOf(t, master)
	assert.LessOrEqual(t, after.descriptors, before.descriptors)
	t.Logf("memory of the master: %d kB, then %d kB", before.memory, after.memory)
	allowed := 8 << 10 // kB, for the garbage of a reload
	if raceDetector {
		allowed *= 4
	}
	assert.Less(t, after.memory, before.memory+allowed)
	s.eventually("end of all sessions", func() bool { return usageOf(t, last).sockets <= usageOf(t, master).sockets+1 })
	for _, bad := range []string{"[alert]", "[emerg]", "[crit]", "[error]"} {
		assert.NotContains(t, s.log(), bad)
	}
}

// usage is what a process needs.
type usage struct {
	descriptors, sockets int
	memory               int // kB
}

func usageOf(t *testing.T, pid int) (u usage) {
	t.Helper()
	files := filesOf(t, pid)
	u.descriptors = len(files)
	for _, name := range files {
		if strings.HasPrefix(name, "socket:") {
			u.sockets++
		}
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	require.NoError(t, err)
	_, rss, _ := strings.Cut(string(status), "VmRSS:")
	_, _ = fmt.Sscanf(rss, "%d", &u.memory)
	return u
}

// TestFailedReload tries configurations that cannot be gone over to: the service
// goes on, and the log says why.
func TestFailedReload(t *testing.T) {
	p := takePorts(t, "Good", "Taken")
	taken, err := net.Listen("tcp", local(p["Taken"]))
	require.NoError(t, err)
	defer taken.Close()
	good := fmt.Sprintf(head+"events { } stream { server { listen %d; return good; } }", p["Good"])
	s := newService(t, good, binary(t))
	master := s.start()
	worker := s.worker(master)
	for _, tt := range []struct{ conf, want string }{
		{"nonsense;", `unknown directive "nonsense" in ` + s.dir + "/nginx.conf:1"},
		{fmt.Sprintf(head+"events { } stream { server { listen 127.0.0.1:%d; return bad; } }", p["Taken"]), "still could not bind()"},
		{strings.Replace(good, "stream {", "stream { access_log DIR/none/a.log basic; log_format basic x;", 1), `unknown log format "basic"`},
		{strings.Replace(good, "stream {", "stream { log_format basic x; access_log DIR/none/a.log basic;", 1), `open() "` + s.dir + `/none/a.log" failed`},
		{strings.Replace(good, "DIR/error.log", "DIR/none/error.log", 1), `open() "` + s.dir + `/none/error.log" failed`},
		{strings.Replace(good, "DIR/nginx.pid", "DIR/none/nginx.pid", 1), `open() "` + s.dir + `/none/nginx.pid" failed`},
		{"working_directory DIR/none;" + good, `[alert] ` + fmt.Sprint(master, "#", master) + `: chdir("` + s.dir + `/none") failed`},
		{"user nobody none_such_group;" + good, `getgrnam("none_such_group") failed`},
	} {
		s.configure(tt.conf)
		s.kill(master, syscall.SIGHUP)
		s.eventually(tt.want, func() bool { return s.logged(tt.want) > 0 })
		s.eventually("the worker of before", func() bool { w := s.workers(master); return len(w) == 1 && w[0] == worker })
		assert.Equal(t, "good", answerOf(t, local(p["Good"])), tt.want)
		assert.Equal(t, master, s.pid("nginx.pid"))
	}
	s.configure(strings.Replace(good, "return good", "return better", 1))
	s.kill(master, syscall.SIGHUP)
	s.eventually("the next reload that is right", func() bool { return answerOf(t, local(p["Good"])) == "better" })
}
