package vars

import (
	"cmp"
	"errors"
	"strings"
)

// Template is a compiled text: what nginx calls a complex value. The nil and
// zero Templates stand for the empty text. It never changes, so any number of
// goroutines may evaluate it.
type Template[S any] struct {
	parts []part[S]
}

// part is a literal (get is nil) or a variable.
type part[S any] struct {
	text string
	get  Getter[S]
}

// UnknownError tells of a variable that nothing defines.
type UnknownError struct {
	Name string // in lower case
}

// Error implements error, with nginx's text.
func (e *UnknownError) Error() string { return "unknown \"" + e.Name + "\" variable" }

// firstUnknown keeps the first of several variables that are unknown, in e, and
// returns any other error.
func firstUnknown(e **UnknownError, err error) error {
	if u := (*UnknownError)(nil); errors.As(err, &u) {
		*e = cmp.Or(*e, u)
		return nil
	}
	return err
}

// Compile binds the variables of text to those in r. To be called when the
// whole configuration has been read. Besides the errors of [Check] it returns
// [UnknownError], with a template in which unknown variables are not found.
func Compile[S any](text string, r *Registry[S]) (*Template[S], error) {
	t := &Template[S]{}
	var unknown *UnknownError
	for text != "" {
		p, rest, err := next(text, true)
		if err != nil {
			return nil, err
		}
		t.parts, err = r.bind(t.parts, p)
		if err := firstUnknown(&unknown, err); err != nil {
			return nil, err
		}
		text = rest
	}
	if unknown != nil {
		return t, unknown
	}
	return t, nil
}

// Literal returns a template that has the text as its value, "$" included.
func Literal[S any](text string) *Template[S] {
	if text == "" {
		return &Template[S]{}
	}
	return &Template[S]{[]part[S]{{text: text}}}
}

// bind appends a piece to parts, with its getter.
func (r *Registry[S]) bind(parts []part[S], p piece) ([]part[S], error) {
	switch p.kind {
	case literal:
		return append(parts, part[S]{text: p.text}), nil
	case capture:
		if r.capture == nil {
			return parts, nil
		}
		return append(parts, part[S]{get: r.capture(int(p.text[0] - '0'))}), nil
	}
	v := r.Lookup(p.text)
	if v == nil {
		nothing := func(_ S, dst []byte) ([]byte, bool) { return dst, false }
		return append(parts, part[S]{get: nothing}), &UnknownError{strings.ToLower(p.text)}
	}
	return append(parts, part[S]{get: v.Get}), nil
}

// Append evaluates the template for session s and appends the value to dst.
// Variables that are not found count as empty.
func (t *Template[S]) Append(dst []byte, s S) []byte {
	if t == nil {
		return dst
	}
	for i := range t.parts {
		p := &t.parts[i]
		if p.get == nil {
			dst = append(dst, p.text...)
			continue
		}
		dst, _ = p.get(s, dst)
	}
	return dst
}

// Static returns the value and true if it is the same for every session.
func (t *Template[S]) Static() (string, bool) {
	switch {
	case t == nil || len(t.parts) == 0:
		return "", true
	case len(t.parts) == 1 && t.parts[0].get == nil:
		return t.parts[0].text, true
	}
	return "", false
}
