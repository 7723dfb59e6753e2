package parser

import (
	"strings"

	"github.com/tufanbarisyildirim/gonginx/config"
)

// Comments mean nothing to us, but whoever changes a configuration and writes
// it out wants them back. They are put where gonginx's dumper prints them: in
// Comment, above the directive, or in InlineComment, which has room for one
// comment after each line of a directive. What it has no room for goes to the
// nearest place after which the same text is read again. Only comments in a
// file without any directive, or after the last block of a file, are dropped.

// comments gives d those before and within it.
func (p *parser) comments(s *scanner, d *config.Directive) {
	if len(s.leading) > 0 {
		for _, c := range p.sameLine(s.leading) {
			d.Comment = append(d.Comment, c.text)
		}
		s.leading = s.leading[:0]
	}
	for _, c := range s.inner {
		addInline(d, c.line, c.text)
	}
}

// sameLine gives the directive before the comments the first of them, if it is
// on the same line, and returns the others.
func (p *parser) sameLine(leading []comment) []comment {
	last := p.top().last
	if last == nil || last.Line != leading[0].line {
		return leading
	}
	addInline(last, lastLine(last), leading[0].text)
	return leading[1:]
}

// trailingComments keeps those before a closing brace or the end of a file.
// After a block within a block they wait for the next directive.
func (p *parser) trailingComments(s *scanner) {
	last := p.top().last
	if len(s.leading) == 0 || last == nil {
		return
	}
	for _, c := range p.sameLine(s.leading) {
		addInline(last, lastLine(last), "\n"+c.text)
	}
	s.leading = s.leading[:0]
}

// lastLine is the line of d's last parameter, relative to its first.
func lastLine(d *config.Directive) int {
	if n := len(d.Parameters); n > 0 {
		return d.Parameters[n-1].RelativeLineIndex
	}
	return 0
}

// addInline has a comment printed at the end of a line of d.
func addInline(d *config.Directive, line int, text string) {
	n := len(d.InlineComment)
	if n == 0 || d.InlineComment[n-1].RelativeLineIndex != line {
		d.SetInlineComment(config.InlineComment{Value: text, RelativeLineIndex: line})
		return
	}
	c := &d.InlineComment[n-1]
	c.Value += "\n" + strings.TrimPrefix(text, "\n")
}
