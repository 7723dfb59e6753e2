//go:build unix

// Command entrypoint is what a container of gostream starts first: it renders
// templates as the official image of nginx does, and then becomes the command
// that it is given. It needs no shell.
//
// Each DIR/NAME.stream-template becomes a file NAME in another folder, with
// ${VARIABLE} and $VARIABLE replaced where the environment has the variable.
// The folders and the suffix are those of nginx's image, as are the variables
// that change them.
package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
)

// settings say what is rendered. Their defaults are nginx's.
type settings struct {
	templates string // NGINX_ENVSUBST_TEMPLATE_DIR
	suffix    string // NGINX_ENVSUBST_STREAM_TEMPLATE_SUFFIX
	output    string // NGINX_ENVSUBST_STREAM_OUTPUT_DIR
	filter    string // NGINX_ENVSUBST_FILTER: a regular expression for names of variables
	conf      string // gets a stream block if it has none
}

func main() {
	if err := start(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "entrypoint:", err)
		os.Exit(1)
	}
}

func start(command []string) error {
	if len(command) == 0 {
		return fmt.Errorf("no command is given")
	}
	// Other programs, a debugger for instance, need no configuration.
	if name := filepath.Base(command[0]); name == "nginx" || name == "gostream" {
		s := settings{
			templates: env("NGINX_ENVSUBST_TEMPLATE_DIR", "/etc/nginx/templates"),
			suffix:    env("NGINX_ENVSUBST_STREAM_TEMPLATE_SUFFIX", ".stream-template"),
			output:    env("NGINX_ENVSUBST_STREAM_OUTPUT_DIR", "/etc/nginx/stream-conf.d"),
			filter:    os.Getenv("NGINX_ENVSUBST_FILTER"),
			conf:      "/etc/nginx/nginx.conf",
		}
		if err := s.renderAll(os.Environ()); err != nil {
			return err
		}
	}
	path, err := exec.LookPath(command[0])
	if err != nil {
		return err
	}
	return syscall.Exec(path, command, os.Environ())
}

func env(name, value string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return value
}

// renderAll renders the templates of all folders below the one for templates.
func (s *settings) renderAll(environ []string) error {
	values, err := s.values(environ)
	if err != nil {
		return err
	}
	found := false
	err = filepath.WalkDir(s.templates, func(path string, d fs.DirEntry, err error) error {
		switch {
		case os.IsNotExist(err) && path == s.templates:
			return nil
		case err != nil || d.IsDir() || !strings.HasSuffix(path, s.suffix):
			return err
		}
		found = true
		return s.render(path, values)
	})
	if err != nil || !found {
		return err
	}
	return s.include()
}

// values are the variables that are replaced.
func (s *settings) values(environ []string) (map[string]string, error) {
	filter, err := regexp.Compile(s.filter)
	if err != nil {
		return nil, fmt.Errorf("NGINX_ENVSUBST_FILTER: %w", err)
	}
	values := map[string]string{}
	for _, v := range environ {
		if name, value, _ := strings.Cut(v, "="); filter.MatchString(name) {
			values[name] = value
		}
	}
	return values, nil
}

func (s *settings) render(path string, values map[string]string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	below, err := filepath.Rel(s.templates, path)
	if err != nil {
		return err
	}
	target := filepath.Join(s.output, strings.TrimSuffix(below, s.suffix))
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "entrypoint: %s from %s\n", target, path)
	return os.WriteFile(target, []byte(substitute(string(text), values)), 0o644)
}

var variable = regexp.MustCompile(`\$(?:\{(\w+)\}|([A-Za-z_]\w*))`)

// substitute leaves alone what is not among the values: nginx has variables too.
func substitute(text string, values map[string]string) string {
	return variable.ReplaceAllStringFunc(text, func(reference string) string {
		if value, ok := values[strings.Trim(reference, "${}")]; ok {
			return value
		}
		return reference
	})
}

var streamBlock = regexp.MustCompile(`(?m)^\s*stream\s*\{`)

// include makes the configuration read the rendered files. One that has a
// stream block should do so itself.
func (s *settings) include() error {
	text, err := os.ReadFile(s.conf)
	if err != nil || streamBlock.Match(text) {
		return err
	}
	file, err := os.OpenFile(s.conf, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("no stream block, and none can be added: %w", err)
	}
	defer file.Close()
	_, err = fmt.Fprintf(file, "\nstream {\n    include %s/*.conf;\n}\n", s.output)
	return err
}
