package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// asProgram makes the test binary be gostream.
const asProgram = "GOSTREAM_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(run(os.Args[1:]))
	}
	if os.Getenv("GORACE") == "" {
		os.Setenv("GORACE", "atexit_sleep_ms=0") // else programs with the race detector end a second late
	}
	os.Exit(m.Run())
}

// folder is a prefix for a program under test.
type folder struct {
	t    *testing.T
	path string
}

// newFolder makes a folder with the given files, a name and a text each. The
// path is short enough for the names of sockets.
func newFolder(t *testing.T, files ...string) *folder {
	t.Helper()
	path, err := os.MkdirTemp("", "gs")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(path) })
	require.NoError(t, os.Chmod(path, 0o755)) // workers run as somebody else
	f := &folder{t, path}
	for i := 0; i < len(files); i += 2 {
		f.write(files[i], files[i+1])
	}
	return f
}

func (f *folder) file(name string) string { return filepath.Join(f.path, name) }

// write writes a file; DIR in the text is the folder.
func (f *folder) write(name, text string) {
	f.t.Helper()
	require.NoError(f.t, os.MkdirAll(filepath.Dir(f.file(name)), 0o755))
	text = strings.ReplaceAll(text, "DIR", f.path)
	require.NoError(f.t, os.WriteFile(f.file(name), []byte(text), 0o644))
}

// read returns a file as nginx's recorded outcomes have it: without times,
// process ids and the folder.
func (f *folder) read(name string) string {
	f.t.Helper()
	text, err := os.ReadFile(f.file(name))
	require.NoError(f.t, err)
	return f.plain(string(text))
}

var lineStart = regexp.MustCompile(`(?m)^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d (\[\w+\]) \d+#\d+: `)

func (f *folder) plain(text string) string {
	return strings.ReplaceAll(lineStart.ReplaceAllString(text, "LOG $1 "), f.path, "DIR")
}

// command is gostream with arguments, to be started in the folder.
func (f *folder) command(args ...string) *exec.Cmd {
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "DIR", f.path)
	}
	c := exec.Command(os.Args[0], args...)
	c.Dir = f.path
	c.Env = append(os.Environ(), asProgram+"=1")
	return c
}

// outcome is what a run left.
type outcome struct {
	stdout, stderr string
	code           int
}

// run runs gostream to its end.
func (f *folder) run(args ...string) outcome {
	f.t.Helper()
	var stdout, stderr bytes.Buffer
	c := f.command(args...)
	c.Stdout, c.Stderr = &stdout, &stderr
	if err := c.Run(); err != nil {
		require.IsType(f.t, &exec.ExitError{}, err)
	}
	return outcome{f.plain(stdout.String()), f.plain(stderr.String()), c.ProcessState.ExitCode()}
}

func TestWrongOptions(t *testing.T) {
	f := newFolder(t)
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"-x"}, `invalid option: "x"`},
		{[]string{"foo"}, `invalid option: "foo"`},
		{[]string{""}, `invalid option: ""`},
		{[]string{"--help"}, `invalid option: "-"`},
		{[]string{"-tqx"}, `invalid option: "x"`},
		{[]string{"-hx"}, `invalid option: "x"`},
		{[]string{"-p"}, `option "-p" requires directory name`},
		{[]string{"-vp"}, `option "-p" requires directory name`},
		{[]string{"-e"}, `option "-e" requires file name`},
		{[]string{"-c"}, `option "-c" requires file name`},
		{[]string{"-g"}, `option "-g" requires parameter`},
		{[]string{"-s"}, `option "-s" requires parameter`},
		{[]string{"-s", "foo"}, `invalid option: "-s foo"`},
		{[]string{"-sfoo"}, `invalid option: "-s foo"`},
	} {
		assert.Equal(t, outcome{"", "nginx: " + tt.want + "\n", 1}, f.run(tt.args...), "%q", tt.args)
	}
}

func TestVersion(t *testing.T) {
	f := newFolder(t)
	const first = "nginx version: nginx/1.31.5 (gostream dev)\n"
	assert.Equal(t, outcome{"", first, 0}, f.run("-v", "-s", "quit", "-c", "missing"))

	help := f.run("-h")
	assert.Equal(t, 0, help.code)
	assert.Contains(t, help.stderr, first+"Usage: nginx [-?hvVtTq] [-s signal] [-p prefix]\n")
	for _, letter := range "vVtTqspecg" {
		assert.Regexp(t, `(?m)^  -`+string(letter)+` .*: `, help.stderr)
	}

	config := f.run("-V")
	assert.Equal(t, 0, config.code)
	assert.Regexp(t, `\A`+regexp.QuoteMeta(first)+`built by go1\S+\nbuilt with .+\nTLS SNI support enabled\n`+
		`configure arguments: --prefix=/etc/nginx .*--with-debug .*--with-stream --with-stream_ssl_module .*\n\z`, config.stderr)
	assert.NotContains(t, config.stderr, "--without-stream_map_module")
}

func TestConfigureArgumentsNameWhatIsMissing(t *testing.T) {
	args := strings.Join(configureArguments(), " ")
	for _, name := range ordinaryModules {
		missing := strings.Contains(args, "--without-"+name+"_module")
		has := false
		for row := range fullSchema().Rows() {
			has = has || row.Module == name
		}
		assert.NotEqual(t, has, missing, name)
	}
}

// Whoever passes sessions on to http servers is told that nobody is there.
func TestPassToSkippedBlock(t *testing.T) {
	const servers = "events { }\nstream { server { listen unix:DIR/a; pass unix:DIR/b; } server { listen unix:DIR/c; pass unix:DIR/a; } }\n"
	const stray = `LOG [warn] "pass" to "unix:DIR/b" leads nowhere: no server of the "stream" block listens there, and those of other blocks are not served in DIR/conf:2`
	test := func(text string) string {
		f := newFolder(t, "conf", "pid DIR/pid; error_log stderr; "+text)
		out := f.run("-t", "-p", "DIR", "-c", "DIR/conf", "-e", "DIR/log")
		assert.Zero(t, out.code)
		return strings.ReplaceAll(out.stderr, "nginx: [", "LOG [")
	}
	assert.NotContains(t, test(servers), "warn")
	for _, block := range []string{"http", "mail"} {
		assert.Contains(t, test(servers+block+" { server { listen unix:DIR/b; } }\n"), stray)
	}
}
