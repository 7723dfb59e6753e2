package parser

import "strings"

// fnmatch is fnmatch(3) with FNM_PERIOD in the C locale: name is bytes, and a
// leading dot is matched only by a dot.
func fnmatch(pattern, name string) bool {
	if strings.HasPrefix(name, ".") && !strings.HasPrefix(pattern, ".") && !strings.HasPrefix(pattern, `\.`) {
		return false
	}
	p, n := 0, 0
	star, mark := -1, 0 // where to go back to: pattern after the last *, and the name from where it was tried
	for n < len(name) || p < len(pattern) {
		if p < len(pattern) && pattern[p] == '*' {
			p++
			star, mark = p, n
			continue
		}
		if n < len(name) && p < len(pattern) {
			if next, ok := matchByte(pattern, p, name[n]); ok {
				p, n = next, n+1
				continue
			}
		}
		if star < 0 || mark >= len(name) {
			return false
		}
		mark++
		p, n = star, mark
	}
	return true
}

// matchByte matches c with what is at p of the pattern, anything but *, and
// gives the place after it.
func matchByte(pattern string, p int, c byte) (int, bool) {
	switch pattern[p] {
	case '?':
		return p + 1, true
	case '[':
		if set, next := cutSet(pattern, p+1); next > 0 {
			return next, matchSet(set, c)
		}
	case '\\':
		if p++; p == len(pattern) {
			return p, false
		}
	}
	return p + 1, pattern[p] == c
}

// cutSet gives the inside of a bracket expression and the place after it, or 0
// if the bracket is not closed.
func cutSet(pattern string, p int) (set string, next int) {
	i := p
	if i < len(pattern) && (pattern[i] == '!' || pattern[i] == '^') {
		i++
	}
	for first := i; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == ']' && i > first:
			return pattern[p:i], i + 1
		case c == '\\':
			i++
		case c == '[':
			if _, end := cutClass(pattern, i); end > 0 {
				i = end - 1
			}
		}
	}
	return "", 0
}

// cutClass gives the name in [:name:] and the place after it, or 0.
func cutClass(s string, p int) (name string, next int) {
	if !strings.HasPrefix(s[p:], "[:") {
		return "", 0
	}
	i := p + 2
	for i < len(s) && s[i] >= 'a' && s[i] <= 'z' {
		i++
	}
	if !strings.HasPrefix(s[i:], ":]") {
		return "", 0
	}
	return s[p+2 : i], i + 2
}

// matchSet reports whether c is in the set, the inside of a bracket expression.
func matchSet(set string, c byte) bool {
	negated := set[0] == '!' || set[0] == '^'
	if negated {
		set = set[1:]
	}
	for i := 0; i < len(set); {
		if class, next := cutClass(set, i); next > 0 {
			if inClass(class, c) {
				return !negated
			}
			i = next
			continue
		}
		low, next := setByte(set, i)
		high := low
		if next+1 < len(set) && set[next] == '-' {
			high, next = setByte(set, next+1)
		}
		if low <= c && c <= high {
			return !negated
		}
		i = next
	}
	return negated
}

// setByte is the byte at i of a set, or the one that a backslash there hides.
func setByte(set string, i int) (c byte, next int) {
	if set[i] == '\\' && i+1 < len(set) {
		i++
	}
	return set[i], i + 1
}

// inClass is isalpha(3) and so on in the C locale.
func inClass(class string, c byte) bool {
	lower, upper, digit := c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9'
	switch class {
	case "lower":
		return lower
	case "upper":
		return upper
	case "digit":
		return digit
	case "alpha":
		return lower || upper
	case "alnum":
		return lower || upper || digit
	case "xdigit":
		return digit || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
	case "blank":
		return c == ' ' || c == '\t'
	case "space":
		return c == ' ' || c >= '\t' && c <= '\r'
	case "cntrl":
		return c < ' ' || c == 0x7f
	case "graph":
		return c > ' ' && c < 0x7f
	case "print":
		return c >= ' ' && c < 0x7f
	case "punct":
		return c > ' ' && c < 0x7f && !lower && !upper && !digit
	}
	return false
}
