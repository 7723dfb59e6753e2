//go:build unix

package conformance

import (
	"bytes"
	"context"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"text/template"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// patience is how long something may take that is expected to happen.
const patience = 60 * time.Second

// ports are the values of {{.Name}} in configurations.
type ports map[string]int

// takePorts reserves a free port for each name until the test ends.
func takePorts(t *testing.T, names ...string) ports {
	t.Helper()
	taken := ports{}
	for _, name := range names {
		port, hold := portPool.take()
		t.Cleanup(func() { hold.Close() })
		n, err := strconv.Atoi(port)
		require.NoError(t, err)
		taken[name] = n
	}
	return taken
}

// local is the address of a port on this machine.
func local(port int) string { return "127.0.0.1:" + strconv.Itoa(port) }

// need returns the path of a program, which may be in other folders than PATH
// names. Without it the test does not go on.
func need(t *testing.T, program string, folders ...string) string {
	t.Helper()
	if path, err := exec.LookPath(program); err == nil {
		return path
	}
	for i := len(folders) - 1; i >= 0; i-- {
		if path, err := exec.LookPath(filepath.Join(folders[i], program)); err == nil {
			return path
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is not installed", program)
	}
	t.Skipf("%s is not installed", program)
	return ""
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v", what, patience)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// process is a running program.
type process struct {
	cmd    *exec.Cmd
	output bytes.Buffer  // what it printed; read it when ended
	ended  chan struct{} // closed when the process is gone
}

// start runs a program until the test is over, or stop is called.
func start(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{cmd: cmd, ended: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &p.output, &p.output
	require.NoError(t, cmd.Start())
	go func() {
		defer close(p.ended)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() { p.stop(syscall.SIGKILL) })
	return p
}

// stop sends a signal and waits for the end of the process.
func (p *process) stop(sig syscall.Signal) {
	_ = p.cmd.Process.Signal(sig)
	select {
	case <-p.ended:
	case <-time.After(patience):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
}

// await waits until the program is ready. It must not end before.
func (p *process) await(t *testing.T, ready func() bool) {
	t.Helper()
	eventually(t, "start of "+p.cmd.Path, func() bool {
		select {
		case <-p.ended:
			t.Fatalf("%v ended:\n%s", p.cmd.Args, &p.output)
		default:
		}
		return ready()
	})
}

// accepts reports whether someone listens on a port.
func accepts(port int) bool {
	c, err := net.Dial("tcp", local(port))
	if err == nil {
		c.Close()
	}
	return err == nil
}

// proxy is a running gostream.
type proxy struct {
	*process
	dir string // its prefix
}

// startProxy runs gostream with the configuration in a folder of testdata. When
// the test is over, gostream must end well and have logged nothing worse than
// errors.
func startProxy(t *testing.T, folder string, values ports) *proxy {
	t.Helper()
	p := &proxy{dir: t.TempDir()}
	require.NoError(t, os.Mkdir(filepath.Join(p.dir, "logs"), 0o755))
	expand(t, filepath.Join("testdata", folder), p.dir, values)
	p.process = start(t, exec.Command(binary(t), "-p", p.dir, "-c", "nginx.conf", "-e", "logs/error.log", "-g", "daemon off;"))
	p.await(t, func() bool { return p.read("logs/nginx.pid") != "" })
	t.Cleanup(func() { p.end(t) })
	return p
}

func (p *proxy) end(t *testing.T) {
	p.stop(syscall.SIGTERM)
	assert.Equal(t, 0, p.cmd.ProcessState.ExitCode(), "exit code")
	for _, text := range []string{p.output.String(), p.read("logs/error.log")} {
		for _, bad := range []string{"[alert]", "[emerg]", "panic", "DATA RACE"} {
			assert.NotContains(t, text, bad)
		}
	}
}

// read returns a file in the prefix, empty if there is none.
func (p *proxy) read(name string) string {
	b, _ := os.ReadFile(filepath.Join(p.dir, name))
	return string(b)
}

// lines waits for a number of complete lines in a file in the prefix.
func (p *proxy) lines(t *testing.T, name string, count int) []string {
	t.Helper()
	eventually(t, name, func() bool { return strings.Count(p.read(name), "\n") >= count })
	return strings.Split(strings.TrimSuffix(p.read(name), "\n"), "\n")
}

// expand copies a folder of templates.
func expand(t *testing.T, from, to string, values any) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		name, _ := filepath.Rel(from, path)
		target := filepath.Join(to, name)
		if err != nil || d.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		tmpl, err := template.New(name).Option("missingkey=error").ParseFiles(path)
		if err != nil {
			return err
		}
		var text bytes.Buffer
		if err := tmpl.ExecuteTemplate(&text, d.Name(), values); err != nil {
			return err
		}
		return os.WriteFile(target, text.Bytes(), 0o644)
	}))
}

// output runs a program that is to succeed and returns what it prints.
func output(t *testing.T, stdin, program string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	var stderr strings.Builder
	cmd.Stdin, cmd.Stderr = strings.NewReader(stdin), &stderr
	out, err := cmd.Output()
	require.NoErrorf(t, err, "%v\n%s%s", cmd.Args, out, &stderr)
	return string(out)
}
