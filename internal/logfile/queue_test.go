//go:build unix

package logfile

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// fifo is a pipe with a name, and its reading end.
func fifo(t *testing.T) (string, *os.File) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "p")
	require.NoError(t, unix.Mkfifo(path, 0o600))
	r, err := os.OpenFile(path, os.O_RDWR, 0)
	require.NoError(t, err)
	t.Cleanup(func() { r.Close() })
	return path, r
}

func receive(t *testing.T, from *os.File, want string) {
	t.Helper()
	b := make([]byte, len(want))
	_, err := io.ReadFull(from, b)
	require.NoError(t, err)
	assert.Equal(t, want, string(b))
}

// told collects what a set is told.
type told struct {
	mu     sync.Mutex
	errors []error
}

func (l *told) add(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.errors = append(l.errors, err)
}

func (l *told) all() []error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.errors
}

// TestNobodyReads writes more than anything holds to a pipe. What fits arrives,
// in order; the rest is counted once.
func TestNobodyReads(t *testing.T) {
	path, r := fifo(t)
	var heard told
	s := Set{OnError: heard.add}
	f, p := open(t, &s, path), s.Paths(Cache{})
	s.NeverWait()
	const count = 50_000 // of 100 bytes: more than two queues and a pipe
	for i := range count {
		require.NoError(t, f.Write(fmt.Appendf(nil, "%06d %s\n", i, strings.Repeat("x", 92))))
	}
	require.NoError(t, p.Write(path, []byte("by its name\n")))
	Drain(time.Millisecond) // and does not wait for ever

	lines := bufio.NewReader(r)
	arrived := 0
	for len(heard.all()) == 0 || arrived+heard.all()[0].(*DroppedError).Lines < count {
		line, err := lines.ReadString('\n')
		require.NoError(t, err)
		if line == "by its name\n" {
			continue
		}
		assert.Equal(t, fmt.Sprintf("%06d ", arrived), line[:7])
		arrived++
	}
	require.Len(t, heard.all(), 1)
	assert.Regexp(t, `^\d+ lines for ".*/p" were dropped, as nobody read it$`, heard.all()[0].Error())
	assert.Greater(t, arrived, maxQueued/100)
	require.NoError(t, f.Write([]byte("it goes on\n")))
	s.Close()
	Drain(20 * time.Second)
	r.Close()
}

// TestQueueKeepsTheOrder reopens and closes while lines wait.
func TestQueueKeepsTheOrder(t *testing.T) {
	path, r := fifo(t)
	var s Set
	f := open(t, &s, path)
	require.NoError(t, f.Write([]byte("at once\n")))
	s.NeverWait()
	want := "at once\n"
	for i := range 2000 {
		line := fmt.Sprintf("%d %s\n", i, strings.Repeat("y", i%5000))
		want += line
		require.NoError(t, f.Write([]byte(line)))
		if i%500 == 0 {
			require.NoError(t, s.Reopen())
		}
	}
	s.Close()
	s.Close()
	require.NoError(t, f.Write([]byte("too late\n")))
	got := make([]byte, min(len(want), maxQueued))
	_, err := io.ReadFull(r, got)
	require.NoError(t, err)
	assert.Equal(t, want[:len(got)], string(got))
}

// TestFIFOWithoutReader is opened while the program serves: it is refused, and
// with a reader its lines arrive.
func TestFIFOWithoutReader(t *testing.T) {
	path, r := fifo(t)
	r.Close()
	for _, c := range []Cache{{}, hourly} {
		var s Set
		p := s.Paths(c)
		s.NeverWait()
		assert.ErrorIs(t, p.Write(path, []byte("x\n")), syscall.ENXIO)
		r, err := os.OpenFile(path, os.O_RDWR, 0)
		require.NoError(t, err)
		require.NoError(t, p.Write(path, []byte("one\n")))
		require.NoError(t, p.Write(path, []byte("two\n")))
		s.Close()
		receive(t, r, "one\ntwo\n")
		r.Close()
	}
}

// TestReaderLeaves has a pipe whose reader has gone.
func TestReaderLeaves(t *testing.T) {
	path, r := fifo(t)
	var heard told
	s := Set{OnError: heard.add}
	f := open(t, &s, path)
	s.NeverWait()
	r.Close()
	require.NoError(t, f.Write([]byte("x\n")))
	require.NoError(t, f.Write([]byte("y\n")))
	Drain(20 * time.Second)
	require.Len(t, heard.all(), 1)
	assert.EqualError(t, heard.all()[0], `write() to "`+path+`" failed`)
	assert.ErrorIs(t, heard.all()[0], syscall.EPIPE)
	s.Close()
}

// TestWhatMayBlock looks at files of all kinds.
func TestWhatMayBlock(t *testing.T) {
	path, _ := fifo(t)
	for path, want := range map[string]bool{path: true, "/dev/null": false, filepath.Join(t.TempDir(), "a"): false} {
		h, err := openFile(path, false)
		require.NoError(t, err)
		assert.Equal(t, want, h.mayBlock(), path)
		assert.True(t, h.same(h))
		h.close()
		assert.False(t, h.mayBlock(), "closed")
	}
}

// TestStderr is the descriptor, not what has a name like it.
func TestStderr(t *testing.T) {
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	saved, ok := duplicate(2)
	require.True(t, ok)
	require.NoError(t, unix.Dup2(int(w.Fd()), 2))
	t.Chdir(t.TempDir())
	var s Set
	f, file := s.Stderr(), s.File("stderr")
	err = s.Open()
	require.NoError(t, unix.Dup2(int(saved), 2))
	saved.close()
	w.Close()
	require.NoError(t, err)
	assert.Same(t, f, s.Stderr())
	require.NoError(t, f.WriteThrough([]byte("x\n")))
	require.NoError(t, file.Write([]byte("y\n")))
	require.NoError(t, s.Reopen())
	require.NoError(t, s.Give(os.Getuid()))
	require.NoError(t, f.WriteThrough([]byte("z\n")))
	s.Close()
	text, err := io.ReadAll(r)
	require.NoError(t, err)
	assert.Equal(t, "x\nz\n", string(text))
	assert.Equal(t, "y\n", read(t, "stderr"))
}

func BenchmarkWrite(b *testing.B) {
	var s Set
	defer s.Close()
	f := s.File(filepath.Join(b.TempDir(), "a"))
	require.NoError(b, s.Open())
	line := []byte(strings.Repeat("x", 100) + "\n")
	b.ReportAllocs()
	for b.Loop() {
		_ = f.Write(line)
	}
}
