package regex

import (
	"strconv"
	"strings"
)

// frame is an open group.
type frame struct {
	kind    kind
	at      int   // where its "(" is
	out     int   // where its output begins
	flags   flags // those to return to
	capture int   // its number if it captures
	test    bool  // it is the condition of the conditional group around it

	before   int  // length of what precedes it in the branch around it
	length   int  // of the current branch, so far
	first    int  // length of the first branch
	branches int  // how many are complete
	uneven   bool // the branches have different lengths
	loose    bool // a branch has a variable length

	resetFrom, resetMax int // "(?|": captures at its start, most in any branch
}

// kind tells groups apart where they differ.
type kind uint8

const (
	plain kind = iota
	capturing
	lookahead
	lookbehind
	conditional
	reset
)

// maxNesting is PCRE2's limit of groups inside each other.
const maxNesting = 250

// top is the innermost open group.
func (p *parser) top() *frame { return &p.stack[len(p.stack)-1] }

// open reads "(" and what makes the kind of group.
func (p *parser) open() {
	at := p.pos
	p.pos++
	switch {
	case p.accept("?"):
		p.openSpecial(at)
	case p.atVerb():
		p.pos++
		p.verb(at)
	case p.flags.noCapture:
		p.push(plain, at, "(?:")
	default:
		p.capture(at, "")
	}
}

// openSpecial reads a group behind "(?".
func (p *parser) openSpecial(at int) {
	for _, g := range groups {
		if !p.accept(g.sign) {
			continue
		}
		p.slow = p.slow || g.slow
		if g.lack != "" {
			p.lack(at, g.lack)
		}
		p.push(g.kind, at, g.out)
		return
	}
	switch {
	case p.rest() == "":
		p.fail(p.pos, errMissingParen)
	case p.accept("#"):
		p.comment()
	case p.accept("<"):
		p.named(at, '>')
	case p.accept("'"):
		p.named(at, '\'')
	case p.accept("P"):
		p.python(at)
	case p.accept("("):
		p.conditional(at)
	case p.recursion(at):
	case p.accept("C"):
		p.lack(at, "a callout")
		p.skipTo(')')
	default:
		p.options(at)
	}
}

// groups are those that are told by what follows "(?".
var groups = []struct {
	sign string
	kind kind
	out  string
	slow bool
	lack string
}{
	{sign: ":", kind: plain, out: "(?:"},
	{sign: "|", kind: reset, out: "(?:", slow: true},
	{sign: ">", kind: plain, out: "(?>", slow: true},
	{sign: "=", kind: lookahead, out: "(?=", slow: true},
	{sign: "!", kind: lookahead, out: "(?!", slow: true},
	{sign: "<=", kind: lookbehind, out: "(?<=", slow: true},
	{sign: "<!", kind: lookbehind, out: "(?<!", slow: true},
	{sign: "*", kind: lookahead, out: "(?=", lack: "a non-atomic assertion"},
	{sign: "<*", kind: lookbehind, out: "(?<=", lack: "a non-atomic assertion"},
}

// push opens a group and writes its beginning.
func (p *parser) push(k kind, at int, out string) {
	if len(p.stack) > maxNesting {
		p.fail(p.pos, errNesting)
		return
	}
	p.stack = append(p.stack, frame{
		kind: k, at: at, out: len(p.out), flags: p.flags, before: p.top().length,
		resetFrom: p.captures, resetMax: p.captures,
	})
	p.out = append(p.out, out...)
	p.item.ok = false
}

// capture opens a group that captures.
func (p *parser) capture(at int, name string) {
	p.captures++
	if name != "" {
		p.addName(name)
	}
	for len(p.lengths) <= p.captures {
		p.lengths = append(p.lengths, variable)
	}
	out := "("
	if p.first != nil {
		// Numbered by hand: regexp2 counts groups with names last.
		out = "(?<" + strconv.Itoa(p.captures) + ">"
	}
	p.push(capturing, at, out)
	p.top().capture = p.captures
}

// named opens a group with a name, which begins at p.pos.
func (p *parser) named(at int, closing byte) {
	if name, ok := p.name(closing); ok {
		p.capture(at, name)
	}
}

func (p *parser) addName(name string) {
	for _, n := range p.names {
		switch {
		case n.Name == name && n.Group != p.captures && !p.flags.sameNames:
			p.fail(p.pos, errNameTwice)
		case n.Name != name && n.Group == p.captures:
			p.fail(p.pos, errGroupNames)
		}
	}
	p.names = append(p.names, Name{name, p.captures})
}

// python reads what follows "(?P".
func (p *parser) python(at int) {
	switch {
	case p.rest() == "":
		p.fail(p.pos, errMissingParen)
	case p.accept("<"):
		p.named(at, '>')
	case p.accept("="):
		begin := p.pos
		if name, ok := p.name(')'); ok {
			p.backReference(reference{name: name, at: begin})
		}
	case p.accept(">"):
		p.call(')')
	default:
		p.fail(p.pos, errAfterP)
	}
}

// recursion reads "(?R)", "(?1)", "(?&name)" and the like.
func (p *parser) recursion(at int) bool {
	rest := p.rest()
	signed := len(rest) > 1 && (rest[0] == '-' || rest[0] == '+') && isDigit(rest[1])
	switch {
	case rest[0] == '+' && !signed:
		p.fail(p.pos, errSignedDigit)
	case p.accept("R"):
		if !p.accept(")") {
			p.fail(p.pos, errRecursionEnd)
		}
		p.lack(at, "recursion")
		p.emit(variable, "")
	case p.accept("&"):
		p.call(')')
	case isDigit(rest[0]), signed:
		n, last, ok := p.number()
		if ok && !p.accept(")") {
			p.fail(p.pos, errMissingParen)
		}
		p.refs = append(p.refs, reference{group: n, at: last + 1})
		p.lack(at, "recursion")
		p.emit(variable, "")
	default:
		return false
	}
	return true
}

// comment reads what follows "(?#". It leaves the item before it in place.
func (p *parser) comment() {
	if !p.skipTo(')') {
		p.fail(len(p.src), errComment)
	}
}

// skipTo skips everything up to and including c.
func (p *parser) skipTo(c byte) bool {
	i := strings.IndexByte(p.rest(), c)
	if i < 0 {
		p.pos = len(p.src)
		return false
	}
	p.pos += i + 1
	return true
}

// branch reads "|".
func (p *parser) branch() {
	p.pos++
	p.endBranch()
	f := p.top()
	f.length = 0
	if f.kind == reset {
		p.captures = f.resetFrom
	}
	p.assert("|")
}

// endBranch takes the branch that ends here into account.
func (p *parser) endBranch() {
	f := p.top()
	if f.branches == 0 {
		f.first = f.length
	}
	f.branches++
	f.uneven = f.uneven || f.length != f.first
	f.loose = f.loose || f.length == variable
	if f.kind == reset {
		f.resetMax = max(f.resetMax, p.captures)
		p.captures = f.resetMax
	}
}

// close reads ")".
func (p *parser) close() {
	if len(p.stack) == 1 {
		p.fail(p.pos, errUnmatched)
		return
	}
	p.pos++
	p.endBranch()
	f := *p.top()
	p.stack = p.stack[:len(p.stack)-1]
	p.flags = f.flags
	if f.kind == conditional && f.branches == 1 {
		p.out = append(p.out, '|') // regexp2 fails where "no" should match
	}
	p.out = append(p.out, ')')
	length := f.first
	if f.uneven || f.loose {
		length = variable
	}
	p.checkGroup(&f, &length)
	p.item = item{ok: !f.test, out: f.out, before: f.before}
	p.end(length)
}

// checkGroup reports what is wrong with a group as a whole, and corrects the
// length of the text that it takes.
func (p *parser) checkGroup(f *frame, length *int) {
	switch f.kind {
	case capturing:
		p.lengths[f.capture] = *length
	case lookahead:
		*length = 0
	case lookbehind:
		*length = 0
		if f.loose {
			p.failLate(f.at, errLookbehind, byLookbehinds, f.at)
		}
	case conditional:
		if f.branches > 2 {
			p.failLate(f.at, errBranches, byItems, p.pos)
		}
	}
}

// inLookaround reports whether the current place is inside an assertion.
func (p *parser) inLookaround() bool {
	for i := range p.stack {
		switch p.stack[i].kind {
		case lookahead, lookbehind:
			return true
		}
	}
	return false
}
