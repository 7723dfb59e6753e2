package conf

import (
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"

	"github.com/tufanbarisyildirim/gonginx/config"

	"github.com/gostream/gostream/internal/vars"
	"github.com/gostream/gostream/parser"
)

// Env is what setters need to know of their surroundings.
type Env struct {
	Prefix  string // folder of relative log, pid and lock files ("-p")
	ConfDir string // folder of relative certificate and include files: the main file's

	// Log receives the messages that do not end the reading of the
	// configuration, complete with file and line. level is one of nginx's
	// names, mostly "warn"; empty for what a library of nginx prints to the
	// standard error output, past all logs. Nil: they are dropped.
	Log func(level, msg string)

	// ReadFile reads a file that a directive names, such as one of pass phrases,
	// which may be a pipe. Nil: os.ReadFile. See [Env.Read].
	ReadFile func(path string) ([]byte, error)

	// Variables are the names of the variables that values refer to, in the order
	// of the file, some of them several times.
	Variables []string

	words []string // spare room for arguments, so that each directive needs no allocation
}

// PrefixPath returns a file name of the kind that is relative to the prefix.
func (e *Env) PrefixPath(name string) string { return join(e.Prefix, name) }

// ConfPath returns a file name of the kind that is relative to the main
// configuration file.
func (e *Env) ConfPath(name string) string { return join(e.ConfDir, name) }

// Read reads a file with ReadFile. Its errors are those of package os.
func (e *Env) Read(path string) ([]byte, error) {
	if e.ReadFile != nil {
		return e.ReadFile(path)
	}
	return os.ReadFile(path)
}

// Report passes a message that does not end the reading of the configuration to
// Log.
func (e *Env) Report(level, msg string) {
	if e.Log != nil {
		e.Log(level, msg)
	}
}

// join does without cleaning, because messages show the name as nginx has it.
func join(dir, name string) string {
	if dir == "" || filepath.IsAbs(name) || name != "" && name[0] == '/' {
		return name
	}
	if last := dir[len(dir)-1]; last == '/' || last == filepath.Separator {
		return dir + name
	}
	return dir + "/" + name
}

// Directive is one use of a directive in a file, as setters see it. It is valid
// only while the setter runs (an Apply or Entries in there leaves it alone); its
// strings and Args may be kept.
type Directive struct {
	Name string
	Args []string // without quotes and escapes
	File string   // empty for defaults
	Line int      // where the ";" or "{" stands; 0 on the command line

	node   config.IDirective // nil for the whole of a file and for defaults
	block  config.IBlock     // nil if it has none
	schema *Schema
	env    *Env
}

// Env returns the surroundings, never nil.
func (d *Directive) Env() *Env { return d.env }

// Schema returns the schema that the directive was found in.
func (d *Directive) Schema() *Schema { return d.schema }

// Errorf returns a *parser.Error at the directive's place.
func (d *Directive) Errorf(format string, a ...any) error {
	return &parser.Error{File: d.File, Line: d.Line, Msg: fmt.Sprintf(format, a...)}
}

// Fail returns the error `"x" directive WHAT`.
func (d *Directive) Fail(what string) error {
	return d.Errorf(`"%s" directive %s`, d.Name, what)
}

// Duplicate returns the error `"x" directive is duplicate`.
func (d *Directive) Duplicate() error { return d.Fail("is duplicate") }

// Warnf logs a warning with the directive's place.
func (d *Directive) Warnf(format string, a ...any) {
	d.Log("warn", fmt.Sprintf(format, a...))
}

// Log logs a message with the directive's place; see [Env].
func (d *Directive) Log(level, msg string) {
	d.env.Report(level, (&parser.Error{File: d.File, Line: d.Line, Msg: msg}).Error())
}

// CheckValue checks the form of a complex value, and takes down the variables
// that it refers to.
func (d *Directive) CheckValue(text string) error {
	if err := vars.Check(text); err != nil {
		return d.Errorf("%s", err)
	}
	d.Uses(vars.Names(text)...)
	return nil
}

// Uses takes down names of variables that the directive refers to.
func (d *Directive) Uses(names ...string) { d.env.Variables = append(d.env.Variables, names...) }

// End returns the directive as it is at the closing brace of its block: nginx
// reports there what a complete block lacks.
func (d *Directive) End() *Directive {
	end := *d
	if d.node != nil {
		end.Line = parser.EndLine(d.node)
	}
	return &end
}

// Apply sends the directives in the block of d through s (nil: the schema of d)
// to targets. See [Apply].
func (d *Directive) Apply(s *Schema, in Context, targets ...any) error {
	if s == nil {
		s = d.schema
	}
	for child, err := range d.children(s) {
		if err != nil {
			return err
		}
		r, err := s.find(child, in)
		if err != nil {
			return err
		}
		if err := r.set(targets, child); err != nil {
			return err
		}
	}
	return nil
}

// Entries yields the lines of a free-form block such as map or geo: Name is the
// first word, Args the others. Included files are followed. The Directive is
// the same each time, with new contents. The first error ends the sequence.
func (d *Directive) Entries() iter.Seq2[*Directive, error] {
	return func(yield func(*Directive, error) bool) {
		for child, err := range d.children(d.schema) {
			if err == nil && child.block != nil {
				err = child.Errorf(`unexpected "{"`)
			}
			if !yield(child, err) || err != nil {
				return
			}
		}
	}
}

// children yields what stands in the block of d, up to an error in the text. It
// reuses the Directive.
func (d *Directive) children(s *Schema) iter.Seq2[*Directive, error] {
	return func(yield func(*Directive, error) bool) {
		child := Directive{schema: s, env: d.env}
		for pos, node := range parser.Directives(d.block, d.File) {
			if broken, ok := node.(*parser.Broken); ok {
				yield(nil, broken.Err)
				return
			}
			child.load(node, pos)
			if !yield(&child, nil) {
				return
			}
		}
	}
}

// load makes d the directive of a node.
func (d *Directive) load(node config.IDirective, pos parser.Position) {
	d.Name, d.File, d.Line = parser.Unquote(node.GetName()), pos.File, pos.Line
	d.node, d.block = node, node.GetBlock()
	parameters := node.GetParameters()
	d.Args = d.env.room(len(parameters))
	for i := range parameters {
		d.Args[i] = parser.Unquote(parameters[i].Value)
	}
}

// room returns a slice for n words.
func (e *Env) room(n int) []string {
	const chunk = 512
	if len(e.words) < n {
		e.words = make([]string, max(n, chunk))
	}
	words := slices.Clip(e.words[:n])
	e.words = e.words[n:]
	return words
}
