// Command report writes docs/conformance.md from what package conformance has
// recorded: the page is made, never edited.
//
//	go run ./conformance/report
//
// A run beside a real nginx is added to conformance/live.json by giving it the
// name of that nginx and the output of the test:
//
//	go test -json ./conformance -run Scripts -nginx path:/usr/sbin/nginx |
//		go run ./conformance/report -live "1.22.1, Debian bookworm"
package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The files are named from the root of the repository.
const (
	page     = "docs/conformance.md"
	liveFile = "conformance/live.json"
)

// score is the outcome of the scripts beside one nginx.
type score struct {
	Same    int      `json:"same"`    // scripts that both did alike
	Older   int      `json:"older"`   // scripts of what that nginx does not have
	Differs []string `json:"differs"` // names of the others
}

func main() {
	live := flag.String("live", "", "add the test output on the standard input as that of this `nginx`")
	root := flag.String("root", ".", "`folder` of the repository")
	flag.Parse()
	if err := run(*root, *live); err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
}

func run(root, live string) error {
	if live != "" {
		if err := addLive(filepath.Join(root, liveFile), live, os.Stdin); err != nil {
			return err
		}
	}
	text, err := Page(root)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(root, page), []byte(text), 0o644)
}

// addLive notes the score of a run.
func addLive(path, nginx string, output io.Reader) error {
	s, err := readScore(output)
	if err != nil {
		return err
	}
	scores := map[string]score{}
	if err := readJSON(path, &scores); err != nil && !os.IsNotExist(err) {
		return err
	}
	scores[nginx] = s
	text, err := json.MarshalIndent(scores, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

// readScore counts the outcomes of scripts in the output of go test -json.
func readScore(output io.Reader) (score, error) {
	s := score{Differs: []string{}}
	lines := bufio.NewScanner(output)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var event struct{ Action, Test string }
		if err := json.Unmarshal(lines.Bytes(), &event); err != nil {
			return s, fmt.Errorf("not an output of go test -json: %w", err)
		}
		_, name, isScript := strings.Cut(event.Test, "/")
		if !isScript {
			continue
		}
		switch event.Action {
		case "pass":
			s.Same++
		case "skip":
			s.Older++
		case "fail":
			s.Differs = append(s.Differs, name)
		}
	}
	slices.Sort(s.Differs)
	return s, lines.Err()
}

// Page makes the page from the files in the repository at root.
func Page(root string) (string, error) {
	var b strings.Builder
	b.WriteString("# Conformance\n\nMade by `go run ./conformance/report`; what is behind each number is told in\n" +
		"[conformance](../conformance/doc.go). The reference is nginx 1.31.5.\n")
	for _, part := range []func(io.Writer, string) error{writeScripts, writeLive, writeNginxTests} {
		if err := part(&b, root); err != nil {
			return "", err
		}
	}
	b.WriteString("\nWhat differs in the rest, and why: [differences-from-nginx.md](differences-from-nginx.md).\n")
	return b.String(), nil
}

// module counts the scripts of one module.
type module struct{ traffic, refusals, differ int }

func writeScripts(w io.Writer, root string) error {
	files, err := filepath.Glob(filepath.Join(root, "conformance/testdata/scripts/*.txtar"))
	if err != nil {
		return err
	}
	modules, reasons := map[string]*module{}, []string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		first, _, _ := strings.Cut(name, "-")
		m := modules[first]
		if m == nil {
			m = &module{}
			modules[first] = m
		}
		if strings.Contains(string(text), "\n-- steps --\n") {
			m.traffic++
		} else {
			m.refusals++
		}
		if reason, ok := differs(string(text)); ok {
			m.differ++
			reasons = append(reasons, fmt.Sprintf("* `%s`: %s", name, reason))
		}
	}
	fmt.Fprintf(w, "\n## Scripts\n\nOne behaviour each, recorded from nginx and replayed against gostream: %d.\n\n"+
		"| subject | with traffic | of `-t` | differ |\n|---|--:|--:|--:|\n", len(files))
	for _, name := range slices.Sorted(maps.Keys(modules)) {
		m := modules[name]
		fmt.Fprintf(w, "| %s | %d | %d | %d |\n", name, m.traffic, m.refusals, m.differ)
	}
	if len(reasons) > 0 {
		fmt.Fprintf(w, "\n%s\n", strings.Join(reasons, "\n"))
	}
	idioms, err := filepath.Glob(filepath.Join(root, "conformance/testdata/idioms/*.txtar"))
	if err != nil {
		return err
	}
	published, err := filepath.Glob(filepath.Join(root, "conformance/testdata/published/*.conf"))
	if err == nil {
		fmt.Fprintf(w, "\nConfigurations in the manner of what people publish, served by both: %d as scripts, %d as they are.\n",
			len(idioms), len(published))
	}
	return err
}

// differs returns what a script says of a known difference.
func differs(script string) (reason string, ok bool) {
	for line := range strings.Lines(script) {
		if reason, ok := strings.CutPrefix(line, "# differs: "); ok {
			return strings.TrimSpace(reason), true
		}
		if strings.HasPrefix(line, "-- ") {
			break
		}
	}
	return "", false
}

func writeLive(w io.Writer, root string) error {
	scores := map[string]score{}
	if err := readJSON(filepath.Join(root, liveFile), &scores); err != nil {
		if os.IsNotExist(err) {
			return nil
		}
		return err
	}
	fmt.Fprint(w, "\n## Beside other versions of nginx\n\nThe same scripts, run by both programs at once. A script names the version "+
		"that its behaviour came with;\nolder ones do not have it.\n\n| nginx | same | not in that version | differ |\n|---|--:|--:|---|\n")
	for _, nginx := range slices.Sorted(maps.Keys(scores)) {
		s := scores[nginx]
		fmt.Fprintf(w, "| %s | %d | %d | %s |\n", nginx, s.Same, s.Older, cmp.Or(strings.Join(s.Differs, ", "), "none"))
	}
	return nil
}

func writeNginxTests(w io.Writer, root string) error {
	must := map[string]int{}
	if err := readJSON(filepath.Join(root, "conformance/must.json"), &must); err != nil {
		return err
	}
	var skip struct {
		Files map[string]struct {
			Checks int
			Reason string
		}
	}
	if err := readJSON(filepath.Join(root, "conformance/skip.json"), &skip); err != nil {
		return err
	}
	passed, reasons := 0, map[string][]string{}
	for _, n := range must {
		passed += n
	}
	missed := 0
	for file, s := range skip.Files {
		missed += s.Checks
		reasons[s.Reason] = append(reasons[s.Reason], strings.TrimSuffix(file, ".t"))
	}
	fmt.Fprintf(w, "\n## nginx-tests\n\n%d files of nginx's own test suite pass, with all %d checks that nginx itself passes in them. ", len(must), passed)
	if len(skip.Files) == 0 {
		fmt.Fprintln(w, "None is left out.")
		return nil
	}
	fmt.Fprintf(w, "%d files with %d\nchecks do not:\n\n| reason | files |\n|---|---|\n", len(skip.Files), missed)
	for _, reason := range slices.Sorted(maps.Keys(reasons)) {
		slices.Sort(reasons[reason])
		fmt.Fprintf(w, "| %s | %s |\n", reason, strings.Join(reasons[reason], ", "))
	}
	return nil
}

func readJSON(path string, to any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, to); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
