package parser

import (
	"iter"

	"github.com/tufanbarisyildirim/gonginx/config"
)

// Position is a place in a configuration.
type Position struct {
	File string
	Line int // 0 on the command line
}

// Directives walks the directives directly in b, those of included files in
// place of the include. file is the file that b stands in; for a whole
// *config.Config c it is c.FilePath. Blocks are not entered: call Directives
// again with the Position's File.
//
// An include that nobody followed (gonginx's parser by default, and all
// includes with a block or without exactly one parameter) is yielded itself.
// A *Broken ends what could be read; its Position is that of its error.
func Directives(b config.IBlock, file string) iter.Seq2[Position, config.IDirective] {
	return func(yield func(Position, config.IDirective) bool) {
		if b != nil {
			walk(b, file, 0, yield)
		}
	}
}

// walk reports whether to go on. A tree made by hand may include itself, hence
// depth.
func walk(b config.IBlock, file string, depth int, yield func(Position, config.IDirective) bool) bool {
	for _, d := range b.GetDirectives() {
		if inc, ok := d.(*config.Include); ok && inc.Configs != nil {
			if !walkIncluded(inc, file, depth, yield) {
				return false
			}
			continue
		}
		if !yield(positionOf(d, file), d) {
			return false
		}
	}
	return true
}

func walkIncluded(inc *config.Include, file string, depth int, yield func(Position, config.IDirective) bool) bool {
	if depth == maxIncludes {
		pos := Position{file, inc.GetLine()}
		yield(pos, newBroken(tooDeep(inc.IncludePath, pos), pos.Line))
		return false
	}
	for _, c := range inc.Configs {
		if c.Block != nil && !walk(c.Block, c.FilePath, depth+1, yield) {
			return false
		}
	}
	return true
}

func positionOf(d config.IDirective, file string) Position {
	if broken, ok := d.(*Broken); ok && broken.Err.File != "" {
		return Position{broken.Err.File, broken.Err.Line}
	}
	return Position{file, d.GetLine()}
}
