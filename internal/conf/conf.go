// Package conf holds nginx's way of declaring directives: one directive is one
// row of a module's table, with its name, syntax, default, contexts and setter.
//
// A [Schema] collects the rows of all modules. [Apply] walks a parsed file
// through it and fills Go structs; on the way it raises, in nginx's order and
// words, everything that can be wrong with a directive as such: unknown, not
// allowed here, missing "{" or ";", wrong number of arguments, duplicate,
// invalid value. Modules only spell what is peculiar to them. The first problem
// in file order is the one reported.
//
// The zero value of a field means that the directive was not given. Duplicate
// detection, inheritance ([Inherit]) and defaults ([Defaults]) all follow from
// that, so there are no merge functions. Where 0 is a sensible value of a
// number, size or time, an explicit 0 is stored as a negative one: [Zero].
package conf

import (
	"math"
	"strings"
)

// Zero is how an explicitly configured 0 is stored in a field whose zero value
// means "not set". Readers take max(value, 0), or test for a negative value.
const Zero = -1

// Context is a set of places where a directive may stand.
type Context uint16

// The contexts. A row's In may combine several.
const (
	Main     Context = 1 << iota // outside all blocks
	Events                       // events {}
	Stream                       // stream {}
	Server                       // server {} of stream
	Upstream                     // upstream {} of stream
)

var contextNames = [...]string{"main", "events", "stream", "server", "upstream"}

// String lists the contexts as nginx's documentation does: "stream, server".
func (c Context) String() string {
	var names []string
	for i, name := range contextNames {
		if c&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// Arity says how many arguments a directive takes. The zero value means exactly
// one.
type Arity struct{ Min, Max int }

// None is the arity of a directive without arguments.
var None = Arity{-1, 0}

// Take is the arity of a directive with least to most arguments.
func Take(least, most int) Arity {
	if most == 0 {
		return None
	}
	return Arity{least, most}
}

// AtLeast is the arity of a directive with n or more arguments.
func AtLeast(n int) Arity { return Arity{n, math.MaxInt} }

func (a Arity) allows(n int) bool {
	if a == (Arity{}) {
		return n == 1
	}
	return n >= a.Min && n <= a.Max
}

// Command is one directive: a row of a [Table]. T is the struct that the
// directive fills.
type Command[T any] struct {
	Name   string
	Syntax string // of the arguments, for the documentation
	In     Context

	// Default is what [Defaults] passes to Set when no level has the
	// directive; words are separated by blanks. Empty: no default. For a row
	// without IsSet it is documentation only.
	Default string

	Args  Arity
	Block bool // followed by "{...}"
	Set   Setter[T]
}

// Table holds the directives of one module.
type Table[T any] struct {
	Name     string // nginx's module name without "ngx_" and "_module", such as "stream_access"
	Commands []Command[T]

	// Finish, if any, checks and completes a T once [Defaults] has filled it.
	Finish func(*T) error
}

// Row describes a directive for listings.
type Row struct {
	Name, Syntax, Default string
	In                    Context
	Args                  Arity
	Block                 bool
	Module                string // the table's name
}

// Rows is any [Table], whatever its T.
type Rows interface {
	addTo(s *Schema)
}
