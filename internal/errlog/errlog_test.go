package errlog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/guard"
	"github.com/gostream/gostream/internal/logfile"
)

// prefix is what precedes the text of a line: time, level and process.
var prefix = regexp.MustCompile(`(?m)^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[(\w+)\] ` + fmt.Sprintf("%d#%[1]d: ", os.Getpid()))

// plain takes time and process off the lines.
func plain(lines string) string { return prefix.ReplaceAllString(lines, "$1: ") }

// memory makes a log that is written to a buffer.
func memory(level Level) (*Log, *bytes.Buffer) {
	var b bytes.Buffer
	return New(Sink{Level: level, Write: writeTo(&b)}), &b
}

func writeTo(w io.Writer) func([]byte, Level, time.Time) {
	return func(line []byte, _ Level, _ time.Time) { _, _ = w.Write(line) }
}

func context(b []byte) []byte { return append(b, " while testing, client: x"...) }

func TestLines(t *testing.T) {
	l, b := memory(Debug)
	l.Write(Error, Record{Text: "plain"})
	l.Write(Crit, Record{Conn: 7, Text: "connect() failed", Err: fmt.Errorf("dial: %w", syscall.ECONNREFUSED), Context: context})
	l.Write(Info, Record{Text: "no errno", Err: io.EOF, Context: context})
	l.Write(Debug, Record{Conn: 1, Text: "debug", Context: context})
	assert.Equal(t, `error: plain
crit: *7 connect() failed (111: Connection refused) while testing, client: x
info: no errno while testing, client: x
debug: *1 debug
`, plain(b.String()))
}

func TestLevels(t *testing.T) {
	var most, few bytes.Buffer
	l := New(Sink{Level: Info, Write: writeTo(&most)}, Sink{Level: Error, Write: writeTo(&few)})
	for level := Emerg; level <= Debug; level++ {
		assert.Equal(t, level, ParseLevel(level.String()))
		assert.Equal(t, level <= Info, l.Enabled(level))
		l.Write(level, Record{Text: "x"})
	}
	assert.Equal(t, "emerg: x\nalert: x\ncrit: x\nerror: x\nwarn: x\nnotice: x\ninfo: x\n", plain(most.String()))
	assert.Equal(t, "emerg: x\nalert: x\ncrit: x\nerror: x\n", plain(few.String()))
	assert.Zero(t, ParseLevel("errors"))
	assert.Zero(t, ParseLevel(""))

	few.Reset()
	l.Verbose().Write(Debug, Record{Text: "for debug_connection"})
	assert.Equal(t, "debug: for debug_connection\n", plain(few.String()))
	assert.False(t, l.Enabled(Debug), "the log itself stays as it was")

	var none *Log
	assert.False(t, none.Enabled(Emerg))
	none.Write(Emerg, Record{Text: "x"})
}

// TestLongLines are cut as in nginx: at 2048 bytes, newline included; room is
// kept for an errno, but not for the context.
func TestLongLines(t *testing.T) {
	l, b := memory(Info)
	long := strings.Repeat("x", 3000)
	l.Write(Error, Record{Text: long})
	head := len(prefix.FindString(b.String()))
	assert.Equal(t, strings.Repeat("x", 2047-head)+"\n", b.String()[head:])

	b.Reset()
	l.Write(Error, Record{Text: long, Err: syscall.ECONNREFUSED, Context: context})
	whole := strings.Repeat("x", 2048-50-head) + "... (111: Connection refused) while testing, client: x"
	assert.Equal(t, whole[:2047-head]+"\n", b.String()[head:])

	for _, n := range []int{1998, 1999} {
		b.Reset()
		l.Write(Error, Record{Text: long[:n-head], Err: syscall.ECONNREFUSED})
		assert.Equal(t, n > 1998, strings.Contains(b.String(), "x..."), "%d", n)
		assert.True(t, strings.HasSuffix(b.String(), " (111: Connection refused)\n"))
	}
	for _, n := range []int{2046, 2047, 2048, 2049} {
		b.Reset()
		l.Write(Error, Record{Text: long[:n-head]})
		assert.Equal(t, min(n+1, 2048), b.Len())
	}
	huge := func(b []byte) []byte { return append(b, long...) }
	b.Reset()
	l.Write(Error, Record{Text: "x", Context: huge})
	assert.Equal(t, 2048, b.Len())
}

func TestReport(t *testing.T) {
	l, b := memory(Info)
	l.Report(&logfile.WriteError{Path: "a.log", Err: syscall.ENOSPC})
	l.Report(&logfile.WriteError{Path: "a.log", Written: 1, Wanted: 2})
	l.Report(&logfile.DroppedError{Path: "/dev/stdout", Lines: 7})
	l.Report(&logfile.OpenError{Path: "a.log", Err: syscall.ENOENT})
	l.Report(&logfile.SyslogError{Call: "connect", Server: "unix:/s", Err: syscall.ECONNREFUSED})
	l.Report(&logfile.SyslogError{Call: "send", Server: "127.0.0.1:514", Err: syscall.ECONNREFUSED})
	l.Report(&logfile.SyslogError{Call: "send", Server: "127.0.0.1:514", Err: syscall.EMSGSIZE})
	l.Report(&guard.Panic{What: "log buffer", Value: "fire", Stack: []byte("goroutine 1 [running]:\n")})
	assert.Equal(t, `alert: write() to "a.log" failed (28: No space left on device)
alert: write() to "a.log" was incomplete: 1 of 2
alert: 7 lines for "/dev/stdout" were dropped, as nobody read it
emerg: open() "a.log" failed (2: No such file or directory)
alert: connect() failed (111: Connection refused) while logging to syslog, server: unix:/s
error: send() failed (111: Connection refused) while logging to syslog, server: 127.0.0.1:514
alert: send() failed (90: Message too long) while logging to syslog, server: 127.0.0.1:514
alert: panic in log buffer: fire
goroutine 1 [running]:
`, plain(b.String()))
}

func TestAppendErrno(t *testing.T) {
	assert.Equal(t, "x (2: No such file or directory)", string(AppendErrno([]byte("x"), &os.PathError{Err: syscall.ENOENT})))
	assert.Equal(t, "x", string(AppendErrno([]byte("x"), nil)))
	assert.Equal(t, "x", string(AppendErrno([]byte("x"), errors.New("y"))))
}

func TestRing(t *testing.T) {
	r := NewRing(8)
	for _, step := range []struct{ line, want string }{
		{"abc\n", "abc\n"}, {"def\n", "abc\ndef\n"}, {"g\n", "c\ndef\ng\n"}, {"0123456789\n", "3456789\n"}, {"", "3456789\n"},
	} {
		r.Write([]byte(step.line), Error, time.Time{})
		assert.Equal(t, step.want, string(r.Bytes()), "%q", step.line)
	}
}

// TestOpen writes one line to all kinds of places.
func TestTargets(t *testing.T) {
	dir := t.TempDir()
	d, err := net.ListenPacket("unixgram", filepath.Join(dir, "s"))
	require.NoError(t, err)
	defer d.Close()
	var set logfile.Set
	defer set.Close()
	var targets []Target
	for _, args := range [][]string{{"a.log", "warn"}, {"memory:32k", "debug"}, {"syslog:server=unix:" + dir + "/s,nohostname,tag=t", "crit"}} {
		target, err := Parse(args)
		require.NoError(t, err)
		targets = append(targets, target)
	}
	l, err := Of(targets, &set, func(name string) string { return filepath.Join(dir, name) })
	require.NoError(t, err)
	require.NoError(t, set.Open())
	l.Write(Crit, Record{Text: "one"})
	l.Write(Error, Record{Text: "not for syslog"})
	file, err := os.ReadFile(filepath.Join(dir, "a.log"))
	require.NoError(t, err)
	assert.Equal(t, "crit: one\nerror: not for syslog\n", plain(string(file)))

	buf := make([]byte, 9999)
	require.NoError(t, d.SetReadDeadline(time.Now().Add(20*time.Second)))
	n, _, err := d.ReadFrom(buf)
	require.NoError(t, err)
	head, text, _ := strings.Cut(string(buf[:n]), ": ")
	assert.Regexp(t, `^<186>\w{3} [ \d]\d \d\d:\d\d:\d\d t$`, head, "local7, and the severity of the line")
	assert.Equal(t, "crit: one", plain(text), "without the newline")
}

func TestWrongTarget(t *testing.T) {
	var set logfile.Set
	defer set.Close()
	_, err := Of([]Target{{Args: []string{"syslog:"}}}, &set, nil)
	assert.EqualError(t, err, `unknown syslog parameter ""`)
}

func TestNoAllocationPerLine(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	l := New(Sink{Level: Info, Write: func([]byte, Level, time.Time) {}})
	assert.Zero(t, testing.AllocsPerRun(100, func() { l.Write(Error, Record{Text: "x", Err: syscall.ENOENT}) }))
}
