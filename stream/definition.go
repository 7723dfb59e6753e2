package stream

import (
	"cmp"
	"slices"
)

// definition is a block that defines a variable: map, geo, split_clients.
type definition interface {
	// place tells how many such blocks come earlier in the file; it is 0 for
	// those filled by hand.
	place() int

	// declare makes the variable known. What it depends on is bound by the
	// function returned, when all variables are known; nil: nothing.
	declare(g *generation) (bind func() error, err error)
}

// nextOrder numbers the definitions of a file.
func (c *Config) nextOrder() int {
	c.definitions++
	return c.definitions
}

// definitionsInOrder lists the definitions as they stand in the file, since of
// several for one variable the last is the one in force.
func (c *Config) definitionsInOrder() []definition {
	var all []definition
	for _, m := range c.Maps {
		all = append(all, m)
	}
	for _, geo := range c.Geos {
		all = append(all, geo)
	}
	for _, split := range c.SplitClients {
		all = append(all, split)
	}
	slices.SortStableFunc(all, func(a, b definition) int { return cmp.Compare(a.place(), b.place()) })
	return all
}
