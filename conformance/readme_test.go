package conformance

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// readme_test.go - what the documentation shows is tried.

// snippet is a fenced part of a page.
type snippet struct{ page, language, text string }

var fence = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$")

// snippets returns those of the README and of the pages in docs.
func snippets(t *testing.T) []snippet {
	t.Helper()
	pages, err := filepath.Glob("../docs/*.md")
	require.NoError(t, err)
	var all []snippet
	for _, page := range append(pages, "../README.md") {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, m := range fence.FindAllStringSubmatch(string(text), -1) {
			all = append(all, snippet{page, m[1], m[2]})
		}
	}
	return all
}

// TestDocumentedConfigurations asks the binary about each configuration. One
// without events is part of a stream block.
func TestDocumentedConfigurations(t *testing.T) {
	server := binary(t)
	for _, s := range snippets(t) {
		if s.language != "nginx" {
			continue
		}
		text := s.text
		if !strings.Contains(text, "events {") {
			text = "events {}\nstream {\n" + text + "}\n"
		}
		dir := t.TempDir()
		path := filepath.Join(dir, "nginx.conf")
		require.NoError(t, os.WriteFile(path, []byte("pid "+filepath.ToSlash(dir)+"/pid;\n"+text), 0o644))
		out, err := exec.Command(server, "-t", "-c", path, "-e", "stderr").CombinedOutput()
		assert.NoError(t, err, "%s:\n%s\n%s", s.page, s.text, out)
	}
}

// TestDocumentedCommands looks for the files that commands name.
func TestDocumentedCommands(t *testing.T) {
	found := 0
	for _, s := range snippets(t) {
		if s.language != "sh" {
			continue
		}
		for line := range strings.Lines(s.text) {
			line, _, _ = strings.Cut(line, "#")
			words := strings.Fields(line)
			for i, word := range words {
				if strings.HasPrefix(word, "./cmd/") || strings.HasPrefix(word, "./examples/") || i > 0 && words[i-1] == "-p" && !filepath.IsAbs(word) {
					found++
					assert.DirExists(t, filepath.Join("..", word), "%s: %s", s.page, line)
				}
			}
		}
	}
	assert.GreaterOrEqual(t, found, 3)
}

// TestQuickstart asks the binary about the configuration of the first command.
func TestQuickstart(t *testing.T) {
	cmd := exec.Command(binary(t), "-t", "-p", "examples/quickstart", "-c", "nginx.conf", "-e", "stderr")
	cmd.Dir = ".."
	out, err := cmd.CombinedOutput()
	assert.NoError(t, err, string(out))
	assert.Contains(t, string(out), "syntax is ok")
}
