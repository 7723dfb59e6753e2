package parser

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/tufanbarisyildirim/gonginx/config"
)

// maxIncludes is how deep files may include each other. nginx goes on until
// it has no descriptors left.
const maxIncludes = 64

// readBuffer is the size of nginx's reads; messages tell it.
const readBuffer = 4096

// largestFile is the most that is set aside before anything is read; some
// special files claim to be huge.
const largestFile = 64 << 20

// include reads the files that d names, at the place at.
func (p *parser) include(d *config.Directive, at Position) {
	inc := &config.Include{
		Directive:   d,
		IncludePath: Unquote(d.Parameters[0].Value),
		Configs:     []*config.Config{},
		Parent:      d.Parent,
	}
	p.add(inc)
	path := fullName(p.opts.Dir, inc.IncludePath)
	if len(p.open)-p.nesting > maxIncludes {
		p.stop(tooDeep(path, at))
		return
	}
	paths := []string{path}
	if strings.ContainsAny(path, "*?[") {
		paths = p.glob(path)
	}
	for _, path := range paths {
		if p.includeFile(inc, path, at); p.err != nil {
			return
		}
	}
}

func (p *parser) glob(pattern string) []string {
	paths, ok := p.seen.Paths[pattern]
	if !ok {
		paths = glob(pattern)
		p.seen.Paths[pattern] = paths
	}
	return paths
}

func (p *parser) includeFile(inc *config.Include, path string, at Position) {
	text, err := p.readFile(path, at)
	if err != nil {
		p.stopAt(at.Line, err)
		return
	}
	inc.Configs = append(inc.Configs, p.file(path, text, inc))
}

func tooDeep(path string, at Position) *Error {
	msg := fmt.Sprintf("include of \"%s\" failed, files are nested more than %d deep", path, maxIncludes)
	return &Error{File: at.File, Line: at.Line, Msg: msg}
}

// fullName is what nginx opens for an include: a text glued to another, and
// a C string.
func fullName(dir, name string) string {
	name, _, _ = strings.Cut(name, "\x00")
	if strings.HasPrefix(name, "/") || filepath.IsAbs(name) || dir == "" {
		return name
	}
	if os.IsPathSeparator(dir[len(dir)-1]) {
		return dir + name
	}
	return dir + "/" + name
}

// directoryOf is path up to and including its last separator.
func directoryOf(path string) string {
	dir, _ := filepath.Split(path)
	return dir
}

// readFile reads a file; at is the include, for errors.
func (p *parser) readFile(path string, at Position) (string, *Error) {
	if text, ok := p.seen.Texts[path]; ok {
		return text, nil
	}
	f, err := os.Open(path)
	if err != nil {
		failure := systemError("open", path, err)
		failure.File, failure.Line = at.File, at.Line
		return "", failure
	}
	defer f.Close()
	text, failure := readAll(f, path)
	if failure != nil {
		return "", failure
	}
	p.seen.Texts[path] = text
	if p.opts.OnFile != nil {
		p.opts.OnFile(path, []byte(text))
	}
	return text, nil
}

// readAll reads as many bytes as the file is said to have. As with nginx, a
// device or a file in /proc is therefore empty.
func readAll(f *os.File, path string) (string, *Error) {
	info, err := f.Stat()
	if err != nil {
		return "", systemError("fstat", path, err)
	}
	var text strings.Builder
	text.Grow(int(min(info.Size(), largestFile)))
	_, err = io.CopyN(&text, f, info.Size())
	switch {
	case err == nil:
		return text.String(), nil
	case errors.Is(err, io.EOF):
		return "", shortRead(path, text.String(), int(info.Size()))
	}
	// nginx says this as it says it of any file: without a place.
	failure := systemError("pread", path, err)
	failure.Level = "crit"
	return "", failure
}

// shortRead is about a file that is smaller than it says. The numbers are of
// the read that failed.
func shortRead(path, got string, size int) *Error {
	before := len(got) / readBuffer * readBuffer
	wanted := min(size-before, readBuffer)
	msg := fmt.Sprintf("pread() returned only %d bytes instead of %d", len(got)-before, wanted)
	return &Error{File: path, Line: 1 + strings.Count(got[:before], "\n"), Msg: msg}
}
