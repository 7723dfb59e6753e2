package regex

import "strings"

// class reads "[...]".
func (p *parser) class() {
	start := p.pos
	if word := p.wordBoundary(); word {
		return
	}
	if i, end := posixAt(p.src, p.pos); end > 0 {
		if p.src[i] == ':' {
			p.fail(start, errPosixOutside)
		} else {
			p.fail(start, errCollating)
		}
		return
	}
	p.pos++
	c := classReader{p: p}
	p.skipEmptyQuotes()
	c.inverted = p.accept("^")
	p.skipEmptyQuotes()
	if p.accept("]") {
		c.add(']')
	}
	for p.err == nil && !c.done {
		c.next()
	}
	if p.flags.caseless {
		c.chars.fold()
	}
	c.chars.addSet(&c.named)
	if c.inverted {
		c.chars.invert()
	}
	p.set(&c.chars)
}

// skipEmptyQuotes skips what hides nothing: "]" behind it is still the first.
func (p *parser) skipEmptyQuotes() {
	for p.accept(`\Q\E`) || p.accept(`\E`) {
	}
}

// wordBoundary reads the two classes that are no classes.
func (p *parser) wordBoundary() bool {
	switch {
	case p.accept("[[:<:]]"):
		p.slow = true
		p.emit(0, `(?<![0-9A-Z_a-z])(?=[0-9A-Z_a-z])`)
	case p.accept("[[:>:]]"):
		p.slow = true
		p.emit(0, `(?<=[0-9A-Z_a-z])(?![0-9A-Z_a-z])`)
	default:
		return false
	}
	// PCRE2 lets them be repeated, as the look-around they stand for.
	p.out = append(p.out[:p.item.out], "(?:"+string(p.out[p.item.out:])+")"...)
	return true
}

// classReader is the state inside of "[...]".
type classReader struct {
	p        *parser
	inverted bool
	done     bool
	quoted   bool // between \Q and \E
	chars    set  // what was written as characters, subject to caseless mode
	named    set  // what was written as \d, [:alpha:] and the like

	last   byte // the character before, when a range may begin with it
	single bool // whether there is one
	hyphen bool // a "-" after it has been read, so this will be a range
	group  bool // \d or the like came last: no range may begin with it
	at     int  // where the hyphen is
}

// next reads one character or group.
func (c *classReader) next() {
	p := c.p
	if p.pos == len(p.src) {
		p.fail(p.pos, errClassEnd)
		return
	}
	ch := p.src[p.pos]
	switch {
	case c.quoted && p.accept(`\E`):
		c.quoted = false
	case c.quoted:
		p.pos++
		c.add(ch)
	case p.accept(`\Q`):
		c.quoted = true
	case p.accept(`\E`):
	case ch == ']':
		p.pos++
		c.finish()
	case ch == '[' && c.posix():
	case ch == '\\':
		c.escape()
	case ch == '-':
		c.minus()
	case p.flags.extendedMore && (ch == ' ' || ch == '\t'):
		p.pos++
	default:
		p.pos++
		c.add(ch)
	}
}

// finish ends the class; a hyphen at its end is a character.
func (c *classReader) finish() {
	if c.hyphen {
		c.chars.add('-')
	}
	c.done = true
}

// minus reads a hyphen, which makes a range if it stands between characters.
func (c *classReader) minus() {
	at := c.p.pos
	c.p.pos++
	switch {
	case c.group && c.p.pos < len(c.p.src) && c.p.src[c.p.pos] != ']':
		c.p.fail(at, errClassRange)
	case c.single && !c.hyphen:
		c.hyphen, c.at = true, at
	default:
		c.add('-')
	}
}

// add takes a character, or ends a range with it.
func (c *classReader) add(ch byte) {
	c.group = false
	if !c.hyphen {
		c.chars.add(ch)
		c.last, c.single = ch, true
		return
	}
	if ch < c.last {
		c.p.fail(c.p.pos-1, errRangeOrder)
		return
	}
	c.chars.addRange(c.last, ch)
	c.hyphen, c.single = false, false
}

// addNamed takes a group of characters; at is where an error about a range
// that ends with it is placed.
func (c *classReader) addNamed(s *set, at int) {
	if c.hyphen {
		c.p.fail(at, errClassRange)
		return
	}
	c.named.addSet(s)
	c.single, c.group = false, true
}

// escape reads a backslash and what belongs to it.
func (c *classReader) escape() {
	p := c.p
	p.pos++
	if p.pos == len(p.src) {
		p.fail(p.pos, errBackslashEnd)
		return
	}
	ch := p.src[p.pos]
	p.pos++
	at := p.pos
	if s := p.namedSet(ch); s != nil {
		c.addNamed(s, at)
		return
	}
	switch {
	case p.err != nil:
	case ch == 'b':
		c.add('\b')
	case isDigit(ch) && ch < '8':
		c.add(p.octal())
	case isDigit(ch) || ch == 'g':
		c.add(ch)
	case ch == 'N':
		p.classN()
	case strings.IndexByte("ABCGKRXZkz", ch) >= 0:
		p.fail(p.pos-1, errClassEscape)
	default:
		if b, ok := p.charEscape(ch, at-1); ok {
			c.add(b)
		}
	}
}

// classN says what is wrong with \N in a class.
func (p *parser) classN() {
	p.checkN()
	p.fail(p.pos, errClassN)
}

// posix reads "[:name:]", if that is what comes next.
func (c *classReader) posix() bool {
	p := c.p
	i, end := posixAt(p.src, p.pos)
	if end == 0 {
		return false
	}
	if p.src[i] != ':' {
		p.fail(p.pos, errCollating)
		return true
	}
	begin := i + 1
	inverted := p.src[begin] == '^'
	if inverted {
		begin++
	}
	member := posixClasses[p.src[begin:end]]
	if member == nil {
		p.fail(begin, errPosixName)
		return true
	}
	s := setOf(member)
	if p.flags.caseless && (p.src[begin:end] == "upper" || p.src[begin:end] == "lower") {
		s = setOf(isLetter)
	}
	if inverted {
		s.invert()
	}
	at := p.pos + 1
	p.pos = end + 2
	c.addNamed(s, at)
	return true
}

// posixAt reports whether "[:name:]", "[.x.]" or "[=x=]" stands at i: the place
// of the first sign and that of its closing twin, 0 if none does.
func posixAt(s string, i int) (begin, end int) {
	begin = i + 1
	if begin >= len(s) || strings.IndexByte(":.=", s[begin]) < 0 {
		return begin, 0
	}
	for j := begin + 1; j+1 < len(s); j++ {
		switch {
		case s[j] == '\\' && (s[j+1] == ']' || s[j+1] == '\\'):
			j++
		case s[j] == ']', s[j] == '[' && s[j+1] == s[begin]:
			return begin, 0
		case s[j] == s[begin] && s[j+1] == ']':
			return begin, j
		}
	}
	return begin, 0
}

// posixClasses are the names inside [: :], for the C locale.
var posixClasses = map[string]func(c byte) bool{
	"alpha":  isLetter,
	"lower":  func(c byte) bool { return 'a' <= c && c <= 'z' },
	"upper":  func(c byte) bool { return 'A' <= c && c <= 'Z' },
	"alnum":  func(c byte) bool { return isLetter(c) || isDigit(c) },
	"ascii":  func(c byte) bool { return c < 0x80 },
	"blank":  func(c byte) bool { return c == ' ' || c == '\t' },
	"cntrl":  func(c byte) bool { return c < 0x20 || c == 0x7f },
	"digit":  isDigit,
	"graph":  func(c byte) bool { return 0x20 < c && c < 0x7f },
	"print":  func(c byte) bool { return 0x20 <= c && c < 0x7f },
	"punct":  func(c byte) bool { return 0x20 < c && c < 0x7f && !isLetter(c) && !isDigit(c) },
	"space":  isSpace,
	"word":   isWord,
	"xdigit": func(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' },
}
