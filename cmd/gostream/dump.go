package main

// dump.go - -T: print the configuration as it was read.

import (
	"bufio"
	"io"
)

// dump collects the files of a configuration, each once, in the order of
// reading.
type dump struct{ files []dumpedFile }

type dumpedFile struct {
	path string
	text []byte
}

// add is a parser.Options.OnFile.
func (d *dump) add(path string, text []byte) {
	d.files = append(d.files, dumpedFile{path, text})
}

func (d *dump) writeTo(w io.Writer) error {
	b := bufio.NewWriter(w)
	for _, f := range d.files {
		b.WriteString("# configuration file " + f.path + ":\n")
		b.Write(f.text)
		b.WriteByte('\n')
	}
	return b.Flush() // the first error of all writes
}
