package hostmatch

import (
	"errors"
	"fmt"
)

// Regexp is a compiled regular expression as a [Map] needs it. It appends the
// offsets of captures to dst, as the regexp package orders them, and tells
// whether s matches. An error means that this could not be found out.
type Regexp interface {
	Find(dst []int, s []byte) ([]int, bool, error)
}

// Map is the table of a map block: keys to values of type V, and regular
// expressions of type R. Fill it with Add; Lookup may then be called from many
// goroutines.
type Map[V any, R Regexp] struct {
	// Compile compiles the regular expressions. An error that it returns is
	// returned by Add as it is.
	Compile func(pattern string, caseless bool) (R, error)

	// Hostnames is nginx's "hostnames" line: keys added after it was set may
	// be masks, and every lookup ignores one dot at the end.
	Hostnames bool

	table      Table[V]
	rules      []rule[V, R]
	fallback   V
	hasDefault bool
}

type rule[V any, R Regexp] struct {
	re    R
	value V
}

// Hit is what a lookup found.
type Hit[V any, R Regexp] struct {
	Value V

	// Regexp is the expression that matched and Captures what it appended.
	// Both are zero if the value was found without one.
	Regexp   R
	Captures []int
}

// Add adds the line "key value;" of a map block, key being unquoted: "default",
// "~regex", "~*regex" (caseless), a mask if Hostnames is set, or a string. A
// "\" before the first character takes its special meaning away. The errors
// are nginx's: `duplicate default map parameter`, `conflicting parameter "x"`,
// `invalid hostname or wildcard "x"` and those of Compile.
func (m *Map[V, R]) Add(key string, v V) error {
	switch {
	case key == "default":
		return m.setDefault(v)
	case key != "" && key[0] == '~':
		return m.addRegexp(key[1:], v)
	case key != "" && key[0] == '\\':
		key = key[1:]
	}
	err := m.table.Add(key, m.Hostnames, v)
	switch {
	case errors.Is(err, ErrConflict):
		return fmt.Errorf("conflicting parameter \"%s\"", Lower(key))
	case errors.Is(err, ErrInvalid):
		return fmt.Errorf("invalid hostname or wildcard \"%s\"", key)
	}
	return err
}

func (m *Map[V, R]) setDefault(v V) error {
	if m.hasDefault {
		return errors.New("duplicate default map parameter")
	}
	m.fallback, m.hasDefault = v, true
	return nil
}

// addRegexp adds what follows "~".
func (m *Map[V, R]) addRegexp(pattern string, v V) error {
	caseless := pattern != "" && pattern[0] == '*'
	if caseless {
		pattern = pattern[1:]
	}
	re, err := m.Compile(pattern, caseless)
	if err != nil {
		return err
	}
	m.rules = append(m.rules, rule[V, R]{re, v})
	return nil
}

// Lookup finds key: as a string without regard to case, by mask, by regular
// expression in the order they were added, and else the default, which is the
// zero V if there is no such line. Captures are appended to dst; their offsets
// count in key. An error is that of a regular expression; the value is then the
// default.
func (m *Map[V, R]) Lookup(dst []int, key []byte) (Hit[V, R], error) {
	if n := len(key); m.Hostnames && n > 0 && key[n-1] == '.' {
		key = key[:n-1]
	}
	if v, ok := m.table.Find(key); ok {
		return Hit[V, R]{Value: v}, nil
	}
	if len(key) > 0 { // nginx does not try them on an empty string
		for i := range m.rules {
			r := &m.rules[i]
			captures, ok, err := r.re.Find(dst, key)
			if err != nil {
				return Hit[V, R]{Value: m.fallback}, err
			}
			if ok {
				return Hit[V, R]{Value: r.value, Regexp: r.re, Captures: captures}, nil
			}
		}
	}
	return Hit[V, R]{Value: m.fallback}, nil
}
