//go:build unix

package conformance

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"
)

// script is one behaviour: files of a server, what is done to it, and the
// recorded outcome.
type script struct {
	path     string
	archive  *txtar.Archive
	since    string            // the first nginx that behaves so
	openSSL  string            // only with this version, "3.0"; empty: with any
	differs  string            // why gostream does not, empty if it does
	files    map[string]string // of the prefix, by name
	steps    []string          // nil to test the configuration only
	recorded outcome
}

func readScript(t *testing.T, path string) *script {
	archive, err := txtar.ParseFile(path)
	require.NoError(t, err)
	s := &script{path: path, archive: archive, files: map[string]string{}, recorded: outcome{}}
	for line := range strings.Lines(string(archive.Comment)) {
		key, value, _ := strings.Cut(strings.TrimSpace(strings.TrimPrefix(line, "#")), " ")
		switch key {
		case "since":
			s.since = value
		case "openssl":
			s.openSSL = value
		case "differs:":
			s.differs = value
		}
	}
	for _, f := range archive.Files {
		switch text := string(f.Data); {
		case f.Name == "steps":
			s.steps = strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		case slices.Contains(outcomes, f.Name):
			s.recorded.set(f.Name, text)
		default:
			s.files[f.Name] = text
		}
	}
	require.NotEmpty(t, s.since, "%s: no # since", path)
	require.Contains(t, s.files, "nginx.conf", path)
	return s
}

// write replaces the recorded outcome in the file.
func (s *script) write(got outcome) error {
	s.archive.Files = slices.DeleteFunc(s.archive.Files, func(f txtar.File) bool {
		return slices.Contains(outcomes, f.Name)
	})
	for _, name := range outcomes {
		if text := got[name]; text != "" {
			s.archive.Files = append(s.archive.Files, txtar.File{Name: name, Data: []byte(text)})
		}
	}
	return os.WriteFile(s.path, txtar.Format(s.archive), 0o644)
}

// run does the steps with a server that has dir as its prefix.
func (s *script) run(dir string, server *subject) (outcome, error) {
	stage := newStage(dir)
	defer stage.close()
	for name, text := range s.files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(path, []byte(stage.expand(text)), 0o644); err != nil {
			return nil, err
		}
	}
	if strings.Contains(s.files["nginx.conf"], " tls/") {
		if err := copyKeys(dir); err != nil {
			return nil, err
		}
	}
	if s.steps == nil {
		return stage.testConfig(server)
	}
	if err := stage.start(server, stage.expand(s.files["nginx.conf"])); err != nil {
		return nil, err
	}
	if err := stage.do(s.steps); err != nil {
		return nil, stage.explain(err)
	}
	if err := stage.finish(); err != nil {
		return nil, stage.explain(err)
	}
	return stage.outcome(), nil
}
