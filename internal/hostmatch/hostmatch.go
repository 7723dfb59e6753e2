// Package hostmatch finds host names among exact names and masks by nginx's
// rules, as server_name and map need it ([Table]), and does the whole lookup of
// a map block, regular expressions included ([Map]).
package hostmatch

import (
	"errors"
	"strings"
)

// The reasons why a name cannot be added to a [Table].
var (
	// ErrConflict: the name is there already. nginx prints the lower-cased
	// name with it, see [Lower].
	ErrConflict = errors.New("conflicting name")

	// ErrInvalid: the name has an asterisk where none may be, or an empty
	// label. nginx prints the name as written with it.
	ErrInvalid = errors.New("invalid hostname or wildcard")
)

// Table maps names to values. Names compare without regard to the case of ASCII
// letters. The zero value is empty and ready for use. Find may be called from
// many goroutines once the last name has been added.
type Table[V any] struct {
	// All keys are lower-cased.
	exact map[string]V // "a.com", also for the mask ".a.com"
	head  map[string]V // "a.com" for the masks "*.a.com" and ".a.com"
	tail  map[string]V // "www.a" for the mask "www.a.*"

	// reserved holds the plain names of ".a.com" masks that were refused since
	// "*.a.com" existed. To nginx a plain "a.com" after that is a conflict.
	reserved map[string]struct{}

	// domains holds the plain names of ".a.com" masks that were added.
	domains map[string]struct{}
}

// Add puts a name into the table. With masks set, "*.a.com" stands for all
// names that end in ".a.com", ".a.com" for these and "a.com", and "www.a.*" for
// all names that begin with "www.a.". Without, every name is an exact one. The
// error is nil, ErrConflict or ErrInvalid; in the latter cases the table finds
// what it found before.
func (t *Table[V]) Add(name string, masks bool, v V) error {
	low := Lower(name)
	if !masks {
		return t.addExact(low, v)
	}
	stars := strings.Count(name, "*")
	if stars > 1 || strings.Contains(name, "..") || strings.IndexByte(name, 0) >= 0 {
		return ErrInvalid
	}
	n := len(low)
	switch {
	case n > 1 && low[0] == '.':
		return t.addDomain(low[1:], v)
	case n > 2 && strings.HasPrefix(low, "*."):
		return insert(&t.head, low[2:], v)
	case n > 2 && strings.HasSuffix(low, ".*"):
		return insert(&t.tail, low[:n-2], v)
	case stars > 0:
		return ErrInvalid
	}
	return t.addExact(low, v)
}

func (t *Table[V]) addExact(name string, v V) error {
	if _, ok := t.reserved[name]; ok {
		return ErrConflict
	}
	return insert(&t.exact, name, v)
}

// addDomain adds ".name".
func (t *Table[V]) addDomain(name string, v V) error {
	if _, ok := t.exact[name]; ok {
		return ErrConflict
	}
	if err := insert(&t.head, name, v); err != nil {
		if t.reserved == nil {
			t.reserved = make(map[string]struct{})
		}
		t.reserved[name] = struct{}{}
		return err
	}
	if t.domains == nil {
		t.domains = make(map[string]struct{})
	}
	t.domains[name] = struct{}{}
	return t.addExact(name, v)
}

func insert[V any](m *map[string]V, key string, v V) error {
	if _, ok := (*m)[key]; ok {
		return ErrConflict
	}
	if *m == nil {
		*m = make(map[string]V)
	}
	(*m)[key] = v
	return nil
}

// onStack is the length of names that are looked up without allocation; the
// longest DNS name has 253 bytes.
const onStack = 256

// Find returns the value for a name: that of the exact name, else of the
// longest "*.x" mask, else of the longest "x.*" mask. It does not allocate for
// names of up to 256 bytes.
func (t *Table[V]) Find(name []byte) (V, bool) {
	var buf [onStack]byte
	return t.find(appendLower(buf[:0], name))
}

// FindString is Find for a string.
func (t *Table[V]) FindString(name string) (V, bool) {
	var buf [onStack]byte
	return t.find(appendLower(buf[:0], name))
}

// find looks a lower-cased name up.
func (t *Table[V]) find(name []byte) (V, bool) {
	if v, ok := t.exact[string(name)]; ok {
		return v, true
	}
	if len(t.head) > 0 {
		for i, c := range name {
			if c != '.' {
				continue
			}
			if v, ok := t.head[string(name[i+1:])]; ok {
				return v, true
			}
		}
	}
	if len(t.tail) > 0 {
		for i := len(name) - 1; i > 0; i-- {
			if name[i] != '.' {
				continue
			}
			if v, ok := t.tail[string(name[:i])]; ok {
				return v, true
			}
		}
	}
	var none V
	return none, false
}

// Lower returns s with the ASCII letters in lower case and all other bytes
// unchanged: the only case folding nginx knows.
func Lower(s string) string {
	for i := range len(s) {
		if 'A' <= s[i] && s[i] <= 'Z' {
			return string(appendLower(make([]byte, 0, len(s)), s))
		}
	}
	return s
}

// appendLower appends s in lower case.
func appendLower[T string | []byte](dst []byte, s T) []byte {
	for i := range len(s) {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}
