package vars

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Registry knows the variables of a configuration by name. Names compare
// without regard to case. The zero value is empty and ready for use. It is
// filled while a configuration is read and only read afterwards; it has no
// locks.
type Registry[S any] struct {
	byName   map[string]*Variable[S]
	prefixes []prefix[S]
	capture  func(n int) Getter[S]
}

// prefix makes variables whose names begin with name.
type prefix[S any] struct {
	name string
	make func(rest string) Getter[S]
}

// Add defines a variable. A changeable variable of the same name is replaced
// (and stays changeable): with two map blocks for one variable the last wins.
// The errors are nginx's: `the duplicate "x" variable` for a name taken by a
// variable that is not changeable, `invalid variable name "$"` for an empty one.
func (r *Registry[S]) Add(v Variable[S]) error {
	old, err := r.definable(v.Name)
	if err != nil {
		return err
	}
	if v.Get == nil {
		v.Get = notFound[S]
	}
	if old != nil {
		old.Get = v.Get // in place: pointers to it may be about
		return nil
	}
	r.insert(v)
	return nil
}

// Declare is Add for definitions that must not take an existing getter away:
// `set $x` of a variable that a map computes, or that a prefix makes, leaves
// theirs in place. It returns the variable that now stands under the name.
func (r *Registry[S]) Declare(v Variable[S]) (*Variable[S], error) {
	old, err := r.definable(v.Name)
	if err != nil {
		return nil, err
	}
	if old == nil {
		old = r.fromPrefix(strings.ToLower(v.Name))
	}
	if old != nil {
		return old, nil
	}
	if v.Get == nil {
		v.Get = notFound[S]
	}
	return r.insert(v), nil
}

// definable reports whether name may be defined, and returns the variable that
// has it already, if any.
func (r *Registry[S]) definable(name string) (*Variable[S], error) {
	if name == "" {
		return nil, fmt.Errorf(`invalid variable name "$"`)
	}
	old := r.byName[strings.ToLower(name)]
	if old != nil && !old.Changeable {
		return nil, fmt.Errorf("the duplicate \"%s\" variable", name)
	}
	return old, nil
}

// insert defines a variable that does not exist.
func (r *Registry[S]) insert(v Variable[S]) *Variable[S] {
	if r.byName == nil {
		r.byName = make(map[string]*Variable[S])
	}
	v.Name = strings.ToLower(v.Name)
	r.byName[v.Name] = &v
	return &v
}

// AddPrefix defines all variables whose names begin with name, such as
// "proxy_protocol_tlv_". When one is used, make is called, once for each
// different name, with the lower-cased remainder of the name; it returns nil
// if there is no such variable. A variable added under its full name goes
// first, then the longest prefix.
func (r *Registry[S]) AddPrefix(name string, make func(rest string) Getter[S]) {
	r.prefixes = append(r.prefixes, prefix[S]{strings.ToLower(name), make})
}

// SetCaptures says how $1 to $9, the captures of the regular expression that
// matched last in a session, are read: get returns the getter of capture n.
// Without it captures are always empty.
func (r *Registry[S]) SetCaptures(get func(n int) Getter[S]) { r.capture = get }

// Lookup returns the variable of this name, or nil. Its Get is never nil. The
// pointer stays the same for a name; templates keep the getter that they found
// when they were compiled.
func (r *Registry[S]) Lookup(name string) *Variable[S] {
	name = strings.ToLower(name)
	if v := r.byName[name]; v != nil {
		return v
	}
	return r.fromPrefix(name)
}

// fromPrefix makes the variable of a lower-cased name and remembers it.
func (r *Registry[S]) fromPrefix(name string) *Variable[S] {
	var best prefix[S]
	for _, p := range r.prefixes {
		if strings.HasPrefix(name, p.name) && len(p.name) >= len(best.name) {
			best = p
		}
	}
	if best.make == nil {
		return nil
	}
	get := best.make(name[len(best.name):])
	if get == nil {
		return nil
	}
	// Changeable, because a `set` of such a name is no duplicate for nginx.
	return r.insert(Variable[S]{Name: name, Get: get, Changeable: true})
}

// Defined lists the variables that were added under their full names, in
// alphabetical order and lower case.
func (r *Registry[S]) Defined() []string { return slices.Sorted(maps.Keys(r.byName)) }

// Names lists the variables in alphabetical order, prefixes among them.
func (r *Registry[S]) Names() []string {
	names := make([]string, 0, len(r.byName)+len(r.prefixes))
	for name := range r.byName {
		names = append(names, name)
	}
	for _, p := range r.prefixes {
		names = append(names, p.name)
	}
	slices.Sort(names)
	return names
}
