package conf_test

import (
	"fmt"
	"time"

	"github.com/gostream/gostream/internal/conf"
	"github.com/gostream/gostream/parser"
)

// A module: what it configures, and a row for each directive.
type greetConfig struct {
	Text  string
	After time.Duration
}

var greetTable = &conf.Table[greetConfig]{
	Name: "greet",
	Commands: []conf.Command[greetConfig]{
		{Name: "greet", Syntax: "text", In: conf.Main,
			Set: conf.String(func(c *greetConfig) *string { return &c.Text })},
		{Name: "greet_after", Syntax: "time", Default: "500ms", In: conf.Main,
			Set: conf.Msec(func(c *greetConfig) *time.Duration { return &c.After })},
	},
}

func Example() {
	schema := conf.NewSchema(greetTable)
	load := func(text string) {
		tree, _ := parser.ParseString("greet.conf", text, parser.Options{}) // Apply meets the error in its place
		var c greetConfig
		err := conf.Apply(tree, schema, conf.Main, nil, &c)
		if err == nil {
			err = conf.Defaults(greetTable, &c)
		}
		fmt.Println(c.Text, c.After, err)
	}
	load("greet hello;")
	load("greet hello;\ngreet_after 1y;")
	// Output:
	// hello 500ms <nil>
	// hello 0s "greet_after" directive invalid value in greet.conf:2
}
