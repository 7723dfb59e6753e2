package logfile

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// watch is a clock that a test moves.
type watch struct {
	mu  sync.Mutex
	now time.Time
}

func newWatch() *watch { return &watch{now: time.Unix(1_800_000_000, 0)} }

func (w *watch) time() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *watch) move(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

func open(t *testing.T, s *Set, path string) *File {
	t.Helper()
	f, err := s.File(path), s.Open()
	require.NoError(t, err)
	return f
}

// needFullDisk skips a test where there is no device that is always full.
func needFullDisk(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip(err)
	}
}

// eventually waits for something that another goroutine does.
func eventually(t *testing.T, ok func() bool, what string) {
	t.Helper()
	require.Eventually(t, ok, 20*time.Second, time.Millisecond, what)
}

func TestOpenOncePerPath(t *testing.T) {
	var s Set
	defer s.Close()
	path := filepath.Join(t.TempDir(), "a")
	f := open(t, &s, path)
	assert.Same(t, f, open(t, &s, path))
	assert.NotSame(t, f, open(t, &s, path+"b"))
	assert.Equal(t, path, f.Path())
}

func TestAppends(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	require.NoError(t, os.WriteFile(path, []byte("before\n"), 0o600))
	var s Set
	f := open(t, &s, path)
	require.NoError(t, f.Write([]byte("one\n")))
	require.NoError(t, f.WriteThrough([]byte("two\n")))
	s.Close()
	s.Close()
	require.NoError(t, f.Write([]byte("too late\n")))
	assert.NoError(t, f.reopen(), "of what is closed")
	require.NoError(t, f.Write([]byte("too late\n")))
	assert.Equal(t, "before\none\ntwo\n", read(t, path))
}

// TestLinesDoNotMix writes from many goroutines, and through two sets, as two
// processes would, while the files are reopened.
func TestLinesDoNotMix(t *testing.T) {
	const writers, lines = 16, 200
	path := filepath.Join(t.TempDir(), "a")
	var sets [2]Set
	var wg sync.WaitGroup
	for w := range writers {
		f := open(t, &sets[w%2], path)
		text := strings.Repeat(string(rune('a'+w)), 100) + "\n"
		wg.Go(func() {
			for range lines {
				assert.NoError(t, f.Write([]byte(text)))
			}
		})
	}
	wg.Go(func() {
		for range lines {
			assert.NoError(t, sets[0].Reopen())
		}
	})
	wg.Wait()
	for i := range sets {
		sets[i].Close()
	}
	count := map[string]int{}
	for line := range strings.Lines(read(t, path)) {
		count[line]++
	}
	require.Len(t, count, writers)
	for line, n := range count {
		assert.Equal(t, lines, n, line)
	}
}

func TestReopenAfterRename(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	var s Set
	defer s.Close()
	f := open(t, &s, path)
	require.True(t, f.SetOptions(Options{Buffer: 100}))
	p := s.Paths(Cache{Max: 1, Inactive: time.Hour, MinUses: 1, Valid: time.Hour})
	require.NoError(t, p.Write(path+"v", []byte("1\n")))
	require.NoError(t, f.Write([]byte("1\n")))
	require.NoError(t, os.Rename(path, path+".old"))
	require.NoError(t, os.Rename(path+"v", path+"v.old"))
	require.NoError(t, s.Reopen())
	require.NoError(t, f.Write([]byte("2\n")))
	require.NoError(t, p.Write(path+"v", []byte("2\n")))
	s.Close()
	for _, path := range []string{path, path + "v"} {
		assert.Equal(t, "1\n", read(t, path+".old"))
		assert.Equal(t, "2\n", read(t, path))
	}
}

// TestReopenFails keeps what is open.
func TestReopenFails(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	require.NoError(t, os.Mkdir(dir, 0o700))
	var told []error
	s := Set{OnError: func(err error) { told = append(told, err) }}
	f := open(t, &s, dir+"/a")
	open(t, &s, dir+"/b")
	require.NoError(t, os.Rename(dir, dir+"2"))
	assert.EqualError(t, s.Reopen(), `open() "`+dir+`/a" failed (2: No such file or directory)`)
	require.Len(t, told, 1)
	assert.EqualError(t, told[0], `open() "`+dir+`/b" failed (2: No such file or directory)`)
	require.NoError(t, f.Write([]byte("goes on\n")))
	s.Close()
	assert.Equal(t, "goes on\n", read(t, dir+"2/a"))
}

func TestOpenError(t *testing.T) {
	var s Set
	s.File("/nonexistent/a")
	err := s.Open()
	assert.EqualError(t, err, `open() "/nonexistent/a" failed (2: No such file or directory)`)
	assert.ErrorIs(t, err, syscall.ENOENT)
	s = Set{}
	s.File(t.TempDir())
	assert.ErrorIs(t, s.Open(), syscall.EISDIR)
	assert.ErrorIs(t, NewOpenError("x", fmt.Errorf("of no known kind")), syscall.EIO)
}

// TestDiskFull is told once a minute, and saves the disk for a second.
func TestDiskFull(t *testing.T) {
	needFullDisk(t)
	w := newWatch()
	s := Set{clock: w.time}
	defer s.Close()
	f := open(t, &s, "/dev/full")
	err := f.Write([]byte("one\n"))
	assert.EqualError(t, err, `write() to "/dev/full" failed`)
	assert.ErrorIs(t, err, syscall.ENOSPC)

	// Were it written to, the file would now take it.
	path := filepath.Join(t.TempDir(), "a")
	good, err := openFile(path, false)
	require.NoError(t, err)
	f.handle.close()
	f.handle = good
	require.NoError(t, f.Write([]byte("lost\n")))
	require.NoError(t, f.WriteThrough([]byte("lost\n")))
	w.move(time.Second)
	require.NoError(t, f.Write([]byte("kept\n")))
	assert.Equal(t, "kept\n", read(t, path))

	require.NoError(t, f.reopen())
	assert.NoError(t, f.Write([]byte("a minute has not passed\n")))
	w.move(58 * time.Second)
	assert.NoError(t, f.Write([]byte("59 seconds\n")))
	w.move(time.Second)
	assert.Error(t, f.Write([]byte("60 seconds\n")))
	assert.True(t, f.health.suspended(s.now))
}

func TestIncompleteWrite(t *testing.T) {
	err := &WriteError{Path: "a", Written: 3, Wanted: 5}
	assert.EqualError(t, err, `write() to "a" was incomplete: 3 of 5`)
	var h health
	assert.Equal(t, err, h.failed(err, 100))
	assert.False(t, h.suspended(func() int64 { return 100 }), "the disk is not full")
}

func TestNoAllocationPerLine(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	dir := t.TempDir()
	var s Set
	defer s.Close()
	line := []byte(strings.Repeat("x", 100) + "\n")
	plain, buffered := open(t, &s, dir+"/a"), open(t, &s, dir+"/b")
	require.True(t, buffered.SetOptions(Options{Buffer: 1000, Flush: time.Hour}))
	assert.Zero(t, testing.AllocsPerRun(100, func() { _ = plain.Write(line) }), "plain")
	assert.Zero(t, testing.AllocsPerRun(100, func() { _ = buffered.Write(line) }), "buffered")
	path := dir + "/c"
	p := s.Paths(Cache{Max: 3, Inactive: time.Hour, MinUses: 1, Valid: time.Hour})
	assert.Zero(t, testing.AllocsPerRun(100, func() { _ = p.Write(path, line) }), "cached")
	var c Clock
	b := make([]byte, 0, 100)
	now := time.Now()
	assert.Zero(t, testing.AllocsPerRun(100, func() { c.Append(b, now, CommonTime) }), "clock")
}
