package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"
)

// metric is one figure that a workload gives.
type metric struct {
	Name string `json:"name"`
	Unit string `json:"unit"`
}

// workload is one way of using a proxy.
type workload struct {
	name        string
	connections int
	metrics     []metric
	scale       float64 // from CPU seconds per unit of work to the metric
	without     string  // a proxy that cannot do it
}

// workloads are all of them, in the order in which they run.
func workloads() []workload {
	const usPer = "µs of CPU time per "
	return []workload{
		{"connect", 16, []metric{{"connect", usPer + "connection"}}, 1e6, ""},
		{"preread", 16, []metric{{"preread", usPer + "connection"}}, 1e6, ""},
		{"echo", 64, []metric{{"echo", usPer + "message there and back"}}, 1e6, ""},
		{"udp-echo", 32, []metric{{"udp-echo", usPer + "datagram there and back"}}, 1e6, "haproxy"},
		{"udp-query", 32, []metric{{"udp-query", usPer + "datagram there and back"}}, 1e6, "haproxy"},
		{"bulk-up", 4, []metric{{"bulk-up", "s of CPU time per GB"}}, 1e9, ""},
		{"bulk-down", 4, []metric{{"bulk-down", "s of CPU time per GB"}}, 1e9, ""},
		{idleName, 0, []metric{{"idle memory", "KB per session"}, {"idle descriptors", "per session"}}, 0, ""},
	}
}

const idleName = "idle"

func workloadNames() (names []string) {
	for _, w := range workloads() {
		names = append(names, w.name)
	}
	return names
}

// bench is a running benchmark.
type bench struct {
	options
	self        string // this program
	dir         string
	backend     *process
	proxies     []*proxy
	interrupted <-chan os.Signal
}

var errInterrupted = errors.New("interrupted")

// newBench starts the backend and all proxies.
func newBench(o options) (*bench, error) {
	b := &bench{options: o}
	if err := b.begin(); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *bench) begin() (err error) {
	if b.self, err = os.Executable(); err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp("", "gostream-bench"); err != nil {
		return err
	}
	// The workers of a proxy run as somebody else.
	if err := os.Chmod(b.dir, 0o755); err != nil {
		return err
	}
	if err := b.startBackend(); err != nil {
		return err
	}
	for i, k := range kinds() {
		if slices.Contains(strings.Split(b.options.proxies, ","), k.name) {
			if err := b.addProxy(k, b.port+10*(i+1)); err != nil {
				return err
			}
		}
	}
	if len(b.proxies) == 0 {
		return errors.New("there is no proxy to measure")
	}
	return nil
}

func (b *bench) startBackend() error {
	cmd := exec.Command(b.self, backendCommand, fmt.Sprint(b.port))
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if b.backend, err = start("backend", cmd); err != nil {
		return err
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		<-b.backend.exited
		return b.backend.failed("does not start")
	}
	return nil
}

// addProxy starts a proxy, or says why it is left out.
func (b *bench) addProxy(k kind, base int) error {
	s := settings{dir: b.dir + "/" + k.name, base: base, backend: b.port, sessions: b.sessions}
	if err := os.Mkdir(s.dir, 0o755); err != nil {
		return err
	}
	path, args, err := k.prepare(b.options, s)
	if errors.Is(err, errAbsent) {
		fmt.Fprintf(os.Stderr, "%s is left out: %v\n", k.name, err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", k.name, err)
	}
	p := &proxy{name: k.name, version: versionOf(path, k.version), path: path, args: args, base: base}
	b.proxies = append(b.proxies, p)
	return p.start()
}

// close ends whatever was started and removes the files.
func (b *bench) close() {
	for _, p := range b.proxies {
		p.stop()
	}
	if b.backend != nil {
		b.backend.stop()
	}
	os.RemoveAll(b.dir)
}

// run lets the proxies take turns in all workloads.
func (b *bench) run() ([]table, error) {
	var tables []table
	for _, w := range workloads() {
		if !slices.Contains(strings.Split(b.only, ","), w.name) {
			continue
		}
		t, err := b.runWorkload(w)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", w.name, err)
		}
		tables = append(tables, t...)
	}
	return tables, nil
}

func (b *bench) runWorkload(w workload) ([]table, error) {
	values := make([]map[string][]float64, len(w.metrics))
	for i := range values {
		values[i] = map[string][]float64{}
	}
	for round := range b.rounds {
		for i := range b.proxies {
			p := b.proxies[(round+i)%len(b.proxies)] // nobody is always first
			if p.name == w.without {
				continue
			}
			progress("%s, round %d of %d, %s", w.name, round+1, b.rounds, p.name)
			figures, err := b.measure(p, w)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", p.name, err)
			}
			if len(b.interrupted) > 0 {
				return nil, errInterrupted
			}
			for m, v := range figures {
				values[m][p.name] = append(values[m][p.name], v)
			}
		}
	}
	progress("")
	var tables []table
	for i, m := range w.metrics {
		tables = append(tables, newTable(m, values[i]))
	}
	return tables, nil
}

// progress overwrites the current line, if somebody is looking.
func progress(format string, args ...any) {
	if info, err := os.Stderr.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		fmt.Fprintf(os.Stderr, "\r\x1b[K"+format, args...)
	}
}

// measure returns one value for each metric of a workload.
func (b *bench) measure(p *proxy, w workload) ([]float64, error) {
	if w.name == idleName {
		return b.measureIdle(p)
	}
	c, err := b.startClient(job{w.name, addresses(p.base), w.connections, b.duration})
	if err != nil {
		return nil, err
	}
	defer c.stop()
	before, err1 := cpuTime(p.process.pid())
	done, err2 := c.work()
	after, err3 := cpuTime(p.process.pid())
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	return []float64{(after - before).Seconds() * w.scale / float64(done.Units)}, nil
}

// measureIdle starts the proxy anew, as memory that sessions once used stays
// with most programs and would hide what sessions need the second time. Some
// sessions go before, for what is needed only once.
func (b *bench) measureIdle(p *proxy) ([]float64, error) {
	p.stop()
	if err := p.start(); err != nil {
		return nil, err
	}
	c, err := b.startClient(job{Workload: idleName, Addresses: addresses(p.base), Connections: 16})
	if err != nil {
		return nil, err
	}
	c.stop()
	before, err1 := settled(p.process.pid())
	c, err2 := b.startClient(job{Workload: idleName, Addresses: addresses(p.base), Connections: b.sessions})
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	defer c.stop()
	after, err := footprintOf(p.process.pid())
	n := float64(b.sessions)
	return []float64{float64(after.memory-before.memory) / 1024 / n, float64(after.files-before.files) / n}, err
}

// client is a running client process whose connections stand.
type client struct {
	*process
	in  io.WriteCloser
	out *bufio.Reader
}

func (b *bench) startClient(j job) (*client, error) {
	text, err := json.Marshal(j)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(b.self, clientCommand, string(text))
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	p, err := start("client", cmd)
	if err != nil {
		return nil, err
	}
	c := &client{p, in, bufio.NewReader(out)}
	if _, err := c.out.ReadString('\n'); err != nil {
		c.stop()
		return nil, p.failed("cannot connect")
	}
	return c, nil
}

// work lets the client begin, and waits until it is done.
func (c *client) work() (outcome, error) {
	var done outcome
	if _, err := io.WriteString(c.in, "\n"); err != nil {
		return done, c.failed("does not begin")
	}
	if err := json.NewDecoder(c.out).Decode(&done); err != nil {
		return done, c.failed("gave no result")
	}
	if done.Error != "" {
		return done, fmt.Errorf("after %d units: %s", done.Units, done.Error)
	}
	if done.Units == 0 {
		return done, errors.New("nothing was done")
	}
	return done, nil
}

// stop lets the client close its connections and end.
func (c *client) stop() {
	c.in.Close()
	select {
	case <-c.exited:
	case <-time.After(10 * time.Second):
		c.process.stop()
	}
}

// environment describes where the figures come from.
func (b *bench) environment() environment {
	e := environment{CPUs: runtime.NumCPU(), Rounds: b.rounds, Duration: b.duration.String(), Proxies: map[string]string{}}
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	e.Kernel = strings.TrimSpace(string(kernel))
	for _, p := range b.proxies {
		e.Proxies[p.name] = p.version
	}
	return e
}
