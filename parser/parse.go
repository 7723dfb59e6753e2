package parser

import (
	"slices"

	"github.com/tufanbarisyildirim/gonginx/config"
)

// parser builds the tree. Its state spans all files of a configuration.
type parser struct {
	opts Options
	err  *Error    // the first one; it ends everything
	seen *Snapshot // what has been read

	// Blocks being read are kept on a stack of our own, because text may nest
	// them deeper than the stack of a goroutine can get.
	open    []frame
	nodes   []config.IDirective // what is in them so far, the innermost last
	nesting int                 // how many of open are blocks, not files

	directives slab[config.Directive]
	blocks     slab[Block]
	params     slab[config.Parameter]
	children   slab[config.IDirective]
}

// frame is a block or a file that is being read.
type frame struct {
	owner config.IDirective // whose block it is, or the include; nil in the main file
	block *Block            // nil for a file
	first int               // index in parser.nodes of its first directive
	last  *config.Directive // the latest, if it is a simple one: see comments.go
}

func newParser(o Options) *parser {
	p := &parser{opts: o, seen: o.Snapshot}
	if p.seen == nil {
		p.seen = &Snapshot{}
	}
	if p.seen.Texts == nil {
		p.seen.Texts, p.seen.Paths = map[string]string{}, map[string][]string{}
	}
	return p
}

func (p *parser) result(c *config.Config) (*config.Config, error) {
	if p.err != nil {
		return c, p.err
	}
	return c, nil
}

func (p *parser) mainFile(path string) *config.Config {
	text, err := p.readFile(path, Position{})
	if err != nil {
		p.stop(err)
		return &config.Config{FilePath: path, Block: &config.Block{Directives: p.nodes}}
	}
	return p.file(path, text, nil)
}

// file reads the text of one file. owner is the include, or nil.
func (p *parser) file(path, text string, owner config.IDirective) *config.Config {
	base := len(p.open)
	p.open = append(p.open, frame{owner: owner, first: len(p.nodes)})
	s := newScanner(path, text)
	for done := false; !done && p.err == nil; {
		done = p.step(s, len(p.open)-1 == base)
	}
	for len(p.open)-1 > base {
		p.closeBlock(0)
	}
	block := &config.Block{Directives: p.pop(), Parent: owner}
	return &config.Config{FilePath: path, Block: block}
}

// step reads one directive, start or end of a block. top says that no block
// of this file is open. It reports whether that was the end of the file.
func (p *parser) step(s *scanner, top bool) bool {
	switch s.next() {
	case broken:
		p.stop(s.err)
	case semicolon:
		p.simple(s)
	case blockStart:
		p.openBlock(s)
	case blockEnd:
		if top {
			p.stop(s.unexpected('}'))
			break
		}
		p.trailingComments(s)
		p.closeBlock(s.lineNumber())
	case endOfText:
		if !top {
			p.stop(s.unclosed())
			break
		}
		p.trailingComments(s)
		return true
	}
	return false
}

// stop ends the reading and leaves the error in the tree.
func (p *parser) stop(err *Error) { p.stopAt(err.Line, err) }

// stopAt is for an error that has no place, or one in another file.
func (p *parser) stopAt(line int, err *Error) {
	p.err = err
	p.add(newBroken(err, line))
}

func (p *parser) simple(s *scanner) {
	d := p.directive(s)
	p.top().last = d
	if len(d.Parameters) == 1 && Unquote(d.Name) == "include" && p.mayInclude() {
		p.include(d, Position{s.file, d.Line})
		return
	}
	p.add(d)
	p.mayEnd(s, d)
}

// mayEnd ends the reading with a directive if whoever asked for the tree does
// not want more.
func (p *parser) mayEnd(s *scanner, d *config.Directive) bool {
	if p.opts.Until == nil || !p.opts.Until(p.blockOwner(), d) {
		return false
	}
	p.stop(s.failure("directive \"" + Unquote(d.Name) + "\" has ended the reading"))
	return true
}

// mayInclude reports whether "include" is a directive in the innermost block.
func (p *parser) mayInclude() bool {
	owner := p.top().owner
	return owner == nil || !slices.Contains(p.opts.NoInclude, Unquote(owner.GetName()))
}

// blockOwner is the directive whose block is open, also around an include; nil:
// none is.
func (p *parser) blockOwner() config.IDirective {
	for _, f := range slices.Backward(p.open) {
		if f.block != nil {
			return f.owner
		}
	}
	return nil
}

func (p *parser) openBlock(s *scanner) {
	if s.param {
		p.stop(s.failure("block directives are not supported in -g option"))
		return
	}
	d, b := p.directive(s), p.blocks.one()
	b.Parent = d
	d.Block = b
	p.add(d)
	p.top().last = nil
	if p.mayEnd(s, d) {
		return
	}
	if p.nesting == 0 && slices.Contains(p.opts.Opaque, Unquote(d.Name)) {
		p.skipBlock(s, b)
		return
	}
	p.open = append(p.open, frame{owner: d, block: b, first: len(p.nodes)})
	p.nesting++
}

func (p *parser) closeBlock(line int) {
	b := p.top().block
	b.EndLine = line
	b.Directives = p.pop()
	p.nesting--
}

// skipBlock reads to the end of b and keeps nothing.
func (p *parser) skipBlock(s *scanner, b *Block) {
	for depth := 1; depth > 0; s.leading = nil {
		switch s.next() {
		case broken:
			p.stop(s.err)
			return
		case blockStart:
			depth++
		case blockEnd:
			depth--
		case endOfText:
			p.stop(s.unclosed())
			return
		}
	}
	b.EndLine = s.lineNumber()
}

// directive makes a node of what was scanned.
func (p *parser) directive(s *scanner) *config.Directive {
	d := p.directives.one()
	d.Name = s.words[0].Value
	d.Parameters = p.params.copy(s.words[1:])
	d.Line = s.lineNumber()
	d.Parent = p.top().owner
	p.comments(s, d)
	return d
}

// add puts a node into the innermost frame.
func (p *parser) add(d config.IDirective) {
	if n := len(p.nodes); n == cap(p.nodes) {
		p.nodes = slices.Grow(p.nodes, n+1) // append would grow in more and smaller steps
	}
	p.nodes = append(p.nodes, d)
}

func (p *parser) top() *frame { return &p.open[len(p.open)-1] }

// pop ends the innermost frame and gives what was in it.
func (p *parser) pop() []config.IDirective {
	first := p.top().first
	p.open = p.open[:len(p.open)-1]
	nodes := p.children.copy(p.nodes[first:])
	p.nodes = p.nodes[:first]
	return nodes
}
