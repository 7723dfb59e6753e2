//go:build unix

package conformance

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"
)

// TestPublished serves the configurations of testdata/published, which are as people
// publish them. Each backend in them is a stub that says its address and repeats
// what it gets; each listener is connected to. The answers must be those of
// nginx, recorded beside. The flags are those of TestScripts; README.md there
// tells what comments in a configuration mean.
func TestPublished(t *testing.T) {
	files, err := filepath.Glob("testdata/published/*.conf")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	compareAll(t, files, readPublished)
}

// published turns a configuration into one that can be served anywhere.
type published struct {
	listeners map[string]*place // by address as written
	order     []string          // of listeners
	backends  map[string]string // the place, by address as written
	dead      []string          // backends that are not there
	ports     int               // placeholders in use
}

// place is where a listener is in the test.
type place struct {
	address string
	header  bool // it wants a PROXY protocol header
}

var (
	listenLine  = regexp.MustCompile(`\blisten\s+([^;\s]+)([^;]*);`)
	hostAndPort = regexp.MustCompile(`unix:[^;\s"]+|(?:\[[0-9a-f:]+\]|[a-z0-9][a-z0-9.-]*):\d+\b`)
	withoutHost = regexp.MustCompile(`^\s*(#|log_format|listen|set_real_ip_from|allow|deny|access_log)`)
	placed      = regexp.MustCompile(`(?m)^\s*(user|pid|load_module)\s[^;]*;[^\n]*\n`)
	workers     = regexp.MustCompile(`\bworker_processes\s+\w+;`)
	accessLog   = regexp.MustCompile(`\baccess_log\s+/[^\s;]+`)
	errorLog    = regexp.MustCompile(`\berror_log\s[^;]+;`)
	remark      = regexp.MustCompile(`(?m)^# (since|differs:|dead|probe) (.*)$`)
)

// readPublished makes a script of a configuration.
func readPublished(t *testing.T, path string) *script {
	text := readText(path)
	i := &published{listeners: map[string]*place{}, backends: map[string]string{}}
	s := &script{
		path: strings.TrimSuffix(path, ".conf") + ".txtar", archive: &txtar.Archive{},
		since: "1.9.0", recorded: outcome{},
	}
	if archive, err := txtar.ParseFile(s.path); err == nil {
		for _, f := range archive.Files {
			s.recorded.set(f.Name, string(f.Data))
		}
	} else {
		require.True(t, *updateFlag && os.IsNotExist(err), "%v", err)
	}
	var probes []string
	for _, m := range remark.FindAllStringSubmatch(text, -1) {
		switch m[1] {
		case "since":
			s.since = m[2]
		case "differs:":
			s.differs = m[2]
		case "dead":
			i.dead = append(i.dead, strings.Fields(m[2])...)
		case "probe":
			probes = append(probes, m[2])
		}
	}
	s.files = map[string]string{"nginx.conf": i.relocate(text)}
	s.steps = append(i.stubs(), i.probes(s, probes)...)
	return s
}

// port is a placeholder that no other place has.
func (i *published) port() string {
	i.ports++
	return fmt.Sprintf("$PORT%d", i.ports)
}

// relocate moves listeners and backends to this machine, logs to the prefix,
// and leaves one worker, for backends to take turns in one order.
func (i *published) relocate(text string) string {
	text = placed.ReplaceAllString(text, "")
	text = workers.ReplaceAllString(text, "worker_processes 1;")
	text = accessLog.ReplaceAllString(text, "access_log access.log")
	text = errorLog.ReplaceAllString(text, "")
	text = listenLine.ReplaceAllStringFunc(text, func(line string) string {
		m := listenLine.FindStringSubmatch(line)
		return "listen " + i.listener(m[1], m[2]) + m[2] + ";"
	})
	lines := strings.SplitAfter(text, "\n")
	for n, line := range lines {
		if !withoutHost.MatchString(line) {
			lines[n] = hostAndPort.ReplaceAllStringFunc(line, i.backend)
		}
	}
	return "error_log error.log info;\n" + strings.Join(lines, "")
}

func (i *published) listener(written, options string) string {
	if i.listeners[written] == nil {
		p := &place{header: strings.Contains(options, "proxy_protocol")}
		switch {
		case strings.HasPrefix(written, "unix:"):
			p.address = "unix:$DIR/" + filepath.Base(written)
		case strings.HasPrefix(written, "["):
			p.address = "[::1]:" + i.port()
		default:
			p.address = "127.0.0.1:" + i.port()
		}
		i.listeners[written] = p
		i.order = append(i.order, written)
	}
	return i.listeners[written].address
}

// backend returns where a backend is: a listener of the same configuration, or
// a stub.
func (i *published) backend(written string) string {
	if strings.HasPrefix(written, "unix:$DIR") {
		return written // a listener's, on the same line
	}
	host, port, _ := net.SplitHostPort(written)
	local := host == "127.0.0.1" || host == "localhost"
	for _, name := range i.order {
		if _, p, _ := net.SplitHostPort(name); name == written || local && (name == port || p == port) {
			return i.listeners[name].address
		}
	}
	if i.backends[written] == "" {
		i.backends[written] = "127.0.0.1:" + i.port()
		if strings.HasPrefix(written, "unix:") {
			i.backends[written] = "unix:$DIR/" + filepath.Base(written)
		}
	}
	return i.backends[written]
}

// stubs are the steps that start the backends.
func (i *published) stubs() []string {
	var steps []string
	for written, address := range i.backends {
		if !slices.Contains(i.dead, written) {
			steps = append(steps, fmt.Sprintf("backend %s %s stub %q", written, address, written+" "))
		}
	}
	return steps
}

// probes are the steps that connect: as remarks say, or twice to each listener.
// They are listed at the top of the recording.
func (i *published) probes(s *script, remarks []string) []string {
	if remarks == nil {
		for _, name := range i.order {
			remarks = append(remarks, name+" times=2")
		}
	}
	var steps []string
	for _, r := range remarks {
		words := strings.Fields(r)
		times, _ := strconv.Atoi(option(words, "times"))
		for range max(times, 1) {
			name := fmt.Sprintf("c%d", strings.Count(string(s.archive.Comment), "\n")+1)
			s.archive.Comment = fmt.Appendf(s.archive.Comment, "# %s: %s\n", name, r)
			steps = append(steps, i.probe(name, i.listeners[words[0]], words[1:])...)
		}
	}
	return steps
}

// probe connects, says something with END in it unless it is quiet, and waits
// for the end.
func (i *published) probe(name string, to *place, options []string) []string {
	if to == nil {
		return []string{"connect " + name + " to-no-listener"}
	}
	connect := fmt.Sprintf("connect %s %s", name, to.address)
	if from := option(options, "from"); from != "" {
		connect += " from=" + from
	}
	steps := []string{connect}
	if to.header {
		client := option(options, "client")
		if client == "" {
			client = "203.0.113.7"
		}
		steps = append(steps, fmt.Sprintf("proxy %s v1 %s:5000 192.0.2.80:443", name, client))
	}
	text := option(options, "text")
	if slices.Contains(options, "tls") || option(options, "sni") != "" || option(options, "alpn") != "" {
		steps = append(steps, fmt.Sprintf("hello %s sni=%s alpn=%s", name, option(options, "sni"), option(options, "alpn")))
		text = ""
	}
	if slices.Contains(options, "quiet") {
		return append(steps, "done "+name)
	}
	return append(steps, fmt.Sprintf("try-send %s %q", name, text+"END"), "done "+name)
}
