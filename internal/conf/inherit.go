package conf

import (
	"strings"

	"github.com/gostream/gostream/parser"
)

// Inherit gives dst, a server for instance, each value of src, the level around
// it, that dst has not itself.
func Inherit[T any](tab *Table[T], dst, src *T) {
	for i := range tab.Commands {
		s := &tab.Commands[i].Set
		if s.Inherit != nil && !s.IsSet(dst) {
			s.Inherit(dst, src)
		}
	}
}

// Defaults gives t the default of each directive that no level had, read by the
// directive's own setter, and then calls the table's Finish.
func Defaults[T any](tab *Table[T], t *T) error {
	env := Env{}
	for i := range tab.Commands {
		c := &tab.Commands[i]
		if c.Default == "" || c.Set.IsSet == nil || c.Set.IsSet(t) {
			continue
		}
		d := Directive{Name: c.Name, Args: strings.Fields(c.Default), env: &env}
		for i, word := range d.Args {
			d.Args[i] = parser.Unquote(word)
		}
		if err := c.Set.Set(t, &d); err != nil {
			return err
		}
	}
	if tab.Finish != nil {
		return tab.Finish(t)
	}
	return nil
}
