package conformance

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// unguarded are the goroutines, and the calls by timers, that package guard does
// not start, by file and function, with the reason.
var unguarded = map[string]string{
	"internal/guard/guard.go Go":                   "it is the guard",
	"internal/guard/guard.go AfterFunc":            "it is the guard",
	"internal/process/crash_linux.go FallBySignal": "it ends the process",
	"internal/relay/copier.go Run":                 "both directions have a guard that tells the session",
	"internal/relay/datagram_copier.go Run":        "both directions have a guard that tells the session",
	"internal/resolver/server.go exchange":         "it closes a connection of package net, and no more",
	"stream/ssl_ocsp_query.go exchange":            "it sets a deadline, and no more",
	"stream/worker_linux.go start":                 "the loop guards all that it calls; without it the process cannot serve",
	"stream/worker_linux.go Accepted":              "a task of a loop, which guards it",
	"stream/udp_linux.go begin":                    "a task of a loop, which guards it",
	"cmd/gostream/worker.go runWorker":             "a worker that cannot be told to end must not go on",
	"cmd/gostream/child.go spawn":                  "it waits for a byte of a worker of this program",
	"cmd/gostream/signal.go quit":                  "it waits for the end",
}

// TestGoroutines demands that a panic on a goroutine of the product ends no more
// than what it was about.
func TestGoroutines(t *testing.T) {
	used := map[string]bool{}
	walk(t, func(name string, text []byte) {
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || !isProduct(path.Dir(name)) {
			return
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, text, parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, decl := range file.Decls {
			key := name
			if f, ok := decl.(*ast.FuncDecl); ok {
				key += " " + f.Name.Name
			}
			for _, at := range goroutines(decl) {
				used[key] = true
				assert.NotEmpty(t, unguarded[key], "%s: start it by package guard, or give the reason here", set.Position(at))
			}
		}
	})
	for key := range unguarded {
		assert.True(t, used[key], "%s starts no goroutine", key)
	}
}

// isProduct reports whether a package is of the program or the library.
func isProduct(dir string) bool {
	tools := []string{"cmd/gostream-bench", "examples/library", "deploy/docker/entrypoint"}
	return !slices.Contains(slices.Concat(kits, outside, tools), dir)
}

// goroutines finds where a declaration starts some: by a go statement, a timer, or a
// method Go that is not that of package guard.
func goroutines(decl ast.Decl) (found []token.Pos) {
	ast.Inspect(decl, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			found = append(found, n.Pos())
		case *ast.CallExpr:
			method, ok := n.Fun.(*ast.SelectorExpr)
			if !ok {
				break
			}
			of, _ := method.X.(*ast.Ident)
			if guarded := of != nil && of.Name == "guard"; !guarded && (method.Sel.Name == "Go" || method.Sel.Name == "AfterFunc") {
				found = append(found, n.Pos())
			}
		}
		return true
	})
	return found
}

// TestFindGoroutines shows what the rule finds.
func TestFindGoroutines(t *testing.T) {
	const text = `package p
func f() {
	go g()
	guard.Go("x", nil, g)
	guard.AfterFunc(1, "x", nil, g)
	time.AfterFunc(1, g)
	var wg sync.WaitGroup
	wg.Go(func() { s.wg.Go(g) })
	wg.Wait()
}
`
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "p.go", text, 0)
	require.NoError(t, err)
	var lines []int
	for _, at := range goroutines(file.Decls[0]) {
		lines = append(lines, set.Position(at).Line)
	}
	assert.Equal(t, []int{3, 6, 8, 8}, lines)
}
