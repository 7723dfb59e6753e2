// Package ber decodes ASN.1 by OpenSSL's rules and with its words. OpenSSL takes
// more than DER: lengths that are too long or indefinite, strings in pieces. What
// it says about a wrong encoding names the types and fields on the way there.
package ber

import "slices"

// Type is a type of ASN.1.
type Type struct {
	Name   string // as OpenSSL has it
	Kind   Kind
	Tag    int     // of a primitive type
	Fields []Field // of a sequence or choice; one of a wrapper

	// Verbatim keeps the bytes as they came, wherever the value is encoded again.
	Verbatim bool
	// Unchecked takes any contents of a primitive type.
	Unchecked bool
}

// Kind is a kind of type.
type Kind int

// The kinds.
const (
	Primitive Kind = iota
	Sequence
	Choice
	Wrapper           // of one field
	AnyString         // one of the types that a part of a name may have
	AnyTime           // UTCTime or GeneralizedTime
	DistinguishedName // a wrapper, too
)

// AnyTag stands for whatever tag comes.
const AnyTag = -1

// Field is a part of a sequence, or an alternative of a choice.
type Field struct {
	Name     string
	Of       *Type
	List     int // SequenceTag or SetTag: a list of these; 0: one of them
	Tag      int // of context, if the tagging is explicit or implicit
	Tagging  Tagging
	Optional bool
}

// Tagging is how a field is told from others.
type Tagging int

// The ways of tagging. The zero value is by the type itself.
const (
	Universal Tagging = iota
	Explicit
	Implicit
)

// Value is what was decoded.
type Value struct {
	Tag      int
	Bytes    []byte   // the contents of a primitive type
	Parts    []*Value // fields, nil if they are absent, or items of a list
	Selected int      // which alternative of a choice Parts[0] is
	Encoding []byte   // DER, whatever it was, without an explicit tag
	Raw      []byte   // the bytes as they came, with an explicit tag

	of *Type
}

// Field returns a field by its name, or that of a field of it and so on. Nil: it
// is absent.
func (v *Value) Field(path ...string) *Value {
	for _, name := range path {
		if v == nil || v.of == nil {
			return nil
		}
		i := slices.IndexFunc(v.of.Fields, func(f Field) bool { return f.Name == name })
		if i < 0 {
			return nil
		}
		v = v.Parts[i]
	}
	return v
}

// RawField returns the bytes of a field as they came. Nil: it is absent.
func (v *Value) RawField(path ...string) []byte {
	if v = v.Field(path...); v == nil {
		return nil
	}
	return v.Raw
}

// state is what came of an attempt to decode.
type state int

const (
	failed state = iota
	absent
	found
)

// decoder collects what is wrong, as OpenSSL does in its queue.
type decoder struct {
	problems []string
	discard  bool // the items of lists
}

// Decode reads a value at the beginning of a text. If it cannot be read, it
// returns OpenSSL's errors.
func Decode(der []byte, t *Type) (v *Value, rest []byte, problems []string) {
	d := &decoder{}
	v, rest, s := d.item(der, want{of: t})
	if s == found {
		v.Raw = der[:len(der)-len(rest)]
		return v, rest, nil
	}
	return nil, nil, d.problems
}

// Check looks whether a value can be read, like [Decode], but with no more memory
// for a long list than for a short one. It returns OpenSSL's errors.
func Check(der []byte, t *Type) (problems []string) {
	d := &decoder{discard: true}
	d.item(der, want{of: t})
	return d.problems
}

func (d *decoder) raise(problem string) state {
	d.problems = append(d.problems, problem)
	return failed
}

// note adds to the last problem where it is.
func (d *decoder) note(text string) state {
	d.problems[len(d.problems)-1] += ":" + text
	return failed
}

// want is what is looked for.
type want struct {
	of       *Type
	implicit bool
	tag      int // of context, if it is implicit
	optional bool
	depth    int
}

// maxNesting is how deep types may be nested.
const maxNesting = 30

// item decodes a value of a type.
func (d *decoder) item(in []byte, w want) (v *Value, rest []byte, s state) {
	if len(in) == 0 {
		return nil, nil, d.raise(errTooSmall)
	}
	if w.depth++; w.depth > maxNesting {
		d.raise(errTooDeep)
		return nil, nil, d.note("Type=" + w.of.Name)
	}
	switch w.of.Kind {
	case Sequence:
		return d.sequence(in, w)
	case Choice:
		return d.choice(in, w)
	case Wrapper:
		return d.field(in, &w.of.Fields[0], w.optional, w.depth)
	case AnyString:
		return d.anyOf(in, w, stringTags)
	case AnyTime:
		return d.anyOf(in, w, timeTags)
	case DistinguishedName:
		return d.name(in, w)
	}
	return d.primitive(in, w)
}

func (d *decoder) sequence(in []byte, w want) (*Value, []byte, state) {
	expected := Tag{UniversalClass, SequenceTag}
	if w.implicit {
		expected = Tag{ContextClass, w.tag}
	}
	h, s := d.header(in, expected, w.optional)
	switch {
	case s == absent:
		return nil, nil, absent
	case s == failed:
		d.raise(errNested)
	case !h.constructed:
		s = d.raise(errNoSequence)
	}
	if s == failed {
		return nil, nil, d.note("Type=" + w.of.Name)
	}
	b := h.body(in)
	v := &Value{Tag: expected.Number, Parts: make([]*Value, len(w.of.Fields)), of: w.of}
	if where, s := d.fields(b, v, w); s == failed {
		return nil, nil, d.note(where + "Type=" + w.of.Name)
	}
	rest := b.rest()
	if v.Encoding = expected.encode(true, v.Encoding); w.of.Verbatim {
		v.Encoding = in[:len(in)-len(rest)]
	}
	return v, rest, found
}

// fields reads the contents of a sequence. If that fails it returns the place.
func (d *decoder) fields(b *body, v *Value, w want) (where string, s state) {
	i := 0
	for ; i < len(w.of.Fields) && len(b.in) > 0; i++ {
		if end, s := b.end(d); s == failed {
			return "", failed
		} else if end {
			break
		}
		f := &w.of.Fields[i]
		last := i == len(w.of.Fields)-1 // must come if there is more
		part, after, s := d.field(b.in, f, f.Optional && !last, w.depth)
		switch s {
		case failed:
			return "Field=" + f.Name + ", ", failed
		case found:
			v.Parts[i], b.in = part, after
			v.Encoding = append(v.Encoding, f.encode(part)...)
		}
	}
	if s := b.close(d, errSequenceLength); s == failed {
		return "", failed
	}
	for ; i < len(w.of.Fields); i++ {
		if f := &w.of.Fields[i]; !f.Optional {
			return "Field=" + f.Name + ", ", d.raise(errFieldMissing)
		}
	}
	return "", found
}

func (d *decoder) choice(in []byte, w want) (*Value, []byte, state) {
	for i := range w.of.Fields {
		f := &w.of.Fields[i]
		part, rest, s := d.field(in, f, true, w.depth)
		switch s {
		case failed:
			d.raise(errNested)
			return nil, nil, d.note("Field=" + f.Name + ", Type=" + w.of.Name)
		case found:
			return &Value{Parts: []*Value{part}, Selected: i, Encoding: f.encode(part)}, rest, found
		}
	}
	if w.optional {
		return nil, nil, absent
	}
	d.raise(errNoChoice)
	return nil, nil, d.note("Type=" + w.of.Name)
}

// field reads a field with its explicit tag, if it has one.
func (d *decoder) field(in []byte, f *Field, optional bool, depth int) (v *Value, rest []byte, s state) {
	if f.Tagging == Explicit {
		v, rest, s = d.tagged(in, f, optional, depth)
	} else {
		v, rest, s = d.untagged(in, f, optional, depth)
	}
	if s == found {
		v.Raw = in[:len(in)-len(rest)]
	}
	return v, rest, s
}

func (d *decoder) tagged(in []byte, f *Field, optional bool, depth int) (*Value, []byte, state) {
	h, s := d.header(in, Tag{ContextClass, f.Tag}, optional)
	switch {
	case s == absent:
		return nil, nil, absent
	case s == failed:
		return nil, nil, d.raise(errNested)
	case !h.constructed:
		return nil, nil, d.raise(errExplicitTag)
	}
	b := h.body(in)
	v, after, s := d.untagged(b.in, f, false, depth)
	if s == failed {
		return nil, nil, d.raise(errNested)
	}
	if b.in = after; b.close(d, errExplicitLength) == failed {
		return nil, nil, failed
	}
	return v, b.rest(), found
}

func (d *decoder) untagged(in []byte, f *Field, optional bool, depth int) (*Value, []byte, state) {
	if f.List != 0 {
		return d.list(in, f, optional, depth)
	}
	w := want{of: f.Of, optional: optional, depth: depth}
	if f.Tagging == Implicit {
		w.implicit, w.tag = true, f.Tag
	}
	v, rest, s := d.item(in, w)
	if s == failed {
		d.raise(errNested)
	}
	return v, rest, s
}

// list reads a SEQUENCE OF or SET OF.
func (d *decoder) list(in []byte, f *Field, optional bool, depth int) (*Value, []byte, state) {
	expected := Tag{UniversalClass, f.List}
	if f.Tagging == Implicit {
		expected = Tag{ContextClass, f.Tag}
	}
	h, s := d.header(in, expected, optional)
	switch s {
	case absent:
		return nil, nil, absent
	case failed:
		return nil, nil, d.raise(errNested)
	}
	b := h.body(in)
	v := &Value{Tag: expected.Number}
	for len(b.in) > 0 {
		if end, s := b.end(d); s == failed {
			return nil, nil, failed
		} else if end {
			break
		}
		part, after, s := d.item(b.in, want{of: f.Of, depth: depth})
		if s != found {
			return nil, nil, d.raise(errNested)
		}
		if part.Raw, b.in = b.in[:len(b.in)-len(after)], after; !d.discard {
			v.Parts = append(v.Parts, part)
			v.Encoding = append(v.Encoding, part.Encoding...)
		}
	}
	if b.indefinite && !b.ended {
		return nil, nil, d.raise(errMissingEnd)
	}
	v.Encoding = expected.encode(true, v.Encoding)
	return v, b.rest(), found
}

// encode adds the explicit tag to the encoding of a field.
func (f *Field) encode(v *Value) []byte {
	if f.Tagging != Explicit {
		return v.Encoding
	}
	return Tag{ContextClass, f.Tag}.encode(true, v.Encoding)
}
