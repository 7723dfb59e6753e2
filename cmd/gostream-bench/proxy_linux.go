package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// proxy is one of the programs to compare.
type proxy struct {
	name    string
	version string
	path    string
	args    []string
	base    int // its first port
	process *process
}

// kind is what distinguishes the proxies.
type kind struct {
	name string

	// prepare finds the program and writes its configuration. If the program
	// is not there and was not asked for, it returns errAbsent.
	prepare func(o options, s settings) (path string, args []string, err error)

	version string // option that prints the version
}

// kinds are the proxies in the order of the tables. nginx comes first, since
// the others are compared with it.
func kinds() []kind {
	return []kind{
		{"nginx", prepareNginx, "-v"},
		{"haproxy", prepareHaproxy, "-v"},
		{"gostream", prepareGostream, "-v"},
	}
}

func proxyNames() (names []string) {
	for _, k := range kinds() {
		names = append(names, k.name)
	}
	return names
}

var errAbsent = errors.New("not found")

// find returns the program given, or else looks for it.
func find(given, name string) (string, error) {
	if given != "" {
		return exec.LookPath(given)
	}
	path, err := exec.LookPath(name)
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/" + name) // not in everybody's PATH
	}
	if err != nil {
		return "", errAbsent
	}
	return path, nil
}

func prepareNginx(o options, s settings) (string, []string, error) {
	path, err := find(o.nginx, "nginx")
	if err != nil {
		return "", nil, err
	}
	version, err := exec.Command(path, "-V").CombinedOutput()
	if err != nil {
		return "", nil, err
	}
	if s.module, err = streamModule(string(version)); err != nil {
		return "", nil, err
	}
	if _, err := os.Stat(s.module); s.module != "" && errors.Is(err, fs.ErrNotExist) {
		return "", nil, fmt.Errorf("%w (Debian has it in libnginx-mod-stream)", err)
	}
	return path, []string{"-p", s.dir, "-c", s.dir + "/nginx.conf"},
		writeFile(s, "nginx.conf", nginxConfig(s))
}

func prepareHaproxy(o options, s settings) (string, []string, error) {
	path, err := find(o.haproxy, "haproxy")
	if err != nil {
		return "", nil, err
	}
	err = errors.Join(writeFile(s, "haproxy.cfg", haproxyConfig(s)), os.WriteFile(haproxyMapFile(s), []byte(haproxyMap()), 0o644))
	return path, []string{"-db", "-f", s.dir + "/haproxy.cfg"}, err
}

// prepareGostream builds the program if none is given.
func prepareGostream(o options, s settings) (string, []string, error) {
	path := o.gostream
	if path == "" {
		path = s.dir + "/gostream"
		out, err := exec.Command("go", "build", "-o", path, "github.com/gostream/gostream/cmd/gostream").CombinedOutput()
		if err != nil {
			return "", nil, fmt.Errorf("%w: go build: %s", errAbsent, strings.TrimSpace(string(out)+" "+err.Error()))
		}
	} else if _, err := exec.LookPath(path); err != nil {
		return "", nil, err
	}
	return path, []string{"-p", s.dir, "-c", s.dir + "/nginx.conf"},
		writeFile(s, "nginx.conf", nginxConfig(s))
}

func writeFile(s settings, name, text string) error {
	return os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o644)
}

// start runs the proxy and waits until it serves.
func (p *proxy) start() error {
	var err error
	if p.process, err = start(p.name, exec.Command(p.path, p.args...)); err != nil {
		return err
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if probe(echo.address(p.base)) == nil {
			return nil
		}
		select {
		case <-p.process.exited:
			return p.process.failed("ended while starting")
		default:
		}
		if time.Now().After(deadline) {
			return p.process.failed("does not serve")
		}
	}
}

func (p *proxy) stop() {
	if p.process != nil {
		p.process.stop()
		p.process = nil
	}
}

// probe makes one exchange through the proxy.
func probe(address string) error {
	c, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	buf := make([]byte, messageSize)
	return exchange(c, buf, buf)
}

// versionOf returns the line with which a program introduces itself.
func versionOf(path, option string) string {
	out, _ := exec.Command(path, option).CombinedOutput()
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return line
}
