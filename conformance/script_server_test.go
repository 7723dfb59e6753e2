//go:build unix

package conformance

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// scriptPatience is how long one step of a script may take.
const scriptPatience = 20 * time.Second

// subject is a server that scripts are run with.
type subject struct {
	binary    string
	container string   // id of the one that has the binary; empty for this machine
	version   string   // of nginx, empty for gostream
	openSSL   string   // its version
	globals   []string // directives for -g
}

var (
	versionLine = regexp.MustCompile(`nginx version: \S+/([\d.]+)`)
	openSSLLine = regexp.MustCompile(`with OpenSSL (\S+)`)
	modulesPath = regexp.MustCompile(`--modules-path=(\S+)`)
)

// referenceServer is the nginx of -nginx, nil without the flag.
func referenceServer(t *testing.T) *subject {
	t.Helper()
	kind, name, _ := strings.Cut(*nginxFlag, ":")
	s := &subject{binary: name}
	switch kind {
	case "":
		return nil
	case "path":
	case "docker":
		s.binary, s.container = "nginx", startNginxContainer(t, name)
	default:
		t.Fatalf("-nginx %s: neither path:BINARY nor docker:IMAGE", *nginxFlag)
	}
	out, err := s.program("/", "-V").CombinedOutput()
	require.NoError(t, err, "%s -V\n%s", *nginxFlag, out)
	version := versionLine.FindSubmatch(out)
	require.NotNil(t, version, "%s -V: no version in\n%s", *nginxFlag, out)
	s.version = string(version[1])
	for _, openSSL := range openSSLLine.FindAllSubmatch(out, -1) { // built with, running with
		s.openSSL = string(openSSL[1])
	}
	t.Logf("%s is nginx %s", *nginxFlag, s.version)
	if bytes.Contains(out, []byte("--with-stream=dynamic")) {
		module := "modules/ngx_stream_module.so"
		if dir := modulesPath.FindSubmatch(out); dir != nil {
			module = filepath.Join(string(dir[1]), filepath.Base(module))
		}
		s.globals = []string{"load_module " + module}
	}
	return s
}

// program is the server's with arguments, in a folder.
func (s *subject) program(dir string, args ...string) *exec.Cmd {
	if s.container != "" {
		return exec.Command("docker", append(inContainer(s.container, dir, s.binary), args...)...)
	}
	cmd := exec.Command(s.binary, args...)
	cmd.Dir = dir
	return cmd
}

// knows reports whether the server is of a version or later.
func (s *subject) knows(since string) bool {
	have, need := strings.Split(s.version, "."), strings.Split(since, ".")
	for i := range need {
		if i >= len(have) {
			return false
		}
		h, _ := strconv.Atoi(have[i])
		n, _ := strconv.Atoi(need[i])
		if h != n {
			return h > n
		}
	}
	return true
}

var (
	pidDirective  = regexp.MustCompile(`(?m)^pid\s+([^;]+);`)
	userDirective = regexp.MustCompile(`(?m)^user\s`)
)

// command starts the server with dir as its prefix. What a configuration leaves
// out is added, for it to run anywhere.
func (s *subject) command(dir, config string, test bool) *exec.Cmd {
	globals := append([]string{}, s.globals...)
	if !pidDirective.MatchString(config) {
		globals = append(globals, "pid nginx.pid")
	}
	args := []string{"-p", dir, "-c", "nginx.conf", "-e", "error.log"}
	if test {
		args = append(args, "-t")
	} else {
		globals = append(globals, "daemon off")
		if os.Geteuid() == 0 && !userDirective.MatchString(config) {
			globals = append(globals, "user root")
		}
	}
	if len(globals) > 0 {
		args = append(args, "-g", strings.Join(globals, "; ")+";")
	}
	return s.program(dir, args...) // there, for sockets to have short names
}

// testConfig is the outcome of -t.
func (s *stage) testConfig(server *subject) (outcome, error) {
	cmd := server.command(s.dir, readText(filepath.Join(s.dir, "nginx.conf")), true)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		return nil, err
	}
	o := outcome{}
	o.set("stderr", s.normal(stderr.String()))
	o.set("status", strconv.Itoa(cmd.ProcessState.ExitCode()))
	return o, nil
}

// start runs the server until it listens, which is when it writes its pid.
func (s *stage) start(server *subject, config string) error {
	s.pid = filepath.Join(s.dir, "nginx.pid")
	if m := pidDirective.FindStringSubmatch(config); m != nil {
		s.pid = filepath.Join(s.dir, m[1])
	}
	s.inContainer = server.container != ""
	s.server = &process{cmd: server.command(s.dir, config, false), ended: make(chan struct{})}
	s.server.cmd.Stderr = &s.server.output
	if err := s.server.cmd.Start(); err != nil {
		return err
	}
	go func() {
		defer close(s.server.ended)
		_ = s.server.cmd.Wait()
	}()
	return s.until("start", func() bool { return s.gone() || readText(s.pid) != "" })
}

// tell sends the server a signal. What runs here for one in a container does not
// pass signals on.
func (s *stage) tell(signal syscall.Signal) error {
	if !s.inContainer {
		return s.server.cmd.Process.Signal(signal)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(readText(s.pid)))
	if err != nil {
		return err
	}
	return syscall.Kill(pid, signal)
}

// gone reports whether the server has ended.
func (s *stage) gone() bool {
	select {
	case <-s.server.ended:
		return true
	default:
		return false
	}
}

// until polls what cannot be waited for.
func (s *stage) until(what string, holds func() bool) error {
	for deadline := time.Now().Add(scriptPatience); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("%s: not within %v", what, scriptPatience)
		}
	}
	return nil
}

// finish ends the connections, then the server, which waits for its sessions.
func (s *stage) finish() error {
	for _, name := range s.clients {
		s.peers[name].conn.Close()
	}
	if !s.gone() {
		_ = s.tell(syscall.SIGQUIT)
	}
	select {
	case <-s.server.ended:
	case <-time.After(scriptPatience):
		return errors.New("sessions are left: no end after SIGQUIT")
	}
	s.endPackets()
	for _, p := range s.peers {
		if err := p.ended(); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.backends)) {
		if s.backends[name].killed {
			continue
		}
		peers, err := s.backends[name].settle(s.dir)
		if err != nil {
			return fmt.Errorf("backend %s: %w", name, err)
		}
		for i, p := range peers {
			s.nameSource(fmt.Sprintf("%s.%d", name, i+1), p)
		}
	}
	return nil
}
