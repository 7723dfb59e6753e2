package conformance

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// policy_test.go - the house rules.

const module = "github.com/gostream/gostream/"

// levels has every package. One of a level imports only those of lower levels.
var levels = [][]string{
	{"internal/ber", "internal/guard"},
	{
		"parser", "proxyproto", "preread",
		"internal/addr", "internal/cidrtree", "internal/geoip", "internal/hostmatch", "internal/logfile", "internal/loop",
		"internal/pki", "internal/process", "internal/regex", "internal/vars",
	},
	{"internal/conf", "internal/errlog", "internal/relay", "internal/resolver", "internal/tlsconf"},
	{"upstream"},
	{"stream"},
	{"cmd/gostream", "cmd/gostream-bench", "examples/library", "deploy/docker/entrypoint"},
}

// kits are packages for tests: only tests import them.
var kits = []string{"internal/streamtest", "internal/geoip/geoiptest", "internal/pki/pkitest"}

// outside are packages that drive the binary. Of the others they import
// kits at most.
var outside = []string{"conformance", "conformance/report", "conformance/shim"}

// goPackage is what go list says.
type goPackage struct {
	ImportPath, Dir, Doc               string
	GoFiles, IgnoredGoFiles            []string
	Imports, TestImports, XTestImports []string
}

func listPackages(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,Doc,GoFiles,IgnoredGoFiles,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = ".."
	out, err := cmd.Output()
	require.NoError(t, err)
	var all []goPackage
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		err := d.Decode(&p)
		if err == io.EOF {
			return all
		}
		require.NoError(t, err)
		p.ImportPath = strings.TrimPrefix(p.ImportPath, module)
		all = append(all, p)
	}
}

// levelOf returns the level of a package, or -1.
func levelOf(path string) int {
	return slices.IndexFunc(levels, func(level []string) bool { return slices.Contains(level, path) })
}

func TestImports(t *testing.T) {
	for _, p := range listPackages(t) {
		if slices.Contains(kits, p.ImportPath) {
			continue
		}
		drives := slices.Contains(outside, p.ImportPath)
		level := levelOf(p.ImportPath)
		assert.True(t, drives || level >= 0, "%s has no level", p.ImportPath)
		imports := p.Imports
		if drives {
			imports = slices.Concat(p.Imports, p.TestImports, p.XTestImports)
		}
		for _, path := range imports {
			other, ours := strings.CutPrefix(path, module)
			switch {
			case !ours:
			case drives:
				assert.Contains(t, kits, other, "%s drives binaries", p.ImportPath)
			default:
				assert.Less(t, levelOf(other), level, "%s imports %s", p.ImportPath, other)
			}
		}
	}
}

// TestTestImports keeps test kits out of what is shipped.
func TestTestImports(t *testing.T) {
	for _, p := range listPackages(t) {
		if slices.Contains(kits, p.ImportPath) {
			continue
		}
		for _, path := range p.Imports {
			if path == "testing" || slices.Contains(kits, strings.TrimPrefix(path, module)) || strings.HasPrefix(path, "github.com/stretchr/") {
				t.Errorf("%s imports %s", p.ImportPath, path)
			}
		}
	}
}

func TestPackageComments(t *testing.T) {
	for _, p := range listPackages(t) {
		if len(p.GoFiles) > 0 {
			assert.NotEmpty(t, p.Doc, "%s has no package comment", p.ImportPath)
		}
	}
}

// The size of Go files, in lines.
const (
	usualLines = 350
	mostLines  = 500 // without a reason in the header
)

// sizeReason begins the sentence of a header that gives the reason.
const sizeReason = "This file is long"

func TestFileSizes(t *testing.T) {
	long := 0
	walk(t, func(path string, text []byte) {
		lines := bytes.Count(text, []byte("\n"))
		if !strings.HasSuffix(path, ".go") || lines <= usualLines {
			return
		}
		long++
		header := text[:min(len(text), 2000)]
		assert.True(t, lines <= mostLines || bytes.Contains(header, []byte(sizeReason)),
			"%s has %d lines: divide it, or say in its header %q and why", path, lines, sizeReason+" ...")
	})
	assert.LessOrEqual(t, long, 8, "files of more than %d lines", usualLines)
}

// TestNotes keeps working notes out of the repository.
func TestNotes(t *testing.T) {
	note := regexp.MustCompile(`(?i)^(notes?|todo|scratch|plan|report|wip)\b.*\.(md|txt)$|^(NOTE|TODO)`)
	walk(t, func(path string, _ []byte) {
		assert.False(t, note.MatchString(filepath.Base(path)), "%s is a note", path)
	})
}

// walk calls f with every text file of the repository that may be committed.
func walk(t *testing.T, f func(path string, text []byte)) {
	t.Helper()
	cmd := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Skipf("this is not a git checkout: %v", err)
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		text, err := os.ReadFile(filepath.Join("..", name))
		if os.IsNotExist(err) {
			continue // removed, and not committed yet
		}
		require.NoError(t, err)
		f(name, text)
	}
}

// TestDocumented demands a comment for each exported name, on every system.
func TestDocumented(t *testing.T) {
	walk(t, func(path string, text []byte) {
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, text, parser.ParseComments|parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, decl := range file.Decls {
			for _, name := range undocumented(decl) {
				t.Errorf("%s: %s has no comment", set.Position(decl.Pos()), name)
			}
		}
	})
}

// undocumented returns the exported names of a declaration without a comment. One
// comment is enough for a group of constants or variables.
func undocumented(decl ast.Decl) []string {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Doc == nil && d.Name.IsExported() && exportedReceiver(d) && !isInterfaceMethod(d) {
			return []string{d.Name.Name}
		}
	case *ast.GenDecl:
		var names []string
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				if s.Name.IsExported() && d.Doc == nil && s.Doc == nil {
					names = append(names, s.Name.Name)
				}
			case *ast.ValueSpec:
				if s.Names[0].IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil {
					names = append(names, s.Names[0].Name)
				}
			}
		}
		return names
	}
	return nil
}

// exportedReceiver reports whether a function is one, or a method of an exported type.
func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	of := d.Recv.List[0].Type
	if star, ok := of.(*ast.StarExpr); ok {
		of = star.X
	}
	if index, ok := of.(*ast.IndexExpr); ok {
		of = index.X
	}
	name, ok := of.(*ast.Ident)
	return ok && name.IsExported()
}

// isInterfaceMethod knows the methods that everyone knows.
func isInterfaceMethod(d *ast.FuncDecl) bool {
	return d.Recv != nil && slices.Contains([]string{"Error", "String", "Unwrap", "Len", "Less", "Swap"}, d.Name.Name)
}

// TestUndocumented shows what the rule finds.
func TestUndocumented(t *testing.T) {
	const text = `package p
func F() {}
// G is documented.
func G() {}
func (t *T) M() {}
func (t *T) Error() string { return "" }
func (t *u) N() {}
func (l List[E]) O() {}
type T struct{}
type ( 
	// U is documented.
	U int
	V int
)
const C = 1
// These are documented.
const ( D = 1; E = 2 )
`
	file, err := parser.ParseFile(token.NewFileSet(), "p.go", text, parser.ParseComments)
	require.NoError(t, err)
	var found []string
	for _, decl := range file.Decls {
		found = append(found, undocumented(decl)...)
	}
	assert.Equal(t, []string{"F", "M", "O", "T", "V", "C"}, found)
}

// TestLinks finds links of the documentation that lead nowhere.
func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#]+)\)`)
	found := 0
	walk(t, func(path string, text []byte) {
		if !strings.HasSuffix(path, ".md") {
			return
		}
		for _, m := range link.FindAllSubmatch(text, -1) {
			target := string(m[1])
			if strings.Contains(target, "://") {
				continue
			}
			found++
			_, err := fs.Stat(os.DirFS(".."), filepath.ToSlash(filepath.Join(filepath.Dir(path), target)))
			assert.NoError(t, err, "link in %s", path)
		}
	})
	assert.Positive(t, found)
}
