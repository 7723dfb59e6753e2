package vars

import (
	"errors"
	"fmt"
	"strings"
)

// Format is a compiled log_format: literals as they are, variables escaped.
// Captures do not exist in formats: "$1" is a variable of that name.
type Format[S any] struct {
	escape Escape
	parts  []part[S]
}

// CompileFormat compiles the arguments of log_format behind name and escape=,
// which are joined without a separator. The errors are those of [CheckFormat]
// and [UnknownError], with a format in which unknown variables are not found.
func CompileFormat[S any](escape Escape, args []string, r *Registry[S]) (*Format[S], error) {
	f := &Format[S]{escape: escape}
	var unknown *UnknownError
	err := eachFormatPiece(args, func(p piece) (err error) {
		f.parts, err = r.bind(f.parts, p)
		return firstUnknown(&unknown, err)
	})
	switch {
	case err != nil:
		return nil, err
	case unknown != nil:
		return f, unknown
	}
	return f, nil
}

// CheckFormat reports whether the arguments of log_format behind name and
// escape= are well-formed. The errors are `invalid parameter "$..."` and
// `the closing bracket in "x" variable is missing`.
func CheckFormat(args []string) error {
	return eachFormatPiece(args, func(piece) error { return nil })
}

// FormatNames returns the names of the variables in well-formed arguments, in
// lower case.
func FormatNames(args []string) (names []string) {
	_ = eachFormatPiece(args, func(p piece) error {
		if p.kind == name {
			names = append(names, strings.ToLower(p.text))
		}
		return nil
	})
	return names
}

// eachFormatPiece calls visit for all pieces in all arguments. An argument is
// scanned on its own: a name does not continue in the next one.
func eachFormatPiece(args []string, visit func(piece) error) error {
	for _, arg := range args {
		for arg != "" {
			p, rest, err := next(arg, false)
			if errors.Is(err, errName) {
				return fmt.Errorf("invalid parameter \"%s\"", arg)
			}
			if err == nil {
				err = visit(p)
			}
			if err != nil {
				return err
			}
			arg = rest
		}
	}
	return nil
}

// Append writes the line of session s to dst, without a newline.
func (f *Format[S]) Append(dst []byte, s S) []byte {
	for i := range f.parts {
		p := &f.parts[i]
		if p.get == nil {
			dst = append(dst, p.text...)
			continue
		}
		from := len(dst)
		var found bool
		if dst, found = p.get(s, dst); found {
			dst = escapeTail(dst, from, f.escape)
		} else if f.escape == EscapeDefault {
			dst = append(dst, '-')
		}
	}
	return dst
}
