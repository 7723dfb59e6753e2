//go:build unix

// Shim lets gostream pass files of nginx-tests whose configuration has an http
// block beside the stream block: it takes the place of nginx, and starts a real
// nginx for the http block and gostream for everything else.
//
// The environment names them: GOSTREAM_SHIM_HTTP and GOSTREAM_SHIM_STREAM. The
// suite reads the process id of the shim from the pid file; signals to the shim
// go to both. It ends with the exit code of gostream. With -t, -T, -V, -v or -s
// gostream takes its place altogether; -V also lists what nginx has for http.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	code, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "shim:", err)
		os.Exit(1)
	}
	os.Exit(code)
}

// shim is a running pair of servers.
type shim struct {
	stream, http string   // binaries
	prefix, conf string   // values of -p and -c
	options      []string // the others
	signals      chan os.Signal
}

func run(args []string) (int, error) {
	s := &shim{stream: os.Getenv("GOSTREAM_SHIM_STREAM"), http: os.Getenv("GOSTREAM_SHIM_HTTP"), signals: make(chan os.Signal, 16)}
	if s.stream == "" || s.http == "" {
		return 0, errors.New("GOSTREAM_SHIM_STREAM and GOSTREAM_SHIM_HTTP must name binaries")
	}
	for i := 0; i < len(args); i++ {
		switch {
		case args[i] == "-V":
			return 0, s.version()
		case args[i] == "-t" || args[i] == "-T" || args[i] == "-v" || args[i] == "-s":
			return 0, syscall.Exec(s.stream, append([]string{s.stream}, args...), os.Environ())
		case args[i] == "-p" && i+1 < len(args):
			i++
			s.prefix = args[i]
		case args[i] == "-c" && i+1 < len(args):
			i++
			s.conf = args[i]
		default:
			s.options = append(s.options, args[i])
		}
	}
	return s.serve()
}

// httpModule finds what nginx is built with for http. The suite would load
// modules that are "=dynamic" from the folder of the shim.
var httpModule = regexp.MustCompile(`--with-http_\w+(?:\s|$)`)

// httpModules lists them.
func httpModules(version string) string {
	return strings.Join(strings.Fields(strings.Join(httpModule.FindAllString(version, -1), " ")), " ")
}

// version prints the answer of gostream, with the modules that nginx has for http.
func (s *shim) version() error {
	own, err := exec.Command(s.stream, "-V").CombinedOutput()
	if err != nil {
		return err
	}
	nginx, err := exec.Command(s.http, "-V").CombinedOutput()
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, strings.TrimSpace(string(own)), httpModules(string(nginx)))
	return nil
}

// serve runs both until gostream ends.
func (s *shim) serve() (int, error) {
	signal.Notify(s.signals, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGINT, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH)
	if err := s.split(); err != nil {
		return 0, err
	}
	web, err := s.start(s.http, "http.conf")
	if err != nil {
		return 0, err
	}
	defer func() {
		_ = web.Process.Signal(syscall.SIGQUIT)
		_ = web.Wait()
	}()
	if err := s.await("http.pid"); err != nil {
		return 0, err
	}
	own, err := s.start(s.stream, "stream.conf")
	if err != nil {
		return 0, err
	}
	ended := make(chan error, 1)
	go func() { ended <- own.Wait() }()
	if err := s.await("stream.pid"); err != nil {
		_ = own.Process.Kill()
		return 0, err
	}
	// Only now may the suite connect, and only the shim's number is told.
	if err := os.WriteFile(s.path("nginx.pid"), []byte(strconv.Itoa(os.Getpid())+"\n"), 0o644); err != nil {
		return 0, err
	}
	defer os.Remove(s.path("nginx.pid"))
	for {
		select {
		case <-ended:
			return own.ProcessState.ExitCode(), nil
		case sig := <-s.signals:
			if sig == syscall.SIGHUP {
				if err := s.split(); err != nil {
					return 0, err
				}
			}
			_ = web.Process.Signal(sig)
			_ = own.Process.Signal(sig)
		}
	}
}

func (s *shim) start(binary, conf string) (*exec.Cmd, error) {
	cmd := exec.Command(binary, append([]string{"-p", s.prefix, "-c", s.path(conf)}, s.options...)...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd, cmd.Start()
}

// await waits until a server has written its pid file.
func (s *shim) await(pid string) error {
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if info, err := os.Stat(s.path(pid)); err == nil && info.Size() > 0 {
			return nil
		}
	}
	return fmt.Errorf("no %s within 30 seconds", pid)
}

// split writes the two configurations beside the one that was given. Each has
// a pid file of its own.
func (s *shim) split() error {
	text, err := os.ReadFile(s.path(s.conf))
	if err != nil {
		return err
	}
	for block, name := range map[string]string{"stream": "http", "http": "stream"} {
		part := withPID(withoutBlock(string(text), block), s.path(name+".pid"))
		if err := os.WriteFile(s.path(name+".conf"), []byte(part), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// path makes a name absolute, as -c does.
func (s *shim) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(s.prefix, name)
}
