package logfile

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// shelf is a Paths in a folder, with a clock.
type shelf struct {
	*Paths
	*watch
	t   *testing.T
	dir string
}

func newShelf(t *testing.T, c Cache) *shelf {
	w := newWatch()
	s := Set{clock: w.time}
	t.Cleanup(s.Close)
	return &shelf{s.Paths(c), w, t, t.TempDir()}
}

func (s *shelf) path(name string) string { return filepath.Join(s.dir, name) }

func (s *shelf) put(names ...string) {
	s.t.Helper()
	for _, name := range names {
		require.NoError(s.t, s.Write(s.path(name), []byte(name+"\n")))
	}
}

// open are the names of the files that are open, latest use first.
func (s *shelf) open() (names []string) {
	for e := s.recent.Front(); e != nil; e = e.Next() {
		if c := e.Value.(*cached); c.open {
			names = append(names, filepath.Base(c.path))
		}
	}
	return names
}

var hourly = Cache{Max: 2, Inactive: time.Hour, MinUses: 1, Valid: time.Hour}

func TestPathsWithoutCache(t *testing.T) {
	s := newShelf(t, Cache{})
	s.put("a", "b", "a")
	assert.Empty(t, s.open())
	assert.Equal(t, "a\na\n", read(t, s.path("a")))
	assert.EqualError(t, s.Write(s.path("none/a"), nil), `open() "`+s.path("none/a")+`" failed (2: No such file or directory)`)
}

func TestPathsMax(t *testing.T) {
	s := newShelf(t, hourly)
	s.put("a", "b", "a", "c")
	assert.Equal(t, []string{"c", "a"}, s.open())
	assert.Len(t, s.byPath, 2)
	s.put("b")
	assert.Equal(t, []string{"b", "c"}, s.open())
	assert.Equal(t, "b\nb\n", read(t, s.path("b")))
	s.Close()
	assert.Empty(t, s.open())
	s.put("a")
	assert.Equal(t, "a\na\na\n", read(t, s.path("a")))
}

func TestPathsInactive(t *testing.T) {
	c := hourly
	c.Inactive = 10 * time.Second
	s := newShelf(t, c)
	s.put("a")
	s.move(5 * time.Second)
	s.put("b")
	s.move(5 * time.Second)
	s.put("b")
	assert.Equal(t, []string{"b", "a"}, s.open(), "just 10 seconds")
	s.move(time.Second)
	s.put("b")
	assert.Equal(t, []string{"b"}, s.open())
}

func TestPathsMinUses(t *testing.T) {
	c := hourly
	c.MinUses = 3
	s := newShelf(t, c)
	s.put("a", "a")
	assert.Empty(t, s.open())
	s.put("a")
	assert.Equal(t, []string{"a"}, s.open())
	s.move(2 * time.Hour)
	s.put("a")
	assert.Empty(t, s.open(), "uses are forgotten")
	assert.Equal(t, "a\na\na\na\n", read(t, s.path("a")))
}

func TestPathsValid(t *testing.T) {
	c := hourly
	c.Valid = 10 * time.Second
	s := newShelf(t, c)
	s.put("a")
	s.move(10 * time.Second)
	s.put("a") // looked at, and is the same
	require.NoError(t, os.Rename(s.path("a"), s.path("old")))
	s.move(9 * time.Second)
	s.put("a")
	assert.Equal(t, "a\na\na\n", read(t, s.path("old")))
	s.move(time.Second)
	s.put("a")
	assert.Equal(t, "a\n", read(t, s.path("a")), "the name had no file any more")
	require.NoError(t, os.Remove(s.path("a")))
	require.NoError(t, os.WriteFile(s.path("a"), []byte("another\n"), 0o600))
	s.move(10 * time.Second)
	s.put("a")
	assert.Equal(t, "another\na\n", read(t, s.path("a")))
}

func TestPathsErrors(t *testing.T) {
	needFullDisk(t)
	for _, c := range []Cache{{}, hourly} {
		s := newShelf(t, c)
		assert.ErrorIs(t, s.Write(s.dir, []byte("x\n")), syscall.EISDIR)
		assert.ErrorIs(t, s.Write(s.dir, []byte("x\n")), syscall.EISDIR, "each time")
		assert.Empty(t, s.byPath)
		err := s.Write("/dev/full", []byte("x\n"))
		assert.EqualError(t, err, `write() to "/dev/full" failed`)
		assert.ErrorIs(t, err, syscall.ENOSPC)
		s.put("a")
		assert.NoFileExists(t, s.path("a"), "within the second")
		s.move(time.Second)
		assert.NoError(t, s.Write("/dev/full", []byte("x\n")), "told already")
		s.move(time.Minute)
		assert.Error(t, s.Write("/dev/full", []byte("x\n")))
	}
}

func TestPathsRealTime(t *testing.T) {
	var p Paths
	path := filepath.Join(t.TempDir(), "a")
	require.NoError(t, p.Write(path, []byte("x\n")))
	assert.Equal(t, "x\n", read(t, path))
}
