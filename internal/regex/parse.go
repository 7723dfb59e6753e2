package regex

import (
	"cmp"
	"slices"
	"strings"
)

// parser reads a pattern once, from left to right, and writes it for an engine
// as it goes. Nothing in the output depends on options of the engine: case is
// written out ("[Aa]"), every class as a set of bytes, dots as what they mean.
type parser struct {
	src string
	pos int
	err *Error // the first; reading stops at it

	// first is the result of the pass before, when writing for regexp2: it
	// knows all group names. It is nil in the pass that writes for regexp.
	first *parser

	out   []byte
	flags flags
	stack []frame // the open groups, outermost (the pattern) first
	item  item

	captures int
	names    []Name
	lengths  []int // of the groups that have been closed, by number
	refs     []reference

	late []lateError

	slow     bool // regexp cannot do it
	trailing bool // see Regexp.trailing
}

// flags are the options that a pattern can change by itself.
type flags struct {
	caseless, multiline, dotAll, extended, extendedMore bool
	noCapture, ungreedy, sameNames                      bool
}

// item is what a quantifier would apply to.
type item struct {
	ok     bool
	out    int // where it begins in the output
	length int // of the strings that it matches, variable if they differ
	before int // length of what precedes it in the branch
}

// variable stands for a length that is not fixed.
const variable = -1

// parse reads pattern and leaves an error or the output.
func parse(pattern string, caseless bool, first *parser) *parser {
	p := &parser{src: pattern, first: first, stack: make([]frame, 1, 8), lengths: []int{0}}
	p.flags.caseless = caseless
	p.leadingVerbs()
	for p.err == nil && p.pos < len(p.src) {
		p.next()
	}
	p.finish()
	return p
}

// finish reports what can be told only at the end.
func (p *parser) finish() {
	if len(p.stack) > 1 {
		p.fail(len(p.src), errMissingParen)
	}
	for _, r := range p.refs {
		if p.resolve(r) < 0 {
			p.failLate(r.at, errReference, byItems, r.at)
		}
	}
	if p.err != nil || len(p.late) == 0 {
		return
	}
	first := slices.MinFunc(p.late, func(a, b lateError) int {
		return cmp.Or(cmp.Compare(a.check, b.check), cmp.Compare(a.order, b.order))
	})
	p.err = first.err
}

// lateError is an error that is found while reading, but that PCRE2 reports
// only when it has read everything.
type lateError struct {
	err   *Error
	check check
	order int // within the check
}

// check is what finds a late error; they run in this order.
type check uint8

const (
	byLookbehinds check = iota
	byItems
	byEngine // what only this package objects to
)

func (p *parser) failLate(offset int, msg string, c check, order int) {
	p.late = append(p.late, lateError{&Error{p.src, offset, msg}, c, order})
}

// fail notes the first error.
func (p *parser) fail(offset int, msg string) {
	if p.err == nil {
		p.err = &Error{p.src, offset, msg}
	}
}

// lack notes a feature that cannot be had. Errors in the pattern go before.
func (p *parser) lack(offset int, feature string) {
	p.failLate(offset, notHere(feature), byEngine, offset)
}

// rest is what has not been read yet.
func (p *parser) rest() string { return p.src[p.pos:] }

// accept skips prefix if it comes next.
func (p *parser) accept(prefix string) bool {
	if !strings.HasPrefix(p.rest(), prefix) {
		return false
	}
	p.pos += len(prefix)
	return true
}

// next reads one item, or one sign of another kind.
func (p *parser) next() {
	c := p.src[p.pos]
	switch c {
	case '\\':
		p.escape()
	case '[':
		p.class()
	case '(':
		p.open()
	case ')':
		p.close()
	case '|':
		p.branch()
	case '*', '+', '?', '{':
		p.quantifier()
	case '.':
		p.pos++
		p.dot(p.flags.dotAll)
	case '^', '$':
		p.pos++
		p.anchor(c)
	default:
		if !p.flags.extended || !p.blank(c) {
			p.pos++
			p.literal(c)
		}
	}
}

// blank skips c, which comes next, if extended mode ignores it: white space and
// comments.
func (p *parser) blank(c byte) bool {
	switch {
	case c == '#':
		_, rest, _ := strings.Cut(p.rest(), "\n")
		p.pos = len(p.src) - len(rest)
	case isSpace(c):
		p.pos++
	default:
		return false
	}
	return true
}

// emit writes an item of the given length.
func (p *parser) emit(length int, text string) {
	p.begin()
	p.out = append(p.out, text...)
	p.end(length)
}

// begin and end enclose the writing of an item.
func (p *parser) begin() {
	p.item = item{ok: true, out: len(p.out), before: p.top().length}
}

func (p *parser) end(length int) {
	p.item.length = length
	p.top().length = addLength(p.item.before, length)
}

func addLength(a, b int) int {
	if a == variable || b == variable {
		return variable
	}
	return a + b
}

// assert writes something that matches a place, and cannot be repeated.
func (p *parser) assert(text string) {
	p.item.ok = false
	p.out = append(p.out, text...)
}

// literal writes one byte that stands for itself.
func (p *parser) literal(c byte) {
	p.begin()
	if p.flags.caseless && isLetter(c) {
		p.out = append(p.out, '[', c&^0x20, c|0x20, ']')
	} else {
		p.out = appendByte(p.out, c)
	}
	p.end(1)
}

// set writes a class.
func (p *parser) set(s *set) {
	p.begin()
	p.out = s.append(p.out)
	p.end(1)
}

func (p *parser) dot(all bool) {
	if all {
		p.emit(1, `(?s:.)`)
	} else {
		p.emit(1, `[^\n]`)
	}
}

// anchor writes "^" or "$".
func (p *parser) anchor(c byte) {
	switch {
	case p.flags.multiline && c == '^':
		p.lineStart()
	case p.flags.multiline:
		p.assert(`(?m:$)`)
	case c == '^':
		p.assert(`\A`)
	default:
		p.atEnd()
	}
}

// lineStart writes "^" of multiline mode, which is not true behind a newline
// that ends the string.
func (p *parser) lineStart() {
	p.trailing = true
	if p.first != nil {
		p.assert(`(?:\A|(?<=\n)(?!\z))`)
	} else {
		p.assert(`(?m:^)`)
	}
}

// atEnd writes "$": the end, or before a newline there.
func (p *parser) atEnd() {
	p.trailing = true
	if p.first != nil {
		p.assert(`(?=\n?\z)`)
	} else {
		p.assert(`\z`)
	}
}
