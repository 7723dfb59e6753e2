package regex

import "strconv"

// maxRepeat is PCRE2's limit for numbers in a quantifier.
const maxRepeat = 65535

// infinite is the maximum of a quantifier that has none.
const infinite = -1

// quantifier reads "*", "+", "?" or "{...}" and what may follow: "?" makes it
// lazy, "+" possessive. A "{" that begins no quantifier is a literal.
func (p *parser) quantifier() {
	lo, hi, ok := p.counts()
	if !ok || p.err != nil {
		return
	}
	if !p.item.ok {
		p.fail(p.pos-1, errNothingToQuant)
		return
	}
	p.skipIgnored()
	possessive := p.accept("+")
	lazy := !possessive && p.accept("?") != p.flags.ungreedy
	if possessive {
		p.slow = true
		p.out = append(p.out[:p.item.out], "(?>"+string(p.out[p.item.out:])...)
	}
	p.out = appendCounts(p.out, lo, hi)
	if lazy {
		p.out = append(p.out, '?')
	}
	if possessive {
		p.out = append(p.out, ')')
	}
	p.repeatLength(lo, hi)
	p.item.ok = false
}

// repeatLength corrects the length of the branch for a quantifier.
func (p *parser) repeatLength(lo, hi int) {
	length := variable
	if p.item.length == 0 || lo == hi && p.item.length != variable {
		length = p.item.length * lo
	}
	p.top().length = addLength(p.item.before, length)
}

// skipIgnored skips what means nothing, and so may stand before "+" and "?".
func (p *parser) skipIgnored() {
	for p.err == nil {
		p.skipEmptyQuotes()
		switch {
		case p.rest() == "":
			return
		case p.accept("(?#"):
			p.comment()
		case p.flags.extended && p.blank(p.src[p.pos]):
		default:
			return
		}
	}
}

// counts reads the quantifier itself. ok is false for a literal "{".
func (p *parser) counts() (lo, hi int, ok bool) {
	c := p.src[p.pos]
	p.pos++
	switch c {
	case '*':
		return 0, infinite, true
	case '+':
		return 1, infinite, true
	case '?':
		return 0, 1, true
	}
	digits, comma, end := scanCounts(p.src, p.pos)
	if end < 0 {
		p.literal('{')
		return 0, 0, false
	}
	lo = p.count(p.src[p.pos:digits])
	switch {
	case !comma:
		hi = lo
	case digits+1 == end:
		hi = infinite
	default:
		p.pos = digits + 1
		if hi = p.count(p.src[p.pos:end]); hi < lo {
			p.fail(end, errOutOfOrder)
		}
	}
	p.pos = end + 1
	return lo, hi, true
}

// scanCounts looks for "n}", "n,}" or "n,m}" at i. It returns where the first
// number ends, whether there is a comma, and where "}" is, -1 if none of these
// is there.
func scanCounts(s string, i int) (digits int, comma bool, end int) {
	digits = skipDigits(s, i)
	if digits == i {
		return 0, false, -1
	}
	end = digits
	if end < len(s) && s[end] == ',' {
		comma = true
		end = skipDigits(s, end+1)
	}
	if end == len(s) || s[end] != '}' {
		return 0, false, -1
	}
	return digits, comma, end
}

func skipDigits(s string, i int) int {
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	return i
}

// count reads a number of a quantifier that begins at p.pos.
func (p *parser) count(digits string) int {
	n := 0
	for i := range len(digits) {
		if n = n*10 + int(digits[i]-'0'); n > maxRepeat {
			p.fail(p.pos+i+1, errTooBig)
			return 0
		}
	}
	return n
}

// appendCounts writes a quantifier.
func appendCounts(out []byte, lo, hi int) []byte {
	switch {
	case lo == 0 && hi == infinite:
		return append(out, '*')
	case lo == 1 && hi == infinite:
		return append(out, '+')
	case lo == 0 && hi == 1:
		return append(out, '?')
	}
	out = append(out, '{')
	out = strconv.AppendInt(out, int64(lo), 10)
	if hi != lo {
		out = append(out, ',')
		if hi != infinite {
			out = strconv.AppendInt(out, int64(hi), 10)
		}
	}
	return append(out, '}')
}
