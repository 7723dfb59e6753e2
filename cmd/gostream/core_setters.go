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
