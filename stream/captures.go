package stream

import (
	"github.com/gostream/gostream/internal/regex"
)

// captures are the groups of the regular expression that matched last in a
// session: $1 to $9.
type captures struct {
	text []byte // what was matched against
	at   []int  // pairs of offsets, as the regexp package orders them; -1: no part in the match
}

func (c *captures) group(n int) ([]byte, bool) {
	if 2*n+1 >= len(c.at) || c.at[2*n] < 0 {
		return nil, false
	}
	return c.text[c.at[2*n]:c.at[2*n+1]], true
}

// captureGetter reads $n.
func captureGetter(n int) getter {
	return func(s *Session, b []byte) ([]byte, bool) {
		text, found := s.captures.group(n)
		return append(b, text...), found
	}
}

// declareCaptures makes named groups readable as variables.
func (g *generation) declareCaptures(names []regex.Name) error {
	for _, named := range names {
		i := g.cellIndex(named.Name)
		_, err := g.vars.Declare(variable{Name: named.Name, Changeable: true, Get: func(s *Session, b []byte) ([]byte, bool) {
			c := s.cell(i)
			return append(b, c.value()...), c.state == cellFound
		}})
		if err != nil {
			return err
		}
	}
	return nil
}

// keepCaptures remembers the groups of a match for the rest of the session.
func (s *Session) keepCaptures(re *regex.Regexp, text []byte, at []int) {
	s.captures.text = append(s.captures.text[:0], text...)
	s.captures.at = append(s.captures.at[:0], at...)
	for _, named := range re.Names() {
		// A group that took no part leaves the empty text.
		value, _ := s.captures.group(named.Group)
		s.cell(s.gen.cellIndex(named.Name)).set(value)
	}
}
