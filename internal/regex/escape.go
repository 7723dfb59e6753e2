package regex

import "strings"

// escape reads a backslash outside of classes and what belongs to it.
func (p *parser) escape() {
	p.pos++
	if p.pos == len(p.src) {
		p.fail(p.pos, errBackslashEnd)
		return
	}
	c := p.src[p.pos]
	at := p.pos
	p.pos++
	if s := p.namedSet(c); s != nil {
		p.set(s)
		return
	}
	if p.err != nil || p.placeEscape(c) || p.specialEscape(c, at) {
		return
	}
	if b, ok := p.charEscape(c, at); ok {
		p.literal(b)
	}
}

// placeEscape reads the escapes that match a place.
func (p *parser) placeEscape(c byte) bool {
	switch c {
	case 'A', 'G': // every search begins at the start of the string
		p.assert(`\A`)
	case 'z':
		p.assert(`\z`)
	case 'Z':
		p.atEnd()
	case 'b', 'B':
		p.boundary(c)
	case 'K':
		// It moves the start of the whole match, for which nobody asks.
		p.item.ok = false
		if p.inLookaround() {
			p.failLate(len(p.src), errKInside, byItems, p.pos)
		}
	default:
		return false
	}
	return true
}

// boundary writes \b or \B. regexp2 would count letters beyond ASCII.
func (p *parser) boundary(c byte) {
	const word = `[0-9A-Z_a-z]`
	switch {
	case p.first == nil:
		p.assert(`\` + string(c))
	case c == 'b':
		p.assert(`(?:(?<=` + word + `)(?!` + word + `)|(?<!` + word + `)(?=` + word + `))`)
	default:
		p.assert(`(?:(?<=` + word + `)(?=` + word + `)|(?<!` + word + `)(?!` + word + `))`)
	}
}

// specialEscape reads the escapes that are neither characters nor places. The
// letter is at the given offset.
func (p *parser) specialEscape(c byte, at int) bool {
	switch {
	case c == 'Q':
		p.quoted()
	case c == 'E':
	case c == 'N':
		p.checkN()
		p.dot(false)
	case c == 'C':
		p.dot(true)
	case c == 'R':
		p.slow = true
		p.emit(variable, `(?>\r\n|[\n-\r\x85])`)
	case c == 'X':
		p.slow = true
		p.emit(variable, `(?>\r\n|(?s:.))`)
	case '1' <= c && c <= '9':
		p.digits(at)
	case c == 'g':
		p.gEscape()
	case c == 'k':
		p.kEscape()
	default:
		return false
	}
	return true
}

// quoted reads what follows \Q.
func (p *parser) quoted() {
	for p.pos < len(p.src) && !p.accept(`\E`) {
		p.literal(p.src[p.pos])
		p.pos++
	}
}

// checkN looks at what follows \N: a quantifier may, other braces may not.
func (p *parser) checkN() {
	if !strings.HasPrefix(p.rest(), "{") {
		return
	}
	if _, _, end := scanCounts(p.src, p.pos+1); end >= 0 {
		return
	}
	if strings.HasPrefix(p.rest(), "{U+") {
		p.fail(p.pos, errUnicodeN)
		return
	}
	p.fail(p.pos, errUnsupported)
}

// namedSet returns the set of \d and its like, and reads the name behind \p.
// It is nil if c is none of them.
func (p *parser) namedSet(c byte) *set {
	if c == 'p' || c == 'P' {
		return p.property(c == 'P')
	}
	var s *set
	switch c {
	case 'd', 'D':
		s = setOf(isDigit)
	case 'w', 'W':
		s = setOf(isWord)
	case 's', 'S':
		s = setOf(isSpace)
	case 'h', 'H':
		s = setOf(isHorizontal)
	case 'v', 'V':
		s = setOf(isVertical)
	default:
		return nil
	}
	if c < 'a' {
		s.invert()
	}
	return s
}

func isHorizontal(c byte) bool { return c == '\t' || c == ' ' || c == 0xa0 }
func isVertical(c byte) bool   { return '\n' <= c && c <= '\r' || c == 0x85 }

// charEscape reads an escape that stands for one byte. The letter is before
// p.pos; at is where an unknown one is reported.
func (p *parser) charEscape(c byte, at int) (byte, bool) {
	if i := strings.IndexByte("aefnrt", c); i >= 0 {
		return "\a\x1b\f\n\r\t"[i], true
	}
	switch {
	case c == '0':
		return p.octal(), p.err == nil
	case c == 'o':
		return p.bracedOctal()
	case c == 'x':
		return p.hex()
	case c == 'c':
		return p.control()
	case strings.IndexByte("FLUlu", c) >= 0:
		p.fail(p.pos, errUnsupported)
	case isLetter(c):
		p.fail(at, errEscape)
	default:
		return c, true
	}
	return 0, false
}

// octal reads up to three octal digits, the first of which was read already.
func (p *parser) octal() byte {
	n := int(p.src[p.pos-1] - '0')
	for i := 0; i < 2 && p.pos < len(p.src) && isOctal(p.src[p.pos]); i++ {
		n = n<<3 | int(p.src[p.pos]-'0')
		p.pos++
	}
	if n > 0xff {
		p.fail(p.pos, errOctal)
	}
	return byte(n)
}

func isOctal(c byte) bool { return '0' <= c && c <= '7' }

// bracedOctal reads what follows \o.
func (p *parser) bracedOctal() (byte, bool) {
	if !p.accept("{") {
		p.fail(min(p.pos, len(p.src)-1), errOctalBrace)
		return 0, false
	}
	return p.braced(3, isOctal, errOctalDigit)
}

// hex reads what follows \x: up to two digits, or some in braces.
func (p *parser) hex() (byte, bool) {
	if p.accept("{") {
		return p.braced(4, isHex, errHexDigit)
	}
	n := 0
	for i := 0; i < 2 && p.pos < len(p.src) && isHex(p.src[p.pos]); i++ {
		n = n<<4 | digit(p.src[p.pos])
		p.pos++
	}
	return byte(n), true
}

// braced reads digits, each worth a number of bits, up to "}".
func (p *parser) braced(bits int, valid func(byte) bool, msg string) (byte, bool) {
	if p.pos == len(p.src) || p.src[p.pos] == '}' {
		p.fail(p.pos, errNoDigits)
		return 0, false
	}
	n := 0
	for p.pos < len(p.src) && valid(p.src[p.pos]) {
		n = min(n<<bits|digit(p.src[p.pos]), 0x100)
		p.pos++
	}
	if n > 0xff {
		p.fail(p.pos, errCodePoint)
		return 0, false
	}
	if !p.accept("}") {
		p.fail(min(p.pos, len(p.src)-1), msg)
		return 0, false
	}
	return byte(n), true
}

func isHex(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }

// digit is the value of a hexadecimal digit.
func digit(c byte) int {
	if isDigit(c) {
		return int(c - '0')
	}
	return int(c|0x20-'a') + 10
}

// control reads the letter after \c.
func (p *parser) control() (byte, bool) {
	if p.pos == len(p.src) {
		p.fail(p.pos, errControlEnd)
		return 0, false
	}
	c := p.src[p.pos]
	if c < ' ' || c > '~' {
		p.fail(p.pos, errControlASCII)
		return 0, false
	}
	p.pos++
	if 'a' <= c && c <= 'z' {
		c &^= 0x20
	}
	return c ^ 0x40, true
}
