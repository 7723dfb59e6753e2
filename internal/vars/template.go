package vars

import (
	"fmt"
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

// Compile binds the variables of text to those in r. To be called when the
// whole configuration has been read. Besides the errors of [Check] it returns
// `unknown "x" variable`.
func Compile[S any](text string, r *Registry[S]) (*Template[S], error) {
	t := &Template[S]{}
	for text != "" {
		p, rest, err := next(text, true)
		if err != nil {
			return nil, err
		}
		if t.parts, err = r.bind(t.parts, p); err != nil {
			return nil, err
		}
		text = rest
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
		return nil, fmt.Errorf("unknown \"%s\" variable", strings.ToLower(p.text))
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
