// Package parser turns nginx configuration text into a tree, by nginx's own
// rules: what a word is, where a quote may stand, which file an include
// means, and which error comes first. It knows no directive by meaning; only
// include is acted upon.
//
// The nodes are those of github.com/tufanbarisyildirim/gonginx/config: a
// directive is a *config.Directive, its block (if it has one) a *Block, and
// an include a *config.Include holding one *config.Config per file.
// Names and parameters keep the text as it was written, quotes and
// backslashes included, so that gonginx's dumper writes an equal
// configuration out again:
//
//	cfg, err := parser.ParseFile("nginx.conf", parser.Options{})
//	...change the tree...
//	text := dumper.DumpConfig(cfg, dumper.IndentedStyle)
//
// [Unquote] turns such a text into what nginx hands to the directive.
//
// nginx carries directives out while it reads, so the error it reports is
// the first in the order of the files, whether a wrong character or a wrong
// value. To allow for that, parsing returns the tree read so far beside its
// error, with a *[Broken] node at the place where it stopped: whoever walks
// the tree meets the errors in nginx's order. [Directives] is that walk.
package parser

import (
	"os"

	"github.com/tufanbarisyildirim/gonginx/config"
)

// CommandLine is the name under which [ParseString] reads the text of the -g
// option: blocks are refused and errors are "in command line", without a
// line number.
const CommandLine = "command line"

// Options say how to read a configuration. The zero value is nginx's way.
type Options struct {
	// Dir is what a relative include path is joined to. Empty means the
	// directory of the file given to ParseFile, and the working directory
	// for ParseString. Included files do not change it.
	Dir string

	// Opaque lists top-level blocks that are somebody else's ("http",
	// "mail"). Their text must be well-formed, but it is not kept and
	// includes in it are not followed.
	Opaque []string

	// NoInclude lists blocks in which "include" is a line like others.
	NoInclude []string

	// Until, if not nil, is asked about each directive, a block when it is
	// opened, with the directive whose block it stands in (nil: outside of all
	// blocks). If it returns true nothing more is read: nginx reads no further
	// than the first directive that it refuses, be the rest a gigabyte.
	Until func(owner, d config.IDirective) bool

	// OnFile, if not nil, is told the path and the text of every file read,
	// in the order of opening, each path once however often it is included.
	// It may keep text.
	OnFile func(path string, text []byte)

	// Snapshot, if not nil, keeps what is read. What it has already is not
	// read again: a full one makes the same tree of the same text at any
	// time, in any process.
	Snapshot *Snapshot
}

// Snapshot is all that a configuration took from the file system. The zero
// value is empty.
type Snapshot struct {
	Texts map[string]string   // of files, by path
	Paths map[string][]string // that a pattern stands for
}

// ReadFile returns the contents of a file that the configuration names without
// including it. They are read but once: the file may be a pipe.
func (s *Snapshot) ReadFile(path string) ([]byte, error) {
	if text, ok := s.Texts[path]; ok {
		return []byte(text), nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if s.Texts == nil {
		s.Texts = map[string]string{}
	}
	s.Texts[path] = string(text)
	return text, nil
}

// Block is the { } of a directive, as this package builds it.
type Block struct {
	config.Block

	// EndLine is the line of the closing brace. nginx reports there what it
	// finds missing when a block is complete. Zero if the block is not closed.
	EndLine int
}

// EndLine gives the line of the closing brace of d's block, or the line of d
// itself where that is not known: for a tree from elsewhere, or no block.
func EndLine(d config.IDirective) int {
	if b, ok := d.GetBlock().(*Block); ok && b.EndLine > 0 {
		return b.EndLine
	}
	return d.GetLine()
}

// ParseFile reads the file at path and all it includes. The tree is never
// nil: with an error (an *Error) it holds what was read before.
func ParseFile(path string, o Options) (*config.Config, error) {
	if o.Dir == "" {
		o.Dir = directoryOf(path)
	}
	p := newParser(o)
	return p.result(p.mainFile(path))
}

// ParseString reads text as if it were the file name, which only positions
// mention. See [CommandLine] for a special name. The tree is never nil: with
// an error (an *Error) it holds what was read before.
func ParseString(name, text string, o Options) (*config.Config, error) {
	p := newParser(o)
	return p.result(p.file(name, text, nil))
}
