package errlog

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gostream/gostream/internal/addr"
	"github.com/gostream/gostream/internal/logfile"
)

// Target is a checked error_log directive.
type Target struct {
	Args  []string // as given: the destination and the levels
	Level Level    // the most verbose that is wanted
}

// Parse checks the arguments of an error_log directive. The errors are nginx's.
func Parse(args []string) (Target, error) {
	t := Target{Args: args}
	if len(args) == 0 {
		return t, errors.New("invalid number of arguments in \"error_log\" directive")
	}
	switch name := args[0]; {
	case strings.HasPrefix(name, "memory:"):
		if size, ok := memorySize(name[len("memory:"):]); !ok || size < maxLine {
			return t, fmt.Errorf("invalid buffer size \"%s\"", name[len("memory:"):])
		}
	case strings.HasPrefix(name, "syslog:"):
		if _, err := logfile.ParseSyslog(name[len("syslog:"):], ResolveSyslog); err != nil {
			return t, err
		}
	}
	var err error
	t.Level, err = parseLevels(args[1:])
	return t, err
}

// debugMasks select parts of nginx's debug output. Any of them means debug here.
var debugMasks = map[string]bool{"debug_core": true, "debug_alloc": true, "debug_mutex": true, "debug_event": true,
	"debug_http": true, "debug_mail": true, "debug_stream": true}

func parseLevels(words []string) (Level, error) {
	level, masks := Level(0), false
	for _, word := range words {
		known := ParseLevel(word)
		switch {
		case known != 0 && (level != 0 || masks):
			return 0, fmt.Errorf("duplicate log level \"%s\"", word)
		case known != 0:
			level = known
		case debugMasks[word] && level == 0:
			masks = true
		default:
			return 0, fmt.Errorf("invalid log level \"%s\"", word)
		}
	}
	switch {
	case masks:
		return Debug, nil
	case level == 0:
		return Error, nil
	}
	return level, nil
}

func memorySize(text string) (int64, bool) {
	unit := int64(1)
	switch {
	case strings.HasSuffix(text, "k"), strings.HasSuffix(text, "K"):
		unit = 1 << 10
	case strings.HasSuffix(text, "m"), strings.HasSuffix(text, "M"):
		unit = 1 << 20
	}
	if unit > 1 {
		text = text[:len(text)-1]
	}
	n, err := strconv.ParseUint(text, 10, 40)
	return int64(n) * unit, err == nil
}

// defaultSyslogPort is the port of the syslog service.
const defaultSyslogPort = 514

// ResolveSyslog is the [logfile.Resolver] of nginx's addresses.
func ResolveSyslog(server string) (network, address, name string, err error) {
	u, err := addr.Parse(server, addr.Options{DefaultPort: defaultSyslogPort})
	if err != nil {
		return "", "", "", err
	}
	a := u.Addrs[0]
	if a.IsUnix() {
		return "unixgram", a.HostPort(), a.String(), nil
	}
	return "udp", a.String(), a.String(), nil
}

// Of makes the log of several targets. Files and servers are those of set,
// which opens and closes them; fullName makes names of files absolute. Errors
// are those of [logfile.Set.Syslog].
func Of(targets []Target, set *logfile.Set, fullName func(string) string) (*Log, error) {
	sinks := make([]Sink, 0, len(targets))
	for _, t := range targets {
		write, err := t.open(set, fullName)
		if err != nil {
			return nil, err
		}
		sinks = append(sinks, Sink{Level: t.Level, Write: write})
	}
	return New(sinks...), nil
}

func (t *Target) open(set *logfile.Set, fullName func(string) string) (func([]byte, Level, time.Time), error) {
	name := t.Args[0]
	if name == "stderr" || name == "" {
		return appendTo(set.Stderr()), nil
	}
	if size, ok := strings.CutPrefix(name, "memory:"); ok {
		n, _ := memorySize(size)
		return NewRing(int(n)).Write, nil
	}
	if text, ok := strings.CutPrefix(name, "syslog:"); ok {
		s, err := set.Syslog(text, ResolveSyslog)
		if err != nil {
			return nil, err
		}
		return sendTo(s), nil
	}
	return appendTo(set.File(fullName(name))), nil
}

func appendTo(f *logfile.File) func([]byte, Level, time.Time) {
	// nginx tells nobody that a line of the error log could not be written.
	return func(line []byte, _ Level, _ time.Time) { _ = f.WriteThrough(line) }
}

// sendTo sends each line, without its newline, at the severity of its level.
func sendTo(s *logfile.Syslog) func([]byte, Level, time.Time) {
	return func(line []byte, level Level, now time.Time) {
		buf := lines.Get().(*[]byte)
		*buf = s.AppendHeader((*buf)[:0], int(level)-1, now)
		*buf = append(*buf, line[:len(line)-1]...)
		// What cannot be sent is lost; the set's OnError hears of it.
		_ = s.Send(*buf)
		lines.Put(buf)
	}
}
