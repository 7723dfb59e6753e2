package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const workingConf = `daemon off; pid logs/ok.pid; error_log logs/ok.log notice;
events { }
stream { server { listen unix:DIR/a.sock; return hi; } }
`

// confFolder has one configuration for each kind of outcome.
func confFolder(t *testing.T) *folder {
	f := newFolder(t,
		"conf/ok.conf", workingConf,
		"conf/bad.conf", "foo bar;\n",
		"conf/split.conf", "stream { split_clients a $v { include parts; } }\n",
		"conf/noevents.conf", "error_log logs/x.log;\n",
		"conf/nolog.conf", "events { } error_log DIR/none/x.log;\n",
		"conf/nopid.conf", "events { } pid DIR/none/x.pid; error_log logs/e.log;\n",
		"conf/noserverlog.conf", "events { } pid logs/s.pid; error_log logs/e.log;\n"+
			"stream { server { listen unix:DIR/a.sock; return x; error_log DIR/none/s.log; } }\n",
		"conf/bind.conf", "events { } pid logs/b.pid; error_log logs/bind.log;\nstream { server { listen unix:DIR/none/a.sock; return x; } }\n",
		"conf/include.conf", "include a.inc;\nevents { }\ninclude a.inc;\npid logs/i.pid;",
		"conf/a.inc", "# a\n",
		"conf/masks.conf", "events { }\nworker_processes 3; worker_cpu_affinity 1 1;\npid logs/m.pid;",
	)
	require.NoError(t, os.Mkdir(f.file("logs"), 0o755))
	return f
}

const (
	syntaxOK   = "nginx: the configuration file DIR/conf/%s.conf syntax is ok\n"
	successful = "nginx: configuration file DIR/conf/%s.conf test is successful\n"
	failed     = "nginx: configuration file DIR/conf/%s.conf test failed\n"
)

// TestConfigTest compares with what nginx 1.31.5 says to the same.
func TestConfigTest(t *testing.T) {
	const (
		masks = `the number of "worker_processes" is not equal to the number of "worker_cpu_affinity" masks, ` +
			"using last mask for remaining worker processes\n"
		noEntry = " failed (2: No such file or directory)"
	)
	passed := func(name string) string { return ofConf(syntaxOK+successful, name) }
	tests := []struct {
		name string
		args []string
		want string // on the standard error output; with "test failed" the code is 1
	}{
		{"ok", []string{"-t"}, passed("ok")},
		{"ok", []string{"-tq"}, ""},
		{"ok", []string{"-t", "-s", "quit"}, passed("ok")},
		{"ok", []string{"-t", "-g", ""}, passed("ok")},
		{"ok", []string{"-t", "-g", "worker_processes 2; # x"}, passed("ok")},
		{"bad", []string{"-tq"}, `LOG [emerg] unknown directive "foo" in DIR/conf/bad.conf:1` + "\n" + ofConf(failed, "bad")},
		{"bad", []string{"-T"}, `LOG [emerg] unknown directive "foo" in DIR/conf/bad.conf:1` + "\n" + ofConf(failed, "bad")},
		{"split", []string{"-t"}, `LOG [emerg] invalid percent value "include" in DIR/conf/split.conf:1` + "\n" + ofConf(failed, "split")},
		{"missing", []string{"-t"}, `LOG [emerg] open() "DIR/conf/missing.conf"` + noEntry + "\n" + ofConf(failed, "missing")},
		{"noevents", []string{"-t"}, ofConf(syntaxOK, "noevents") + `LOG [emerg] no "events" section in configuration` + "\n" + ofConf(failed, "noevents")},
		{"nolog", []string{"-t"}, ofConf(syntaxOK, "nolog") + `LOG [emerg] open() "DIR/none/x.log"` + noEntry + "\n" + ofConf(failed, "nolog")},
		{"noserverlog", []string{"-t"}, ofConf(syntaxOK, "noserverlog") + `LOG [emerg] open() "DIR/none/s.log"` + noEntry + "\n" + ofConf(failed, "noserverlog")},
		{"nopid", []string{"-t"}, ofConf(syntaxOK, "nopid") + `LOG [emerg] open() "DIR/none/x.pid"` + noEntry + "\n" + ofConf(failed, "nopid")},
		{"masks", []string{"-t"}, ofConf(syntaxOK, "masks") + "LOG [warn] " + masks + ofConf(successful, "masks")},
		{"masks", []string{"-t", "-e", "logs/boot.log"}, ofConf(syntaxOK, "masks") + "nginx: [warn] " + masks + ofConf(successful, "masks")},
		{"ok", []string{"-t", "-g", "foo;"}, `LOG [emerg] unknown directive "foo" in command line` + "\n" + ofConf(failed, "ok")},
		{"ok", []string{"-t", "-g", "daemon off;"}, `LOG [emerg] "daemon" directive is duplicate in DIR/conf/ok.conf:1` + "\n" + ofConf(failed, "ok")},
		{"ok", []string{"-t", "-g", "events { }"}, "LOG [emerg] block directives are not supported in -g option in command line\n" + ofConf(failed, "ok")},
		{"ok", []string{"-t", "-g", "pid x"}, `LOG [emerg] unexpected end of parameter, expecting ";" in command line` + "\n" + ofConf(failed, "ok")},
		{"ok", []string{"-t", "-g", "include foo;"}, `LOG [emerg] open() "DIR/conf/foo"` + noEntry + " in command line\n" + ofConf(failed, "ok")},
		{"ok", []string{"-t", "-e", "DIR/none/boot.log"},
			`nginx: [alert] could not open error log file: open() "DIR/none/boot.log"` + noEntry + "\n" + passed("ok")},
	}
	f := confFolder(t)
	for _, tt := range tests {
		args := append([]string{"-p", "DIR", "-e", "stderr", "-c", "conf/" + tt.name + ".conf"}, tt.args...)
		want := outcome{"", tt.want, 0}
		if strings.HasSuffix(tt.want, "failed\n") {
			want.code = 1
		}
		assert.Equal(t, want, f.run(args...), "%s %q", tt.name, tt.args)
	}
}

// ofConf puts the name of a configuration into messages.
func ofConf(text, name string) string { return strings.ReplaceAll(text, "%s", name) }

func TestBootLog(t *testing.T) {
	f := confFolder(t)
	got := f.run("-t", "-p", "DIR", "-e", "logs/boot.log", "-c", "conf/bad.conf")
	assert.Equal(t, outcome{"", `nginx: [emerg] unknown directive "foo" in DIR/conf/bad.conf:1` + "\n" + ofConf(failed, "bad"), 1}, got)
	assert.Equal(t, `LOG [emerg] unknown directive "foo" in DIR/conf/bad.conf:1`+"\n", f.read("logs/boot.log"))

	// The console shows control bytes as nginx does, the log does not.
	f.write("conf/control.conf", "\"a\n\x1bb\" x;\n")
	require.NoError(t, os.Remove(f.file("logs/boot.log")))
	got = f.run("-t", "-p", "DIR", "-e", "logs/boot.log", "-c", "conf/control.conf")
	assert.Equal(t, "nginx: [emerg] unknown directive \"a\n\x1bb\" in DIR/conf/control.conf:2\n"+ofConf(failed, "control"), got.stderr)
	assert.Equal(t, `LOG [emerg] unknown directive "a\x0A\x1Bb" in DIR/conf/control.conf:2`+"\n", f.read("logs/boot.log"))
}

// TestRelativePrefix has the log of -e below a prefix that is relative, too. The
// prefix is put before the name once.
func TestRelativePrefix(t *testing.T) {
	f := newFolder(t, "etc/a.conf", "events { }\nstream { server { listen unix:DIR/a.sock; return hi; } }\n")
	require.NoError(t, os.Mkdir(f.file("etc/logs"), 0o755))
	want := outcome{stderr: "nginx: the configuration file etc/a.conf syntax is ok\n" +
		"nginx: configuration file etc/a.conf test is successful\n"}
	for _, prefix := range []string{"etc", "etc/"} {
		assert.Equal(t, want, f.run("-t", "-p", prefix, "-c", "a.conf", "-e", "logs/e.log", "-g", "pid logs/a.pid;"), prefix)
	}
	assert.FileExists(t, f.file("etc/logs/e.log"))
	f.write("etc/a.conf", "events { }\nfoo;\n")
	got := f.run("-p", "./etc", "-c", "a.conf", "-e", "none/e.log", "-g", "pid logs/a.pid;")
	assert.Contains(t, got.stderr, `open() "./etc/none/e.log" failed (2: No such file or directory)`)
}

// TestBindFails shows that messages about sockets go to the configured log.
func TestBindFails(t *testing.T) {
	f := confFolder(t)
	const message = "[emerg] bind() to unix:DIR/none/a.sock failed (2: "
	got := f.run("-t", "-p", "DIR", "-e", "stderr", "-c", "conf/bind.conf")
	assert.Equal(t, 1, got.code)
	assert.Contains(t, got.stderr, ofConf(syntaxOK, "bind")+"nginx: "+message)
	assert.Contains(t, f.read("logs/bind.log"), "LOG "+message)

	got = f.run("-p", "DIR", "-e", "stderr", "-c", "conf/bind.conf")
	assert.Equal(t, 1, got.code)
	assert.Contains(t, got.stderr, "nginx: "+message, "said by the process in the background")
	assert.NoFileExists(t, f.file("logs/b.pid.oldbin"))
}

func TestTestTouchesFiles(t *testing.T) {
	f := confFolder(t)
	f.run("-t", "-p", "DIR", "-c", "conf/ok.conf", "-e", "stderr")
	assert.Empty(t, f.read("logs/ok.pid"))
	assert.Empty(t, f.read("logs/ok.log"))

	f.write("logs/ok.pid", "4711\n")
	f.run("-t", "-p", "DIR", "-c", "conf/ok.conf", "-e", "stderr")
	assert.Equal(t, "4711\n", f.read("logs/ok.pid"), "left alone")
}

func TestDump(t *testing.T) {
	const want = "# configuration file DIR/conf/include.conf:\n" +
		"include a.inc;\nevents { }\ninclude a.inc;\npid logs/i.pid;\n" +
		"# configuration file DIR/conf/a.inc:\n# a\n\n"
	f := confFolder(t)
	got := f.run("-Tq", "-p", "DIR", "-e", "stderr", "-c", "conf/include.conf", "-g", "worker_priority 1;")
	assert.Equal(t, outcome{want, "", 0}, got)
	got = f.run("-T", "-p", "DIR", "-e", "stderr", "-c", "conf/include.conf")
	assert.Equal(t, outcome{want, ofConf(syntaxOK+successful, "include"), 0}, got)
}

func TestSignalFails(t *testing.T) {
	const started = "LOG [notice] signal process started\n"
	tests := []struct{ pid, signal, want string }{
		{"", "stop", `LOG [error] invalid PID number "" in "DIR/logs/ok.pid"`},
		{"abc\n", "quit", `LOG [error] invalid PID number "abc" in "DIR/logs/ok.pid"`},
		{"99 99\n", "quit", `LOG [error] invalid PID number "99 99" in "DIR/logs/ok.pid"`},
		{"99999999999999999999\n", "quit", `LOG [error] invalid PID number "99999999999999999999" in "DIR/logs/ok.pid"`},
		{"4194300\r\n\n", "reload", "LOG [alert] kill(4194300, 1) failed (3: No such process)"},
		{"4194300", "stop", "LOG [alert] kill(4194300, 15) failed (3: No such process)"},
	}
	f := confFolder(t)
	args := []string{"-p", "DIR", "-c", "conf/ok.conf", "-e"}
	assert.Equal(t, outcome{"", started + `LOG [error] open() "DIR/logs/ok.pid" failed (2: No such file or directory)` + "\n", 1},
		f.run(append(args, "stderr", "-s", "stop")...))
	for _, tt := range tests {
		f.write("logs/ok.pid", tt.pid)
		assert.Equal(t, outcome{"", started + tt.want + "\n", 1}, f.run(append(args, "stderr", "-s", tt.signal)...), "%q", tt.pid)
	}
	assert.Equal(t, outcome{"", "nginx: [alert] kill(4194300, 3) failed (3: No such process)\n", 1},
		f.run(append(args, "logs/s.log", "-s", "quit")...))
	assert.Equal(t, started+"LOG [alert] kill(4194300, 3) failed (3: No such process)\n", f.read("logs/s.log"))

	got := f.run("-p", "DIR", "-e", "stderr", "-c", "conf/bad.conf", "-s", "quit")
	assert.Equal(t, outcome{"", `LOG [emerg] unknown directive "foo" in DIR/conf/bad.conf:1` + "\n", 1}, got)
}
