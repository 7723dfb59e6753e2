package regex

import (
	"strconv"
	"strings"
)

// options reads "(?i)", "(?i-x:" and the like, behind "(?".
func (p *parser) options(at int) {
	old := p.flags
	on, signed := true, false
	if p.accept("^") {
		p.flags.caseless, p.flags.multiline, p.flags.dotAll = false, false, false
		p.flags.extended, p.flags.extendedMore, p.flags.noCapture = false, false, false
		signed = true
	}
	for p.err == nil {
		switch {
		case p.rest() == "":
			p.fail(p.pos, errMissingParen)
		case p.accept(")"):
			p.item.ok = false
			return
		case p.accept(":"):
			inside := p.flags
			p.flags = old
			p.push(plain, at, "(?:")
			p.flags = inside
			return
		case p.accept("-"):
			if signed {
				p.fail(p.pos-1, errHyphen)
			}
			on, signed = false, true
		default:
			p.option(on)
		}
	}
}

// option reads one letter.
func (p *parser) option(on bool) {
	f := &p.flags
	switch p.src[p.pos] {
	case 'i':
		f.caseless = on
	case 'm':
		f.multiline = on
	case 's':
		f.dotAll = on
	case 'n':
		f.noCapture = on
	case 'U':
		f.ungreedy = on
	case 'J':
		f.sameNames = on
	case 'x':
		f.extended = on
		f.extendedMore = on && strings.HasPrefix(p.rest(), "xx")
		if strings.HasPrefix(p.rest(), "xx") {
			p.pos++
		}
	default:
		p.fail(p.pos, errOption)
		return
	}
	p.pos++
}

// conditional reads "(?(condition)yes|no)" behind the second parenthesis.
func (p *parser) conditional(at int) {
	p.slow = true
	if p.pos < len(p.src) && (p.src[p.pos] == '?' || p.src[p.pos] == '*') {
		p.assertionCondition(at)
		return
	}
	group, ok := p.groupCondition()
	if ok {
		p.push(conditional, at, "(?("+strconv.Itoa(group)+")")
	}
}

// groupCondition reads the number or name of a group and ")".
func (p *parser) groupCondition() (group int, ok bool) {
	if p.rest() == "" {
		p.fail(p.pos, errMissingParen)
		return 0, false
	}
	r := reference{at: p.pos}
	if n, last, ok := p.number(); ok {
		r.group, r.at = n, last-1
		if n == 0 {
			p.fail(p.pos, errReference)
		}
		if !p.accept(")") {
			p.fail(p.pos, errCondition)
		}
		return p.conditionGroup(r)
	}
	for _, word := range []string{"R)", "DEFINE)", "VERSION"} {
		if strings.HasPrefix(p.rest(), word) {
			p.lack(p.pos, "a condition of this kind")
			p.skipTo(')')
			return 0, true
		}
	}
	switch {
	case p.err != nil:
		return 0, false
	case p.accept("<"):
		r.at = p.pos
		r.name = p.conditionName(">)")
	case p.accept("'"):
		r.at = p.pos
		r.name = p.conditionName("')")
	default:
		r.name = p.conditionName(")")
	}
	return p.conditionGroup(r)
}

func (p *parser) conditionGroup(r reference) (int, bool) {
	p.refs = append(p.refs, r)
	if p.first == nil {
		return 0, p.err == nil
	}
	return p.first.resolve(r), p.err == nil
}

// conditionName reads a name, its closing sign and ")".
func (p *parser) conditionName(closing string) string {
	name, ok := p.name(closing[0])
	if ok && len(closing) > 1 && !p.accept(")") {
		p.fail(p.pos, errCondition)
	}
	return name
}

// assertionCondition reads a condition that is an assertion: it is left to be
// read as a group of its own, and stands behind "(?" in the output.
func (p *parser) assertionCondition(at int) {
	rest := p.rest()
	for _, sign := range []string{"?=", "?!", "?<=", "?<!"} {
		if !strings.HasPrefix(rest, sign) {
			continue
		}
		p.push(conditional, at, "(?")
		p.pos--
		p.open()
		p.top().test = true
		return
	}
	p.fail(p.pos-1, errAssertion)
}

// atVerb reports whether "*" comes next, and something that makes it a verb.
func (p *parser) atVerb() bool {
	rest := p.rest()
	return len(rest) > 1 && rest[0] == '*' && rest[1] != ')'
}

// verb reads "(*NAME)", "(*NAME:argument)" or "(*assertion:...)" behind "(*".
func (p *parser) verb(at int) {
	begin := p.pos
	for p.pos < len(p.src) && isWord(p.src[p.pos]) {
		p.pos++
	}
	name := p.src[begin:p.pos]
	if name != "" && 'a' <= name[0] && name[0] <= 'z' {
		p.alphaAssertion(at, name)
		return
	}
	known := strings.Contains(" ACCEPT COMMIT F FAIL MARK PRUNE SKIP THEN  ", " "+name+" ")
	if !known || !p.accept(")") && !(p.accept(":") && p.skipTo(')')) {
		p.fail(p.pos, errVerb)
		return
	}
	if name == "F" || name == "FAIL" {
		p.assert(`[^\x00-\xff]`)
		return
	}
	p.lack(at, "a verb")
	p.item.ok = false
}

// alphaAssertion reads the groups that are told by words.
func (p *parser) alphaAssertion(at int, name string) {
	sign, ok := map[string]string{
		"pla": "=", "positive_lookahead": "=", "nla": "!", "negative_lookahead": "!",
		"plb": "<=", "positive_lookbehind": "<=", "nlb": "<!", "negative_lookbehind": "<!",
		"atomic": ">", "napla": "*", "naplb": "<*",
		"non_atomic_positive_lookahead": "*", "non_atomic_positive_lookbehind": "<*",
	}[name]
	if !ok || !p.accept(":") {
		p.fail(p.pos, errAlphaAssertion)
		return
	}
	for _, g := range groups {
		if g.sign == sign {
			p.slow = true
			if g.lack != "" {
				p.lack(at, g.lack)
			}
			p.push(g.kind, at, g.out)
			return
		}
	}
}

// leadingVerbs reads the settings that may stand at the very start.
func (p *parser) leadingVerbs() {
	for {
		verb, _, closed := strings.Cut(strings.TrimPrefix(p.rest(), "(*"), ")")
		if !closed || !strings.HasPrefix(p.rest(), "(*") {
			return
		}
		name, value, hasValue := strings.Cut(verb, "=")
		switch name {
		case "LF", "NO_JIT", "NO_START_OPT", "NO_AUTO_POSSESS", "NO_DOTSTAR_ANCHOR":
			if hasValue {
				return
			}
		case "LIMIT_MATCH", "LIMIT_DEPTH", "LIMIT_RECURSION", "LIMIT_HEAP":
			if skipDigits(value, 0) != len(value) || value == "" {
				return
			}
		case "UTF", "UCP", "CR", "CRLF", "ANY", "ANYCRLF", "NUL", "BSR_ANYCRLF", "BSR_UNICODE", "NOTEMPTY", "NOTEMPTY_ATSTART":
			if hasValue {
				return
			}
			p.lack(p.pos, "(*"+name+")")
		default:
			return
		}
		p.pos += len("(*") + len(verb) + len(")")
	}
}
