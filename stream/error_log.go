package stream

// error_log.go - error_log in the stream and server contexts.

import (
	"github.com/gostream/gostream/internal/conf"
	"github.com/gostream/gostream/internal/errlog"
)

var errorLogSlot = conf.List(func(c *ServerConfig) *[]ErrorLog { return &c.ErrorLog },
	func(d *conf.Directive) (ErrorLog, error) {
		if _, err := errlog.Parse(d.Args); err != nil {
			return nil, d.Errorf("%s", err)
		}
		return d.Args, nil
	})

// ErrorLog is one error_log line: the destination (a file, "stderr",
// "syslog:...", "memory:SIZE"), then optionally the level.
type ErrorLog []string

// openErrorLog opens the log of a server. Without any error_log it is that of
// nginx: standard error, at level error.
func (g *generation) openErrorLog(lines []ErrorLog) (*errlog.Log, error) {
	if len(lines) == 0 {
		lines = []ErrorLog{{"stderr"}}
	}
	targets := make([]errlog.Target, len(lines))
	for i, line := range lines {
		t, err := errlog.Parse(line)
		if err != nil {
			return nil, err
		}
		targets[i] = t
	}
	return errlog.Open(targets, &g.files, g.conf.prefixPath)
}
