package regex

import (
	"strings"
	"unicode"
)

// property reads the name behind \p or \P and returns its members, nil after
// an error. Bytes count as the first 256 characters of Unicode.
func (p *parser) property(inverted bool) *set {
	name, ok := p.propertyName()
	if !ok {
		p.fail(p.pos, errProperty)
		return nil
	}
	if rest, not := strings.CutPrefix(name, "^"); not {
		name, inverted = rest, !inverted
	}
	member := findProperty(name)
	if member == nil {
		p.fail(p.pos, errPropertyName)
		return nil
	}
	s := setOf(func(c byte) bool { return member(rune(c)) })
	if inverted {
		s.invert()
	}
	return s
}

// propertyName reads one letter, or a name in braces.
func (p *parser) propertyName() (string, bool) {
	if !p.accept("{") {
		if p.pos == len(p.src) || !isLetter(p.src[p.pos]) {
			p.pos = min(p.pos+1, len(p.src))
			return "", false
		}
		p.pos++
		return p.src[p.pos-1 : p.pos], true
	}
	name, _, closed := strings.Cut(p.rest(), "}")
	if !closed {
		p.pos = len(p.src)
		return "", false
	}
	p.pos += len(name) + 1
	return name, true
}

// findProperty looks a property up: a general category, a script, or one of
// PCRE2's own. Case, blanks, "-" and "_" in names are ignored.
func findProperty(name string) func(r rune) bool {
	name = plainName(name)
	switch name {
	case "any":
		return func(rune) bool { return true }
	case "l&", "lc":
		return func(r rune) bool { return unicode.In(r, unicode.Lu, unicode.Ll, unicode.Lt) }
	case "xan":
		return isAlnumRune
	case "xwd":
		return func(r rune) bool { return isAlnumRune(r) || r == '_' }
	case "xsp", "xps":
		return func(r rune) bool { return unicode.Is(unicode.Z, r) || isSpaceRune(r) }
	}
	switch name = strings.TrimPrefix(strings.TrimPrefix(name, "script:"), "sc:"); name {
	case "latn":
		name = "latin"
	case "zyyy":
		name = "common"
	}
	for _, tables := range []map[string]*unicode.RangeTable{unicode.Categories, unicode.Scripts, unicode.Properties} {
		for key, table := range tables {
			if plainName(key) == name {
				return func(r rune) bool { return unicode.Is(table, r) }
			}
		}
	}
	return nil
}

func plainName(name string) string {
	return strings.NewReplacer(" ", "", "-", "", "_", "").Replace(strings.ToLower(name))
}

func isAlnumRune(r rune) bool { return unicode.In(r, unicode.L, unicode.N) }
func isSpaceRune(r rune) bool { return '\t' <= r && r <= '\r' || r == 0x85 }
