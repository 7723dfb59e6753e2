package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tufanbarisyildirim/gonginx/config"

	"github.com/gostream/gostream/internal/conf"
	"github.com/gostream/gostream/parser"
)

// loadText loads main.conf with the text and returns all messages as nginx
// prints them; the file's path is CONF, its folder PREFIX.
func loadText(t *testing.T, text string, more ...string) (m *mainConfig, messages []string) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "main.conf")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	env := &conf.Env{Prefix: dir, ConfDir: dir, Log: func(level, msg string) {
		messages = append(messages, "["+level+"] "+msg)
	}}
	tree, _ := parser.ParseFile(file, parser.Options{Opaque: notServed})
	trees := []*config.Config{tree}
	for _, g := range more {
		tree, _ := parser.ParseString(parser.CommandLine, g, parser.Options{})
		trees = slices.Insert(trees, 0, tree)
	}
	m = &mainConfig{}
	if err := m.load(newSchema().KnowElsewhere("listen", "server", "upstream"), env, trees...); err != nil {
		messages = append(messages, "[emerg] "+err.Error())
	}
	for i, msg := range messages {
		messages[i] = strings.NewReplacer(file, "CONF", dir, "PREFIX").Replace(msg)
	}
	return m, messages
}

// differs explains the vectors that are not replayed.
var differs = map[int]string{
	771: "gostream has no OpenSSL engines: ssl_engine is accepted",
	806: "gostream loads no modules: a warning",
	807: "gostream loads no modules: a warning",
	787: "log files are opened later, by the process code",
}

func TestVectors(t *testing.T) {
	text, err := os.ReadFile("../../testdata/vectors.json")
	require.NoError(t, err)
	var file struct{ Vectors []json.RawMessage }
	require.NoError(t, json.Unmarshal(text, &file))
	replayed := 0
	for _, raw := range file.Vectors {
		var v struct {
			ID            int
			Category      string
			Input, Output json.RawMessage
		}
		require.NoError(t, json.Unmarshal(raw, &v))
		if v.Category != "config test" || differs[v.ID] != "" {
			continue
		}
		var in struct{ Context, Snippet string }
		var out struct{ Messages []string }
		require.NoError(t, json.Unmarshal(v.Input, &in))
		require.NoError(t, json.Unmarshal(v.Output, &out))
		text, ok := vectorText(in.Context, in.Snippet)
		if !ok || dependsOnSystem(in.Snippet) {
			continue
		}
		replayed++
		m, messages := loadText(t, text)
		if len(messages) == 0 {
			if err := m.checkConnections(strings.Count(in.Snippet, "listen ")); err != nil {
				messages = append(messages, "[emerg] "+err.Error())
			}
		}
		assert.Empty(t, compare(out.Messages, messages), "vector %d: %s", v.ID, in.Snippet)
	}
	assert.GreaterOrEqual(t, replayed, 60)
}

// dependsOnSystem tells of a snippet whose outcome nginx gave as root on Linux,
// where the test runs otherwise: of user, and of use.
func dependsOnSystem(snippet string) bool {
	return strings.HasPrefix(snippet, "use") && (runtime.GOOS != "linux" || os.Geteuid() != 0)
}

// vectorText is the configuration file that a vector's snippet was tested in.
func vectorText(context, snippet string) (text string, ok bool) {
	const first = "pid logs/nginx.pid; error_log logs/error.log;\n"
	switch context {
	case "raw":
		return snippet, true
	case "main":
		return first + snippet + "\nevents { }\n", true
	case "events":
		return first + "\nevents { " + snippet + " }\n", true
	}
	return "", false
}

// compare returns the first difference of two lists of messages.
func compare(want, got []string) string {
	if slices.Equal(want, got) {
		return ""
	}
	return "want " + strings.Join(want, "; ") + "\ngot  " + strings.Join(got, "; ")
}

func TestDefaults(t *testing.T) {
	m, messages := loadText(t, "events { }")
	require.Empty(t, messages)
	assert.Equal(t, conf.On, m.daemon)
	assert.Equal(t, conf.On, m.masterProcess)
	assert.Equal(t, "nginx.pid", filepath.Base(m.pid))
	assert.True(t, filepath.IsAbs(m.pid))
	assert.Equal(t, int64(1), m.processes)
	assert.Less(t, m.shutdownTimeout, time.Duration(0))
	assert.Empty(t, m.errorLog)
	assert.Equal(t, int64(512), m.events.connections)
	assert.Equal(t, 500*time.Millisecond, m.events.acceptDelay)
	assert.False(t, m.events.multiAccept.On())
	if os.Geteuid() == 0 {
		assert.Equal(t, "nobody", m.user.name)
	} else {
		assert.Equal(t, account{uid: -1, gid: -1}, m.user)
	}
}

func TestValues(t *testing.T) {
	m, messages := loadText(t, `
		daemon off; pid /run/x.pid; worker_processes auto; worker_priority -7; worker_rlimit_core 1g;
		worker_rlimit_nofile 1000; worker_shutdown_timeout 1m; env A=B; env HOME; debug_points Abort;
		working_directory /tmp; error_log stderr debug; error_log a info;
		events { worker_connections 0; multi_accept on; accept_mutex_delay 0; epoll_events 7; debug_connection 10.0.0.0/8; debug_connection unix:; }`)
	require.Empty(t, messages)
	assert.Equal(t, "/run/x.pid", m.pid)
	assert.Equal(t, int64(runtime.NumCPU()), m.processes)
	assert.Equal(t, -7, m.priority)
	assert.Equal(t, int64(1<<30), m.rlimitCore)
	assert.Equal(t, int64(1000), m.rlimitNofile)
	assert.Equal(t, time.Minute, m.shutdownTimeout)
	assert.Equal(t, debugPointAbort, m.debugPoints)
	assert.Equal(t, "/tmp", m.workingDir)
	require.Len(t, m.errorLog, 2)
	assert.Equal(t, []string{"stderr", "debug"}, m.errorLog[0].Args)
	assert.Equal(t, []string{"a", "info"}, m.errorLog[1].Args)
	assert.Equal(t, int64(conf.Zero), m.events.connections)
	assert.Equal(t, int64(7), m.events.events)
	assert.Equal(t, time.Duration(conf.Zero), m.events.acceptDelay)
	assert.Len(t, m.events.debugConnection, 2)
	assert.EqualError(t, m.checkConnections(0), "0 worker_connections are not enough for 0 listening sockets")
	assert.Equal(t, []string{"A=B", "HOME=/h", "TZ=UTC"}, m.workerEnvironment([]string{"HOMER=x", "HOME=/h", "X=Y", "TZ=UTC"}))
}

func TestWorkerEnvironmentOwnTZ(t *testing.T) {
	m := mainConfig{environment: []string{"TZ=CET"}}
	assert.Equal(t, []string{"TZ=CET"}, m.workerEnvironment([]string{"TZ=UTC"}))
}

func TestAffinity(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want [4][]int // of the first workers
	}{
		{"01 10", [4][]int{{0}, {1}, {1}, {1}}},
		{"0101", [4][]int{{0, 2}, {0, 2}, {0, 2}, {0, 2}}},
		{`"1 1 0"`, [4][]int{{1, 2}, {1, 2}, {1, 2}, {1, 2}}},
		{"auto 1101", [4][]int{{0}, {2}, {3}, {0}}},
		{"auto 0", [4][]int{}},
	} {
		m, _ := loadText(t, "events { } worker_processes 2; worker_cpu_affinity "+tt.in+";")
		for n, want := range tt.want {
			assert.Equal(t, want, m.affinity.cpus(n), "%s, worker %d", tt.in, n)
		}
	}
	m, _ := loadText(t, "events { } worker_cpu_affinity auto;")
	assert.Equal(t, []int{0}, m.affinity.cpus(0))
	assert.Equal(t, []int{0}, m.affinity.cpus(runtime.NumCPU()))
	assert.Nil(t, (&affinity{}).cpus(0))
}

func TestStreamHook(t *testing.T) {
	m := &mainConfig{}
	var names []string
	m.stream = func(d *conf.Directive) error {
		for e, err := range d.Entries() {
			if err != nil {
				return err
			}
			names = append(names, e.Name)
		}
		return nil
	}
	tree, err := parser.ParseString("f", "events { } stream { a; b; }", parser.Options{})
	require.NoError(t, err)
	require.NoError(t, m.load(newSchema(), &conf.Env{}, tree))
	assert.Equal(t, []string{"a", "b"}, names)
}

func TestCommandLineDirectives(t *testing.T) {
	m, messages := loadText(t, "events { }", "daemon off; worker_processes 3;")
	require.Empty(t, messages)
	assert.Equal(t, conf.Off, m.daemon)
	assert.Equal(t, int64(3), m.processes)
	_, messages = loadText(t, "daemon off; events { }", "daemon off;")
	assert.Equal(t, []string{`[emerg] "daemon" directive is duplicate in CONF:1`}, messages)
	_, messages = loadText(t, "daemon off; events { }", "foo 1;")
	assert.Equal(t, []string{`[emerg] unknown directive "foo" in command line`}, messages)
}
