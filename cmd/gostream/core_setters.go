package main

import (
	"os"
	"os/user"
	"path"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/gostream/gostream/internal/conf"
	"github.com/gostream/gostream/internal/errlog"
	"github.com/gostream/gostream/parser"
)

// addNew appends word to a list of distinct words; false if it is there already.
func addNew(list *[]string, word string) bool {
	if slices.Contains(*list, word) {
		return false
	}
	*list = append(*list, word)
	return true
}

func addErrorLog(m *mainConfig, d *conf.Directive) error {
	target, err := errlog.Parse(d.Args)
	if err != nil {
		return d.Errorf("%s", err)
	}
	m.errorLog = append(m.errorLog, target)
	return nil
}

func workerProcesses(d *conf.Directive) (int64, error) {
	if d.Args[0] == "auto" {
		return int64(runtime.NumCPU()), nil
	}
	n, ok := conf.ParseNumber(d.Args[0])
	if !ok {
		return 0, d.Fail("invalid value")
	}
	if n == 0 {
		return conf.Zero, nil
	}
	return n, nil
}

func setPriority(m *mainConfig, d *conf.Directive) error {
	if m.priority != 0 {
		return d.Duplicate()
	}
	digits := d.Args[0]
	minus := strings.HasPrefix(digits, "-")
	if minus || strings.HasPrefix(digits, "+") {
		digits = digits[1:]
	}
	n, ok := conf.ParseNumber(digits)
	if !ok {
		return d.Fail("invalid number")
	}
	m.priority = int(n)
	if minus {
		m.priority = -m.priority
	}
	return nil
}

func addThreadPool(m *mainConfig, d *conf.Directive) error {
	name, threads := d.Args[0], false
	if slices.Contains(m.threadPools, name) {
		return d.Errorf(`duplicate thread pool "%s"`, name)
	}
	for _, arg := range d.Args[1:] {
		if value, ok := strings.CutPrefix(arg, "threads="); ok {
			n, ok := conf.ParseNumber(value)
			if !ok || n == 0 {
				return d.Errorf(`invalid threads value "%s"`, arg)
			}
			threads = true
		}
		if value, ok := strings.CutPrefix(arg, "max_queue="); ok {
			if _, ok := conf.ParseNumber(value); !ok {
				return d.Errorf(`invalid max_queue value "%s"`, arg)
			}
		}
	}
	if !threads {
		return d.Errorf(`"%s" must have "threads" parameter`, d.Name)
	}
	m.threadPools = append(m.threadPools, name)
	return nil
}

// compiledIn are the loadable modules of nginx whose directives gostream has
// anyway.
var compiledIn = []string{"ngx_stream_module.so", "ngx_stream_geoip_module.so"}

// loadModule is for existing configurations. As nginx does, it wants to stand
// before all blocks.
func loadModule(m *mainConfig, d *conf.Directive) error {
	if len(m.blocks) > 0 {
		return d.Fail("is specified too late")
	}
	if !slices.Contains(compiledIn, path.Base(d.Args[0])) {
		d.Warnf(`module "%s" cannot be loaded by gostream, ignored`, d.Args[0])
	}
	return nil
}

// account is the system account of the workers.
type account struct {
	name     string // empty: the one of the master
	uid, gid int    // -1 where name is empty
}

func setUser(m *mainConfig, d *conf.Directive) error {
	switch {
	case m.user.name != "":
		return d.Duplicate()
	case runtime.GOOS == "windows":
		d.Warnf(`"user" is not supported, ignored`)
		return nil
	case os.Geteuid() != 0:
		d.Warnf(`the "user" directive makes sense only if the master process runs with super-user privileges, ignored`)
		return nil
	}
	group := d.Args[len(d.Args)-1] // that of the same name unless given
	if call, ok := m.user.find(d.Args[0], group); !ok {
		return d.Errorf("%s failed", call)
	}
	return nil
}

// setDefault makes a privileged master use nginx's unprivileged account.
func (a *account) setDefault() error {
	if a.name != "" {
		return nil
	}
	a.uid, a.gid = -1, -1
	if os.Geteuid() != 0 {
		return nil
	}
	group := "nobody"
	if _, err := user.LookupGroup("nogroup"); err == nil {
		group = "nogroup" // Debian
	}
	if call, ok := a.find("nobody", group); !ok {
		return &parser.Error{Msg: call + " failed"}
	}
	return nil
}

// find looks the names up. It returns the system call to blame if there is no
// such name.
func (a *account) find(name, group string) (call string, ok bool) {
	u, err := user.Lookup(name)
	if err != nil {
		return `getpwnam("` + name + `")`, false
	}
	g, err := user.LookupGroup(group)
	if err != nil {
		return `getgrnam("` + group + `")`, false
	}
	a.name = name
	a.uid, _ = strconv.Atoi(u.Uid)
	a.gid, _ = strconv.Atoi(g.Gid)
	return "", true
}

// affinity is the setting of worker_cpu_affinity.
type affinity struct {
	auto  bool
	masks [][]int // numbers of CPUs, one list for each worker
}

// maxCPUs is CPU_SETSIZE.
const maxCPUs = 1024

func setAffinity(m *mainConfig, d *conf.Directive) error {
	if m.affinity.masks != nil {
		return d.Duplicate()
	}
	a, words := affinity{}, d.Args
	if words[0] == "auto" {
		if len(words) > 2 {
			return d.Errorf(`invalid number of arguments in "%s" directive`, d.Name)
		}
		a.auto, words = true, words[1:]
		all := make([]int, min(runtime.NumCPU(), maxCPUs))
		for i := range all {
			all[i] = i
		}
		a.masks = append(a.masks, all)
	}
	for _, word := range words {
		mask, err := cpuMask(d, word)
		if err != nil {
			return err
		}
		a.masks = append(a.masks, mask)
	}
	m.affinity = a
	return nil
}

// cpuMask reads a mask such as 0101, whose last digit is for CPU 0.
func cpuMask(d *conf.Directive, word string) (cpus []int, err error) {
	if len(word) > maxCPUs {
		return nil, d.Errorf(`"%s" supports up to %d CPUs only`, d.Name, maxCPUs)
	}
	cpu := 0
	for i := len(word) - 1; i >= 0; i-- {
		switch word[i] {
		case ' ':
			continue
		case '1':
			cpus = append(cpus, cpu)
		case '0':
		default:
			return nil, d.Errorf(`invalid character "%c" in "%s"`, word[i], d.Name)
		}
		cpu++
	}
	return cpus, nil
}

// cpus returns the CPUs for worker n, counted from 0. Empty: any.
func (a *affinity) cpus(n int) []int {
	if len(a.masks) == 0 {
		return nil
	}
	last := a.masks[len(a.masks)-1]
	switch {
	case a.auto && len(last) == 0:
		return nil
	case a.auto:
		return last[n%len(last) : n%len(last)+1]
	case n < len(a.masks):
		return a.masks[n]
	}
	return last
}

// workerEnvironment is what is left of environ for a worker: the variables of
// the env directives, which may bring their own values, and TZ.
func (m *mainConfig) workerEnvironment(environ []string) (out []string) {
	names := m.environment
	isTZ := func(s string) bool { return s == "TZ" || strings.HasPrefix(s, "TZ=") }
	if !slices.ContainsFunc(names, isTZ) {
		names = append(slices.Clip(names), "TZ")
	}
	for _, name := range names {
		if strings.Contains(name, "=") {
			out = append(out, name)
			continue
		}
		for _, e := range environ {
			if value, ok := strings.CutPrefix(e, name); ok && strings.HasPrefix(value, "=") {
				out = append(out, e)
				break
			}
		}
	}
	return out
}
