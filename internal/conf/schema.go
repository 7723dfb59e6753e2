package conf

import (
	"fmt"
	"iter"
	"slices"

	"github.com/tufanbarisyildirim/gonginx/config"

	"github.com/gostream/gostream/parser"
)

// Schema knows every directive of a program. It is immutable once built and may
// be used by several goroutines.
type Schema struct {
	rows  []*row
	names map[string][]*row // in the order of the tables
}

// row is a [Command] without its type parameter.
type row struct {
	Row

	// set passes the directive to the target of the row's type.
	set func(targets []any, d *Directive) error
}

// NewSchema collects the rows of tables. The same name may occur several times
// as long as the contexts differ. The include directive comes by itself: the
// parser has inserted the files, so only a malformed one is ever met.
func NewSchema(tables ...Rows) *Schema {
	s := &Schema{names: map[string][]*row{}}
	s.add(&row{
		Row: Row{Name: "include", Syntax: "file | mask", In: ^Context(0), Module: "conf"},
		set: func(_ []any, d *Directive) error { return d.Fail("was not followed by the parser") },
	})
	for _, t := range tables {
		t.addTo(s)
	}
	return s
}

// KnowElsewhere tells s of directives that only other programs have. They are
// "not allowed here" rather than "unknown", as in an nginx that can http. It
// returns s.
func (s *Schema) KnowElsewhere(names ...string) *Schema {
	for _, name := range names {
		if _, known := s.names[name]; !known {
			s.names[name] = nil
		}
	}
	return s
}

// Rows lists the directives, table by table.
func (s *Schema) Rows() iter.Seq[Row] {
	return func(yield func(Row) bool) {
		for _, r := range s.rows {
			if !yield(r.Row) {
				return
			}
		}
	}
}

func (t *Table[T]) addTo(s *Schema) {
	for i := range t.Commands {
		c := &t.Commands[i]
		r := &row{
			Row: Row{Name: c.Name, Syntax: c.Syntax, Default: c.Default, In: c.In, Args: c.Args, Block: c.Block, Module: t.Name},
			set: c.dispatch,
		}
		s.add(r)
	}
}

func (s *Schema) add(r *row) {
	s.rows = append(s.rows, r)
	s.names[r.Name] = append(s.names[r.Name], r)
}

// dispatch runs the setter on the target that is a *T.
func (c *Command[T]) dispatch(targets []any, d *Directive) error {
	for _, target := range targets {
		t, ok := target.(*T)
		if !ok {
			continue
		}
		if c.Set.IsSet != nil && !c.Set.Repeat && c.Set.IsSet(t) {
			return c.duplicate(d)
		}
		return c.Set.Set(t, d)
	}
	panic(fmt.Sprintf("conf: no target of type %T for directive %q", (*T)(nil), c.Name))
}

func (c *Command[T]) duplicate(d *Directive) error {
	if c.Set.Duplicate != "" {
		return d.Fail(c.Set.Duplicate)
	}
	return d.Duplicate()
}

// find returns the row for d in a context, or why there is none.
func (s *Schema) find(d *Directive, in Context) (*row, error) {
	rows, known := s.names[d.Name]
	for _, r := range rows {
		if r.In&in != 0 {
			return r, d.check(r)
		}
	}
	if known {
		return nil, d.Fail("is not allowed here")
	}
	return nil, d.Errorf(`unknown directive "%s"`, d.Name)
}

// check compares the form of d with what its row wants.
func (d *Directive) check(r *row) error {
	switch {
	case d.block != nil && !r.Block:
		return d.Errorf(`directive "%s" is not terminated by ";"`, d.Name)
	case d.block == nil && r.Block:
		return d.Errorf(`directive "%s" has no opening "{"`, d.Name)
	case !r.Args.allows(len(d.Args)):
		return d.Errorf(`invalid number of arguments in "%s" directive`, d.Name)
	}
	return nil
}

// Apply sends the directives of tree that stand in context in to their setters.
// targets are the structs to fill, as pointers; each directive goes to the one
// whose type is its table's T. The first error, of a directive or of the text
// itself, ends it. env may be nil.
func Apply(tree *config.Config, s *Schema, in Context, env *Env, targets ...any) error {
	if env == nil {
		env = &Env{}
	}
	root := Directive{block: tree, File: tree.FilePath, env: env}
	return root.Apply(s, in, targets...)
}

// contexts are the blocks with directives in them. Others have lines.
var contexts = []string{"events", "stream", "server", "upstream"}

// Refuses reports whether a directive is refused wherever it stands in the block
// of owner (nil: outside of all blocks): [Apply] ends there, so that nothing
// behind it needs to be read. It is meant for parser.Options.Until.
func (s *Schema) Refuses(owner, d config.IDirective) bool {
	if owner != nil && !slices.Contains(contexts, parser.Unquote(owner.GetName())) {
		return d.GetBlock() != nil // unexpected "{"
	}
	_, known := s.names[parser.Unquote(d.GetName())]
	return !known
}
