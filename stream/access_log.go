package stream

// access_log.go - ngx_stream_log_module: access_log. Its log_format is in
// log_format.go, open_log_file_cache in log_cache.go.

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/gostream/gostream/internal/conf"
	"github.com/gostream/gostream/internal/errlog"
	"github.com/gostream/gostream/internal/logfile"
	"github.com/gostream/gostream/internal/vars"
)

// AccessLog is one access_log: where a line goes when a session ends.
type AccessLog struct {
	Off  bool   // no log, whatever other lines there are
	Path string // a file, which may have variables in it, or syslog:...

	Format string        // the name of a LogFormat
	If     string        // a complex value; no line if it is empty or "0"
	Buffer int64         // bytes; 0: lines are written at once
	Flush  time.Duration // longest time in the buffer; 0: until it is full
	Gzip   int           // compression level 1 to 9; 0: none
}

var logTable = &conf.Table[ServerConfig]{
	Name: "stream_log",
	Commands: []conf.Command[ServerConfig]{
		{Name: "access_log", In: inServers, Args: conf.AtLeast(1), Default: "off",
			Syntax: "path format [buffer=size] [gzip[=level]] [flush=time] [if=condition] | off", Set: accessLogSlot},
		{Name: "open_log_file_cache", In: inServers, Args: conf.Take(1, 4), Default: "off",
			Syntax: "max=N [inactive=time] [min_uses=N] [valid=time] | off", Set: logCacheSlot},
	},
}

// accessLogSlot is a list, but for formats it needs the stream block around.
var accessLogSlot = conf.Setter[ServerConfig]{
	Set: func(c *ServerConfig, d *conf.Directive) error {
		l, err := parseAccessLog(c, d)
		if err == nil {
			c.AccessLog = append(c.AccessLog, l)
		}
		return err
	},
	IsSet:   func(c *ServerConfig) bool { return len(c.AccessLog) > 0 },
	Inherit: func(dst, src *ServerConfig) { dst.AccessLog = src.AccessLog },
	Repeat:  true,
}

func parseAccessLog(c *ServerConfig, d *conf.Directive) (l AccessLog, err error) {
	l.Path = d.Args[0]
	if l.Path == "off" {
		l.Off = true
		if len(d.Args) > 1 {
			err = d.Errorf("invalid parameter \"%s\"", d.Args[1])
		}
		return l, err
	}
	if text, ok := strings.CutPrefix(l.Path, "syslog:"); ok {
		if _, err := logfile.ParseSyslog(text, errlog.ResolveSyslog); err != nil {
			return l, d.Errorf("%s", err)
		}
	} else if err := d.CheckValue(l.Path); err != nil {
		return l, err
	}
	if len(d.Args) < 2 {
		return l, d.Errorf("log format is not specified")
	}
	l.Format = d.Args[1]
	if c.stream.logFormat(l.Format) == nil {
		return l, d.Errorf("unknown log format \"%s\"", l.Format)
	}
	for _, word := range d.Args[2:] {
		if err := l.parameter(d, word); err != nil {
			return l, err
		}
	}
	return l, l.check(c, d)
}

func (l *AccessLog) parameter(d *conf.Directive, word string) error {
	name, value, _ := strings.Cut(word, "=")
	var ok bool
	switch {
	case strings.HasPrefix(word, "buffer="):
		if l.Buffer, ok = conf.ParseSize(value); !ok || l.Buffer == 0 {
			return d.Errorf("invalid buffer size \"%s\"", value)
		}
	case strings.HasPrefix(word, "flush="):
		if l.Flush, ok = conf.ParseMsec(value); !ok || l.Flush == 0 {
			return d.Errorf("invalid flush time \"%s\"", value)
		}
	case name == "gzip":
		if l.Buffer == 0 {
			l.Buffer = 64 << 10
		}
		l.Gzip = 1
		if word != "gzip" {
			n, err := strconv.Atoi(value)
			if err != nil || n < 1 || n > 9 {
				return d.Errorf("invalid compression level \"%s\"", value)
			}
			l.Gzip = n
		}
	case strings.HasPrefix(word, "if="):
		l.If = value
		return d.CheckValue(value)
	default:
		return d.Errorf("invalid parameter \"%s\"", word)
	}
	return nil
}

func (l *AccessLog) check(c *ServerConfig, d *conf.Directive) error {
	switch {
	case l.Flush > 0 && l.Buffer == 0:
		return d.Errorf("no buffer is defined for access_log \"%s\"", l.Path)
	case l.Buffer == 0:
		return nil
	case strings.Contains(l.Path, "$"):
		return d.Errorf("buffered logs cannot have variables in name")
	case strings.HasPrefix(l.Path, "syslog:"):
		return d.Errorf("logs to syslog cannot be buffered")
	}
	known, conflict := c.stream.logBuffers[l.Path]
	if conflict && known != l.options() {
		return d.Errorf("access_log \"%s\" already defined with conflicting parameters", l.Path)
	}
	if c.stream.logBuffers == nil {
		c.stream.logBuffers = map[string]logfile.Options{}
	}
	c.stream.logBuffers[l.Path] = l.options()
	return nil
}

func (l *AccessLog) options() logfile.Options {
	return logfile.Options{Buffer: int(l.Buffer), Flush: l.Flush, Gzip: l.Gzip}
}

// accessLog is a compiled [AccessLog].
type accessLog struct {
	format *vars.Format[*Session]
	filter *template // nil: every session
	file   *logfile.File
	path   *template // of a file with variables in its name, one of files
	files  *logfile.Paths
	syslog *logfile.Syslog
}

func (g *generation) compileAccessLogs(c *ServerConfig) ([]accessLog, error) {
	var out []accessLog
	files := g.pathsOf(c.LogFileCache)
	for i := range c.AccessLog {
		l := &c.AccessLog[i]
		if l.Off {
			return nil, nil
		}
		compiled, err := g.compileAccessLog(l)
		if err != nil {
			return nil, err
		}
		compiled.files = files
		out = append(out, compiled)
	}
	return out, nil
}

func (g *generation) compileAccessLog(l *AccessLog) (out accessLog, err error) {
	format := g.formats[strings.ToLower(l.Format)]
	if format == nil {
		return out, errors.New("unknown log format \"" + l.Format + "\"")
	}
	out.format = format
	if l.If != "" {
		if out.filter, err = g.compile(l.If); err != nil {
			return out, err
		}
	}
	if text, ok := strings.CutPrefix(l.Path, "syslog:"); ok {
		out.syslog, err = g.files.Syslog(text, errlog.ResolveSyslog)
		return out, err
	}
	name := g.conf.prefixPath(l.Path)
	path, err := g.compile(name)
	if err != nil {
		return out, err
	}
	if _, static := path.Static(); !static {
		out.path = path
		return out, nil
	}
	out.file = g.files.File(name)
	out.file.SetOptions(l.options())
	return out, nil
}

// writeAccessLog is the log phase.
func (s *Session) writeAccessLog() {
	if s.gen.counters.silent.Load() {
		return
	}
	for i := range s.srv.accessLogs {
		l := &s.srv.accessLogs[i]
		buf := takeBuffer()
		if err := l.write(s, buf); err != nil {
			s.accessLogError(err)
		}
		buf.release()
	}
}

func (l *accessLog) write(s *Session, buf *buffer) error {
	if l.filter != nil {
		buf.b = l.filter.Append(buf.b, s)
		if len(buf.b) == 0 || string(buf.b) == "0" {
			return nil
		}
		buf.b = buf.b[:0]
	}
	if l.syslog != nil {
		buf.b = l.syslog.AppendHeader(buf.b, l.syslog.Severity, s.now())
		buf.b = l.format.Append(buf.b, s)
		return l.syslog.Send(buf.b)
	}
	buf.b = append(l.format.Append(buf.b, s), '\n')
	if l.file != nil {
		return l.file.Write(buf.b)
	}
	n := len(buf.b)
	buf.b = l.path.Append(buf.b, s)
	return l.files.Write(string(buf.b[n:]), buf.b[:n])
}

func (s *Session) accessLogError(err error) {
	var open *logfile.OpenError
	var write *logfile.WriteError
	switch {
	case errors.As(err, &open):
		s.log(errlog.Crit, open.Error(), nil)
	case errors.As(err, &write):
		s.log(errlog.Alert, write.Error(), write.Err)
	default: // why, the main log has been told
		s.log(errlog.Warn, "send() to syslog failed", nil)
	}
}
