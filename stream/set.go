package stream

// set.go - ngx_stream_set_module: set.

import "github.com/gostream/gostream/internal/conf"

// SetVariable is one set directive: when a session begins, the variable gets
// the value.
type SetVariable struct {
	Name  string // without "$"
	Value string // a complex value
}

var setTable = &conf.Table[ServerConfig]{
	Name: "stream_set",
	Commands: []conf.Command[ServerConfig]{
		{Name: "set", Syntax: "$variable value", In: conf.Server, Args: conf.Take(2, 2), Set: conf.Func(addSet)},
	},
}

func addSet(c *ServerConfig, d *conf.Directive) error {
	name, err := c.stream.newVariable(d, d.Args[0])
	if err != nil {
		return err
	}
	if err := d.CheckValue(d.Args[1]); err != nil {
		return err
	}
	c.Set = append(c.Set, SetVariable{Name: name, Value: d.Args[1]})
	return nil
}

// assignment is a compiled [SetVariable].
type assignment struct {
	cell  int
	value *template
}

func (g *generation) compileSet(c *ServerConfig) (out []assignment, err error) {
	for _, v := range c.Set {
		value, err := g.compile(v.Value)
		if err != nil {
			return nil, err
		}
		out = append(out, assignment{g.cellIndex(v.Name), value})
	}
	return out, nil
}

// declareSet makes the variables of all set lines known. Before its set has
// run, a variable is the empty text.
func (g *generation) declareSet(c *ServerConfig) error {
	for _, v := range c.Set {
		i := g.cellIndex(v.Name)
		_, err := g.vars.Declare(variable{Name: v.Name, Changeable: true, Get: func(s *Session, b []byte) ([]byte, bool) {
			return append(b, s.cell(i).value()...), true
		}})
		if err != nil {
			return err
		}
	}
	return nil
}

// setVariables runs the set lines of the server in file order.
func (s *Session) setVariables() {
	if len(s.srv.set) == 0 {
		return
	}
	buf := takeBuffer()
	defer buf.release()
	for _, a := range s.srv.set {
		buf.b = a.value.Append(buf.b[:0], s)
		s.cell(a.cell).set(buf.b)
	}
}
