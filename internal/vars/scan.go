package vars

import (
	"errors"
	"fmt"
	"strings"
)

// errName is nginx's answer to a "$" that no name follows.
var errName = errors.New("invalid variable name")

// kind tells the pieces of a text apart.
type kind uint8

const (
	literal kind = iota
	name         // text is the name, as written
	capture      // text is one digit, 1 to 9
)

// piece is a part of a text that is evaluated as a whole.
type piece struct {
	kind kind
	text string
}

// Check reports whether text is well-formed, without asking whether its
// variables exist: they may be defined later in the configuration. The errors
// are `invalid variable name` and `the closing bracket in "x" variable is missing`.
func Check(text string) error {
	for text != "" {
		_, rest, err := next(text, true)
		if err != nil {
			return err
		}
		text = rest
	}
	return nil
}

// Names returns the names of the variables in a well-formed text, in lower case.
func Names(text string) (names []string) {
	for text != "" {
		p, rest, err := next(text, true)
		if err != nil {
			break
		}
		if p.kind == name {
			names = append(names, strings.ToLower(p.text))
		}
		text = rest
	}
	return names
}

// ParseName returns the name in an argument that has to be a variable, like
// the second of map: "$name". Which characters follow is not examined, just as
// in nginx; `$` alone is left for [Registry.Add] to refuse.
func ParseName(arg string) (string, error) {
	if !strings.HasPrefix(arg, "$") {
		return "", fmt.Errorf("invalid variable name \"%s\"", arg)
	}
	return arg[1:], nil
}

// next cuts the first piece off a text that is not empty. Without captures
// "$1" is a variable whose name is "1".
func next(text string, captures bool) (p piece, rest string, err error) {
	if text[0] != '$' {
		end := strings.IndexByte(text, '$')
		if end < 0 {
			end = len(text)
		}
		return piece{literal, text[:end]}, text[end:], nil
	}
	text = text[1:]
	switch {
	case text == "":
		return p, "", errName
	case captures && '1' <= text[0] && text[0] <= '9':
		// One digit only: "$10" is capture 1 and a zero.
		return piece{capture, text[:1]}, text[1:], nil
	case text[0] == '{':
		return bracketed(text[1:])
	}
	end := nameLen(text)
	if end == 0 {
		return p, "", errName
	}
	return piece{name, text[:end]}, text[end:], nil
}

// bracketed reads the name behind "${".
func bracketed(text string) (p piece, rest string, err error) {
	if text == "" {
		return p, "", errName
	}
	end := nameLen(text)
	if end == len(text) || text[end] != '}' {
		return p, "", fmt.Errorf("the closing bracket in \"%s\" variable is missing", text[:end])
	}
	if end == 0 {
		return p, "", errName
	}
	return piece{name, text[:end]}, text[end+1:], nil
}

// nameLen returns the length of the name that text begins with.
func nameLen(text string) int {
	for i := range len(text) {
		switch c := text[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_':
		default:
			return i
		}
	}
	return len(text)
}
