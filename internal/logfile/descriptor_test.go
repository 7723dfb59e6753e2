//go:build linux

package logfile

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestDescriptor(t *testing.T) {
	dir := t.TempDir()
	link := func(name, target string) string {
		require.NoError(t, os.Symlink(target, filepath.Join(dir, name)))
		return filepath.Join(dir, name)
	}
	loop := link("loop", "loop")
	for path, want := range map[string]int{
		"/dev/stdin": 0, "/dev/stdout": 1, "/dev//stderr": 2, "/dev/fd/17": 17, "/proc/self/fd/3": 3,
		fmt.Sprintf("/proc/%d/fd/4", os.Getpid()): 4, "/proc/1/fd/4": -1, "/dev/fd/x": -1, "/dev/fd/": -1, "/dev/fd/-1": -1,
		"/dev/null": -1, "": -1, "stderr": -1, dir: -1, loop: -1,
		link("access.log", "/dev/stdout"): 1, link("far", "access.log"): 1, link("gone", "nothing"): -1,
	} {
		assert.Equal(t, want, Descriptor(path), path)
	}
}

// socketOutput is the name of a socket that can be written to, and the other end.
func socketOutput(t *testing.T) (string, *os.File) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	ours, theirs := os.NewFile(uintptr(fds[0]), ""), os.NewFile(uintptr(fds[1]), "")
	t.Cleanup(func() { ours.Close(); theirs.Close() })
	return fmt.Sprintf("/dev/fd/%d", fds[0]), theirs
}

// TestSocket is what systemd gives a service as its output. It cannot be opened
// by name.
func TestSocket(t *testing.T) {
	name, other := socketOutput(t)
	link := filepath.Join(t.TempDir(), "a")
	require.NoError(t, os.Symlink(name, link))
	var s Set
	f, g := open(t, &s, name), open(t, &s, link)
	require.NoError(t, f.Write([]byte("one\n")))
	require.NoError(t, g.Write([]byte("two\n")))
	require.NoError(t, s.Reopen())
	require.NoError(t, f.Write([]byte("three\n")))
	p := s.Paths(Cache{Max: 1, MinUses: 1})
	require.NoError(t, p.Write(name, []byte("four\n")))
	require.NoError(t, s.Give(os.Getuid()+1))
	s.Close()
	file, err := OpenFile(name)
	require.NoError(t, err)
	defer file.Close()
	_, err = file.WriteString("five\n")
	require.NoError(t, err)
	receive(t, other, "one\ntwo\nthree\nfour\nfive\n")
}

// TestNotDuplicated has descriptors that cannot be written to.
func TestNotDuplicated(t *testing.T) {
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	w.Close()
	_, ok := duplicate(int(r.Fd()))
	assert.False(t, ok, "for reading")
	_, err = openFile("/dev/fd/999999", false)
	assert.EqualError(t, err, `open() "/dev/fd/999999" failed (2: No such file or directory)`)
}
