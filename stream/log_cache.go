package stream

// log_cache.go - open_log_file_cache of ngx_stream_log_module.

import (
	"strings"
	"time"

	"github.com/gostream/gostream/internal/conf"
	"github.com/gostream/gostream/internal/logfile"
)

// LogFileCache keeps access logs open that have variables in their names. A
// server that inherits it shares the files. The zero value keeps none.
type LogFileCache struct {
	Max      int           // files; those not used for longest are closed first
	Inactive time.Duration // a file not used for that long is closed; nginx's default is 10s
	MinUses  int           // uses within Inactive that keep a file open; nginx's default is 1

	// Valid is how often it is checked that the name still leads to the open
	// file; nginx's default is 60s. 0: with each line.
	Valid time.Duration
}

var logCacheSlot = conf.Slot(func(c *ServerConfig) **LogFileCache { return &c.LogFileCache },
	func(d *conf.Directive) (*LogFileCache, error) {
		c := &LogFileCache{Inactive: 10 * time.Second, MinUses: 1, Valid: time.Minute}
		off := false
		for _, word := range d.Args {
			off = off || word == "off"
			if word != "off" && !c.parameter(word) {
				return nil, d.Errorf("invalid \"open_log_file_cache\" parameter \"%s\"", word)
			}
		}
		switch {
		case off:
			return &LogFileCache{}, nil
		case c.Max == 0:
			return nil, d.Errorf("\"open_log_file_cache\" must have \"max\" parameter")
		}
		return c, nil
	})

// parameter reads one word. It returns false if the word has no meaning.
func (c *LogFileCache) parameter(word string) (ok bool) {
	name, value, assigned := strings.Cut(word, "=")
	if !assigned {
		return false
	}
	var n int64
	switch name {
	case "max":
		n, ok = conf.ParseNumber(value)
		c.Max = int(n)
	case "min_uses":
		n, ok = conf.ParseNumber(value)
		c.MinUses = int(n)
	case "inactive":
		c.Inactive, ok = conf.ParseSec(value)
	case "valid":
		c.Valid, ok = conf.ParseSec(value)
	}
	return ok
}

// pathsOf returns what writes to the files that a cache keeps. Without a cache
// each server has its own.
func (g *generation) pathsOf(c *LogFileCache) *logfile.Paths {
	if c == nil || c.Max == 0 {
		return g.files.Paths(logfile.Cache{})
	}
	if g.logPaths == nil {
		g.logPaths = map[*LogFileCache]*logfile.Paths{}
	}
	if g.logPaths[c] == nil {
		g.logPaths[c] = g.files.Paths(logfile.Cache(*c))
	}
	return g.logPaths[c]
}
