package main

// options.go - the command line, which is nginx's: letters may be joined (-tq),
// and a value may be attached (-p/dir) or follow.

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gostream/gostream/internal/conf"
)

// options are the command line. Empty strings were not given.
type options struct {
	help       bool   // -? -h
	version    bool   // -v, and with the ones around it
	configure  bool   // -V
	test       bool   // -t -T
	dump       bool   // -T
	quiet      bool   // -q
	signal     string // -s: a word of signalWords
	prefix     string // -p
	errorLog   string // -e
	conf       string // -c
	directives string // -g
	given      map[byte]bool
}

// signalWords are the arguments of -s.
var signalWords = []string{"stop", "quit", "reopen", "reload"}

// parseOptions reads the arguments behind the program's name.
func parseOptions(args []string) (*options, error) {
	o := &options{given: map[byte]bool{}}
	for len(args) > 0 {
		letters, ok := strings.CutPrefix(args[0], "-")
		if !ok {
			return nil, fmt.Errorf(`invalid option: "%s"`, args[0])
		}
		args = args[1:]
		for letters != "" {
			letter := letters[0]
			letters = letters[1:]
			if o.flag(letter) {
				continue
			}
			target := o.value(letter)
			if target == nil {
				return nil, fmt.Errorf(`invalid option: "%c"`, letter)
			}
			switch {
			case letters != "":
				*target, letters = letters, ""
			case len(args) > 0:
				*target, args = args[0], args[1:]
			default:
				return nil, fmt.Errorf(`option "-%c" requires %s`, letter, missing(letter))
			}
			o.given[letter] = true
			if letter == 's' && !slices.Contains(signalWords, o.signal) {
				return nil, fmt.Errorf(`invalid option: "-s %s"`, o.signal)
			}
		}
	}
	return o, nil
}

// flag sets an option without value; false if there is none of that letter.
func (o *options) flag(letter byte) bool {
	switch letter {
	case '?', 'h':
		o.help, o.version = true, true
	case 'v':
		o.version = true
	case 'V':
		o.configure, o.version = true, true
	case 't':
		o.test = true
	case 'T':
		o.dump, o.test = true, true
	case 'q':
		o.quiet = true
	default:
		return false
	}
	return true
}

// value returns where the value of an option goes, nil if there is none of that
// letter.
func (o *options) value(letter byte) *string {
	switch letter {
	case 's':
		return &o.signal
	case 'p':
		return &o.prefix
	case 'e':
		return &o.errorLog
	case 'c':
		return &o.conf
	case 'g':
		return &o.directives
	}
	return nil
}

// missing names the value of an option.
func missing(letter byte) string {
	switch letter {
	case 'p':
		return "directory name"
	case 'e', 'c':
		return "file name"
	}
	return "parameter"
}

// places are the paths that are known before any configuration is read.
type places struct {
	prefix   string // of log and pid files; ends in a slash unless empty
	conf     string // the main configuration file
	confDir  string // of files that the configuration names; ends in a slash unless empty
	errorLog string // "stderr", or the log file unless the configuration names another, as given
}

func (o *options) places() places {
	p := places{prefix: defaultPrefix, conf: defaultConf, errorLog: defaultErrorLog}
	if o.given['p'] {
		p.prefix = o.prefix
	}
	if p.prefix != "" && !strings.HasSuffix(p.prefix, "/") {
		p.prefix += "/"
	}
	if o.given['c'] {
		p.conf = o.conf
	}
	p.conf = p.full(p.conf)
	p.confDir = p.conf[:strings.LastIndexByte(p.conf, '/')+1]
	if o.given['e'] {
		p.errorLog = o.errorLog
	}
	if p.errorLog == "" {
		p.errorLog = "stderr"
	}
	return p
}

// full makes the name of a log or pid file absolute, or as absolute as the
// prefix is.
func (p places) full(name string) string {
	return (&conf.Env{Prefix: p.prefix}).PrefixPath(name)
}
