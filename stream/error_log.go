package stream

// error_log.go - error_log in the stream and server contexts.

import (
	"fmt"

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

// makeErrorLogs makes the logs of the main context and of the stream block.
func (g *generation) makeErrorLogs() (err error) {
	for _, from := range g.conf.DebugConnection {
		clients, _, err := compileRealIP(from)
		if err != nil {
			return fmt.Errorf("host not found in debug_connection \"%s\"", from)
		}
		g.debug = append(g.debug, clients)
	}
	if g.mainLog, err = g.makeErrorLog(g.conf.ErrorLog); err == nil {
		g.errorLog, err = g.makeErrorLog(g.conf.Defaults.ErrorLog)
	}
	return err
}

// makeErrorLog makes the log of a server. Without any error_log it is that of
// the main context, or else standard error, at level error.
func (g *generation) makeErrorLog(lines []ErrorLog) (*errlog.Log, error) {
	if len(lines) == 0 {
		lines = g.conf.ErrorLog
	}
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
	return errlog.Of(targets, &g.files, g.conf.prefixPath)
}

// debugs reports whether the sessions of a client are logged at level debug.
func (g *generation) debugs(client endpoint) bool {
	for i := range g.debug {
		if g.debug[i].covers(client) {
			return true
		}
	}
	return false
}
