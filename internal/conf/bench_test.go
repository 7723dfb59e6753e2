package conf_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gostream/gostream/internal/conf"
	"github.com/gostream/gostream/parser"
)

// BenchmarkApply walks a map of 100,000 entries and 5,000 servers.
func BenchmarkApply(b *testing.B) {
	var text strings.Builder
	text.WriteString("stream { map a b {\n")
	for i := range 100000 {
		fmt.Fprintf(&text, "host%d.example.com backend%d;\n", i, i%100)
	}
	text.WriteString("}\n")
	for range 5000 {
		text.WriteString("server { t_size 16k; t_timeout 1h; t_allow 10.0.0.1; t_flag on; }\n")
	}
	text.WriteString("}\n")
	tree, err := parser.ParseString("f", text.String(), parser.Options{})
	if err != nil {
		b.Fatal(err)
	}
	table := &conf.Table[int]{Commands: []conf.Command[int]{
		{Name: "stream", In: conf.Main, Block: true, Args: conf.None, Set: conf.Func(func(n *int, d *conf.Directive) error {
			return d.Apply(nil, conf.Stream, n)
		})},
		{Name: "server", In: conf.Stream, Block: true, Args: conf.None, Set: conf.Func(func(n *int, d *conf.Directive) error {
			s := server{}
			return d.Apply(nil, conf.Server, &s)
		})},
		{Name: "map", In: conf.Stream, Block: true, Args: conf.Take(2, 2), Set: conf.Func(func(n *int, d *conf.Directive) error {
			for _, err := range d.Entries() {
				if err != nil {
					return err
				}
				*n++
			}
			return nil
		})},
	}}
	s := conf.NewSchema(table, serverTable)
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		if err := conf.Apply(tree, s, conf.Main, nil, &n); err != nil {
			b.Fatal(err)
		}
	}
}
