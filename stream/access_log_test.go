package stream

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/logfile"
)

// visit runs a session at the i-th address to its end.
func (l *live) visit(i int) {
	l.t.Helper()
	_, err := io.ReadAll(l.dial(i))
	require.NoError(l.t, err)
	l.waitIdle()
}

func TestAccessLogs(t *testing.T) {
	onTransports(t, func(t *testing.T, workers int) {
		l := serve(t, workers, `log_format when 'x$status';
			map $status $is { 200 yes; }
			server { listen 127.0.0.1; return one; }
			server { listen unix:%DIR%/b; return two; access_log %DIR%/b.log when if=$is; access_log %DIR%/none.log when if=0;
				access_log %DIR%/b.log when; access_log %DIR%/$status.log when; }
			server { listen unix:%DIR%/c; return three; access_log %DIR%/b.log when; access_log off; }
			server { listen unix:%DIR%/d; return four; access_log %DIR%/none/$status when; }`)
		for i := range 4 {
			l.visit(i)
		}
		assert.Equal(t, "200 0 3 -\n", l.file("a.log"))
		assert.Equal(t, "x200\nx200\n", l.file("b.log"))
		assert.Equal(t, "x200\n", l.file("200.log"))
		assert.Empty(t, l.file("none.log"))
		assert.Contains(t, l.file("e.log"), `open() "`+l.dir+`/none/200" failed (2: No such file or directory) while returning text, client: unix:, server: unix:`)
		assert.Contains(t, l.file("e.log"), "[crit] ")
	})
}

func TestAccessLogToSyslog(t *testing.T) {
	dir := shortTempDir(t)
	d, err := net.ListenPacket("unixgram", filepath.Join(dir, "log"))
	require.NoError(t, err)
	defer d.Close()
	cfg := newConfig(t, dir, `server { listen unix:%DIR%/a; return x; access_log syslog:server=unix:%DIR%/log,nohostname,tag=t,severity=warn main; }
		server { listen unix:%DIR%/b; return x; access_log syslog:server=unix:%DIR%/none main; }`)
	cfg.ErrorLog = []ErrorLog{{dir + "/main.log"}}
	l := serveConfig(t, dir, cfg)
	l.visit(0)
	got := make([]byte, 999)
	require.NoError(t, d.SetReadDeadline(time.Now().Add(patience)))
	n, _, err := d.ReadFrom(got)
	require.NoError(t, err)
	assert.Regexp(t, `^<188>\w{3} [ \d]\d \d\d:\d\d:\d\d t: 200 0 1 -$`, string(got[:n]))

	// The session tells that a line was lost, the main log why.
	l.visit(1)
	assert.Regexp(t, `\[warn\] .*: \*2 send\(\) to syslog failed while returning text, client: unix:, server: unix:`, l.file("e.log"))
	assert.Regexp(t, `\[alert\] .*: connect\(\) failed \(2: No such file or directory\) while logging to syslog, server: unix:`+l.dir+"/none\n", l.file("main.log"))
	assert.NotContains(t, l.file("e.log"), "connect()")
}

// TestFlushErrors go to the main log.
func TestFlushErrors(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip(err)
	}
	dir := shortTempDir(t)
	cfg := newConfig(t, dir, `server { listen unix:%DIR%/a; return x; access_log /dev/full main buffer=1k flush=1ms; }
		server { listen unix:%DIR%/b; return x; access_log %DIR%/b.log main gzip flush=1ms; }`)
	cfg.ErrorLog = []ErrorLog{{dir + "/main.log"}}
	l := serveConfig(t, dir, cfg)
	l.visit(0)
	text := l.waitFor("main.log", "\n")
	assert.Regexp(t, `\[alert\] .*: write\(\) to "/dev/full" failed \(28: No space left on device\)`+"\n$", text)
	assert.NotContains(t, l.file("e.log"), "write()")
	l.visit(1)
	assert.Equal(t, "\x1f\x8b", l.waitFor("b.log", "\x1f\x8b")[:2])
}

func TestWriteErrorOfASession(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip(err)
	}
	l := serve(t, 1, `server { listen unix:%DIR%/a; return x; access_log /dev/full main; }`)
	l.visit(0)
	l.visit(0)
	assert.Regexp(t, `\[alert\] .*: \*1 write\(\) to "/dev/full" failed \(28: No space left on device\) while returning text, client: unix:`, l.file("e.log"))
	assert.Equal(t, 1, strings.Count(l.file("e.log"), "write()"), "once a minute")
}

func TestLogFileCache(t *testing.T) {
	l := serve(t, 1, `open_log_file_cache max=10 valid=1h inactive=1h;
		server { listen unix:%DIR%/a; return x; access_log %DIR%/v$status.log main; }
		server { listen unix:%DIR%/b; return x; access_log %DIR%/v$status.log main; }
		server { listen unix:%DIR%/c; return x; access_log %DIR%/v$status.log main; open_log_file_cache off; }
		server { listen unix:%DIR%/d; return x; access_log %DIR%/v$status.log main; open_log_file_cache max=1 valid=0; }`)
	const line = "200 0 1 -\n"
	l.visit(0)
	require.NoError(t, os.Rename(l.dir+"/v200.log", l.dir+"/old"))
	l.visit(0)
	l.visit(1)
	assert.Equal(t, line+line+line, l.file("old"), "one file for all who inherit the cache")
	assert.NoFileExists(t, l.dir+"/v200.log")
	l.visit(2)
	l.visit(3)
	require.NoError(t, os.Rename(l.dir+"/v200.log", l.dir+"/old2"))
	l.visit(3)
	assert.Equal(t, line+line, l.file("old2"))
	assert.Equal(t, line, l.file("v200.log"), "looked for with each line")
	require.NoError(t, l.Reopen())
	l.visit(0)
	assert.Equal(t, line+line, l.file("v200.log"), "rotation")
}

func TestLogFileCacheSettings(t *testing.T) {
	cfg := newConfig(t, shortTempDir(t), `open_log_file_cache max=10 inactive=20s min_uses=2 valid=0;
		server { listen unix:%DIR%/a; return x; open_log_file_cache max=1; }
		server { listen unix:%DIR%/b; return x; open_log_file_cache off max=1; }`)
	assert.Equal(t, &LogFileCache{Max: 10, Inactive: 20 * time.Second, MinUses: 2}, cfg.Defaults.LogFileCache)
	assert.Equal(t, &LogFileCache{Max: 1, Inactive: 10 * time.Second, MinUses: 1, Valid: time.Minute}, cfg.Servers[0].LogFileCache)
	assert.Equal(t, &LogFileCache{}, cfg.Servers[1].LogFileCache)
	var g generation
	assert.NotSame(t, g.pathsOf(nil), g.pathsOf(nil))
	assert.Same(t, g.pathsOf(cfg.Defaults.LogFileCache), g.pathsOf(cfg.Defaults.LogFileCache))
	assert.Equal(t, logfile.Cache{Max: 10, Inactive: 20 * time.Second, MinUses: 2}, g.pathsOf(cfg.Defaults.LogFileCache).Cache)
}
