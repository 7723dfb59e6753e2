//go:build unix

package process

import (
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Descriptors of the program that TestSpawn starts.
const (
	testLink = 3 + iota
	testMemory
)

// spawned is that program: it does as the letters on its link say.
func spawned() {
	OwnArguments()
	KeepFiles()
	link := Inherited(testLink, "link")
	memory, _ := io.ReadAll(io.NewSectionReader(Inherited(testMemory, "memory"), 0, 100))
	_, _ = link.Write(memory)
	for order := make([]byte, 1); ; {
		if _, err := link.Read(order); err != nil {
			os.Exit(1)
		}
		switch order[0] {
		case 't':
			SetTitle("a new title that is longer than the old one")
		case 'x':
			os.Exit(7)
		}
		_, _ = link.Write(order)
	}
}

// spawnTest starts the test binary in that role.
func spawnTest(t *testing.T) (pid int, link *os.File) {
	t.Helper()
	memory, err := Memory("test")
	require.NoError(t, err)
	defer memory.Close()
	_, err = memory.WriteString("memory")
	require.NoError(t, err)
	link, end, err := Pair()
	require.NoError(t, err)
	t.Cleanup(func() { link.Close() })
	pid, err = Spawn(Spec{
		Args:  []string{"title"},
		Env:   []string{roleVariable + "=" + roleSpawned, "ROOM=" + strings.Repeat("x", 100)},
		Files: []int{0, 1, 2, end, int(memory.Fd())},
	})
	CloseDescriptor(end)
	require.NoError(t, err)
	t.Cleanup(func() { _ = Kill(pid) })
	assert.Equal(t, "memory", said(t, link, len("memory")))
	return pid, link
}

func said(t *testing.T, link *os.File, length int) string {
	t.Helper()
	text := make([]byte, length)
	_, err := io.ReadFull(link, text)
	require.NoError(t, err)
	return string(text)
}

func commandLine(t *testing.T, pid int) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
	require.NoError(t, err)
	return strings.TrimRight(string(text), "\x00")
}

func TestSpawn(t *testing.T) {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, SignalFor(Ended).Number)
	defer signal.Stop(ended)

	pid, link := spawnTest(t)
	if runtime.GOOS == "linux" {
		assert.Equal(t, "title", commandLine(t, pid))
		_, err := link.WriteString("t")
		require.NoError(t, err)
		said(t, link, 1)
		assert.Equal(t, "a new title that is longer than the old one", commandLine(t, pid))
	}
	_, err := link.WriteString("x")
	require.NoError(t, err)
	assert.Equal(t, Exit{PID: pid, Code: 7}, reaped(ended))

	pid, _ = spawnTest(t)
	require.NoError(t, Kill(pid))
	assert.Equal(t, Exit{PID: pid, Signal: int(syscall.SIGKILL)}, reaped(ended))
	_, ok := Reap()
	assert.False(t, ok)
}

// reaped waits for the end of a process.
func reaped(ended <-chan os.Signal) Exit {
	for {
		<-ended
		if e, ok := Reap(); ok {
			return e
		}
	}
}

func TestSpawnFails(t *testing.T) {
	_, err := Spawn(Spec{Path: filepath.Join(t.TempDir(), "none"), Args: []string{"x"}})
	assert.ErrorIs(t, err, syscall.ENOENT)
}

func TestNotify(t *testing.T) {
	t.Setenv(NotifySocket, "")
	require.NoError(t, Notify(StateReady), "nobody to tell")
	path := filepath.Join(t.TempDir(), "s")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	require.NoError(t, err)
	defer c.Close()
	t.Setenv(NotifySocket, path)
	for _, tt := range []struct{ state, want string }{
		{StateReady + "\n" + StateMain(12), `^READY=1\nMAINPID=12$`},
		{StateReloading(), `^RELOADING=1\nMONOTONIC_USEC=\d+$`},
		{StateStopping, `^STOPPING=1$`},
	} {
		require.NoError(t, Notify(strings.Split(tt.state, "\n")...))
		buf := make([]byte, 100)
		n, err := c.Read(buf)
		require.NoError(t, err)
		assert.Regexp(t, tt.want, string(buf[:n]))
	}
	require.NoError(t, c.Close())
	assert.Error(t, Notify(StateReady))
}
