package logfile

import (
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/streamtest"
)

func buffered(t *testing.T, s *Set, o Options) (*File, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a")
	f := open(t, s, path)
	require.True(t, f.SetOptions(o))
	return f, path
}

func TestBuffer(t *testing.T) {
	var s Set
	f, path := buffered(t, &s, Options{Buffer: 10})
	for _, step := range []struct{ line, file string }{
		{"1234\n", ""},
		{"5678\n", ""}, // full to the last byte
		{"9\n", "1234\n5678\n"},
		{"longer than the buffer\n", "1234\n5678\n9\nlonger than the buffer\n"},
		{"end\n", "1234\n5678\n9\nlonger than the buffer\n"},
	} {
		require.NoError(t, f.Write([]byte(step.line)))
		assert.Equal(t, step.file, read(t, path), "after %q", step.line)
	}
	require.NoError(t, f.WriteThrough([]byte("error\n")))
	s.Close()
	require.NoError(t, f.Write([]byte("late\n")))
	assert.Equal(t, "1234\n5678\n9\nlonger than the buffer\nerror\nend\n", read(t, path))
}

func TestBufferOptionsOfAFile(t *testing.T) {
	var s Set
	defer s.Close()
	f, _ := buffered(t, &s, Options{Buffer: 10, Flush: time.Second})
	assert.True(t, f.SetOptions(Options{}))
	assert.True(t, f.SetOptions(Options{Buffer: 10, Flush: time.Second}))
	for _, other := range []Options{{Buffer: 11, Flush: time.Second}, {Buffer: 10}, {Buffer: 10, Flush: time.Second, Gzip: 1}} {
		assert.False(t, f.SetOptions(other), "%v", other)
	}
}

// TestFlush shows that the time counts from the first line, for each filling.
func TestFlush(t *testing.T) {
	var s Set
	defer s.Close()
	f, path := buffered(t, &s, Options{Buffer: 1000, Flush: time.Millisecond})
	for _, want := range []string{"a\n", "a\nb\n"} {
		require.NoError(t, f.Write([]byte(want[len(want)-2:])))
		eventually(t, func() bool { return read(t, path) == want }, want)
	}
}

// TestFlushOnWayOut shows that a timer that is no longer needed does nothing.
func TestFlushOnWayOut(t *testing.T) {
	var s Set
	f, path := buffered(t, &s, Options{Buffer: 10, Flush: time.Hour})
	require.NoError(t, f.Write([]byte("one\n")))
	require.NoError(t, s.Reopen())
	assert.Equal(t, "one\n", read(t, path))
	require.NoError(t, f.Write([]byte("two\n")))
	s.Close()
	assert.Equal(t, "one\ntwo\n", read(t, path))
}

func TestFlushFails(t *testing.T) {
	needFullDisk(t)
	told := make(chan error, 1)
	s := Set{OnError: func(err error) { told <- err }}
	defer s.Close()
	f := open(t, &s, "/dev/full")
	require.True(t, f.SetOptions(Options{Buffer: 10, Flush: time.Millisecond}))
	require.NoError(t, f.Write([]byte("one\n")))
	assert.EqualError(t, <-told, `write() to "/dev/full" failed`)
}

// TestFullBufferFails tells the one whose line made it necessary to write.
func TestFullBufferFails(t *testing.T) {
	needFullDisk(t)
	w := newWatch()
	s := Set{clock: w.time}
	defer s.Close()
	f := open(t, &s, "/dev/full")
	require.True(t, f.SetOptions(Options{Buffer: 5}))
	require.NoError(t, f.Write([]byte("one\n")))
	assert.Error(t, f.Write([]byte("two\n")))
	w.move(time.Hour)
	assert.Error(t, f.Write([]byte("too long for it\n")))
}

// TestGzip reads the file after each flush.
func TestGzip(t *testing.T) {
	for level := 1; level <= 9; level++ {
		var s Set
		f, path := buffered(t, &s, Options{Buffer: 1000, Gzip: level})
		var all strings.Builder
		for _, text := range []string{"first", "second", strings.Repeat("long ", 500)} {
			require.NoError(t, f.Write([]byte(text+"\n")))
			all.WriteString(text + "\n")
			require.NoError(t, s.Reopen())
			assert.Equal(t, all.String(), unzip(t, path))
		}
		s.Close()
	}
}

func unzip(t *testing.T, path string) string {
	t.Helper()
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	r, err := gzip.NewReader(file)
	require.NoError(t, err)
	text, err := io.ReadAll(r)
	require.NoError(t, err)
	return string(text)
}

func TestGzipLevelUnknown(t *testing.T) {
	var s Set
	defer s.Close()
	f, _ := buffered(t, &s, Options{Buffer: 10, Gzip: 77})
	require.NoError(t, f.Write([]byte("one\n")))
	assert.Error(t, f.buffer.Load().flush())
}

// A panic while the timer writes is told of, and ends nothing.
func TestBufferPanics(t *testing.T) {
	needFullDisk(t)
	told := make(chan error, 1)
	s := Set{OnError: func(err error) {
		if errors.As(err, new(*WriteError)) {
			panic("fire")
		}
		told <- err
	}}
	f := open(t, &s, "/dev/full")
	require.True(t, f.SetOptions(Options{Buffer: 100, Flush: time.Millisecond}))
	require.NoError(t, f.Write([]byte("x\n")))
	assert.EqualError(t, streamtest.Receive(t, told), "panic in log buffer: fire")
	require.NoError(t, f.Write([]byte("y\n")))
}
