package stream

// map.go - ngx_stream_map_module: map.

import (
	"cmp"
	"strings"

	"github.com/gostream/gostream/internal/conf"
	"github.com/gostream/gostream/internal/errlog"
	"github.com/gostream/gostream/internal/hostmatch"
	"github.com/gostream/gostream/internal/regex"
)

// MapConfig is one map block: a variable whose value depends on another text.
type MapConfig struct {
	Source   string // a complex value: what is looked up
	Variable string // the name defined, without "$"

	// Entries are looked up in nginx's order: exact keys, masks, regular
	// expressions ("~re", "~*re") as they stand, then the key "default".
	Entries []MapEntry

	Hostnames bool // keys may be masks: *.example.com, .example.com, www.example.*
	Volatile  bool // the value is computed at each use, not once per session

	table *mapTable // Entries, when they came from a file
	order int       // among the blocks of a file that define variables
}

// MapEntry is a line of a map block.
type MapEntry struct {
	Key   string // as in a file: "default", "~re", or a text; "\" in front makes these plain
	Value string // a complex value
}

var mapTableRows = &conf.Table[Config]{
	Name: "stream_map",
	Commands: []conf.Command[Config]{
		{Name: "map", Syntax: "string $variable { ... }", In: conf.Stream, Args: conf.Take(2, 2), Block: true, Set: conf.Func(addMap)},
		{Name: "map_hash_max_size", Syntax: "size", Default: "2048", In: conf.Stream,
			Set: conf.Number(func(c *Config) *int64 { return &c.hash.mapMaxSize })},
		{Name: "map_hash_bucket_size", Syntax: "size", Default: "64", In: conf.Stream,
			Set: conf.Number(func(c *Config) *int64 { return &c.hash.mapBucketSize })},
	},
}

// mapTable is the lookup table of a map block.
type mapTable struct {
	hostmatch.Map[mapValue, *regex.Regexp]
	complex []*complexValue // values with variables in them, to be compiled
	names   []regex.Name    // named captures of the regular expressions
}

// mapValue is the value of an entry: text, or complex if it has variables.
type mapValue struct {
	text    string
	complex *complexValue
}

type complexValue struct {
	text  string
	value *template
}

func newMapTable() *mapTable {
	t := &mapTable{}
	t.Compile = func(pattern string, caseless bool) (*regex.Regexp, error) {
		re, err := regex.Compile(pattern, caseless)
		if err == nil {
			t.names = append(t.names, re.Names()...)
		}
		return re, err
	}
	return t
}

// add enters a line of the block.
func (t *mapTable) add(e MapEntry) error {
	v := mapValue{text: e.Value}
	if strings.Contains(e.Value, "$") {
		v.complex = &complexValue{text: e.Value}
		t.complex = append(t.complex, v.complex)
	}
	return t.Add(e.Key, v)
}

func addMap(c *Config, d *conf.Directive) error {
	c.mapHash()
	if err := d.CheckValue(d.Args[0]); err != nil {
		return err
	}
	name, err := c.newVariable(d, d.Args[1])
	if err != nil {
		return err
	}
	m := &MapConfig{Source: d.Args[0], Variable: name, table: newMapTable(), order: c.nextOrder()}
	c.Maps = append(c.Maps, m)
	for e, err := range d.Entries() {
		if err != nil {
			return err
		}
		known := len(m.table.names)
		if err := m.entry(e); err != nil {
			return err
		}
		if err := c.newCaptures(e, m.table.names[known:]); err != nil {
			return err
		}
	}
	return c.fit(m.table.CheckSize(c.mapHash()))
}

// mapHash is the size of nginx's hash tables for maps. It is settled by the first
// map.
func (c *Config) mapHash() hostmatch.HashSize {
	h := hashSize("map_hash", c.hash.mapMaxSize, c.hash.mapBucketSize, 2048)
	c.hash.mapMaxSize, c.hash.mapBucketSize = cmp.Or(h.MaxSize, conf.Zero), cmp.Or(h.BucketSize, conf.Zero)
	return h
}

// entry takes one line of a map block.
func (m *MapConfig) entry(e *conf.Directive) error {
	switch {
	case len(e.Args) == 0 && e.Name == "hostnames":
		m.Hostnames, m.table.Hostnames = true, true
		return nil
	case len(e.Args) == 0 && e.Name == "volatile":
		m.Volatile = true
		return nil
	case len(e.Args) != 1:
		return e.Errorf("invalid number of the map parameters")
	}
	entry := MapEntry{Key: e.Name, Value: e.Args[0]}
	if err := e.CheckValue(entry.Value); err != nil {
		return err
	}
	m.Entries = append(m.Entries, entry)
	if err := m.table.add(entry); err != nil {
		return e.Errorf("%s", err)
	}
	return nil
}

// lookupTable returns the table, which it makes for maps filled by hand.
func (m *MapConfig) lookupTable() (*mapTable, error) {
	if m.table != nil {
		return m.table, nil
	}
	t := newMapTable()
	t.Hostnames = m.Hostnames
	for _, e := range m.Entries {
		if err := t.add(e); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func (m *MapConfig) place() int { return m.order }

// declare defines the variable of a map and those of its named captures. What
// it looks up is bound later.
func (m *MapConfig) declare(g *generation) (bind func() error, err error) {
	t, err := m.lookupTable()
	if err != nil {
		return nil, err
	}
	if err := g.declareCaptures(t.names); err != nil {
		return nil, err
	}
	l := &mapLookup{gen: g, table: t}
	get := g.cached(m.Variable, l.get, m.Volatile)
	if err := g.vars.Add(variable{Name: m.Variable, Get: get, Changeable: true}); err != nil {
		return nil, err
	}
	return func() (err error) {
		if l.source, err = g.compile(m.Source); err != nil {
			return err
		}
		for _, c := range t.complex {
			if c.value, err = g.compile(c.text); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

// mapLookup is the variable of a map at work.
type mapLookup struct {
	gen    *generation
	source *template
	table  *mapTable
}

// get evaluates the source behind what b holds, and puts the value there
// instead.
func (l *mapLookup) get(s *Session, b []byte) ([]byte, bool) {
	from := len(b)
	b = l.source.Append(b, s)
	var room [2 * 16]int
	hit, err := l.table.Lookup(room[:0], b[from:])
	if err != nil {
		s.logf(errlog.Alert, "%s", err)
	}
	if hit.Regexp != nil {
		s.keepCaptures(hit.Regexp, b[from:], hit.Captures)
	}
	if c := hit.Value.complex; c != nil {
		return c.value.Append(b[:from], s), true
	}
	return append(b[:from], hit.Value.text...), true
}
