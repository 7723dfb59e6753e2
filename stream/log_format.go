package stream

// log_format.go - log_format of ngx_stream_log_module.

import (
	"strings"

	"github.com/gostream/gostream/internal/conf"
	"github.com/gostream/gostream/internal/vars"
)

// LogFormat is one log_format: the layout of access log lines.
type LogFormat struct {
	Name   string   // compared without regard to case
	Escape string   // "default", "json", "none"; empty is "default"
	Parts  []string // joined without separator; variables are escaped
}

var logFormatTable = &conf.Table[Config]{
	Name: "stream_log",
	Commands: []conf.Command[Config]{
		{Name: "log_format", Syntax: "name [escape=default|json|none] string ...", In: conf.Stream, Args: conf.AtLeast(2), Set: conf.Func(addLogFormat)},
	},
}

func addLogFormat(c *Config, d *conf.Directive) error {
	f := &LogFormat{Name: d.Args[0], Parts: d.Args[1:]}
	if c.logFormat(f.Name) != nil {
		return d.Errorf("duplicate \"log_format\" name \"%s\"", f.Name)
	}
	if mode, ok := strings.CutPrefix(f.Parts[0], "escape="); ok {
		if _, err := vars.ParseEscape(mode); err != nil {
			return d.Errorf("%s", err)
		}
		f.Escape, f.Parts = mode, f.Parts[1:]
	}
	if err := vars.CheckFormat(f.Parts); err != nil {
		return d.Errorf("%s", err)
	}
	d.Uses(vars.FormatNames(f.Parts)...)
	c.LogFormats = append(c.LogFormats, f)
	return nil
}

func (c *Config) logFormat(name string) *LogFormat {
	for _, f := range c.LogFormats {
		if strings.EqualFold(f.Name, name) {
			return f
		}
	}
	return nil
}

// defineFormats compiles the log formats.
func (g *generation) defineFormats() error {
	g.formats = map[string]*vars.Format[*Session]{}
	for _, f := range g.conf.LogFormats {
		mode := f.Escape
		if mode == "" {
			mode = "default"
		}
		escape, err := vars.ParseEscape(mode)
		if err != nil {
			return err
		}
		format, err := vars.CompileFormat(escape, f.Parts, &g.vars)
		if err := g.lacks(err); err != nil {
			return err
		}
		g.formats[strings.ToLower(f.Name)] = format
	}
	return nil
}
