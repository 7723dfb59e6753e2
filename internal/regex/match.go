package regex

import (
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/dlclark/regexp2"
)

// Find reports whether the pattern matches anywhere in s. If it does and has
// captures, their offsets are appended to dst: group n is s[loc[2*n]:loc[2*n+1]],
// group 0 being the whole match; both are -1 for a group that took no part.
// Nothing is appended for a pattern without captures, and only then nothing is
// allocated. The error is nginx's text for a match that took too long.
func (re *Regexp) Find(dst []int, s []byte) (loc []int, ok bool, err error) {
	if re.fast == nil || re.trailing && len(s) > 0 && s[len(s)-1] == '\n' {
		return re.findSlow(dst, s)
	}
	loc, ok = re.findFast(dst, s)
	return loc, ok, nil
}

func (re *Regexp) findFast(dst []int, s []byte) ([]int, bool) {
	plain := isASCII(s)
	if re.captures == 0 {
		if plain {
			return dst, re.fast.Match(s)
		}
		return dst, re.fast.MatchReader(&byteRunes{s})
	}
	var loc []int
	if plain {
		loc = re.fast.FindSubmatchIndex(s)
	} else {
		loc = re.fast.FindReaderSubmatchIndex(&byteRunes{s})
	}
	return append(dst, loc...), loc != nil
}

func isASCII(s []byte) bool {
	for _, c := range s {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// byteRunes gives each byte as a character of its own, since that is what bytes
// are to PCRE2 unless told otherwise.
type byteRunes struct{ s []byte }

// ReadRune implements io.RuneReader.
func (b *byteRunes) ReadRune() (rune, int, error) {
	if len(b.s) == 0 {
		return 0, 0, io.EOF
	}
	r := rune(b.s[0])
	b.s = b.s[1:]
	return r, 1, nil
}

func (re *Regexp) findSlow(dst []int, s []byte) ([]int, bool, error) {
	slow, err := re.slow()
	if err != nil {
		return dst, false, re.failed(s)
	}
	runes := make([]rune, len(s))
	for i, c := range s {
		runes[i] = rune(c)
	}
	m, err := slow.FindRunesMatch(runes)
	if err != nil {
		return dst, false, re.failed(s)
	}
	if m == nil {
		return dst, false, nil
	}
	if re.captures == 0 {
		return dst, true, nil
	}
	for n := range re.captures + 1 {
		dst = appendGroup(dst, m.GroupByNumber(n))
	}
	return dst, true, nil
}

func appendGroup(dst []int, g *regexp2.Group) []int {
	if g == nil || len(g.Captures) == 0 {
		return append(dst, -1, -1)
	}
	return append(dst, g.Index, g.Index+g.Length)
}

// failed is nginx's text for PCRE2_ERROR_MATCHLIMIT, which it logs at level alert.
func (re *Regexp) failed(s []byte) error {
	return fmt.Errorf("pcre2_match() failed: -47 on \"%s\" using \"%s\"", s, re.pattern)
}
