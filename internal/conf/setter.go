package conf

import (
	"strings"
	"time"
)

// Setter is what a directive does with its arguments. Modules take one from the
// functions of this package ([Msec], [Flag], [List], [Func], ...), and may fill
// in Duplicate; [Slot] makes new kinds.
type Setter[T any] struct {
	// Set reads the arguments and stores the value.
	Set func(t *T, d *Directive) error

	// IsSet reports whether t has a value. Nil: there is nothing to tell, so the
	// directive has no default and may be repeated.
	IsSet func(t *T) bool

	// Inherit copies the value of the enclosing level, src, to dst. It is
	// called when dst has none. Nil: the directive is not inherited.
	Inherit func(dst, src *T)

	// Repeat lets the directive occur several times on one level.
	Repeat bool

	// Duplicate is the text for a second occurrence; empty: "is duplicate". It
	// follows `"x" directive `.
	Duplicate string
}

// Func makes a setter of a plain function: without inheritance and default, and
// repeatable unless the function refuses with [Directive.Duplicate].
func Func[T any](set func(t *T, d *Directive) error) Setter[T] {
	return Setter[T]{Set: set}
}

// Slot makes a setter for a field of any comparable type. parse reads the
// directive's arguments; it must not return the zero value, which stands for
// "not set".
func Slot[T any, V comparable](field func(*T) *V, parse func(d *Directive) (V, error)) Setter[T] {
	return Setter[T]{
		Set: func(t *T, d *Directive) error {
			v, err := parse(d)
			if err == nil {
				*field(t) = v
			}
			return err
		},
		IsSet:   func(t *T) bool { var zero V; return *field(t) != zero },
		Inherit: func(dst, src *T) { *field(dst) = *field(src) },
	}
}

// List makes a setter for a slice field to which every occurrence adds one
// element. A level inherits the list only if it has no element itself. Several
// directives may share a field (allow and deny).
func List[T, E any](field func(*T) *[]E, parse func(d *Directive) (E, error)) Setter[T] {
	return Setter[T]{
		Set: func(t *T, d *Directive) error {
			e, err := parse(d)
			if err == nil {
				*field(t) = append(*field(t), e)
			}
			return err
		},
		IsSet:   func(t *T) bool { return len(*field(t)) != 0 },
		Inherit: func(dst, src *T) { *field(dst) = *field(src) },
		Repeat:  true,
	}
}

// Strings makes a setter for a list of texts, to which each occurrence adds one.
func Strings[T any](field func(*T) *[]string) Setter[T] {
	return List(field, func(d *Directive) (string, error) { return d.Args[0], nil })
}

// String makes a setter for a text. An explicit empty text cannot be told from
// none: where that matters, use a [Slot] of type *string.
func String[T any](field func(*T) *string) Setter[T] {
	return Slot(field, func(d *Directive) (string, error) { return d.Args[0], nil })
}

// Value makes a setter for a complex value: a text with variables. Only its
// form is checked, since the variables may be defined further down. See String
// for the empty text.
func Value[T any](field func(*T) *string) Setter[T] {
	return Slot(field, func(d *Directive) (string, error) { return d.Args[0], d.CheckValue(d.Args[0]) })
}

// Msec makes a setter for a time in nginx's millisecond syntax. 0 is stored as
// [Zero].
func Msec[T any](field func(*T) *time.Duration) Setter[T] {
	return amount(field, ParseMsec, "invalid value")
}

// Sec makes a setter for a time in nginx's second syntax: no "ms", but "M" and
// "y". 0 is stored as [Zero].
func Sec[T any](field func(*T) *time.Duration) Setter[T] {
	return amount(field, ParseSec, "invalid value")
}

// Size makes a setter for a number of bytes such as 16k. 0 is stored as [Zero].
func Size[T any](field func(*T) *int64) Setter[T] {
	return amount(field, ParseSize, "invalid value")
}

// Offset makes a setter for a number of bytes that also knows "g". 0 is stored
// as [Zero].
func Offset[T any](field func(*T) *int64) Setter[T] {
	return amount(field, ParseOffset, "invalid value")
}

// Number makes a setter for a plain number. 0 is stored as [Zero].
func Number[T any](field func(*T) *int64) Setter[T] {
	return amount(field, ParseNumber, "invalid number")
}

func amount[T any, V ~int64](field func(*T) *V, parse func(string) (V, bool), invalid string) Setter[T] {
	return Slot(field, func(d *Directive) (V, error) {
		v, ok := parse(d.Args[0])
		if !ok {
			return 0, d.Fail(invalid)
		}
		if v == 0 {
			return Zero, nil
		}
		return v, nil
	})
}

// FlagOf makes a setter for on and off.
func FlagOf[T any](field func(*T) *Flag) Setter[T] {
	return Slot(field, func(d *Directive) (Flag, error) {
		switch {
		case strings.EqualFold(d.Args[0], "on"):
			return On, nil
		case strings.EqualFold(d.Args[0], "off"):
			return Off, nil
		}
		return Unset, d.Errorf(`invalid value "%s" in "%s" directive, it must be "on" or "off"`, d.Args[0], d.Name)
	})
}

// Enum makes a setter for one of several words. The keys of words are in lower
// case; the case of the argument is irrelevant. No value may be V's zero value.
func Enum[T any, V comparable](field func(*T) *V, words map[string]V) Setter[T] {
	return Slot(field, func(d *Directive) (V, error) {
		v, ok := words[strings.ToLower(d.Args[0])]
		if !ok {
			return v, d.Errorf(`invalid value "%s"`, d.Args[0])
		}
		return v, nil
	})
}

// Bits makes a setter for a set of words, such as ssl_protocols. The keys of
// words are in lower case. A repeated word is warned of; a repeated directive
// adds to the set.
func Bits[T any, V ~int | ~uint | ~uint8 | ~uint16 | ~uint32](field func(*T) *V, words map[string]V) Setter[T] {
	s := Slot(field, nil)
	s.Repeat = true
	s.Set = func(t *T, d *Directive) error {
		for _, word := range d.Args {
			v, ok := words[strings.ToLower(word)]
			if !ok {
				return d.Errorf(`invalid value "%s"`, word)
			}
			if *field(t)&v != 0 {
				d.Warnf(`duplicate value "%s"`, word)
			}
			*field(t) |= v
		}
		return nil
	}
	return s
}

// Flag is the value of a directive that takes on or off.
type Flag uint8

// The values of a [Flag]. Unset stands for the directive's default.
const (
	Unset Flag = iota
	On
	Off
)

// On reports whether the flag is set to on; Unset is not.
func (f Flag) On() bool { return f == On }
