//go:build linux

package conformance

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestNotify plays systemd for a service of Type=notify in the foreground:
// start, reload, a reload that fails, upgrade and stop are reported.
func TestNotify(t *testing.T) {
	p := takePorts(t, "Plain")
	good := fmt.Sprintf(head+"daemon off; events { } stream { server { listen %d; return x; } }", p["Plain"])
	s := newService(t, good, binary(t))
	systemd, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: s.file("notify"), Net: "unixgram"})
	require.NoError(t, err)
	defer systemd.Close()
	told := func() string {
		message := make([]byte, 1000)
		require.NoError(t, systemd.SetReadDeadline(time.Now().Add(patience)))
		n, err := systemd.Read(message)
		require.NoError(t, err)
		return string(message[:n])
	}
	cmd := exec.Command(s.program, "-p", s.dir, "-c", "nginx.conf", "-e", "error.log")
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+s.file("notify"))
	require.NoError(t, cmd.Start())
	pid := cmd.Process.Pid
	assert.Equal(t, fmt.Sprintf("READY=1\nMAINPID=%d", pid), told())
	assert.Equal(t, "x", answerOf(t, local(p["Plain"])))

	s.kill(pid, syscall.SIGHUP)
	assert.True(t, strings.HasPrefix(told(), "RELOADING=1\nMONOTONIC_USEC="))
	assert.Equal(t, "READY=1", told())
	s.configure("nonsense;")
	s.kill(pid, syscall.SIGHUP)
	assert.True(t, strings.HasPrefix(told(), "RELOADING=1\n"))
	assert.Equal(t, "READY=1", told())

	s.configure(good)
	s.kill(pid, syscall.SIGUSR2)
	s.eventually("a new master", func() bool { n := s.pid("nginx.pid"); return n > 0 && n != pid })
	next := s.pid("nginx.pid")
	assert.Equal(t, fmt.Sprintf("READY=1\nMAINPID=%d", next), told(), "which systemd only believes with NotifyAccess=all")
	s.kill(pid, syscall.SIGQUIT)
	assert.Equal(t, fmt.Sprintf("MAINPID=%d", next), told(), "from the process that it does believe")
	assert.NoError(t, cmd.Wait())
	assert.Equal(t, "x", answerOf(t, local(p["Plain"])))
	s.kill(next, syscall.SIGTERM)
	assert.Equal(t, "STOPPING=1", told())
}
