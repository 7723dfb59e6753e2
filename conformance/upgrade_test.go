//go:build linux

package conformance

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// streamModule is where Debian's nginx has its stream module.
const streamModule = "/usr/lib/nginx/modules/ngx_stream_module.so"

// nginxProgram is the nginx of the system.
func nginxProgram(t *testing.T) string {
	t.Helper()
	program := need(t, "nginx", "/usr/sbin")
	if _, err := os.Stat(streamModule); err != nil {
		t.Skip("nginx has no stream module")
	}
	return program
}

// upgrade is a service whose program is about to be replaced, with clients.
type upgrade struct {
	*service
	old, new int // masters
	load     *churn
	long     []net.Conn
	version  string // address that tells the version of who answers
}

// TestUpgrade replaces the running program by another with nginx's procedure,
// between gostream and nginx in all directions, and back. Clients do not notice.
func TestUpgrade(t *testing.T) {
	for _, tt := range []struct {
		name     string
		from, to func(*testing.T) string
	}{
		{"gostream to gostream", binary, binary},
		{"nginx to gostream", nginxProgram, binary},
		{"gostream to nginx", binary, nginxProgram},
	} {
		t.Run(tt.name, func(t *testing.T) { beginUpgrade(t, tt.from(t), tt.to(t)).complete() })
		t.Run(tt.name+" and back", func(t *testing.T) { beginUpgrade(t, tt.from(t), tt.to(t)).backOut() })
	}
}

// beginUpgrade brings a service to where the masters of both programs run.
func beginUpgrade(t *testing.T, from, to string) *upgrade {
	t.Helper()
	p := takePorts(t, "Plain", "Shared", "Version")
	module := ""
	if _, err := os.Stat(streamModule); err == nil {
		module = "load_module " + streamModule + ";\n"
	}
	u := &upgrade{version: local(p["Version"])}
	u.service = newService(t, fmt.Sprintf(module+head+`worker_processes 2; events { worker_connections 4096; }
stream {
	server { listen %d; proxy_pass 127.0.0.1:%d; }
	server { listen 127.0.0.1:%d reuseport; listen unix:DIR/socket; proxy_pass 127.0.0.1:%[2]d; }
	server { listen %[4]d; return $nginx_version; }
}`, p["Plain"], startEcho(t), p["Shared"], p["Version"]), from)
	u.old = u.start()
	for range 20 {
		c, err := net.Dial("tcp", local(p["Plain"]))
		require.NoError(t, err)
		t.Cleanup(func() { c.Close() })
		require.NoError(t, exchange(c))
		u.long = append(u.long, c)
	}
	u.load = startChurn(t, 2, local(p["Plain"]), local(p["Shared"]), u.file("socket"))
	u.load.more(t, 50)

	u.install(to)
	u.kill(u.old, syscall.SIGUSR2)
	u.eventually("a new master", func() bool {
		u.new = u.pid("nginx.pid")
		return u.new > 0 && u.new != u.old && u.pid("nginx.pid.oldbin") == u.old
	})
	u.eventually("workers of the new master", func() bool { return len(u.workers(u.new)) > 0 })
	assert.Contains(t, title(u.new), "nginx: master process "+u.program)
	u.load.more(t, 50)

	u.kill(u.old, syscall.SIGWINCH)
	u.eventually("only the new program answers", func() bool {
		u.load.more(t, 10)
		return u.logged("gracefully shutting down") > 0 && u.allQuitting(u.old)
	})
	u.load.more(t, 50)
	return u
}

// allQuitting reports whether all workers of a master only finish what they have.
func (u *upgrade) allQuitting(master int) bool {
	for _, pid := range u.workers(master) {
		if title(pid) != "nginx: worker process is shutting down" {
			return false
		}
	}
	return true
}

// complete ends the old program.
func (u *upgrade) complete() {
	u.kill(u.old, syscall.SIGQUIT)
	for _, c := range u.long {
		assert.NoError(u.t, exchange(c), "a session of the old program")
		c.Close()
	}
	u.eventually("end of the old master", func() bool { return !alive(u.old) })
	assert.NoFileExists(u.t, u.file("nginx.pid.oldbin"))
	assert.Equal(u.t, u.new, u.pid("nginx.pid"))
	u.finish(u.new)
}

// backOut ends the new program.
func (u *upgrade) backOut() {
	before := u.logged("start worker process ")
	u.kill(u.old, syscall.SIGHUP)
	u.eventually("workers of the old program", func() bool { return u.logged("start worker process ") > before })
	u.eventually("a worker that accepts", func() bool { return len(u.workers(u.old)) > 0 && !u.allQuitting(u.old) })
	u.kill(u.new, syscall.SIGQUIT)
	u.eventually("end of the new master", func() bool { return !alive(u.new) })
	u.eventually("the pid file of before", func() bool { return u.pid("nginx.pid") == u.old })
	assert.NoFileExists(u.t, u.file("nginx.pid.oldbin"))
	for _, c := range u.long {
		assert.NoError(u.t, exchange(c), "a session of the old program")
	}
	u.finish(u.old)
}

// finish checks what is left when one master is.
func (u *upgrade) finish(master int) {
	u.load.more(u.t, 50)
	assert.Empty(u.t, u.load.stop())
	assert.FileExists(u.t, u.file("socket"))
	version, err := exec.Command(fmt.Sprintf("/proc/%d/exe", master), "-v").CombinedOutput()
	require.NoError(u.t, err)
	assert.Contains(u.t, string(version), "nginx/"+answerOf(u.t, u.version))
	for _, bad := range []string{"[alert]", "[emerg]", "[crit]", "[error]"} {
		assert.NotContains(u.t, u.log(), bad)
	}
}

// TestUpgradeDropsSockets changes the configuration before an upgrade: sockets
// that it no longer has are closed, and the files of unix sockets removed.
func TestUpgradeDropsSockets(t *testing.T) {
	p := takePorts(t, "Stays", "Goes")
	conf := fmt.Sprintf(head+"events { } stream { server { listen %d; return x; } ", p["Stays"])
	s := newService(t, fmt.Sprintf(conf+"server { listen %d; listen unix:DIR/socket; return x; } }", p["Goes"]), binary(t))
	old := s.start()
	s.configure(conf + "}")
	s.kill(old, syscall.SIGUSR2)
	s.eventually("a new master", func() bool { n := s.pid("nginx.pid"); return n > 0 && n != old })
	s.eventually("notice", func() bool { return s.logged("[warn] ") > 0 })
	assert.Contains(t, s.log(), "deleting socket "+s.file("socket"))
	assert.NoFileExists(t, s.file("socket"))
	s.kill(old, syscall.SIGUSR2)
	s.eventually("refusal", func() bool { return s.logged("the changing binary signal is ignored: ") > 0 })
	s.worker(s.pid("nginx.pid"))
	s.kill(old, syscall.SIGQUIT)
	s.eventually("end of the old master", func() bool { return !alive(old) })
	assert.False(t, accepts(p["Goes"]))
	assert.Equal(t, "x", answerOf(t, local(p["Stays"])))
}

// TestUpgradeFails installs a program that cannot be run, then one that ends at
// once: the old one goes on.
func TestUpgradeFails(t *testing.T) {
	p := takePorts(t, "Plain")
	s := newService(t, fmt.Sprintf(head+"events { } stream { server { listen %d; return x; } }", p["Plain"]), binary(t))
	master := s.start()
	worker := s.worker(master)
	for _, tt := range []struct{ program, want string }{
		{s.file("none"), `execve() failed while executing new binary process "` + s.program + `" (2: No such file or directory)`},
		{"/bin/false", " exited with code 1"},
	} {
		s.install(tt.program)
		s.kill(master, syscall.SIGUSR2)
		s.eventually(tt.want, func() bool { return s.logged(tt.want) > 0 })
		s.eventually("the pid file of before", func() bool { return s.pid("nginx.pid") == master })
		assert.NoFileExists(t, s.file("nginx.pid.oldbin"))
		assert.Equal(t, []int{worker}, s.workers(master))
		assert.Equal(t, "x", answerOf(t, local(p["Plain"])))
	}
}
