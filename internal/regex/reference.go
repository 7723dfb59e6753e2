package regex

import (
	"cmp"
	"slices"
	"strconv"
)

// reference is a use of a group, by number or by name.
type reference struct {
	group int
	name  string
	at    int
}

// resolve returns the number of the group that r means, -1 if there is none.
func (p *parser) resolve(r reference) int {
	if r.name == "" {
		if r.group > p.captures || r.group < 0 {
			return -1
		}
		return r.group
	}
	for _, n := range p.names {
		if n.Name == r.name {
			return n.Group
		}
	}
	return -1
}

// sortedNames returns the named groups, each once, as PCRE2 lists them.
func (p *parser) sortedNames() []Name {
	slices.SortFunc(p.names, func(a, b Name) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), a.Group-b.Group)
	})
	return slices.Compact(p.names)
}

// backReference writes a reference as an item.
func (p *parser) backReference(r reference) {
	p.slow = true
	if r.group == 0 && r.name == "" {
		r = reference{group: -1, at: p.pos}
	}
	p.refs = append(p.refs, r)
	group := max(p.resolve(r), 0)
	length := 0
	if group < len(p.lengths) {
		length = p.lengths[group]
	}
	if p.first != nil {
		group = max(p.first.resolve(r), 0)
	}
	text := `\k<` + strconv.Itoa(group) + `>`
	if p.flags.caseless {
		text = `(?i:` + text + `)`
	}
	p.emit(length, text)
}

// digits reads the number after a backslash, which is a reference or the octal
// number of a byte.
func (p *parser) digits(at int) {
	end := skipDigits(p.src, at)
	n, err := strconv.Atoi(p.src[at:end])
	first := p.src[at]
	if err != nil || n > maxRepeat || n >= 10 && first < '8' && n > p.captures {
		if first < '8' {
			p.literal(p.octal())
		} else {
			p.literal(first)
		}
		return
	}
	p.pos = end
	p.backReference(reference{group: n, at: end - 1})
}

// gEscape reads what follows \g.
func (p *parser) gEscape() {
	switch {
	case p.accept("<"):
		p.call('>')
	case p.accept("'"):
		p.call('\'')
	case p.accept("{"):
		p.gBraced()
	default:
		n, at, ok := p.number()
		if !ok {
			p.fail(p.pos, errG)
			return
		}
		p.backReference(reference{group: n, at: at})
	}
}

// gBraced reads "\g{...}" behind the brace.
func (p *parser) gBraced() {
	brace := p.pos - 1
	if n, _, ok := p.number(); ok {
		if !p.accept("}") {
			p.fail(brace, errG)
			return
		}
		p.backReference(reference{group: n, at: p.pos - 1})
		return
	}
	if p.err != nil {
		p.err.Offset = brace
		return
	}
	at := p.pos
	if name, ok := p.name('}'); ok {
		p.backReference(reference{name: name, at: at})
	}
}

// number reads a number with an optional sign, which makes it relative to the
// groups opened so far, and the offset of its last digit.
func (p *parser) number() (n, at int, ok bool) {
	i := p.pos
	sign := byte(0)
	if i < len(p.src) && (p.src[i] == '-' || p.src[i] == '+') {
		sign = p.src[i]
		i++
	}
	end := skipDigits(p.src, i)
	if end == i {
		return 0, 0, false
	}
	n, err := strconv.Atoi(p.src[i:end])
	p.pos = end
	if err != nil || n > maxRepeat {
		return -1, end - 1, true
	}
	if sign != 0 && n == 0 {
		p.fail(end, errRelativeZero)
		return 0, 0, false
	}
	switch sign {
	case '-':
		if n > p.captures {
			p.fail(end, errReference)
			return 0, 0, false
		}
		n = p.captures - n + 1
	case '+':
		n += p.captures
	}
	return n, end - 1, true
}

// kEscape reads the name after \k.
func (p *parser) kEscape() {
	if p.pos < len(p.src) {
		closing := map[byte]byte{'<': '>', '\'': '\'', '{': '}'}[p.src[p.pos]]
		if closing != 0 {
			p.pos++
			at := p.pos
			if name, ok := p.name(closing); ok {
				p.backReference(reference{name: name, at: at})
			}
			return
		}
	}
	p.fail(p.pos, errK)
}

// call reads the name or number of a group that is to be run as a subroutine.
func (p *parser) call(closing byte) {
	at := p.pos
	r := reference{at: at}
	if n, last, ok := p.number(); ok {
		r.group, r.at = n, last+1
		if !p.accept(string(closing)) {
			p.fail(p.pos, errNameSyntax)
		}
	} else if p.err == nil {
		r.name, _ = p.name(closing)
	}
	p.refs = append(p.refs, r)
	p.lack(at, "recursion")
	p.emit(variable, "")
}

// maxName is the length of the longest name of a group.
const maxName = 32

// name reads the name of a group and the sign behind it.
func (p *parser) name(closing byte) (string, bool) {
	begin := p.pos
	for p.pos < len(p.src) && isWord(p.src[p.pos]) {
		p.pos++
	}
	name := p.src[begin:p.pos]
	switch {
	case name == "":
		p.fail(begin, errNameExpected)
	case isDigit(name[0]):
		p.fail(begin, errNameDigit)
	case len(name) > maxName:
		p.fail(begin+maxName+1, errNameLong)
	case !p.accept(string(closing)):
		p.fail(p.pos, errNameSyntax)
	default:
		return name, true
	}
	return "", false
}
