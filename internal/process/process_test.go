package process

import (
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Roles of the test binary when it is started by a test.
const (
	roleVariable = "GOSTREAM_TEST_ROLE"
	roleReady    = "ready"
	roleFails    = "fails"
	roleSettings = "settings"
	roleSpawned  = "spawned"
)

func TestMain(m *testing.M) {
	switch role := os.Getenv(roleVariable); role {
	case "":
		os.Exit(m.Run())
	case roleSettings:
		settings()
	case roleSpawned:
		spawned()
	default:
		background(role)
	}
}

// background is a program that goes to the background, or fails there.
func background(role string) {
	child := StartedBy()
	if child == nil {
		ok, err := Background()
		if err != nil || ok != (role == roleReady) {
			os.Exit(1)
		}
		os.Exit(0)
	}
	if os.Getenv(childMark) != "" || role == roleFails {
		os.Exit(1)
	}
	if err := child.Detach(false); err != nil {
		os.Exit(1)
	}
	child.Ready()
	child.Ready() // once more does no harm
	os.Exit(0)
}

func TestBackground(t *testing.T) {
	if !HasBackground {
		t.Skip("not on this system")
	}
	for _, role := range []string{roleReady, roleFails} {
		c := exec.Command(os.Args[0])
		c.Env = append(os.Environ(), roleVariable+"="+role)
		out, err := c.CombinedOutput()
		assert.NoError(t, err, "%s: %s", role, out)
	}
}

func TestForegroundIsNoChild(t *testing.T) {
	c := StartedBy()
	require.Nil(t, c)
	assert.NoError(t, c.Detach(false))
	c.Ready()
}

// settings checks limits in a process that is not needed afterwards.
func settings() {
	runtime.LockOSThread()
	soft, hard, err := FileLimit()
	if err != nil || soft > hard {
		panic("FileLimit")
	}
	if n, err := SetFileLimit(300); n != 300 || err != nil {
		panic(err)
	}
	if os.Geteuid() == 0 {
		if n, err := SetFileLimit(1 << 62); n < 300 || err == nil || n == 1<<62 {
			panic("SetFileLimit beyond the system's bound")
		}
		if n, err := SetFileLimit(300); n != 300 || err != nil {
			panic(err)
		}
	}
	if soft, hard, _ = FileLimit(); soft != 300 || hard != 300 {
		panic("SetFileLimit")
	}
	if err := SetCoreLimit(0); err != nil {
		panic(err)
	}
	if err := SetPriority(5); err != nil {
		panic(err)
	}
	if err := SetAffinity([]int{0}); err != nil && err != ErrUnsupported {
		panic(err)
	}
	os.Exit(0)
}

func TestSettings(t *testing.T) {
	if !HasBackground {
		t.Skip("not on this system")
	}
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), roleVariable+"="+roleSettings)
	out, err := c.CombinedOutput()
	assert.NoError(t, err, "%s", out)
}

func TestSystem(t *testing.T) {
	assert.Contains(t, System(), " ", "name and release")
}

func TestSignals(t *testing.T) {
	seen := map[syscall.Signal]bool{}
	for _, s := range Signals() {
		assert.False(t, seen[s.Number], s.Name)
		seen[s.Number] = true
		assert.Equal(t, s, SignalOf(s.Number))
	}
	assert.Equal(t, "SIGTERM", SignalFor(Stop).Name)
	assert.Zero(t, SignalOf(syscall.SIGKILL))
}

func TestSend(t *testing.T) {
	if !HasBackground {
		t.Skip("not on this system")
	}
	got := make(chan os.Signal, 1)
	s := SignalFor(Reopen)
	signal.Notify(got, s.Number)
	defer signal.Stop(got)
	require.NoError(t, Send(os.Getpid(), s))
	assert.Equal(t, s.Number, <-got)
	const nobody = 1<<22 + 1 // beyond the highest process id
	assert.ErrorIs(t, Send(nobody, s), syscall.ESRCH)
}
