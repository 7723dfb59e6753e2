//go:build unix

package conformance

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// included are the files that configurations may include.
var included = map[string]string{
	"main.conf": "worker_processes 1;\n", "empty.conf": "", "stream.conf": "proxy_timeout 5s;\n", "s2.conf": "tcp_nodelay on;",
	"server.conf": "proxy_timeout 5s;\n\nproxy_connect_timeout x;\n", "upstream.conf": "server 127.0.0.1:23119;\n}\n",
	"map.conf": "a b;\nb c\n;", "geo.conf": "10.9.0.0/16 x;\n\n10.9.0.0/16 y;\n",
}

// TestFuzzRefusals compares what nginx -t and gostream -t say of random
// configurations.
func TestFuzzRefusals(t *testing.T) {
	reference := fuzzReference(t)
	words := readVocabulary(t)
	dir := t.TempDir()
	for _, folder := range []string{"logs", "inc"} {
		require.NoError(t, os.Mkdir(filepath.Join(dir, folder), 0o755))
	}
	for name, text := range included {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "inc", name), []byte(text), 0o644))
	}
	require.NoError(t, copyKeys(dir))
	test := &refusals{t: t, dir: dir, nginx: reference, gostream: &subject{binary: binary(t)}}
	fuzz(t, func(r *rand.Rand) (*difference, func() *difference) {
		config := strings.ReplaceAll(words.config(r), "DIR", dir)
		d := test.compare(config)
		if d != nil { // not because somebody had a port just then
			d = test.compare(config)
		}
		return d, func() *difference { return test.minimal(d) }
	})
}

type refusals struct {
	t               *testing.T
	dir             string
	nginx, gostream *subject
}

// later is what came, or got other messages, after fuzzedSince.
var later = map[string]*regexp.Regexp{
	"1.31.0": regexp.MustCompile(`least_time|proxy_ssl_alpn`),
	"1.31.3": regexp.MustCompile(`proxy_socket_(rcv|snd)buf`),
	"1.31.4": regexp.MustCompile(`(?m)^\s*proxy_protocol\b`),
}

// compare returns how the servers differ, nil if they do not or if nginx is too
// old for the configuration.
func (f *refusals) compare(config string) *difference {
	for since, words := range later {
		if !f.nginx.knows(since) && words.MatchString(config) {
			return nil
		}
	}
	d := &difference{input: config, want: f.ask(f.nginx, config)}
	d.got = f.ask(f.gostream, config)
	if d.got == d.want {
		return nil
	}
	return d
}

// ask returns what a server says of a configuration, and its exit status.
func (f *refusals) ask(s *subject, config string) string {
	require.NoError(f.t, os.WriteFile(filepath.Join(f.dir, "nginx.conf"), []byte(config), 0o644))
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.binary, s.command(f.dir, config, true).Args[1:]...)
	out, err := cmd.CombinedOutput()
	if err != nil && !errors.As(err, new(*exec.ExitError)) {
		require.NoError(f.t, err)
	}
	sockets, _ := filepath.Glob(filepath.Join(f.dir, "*.sock"))
	for _, name := range sockets {
		_ = os.Remove(name)
	}
	return fmt.Sprintf("%sexit status %d", out, cmd.ProcessState.ExitCode())
}

// minimal leaves out lines, then words, of a configuration with which the
// servers differ in the same way.
func (f *refusals) minimal(d *difference) *difference {
	kind := d.kind()
	differs := func(config string) bool {
		now := f.compare(config)
		if now == nil || now.kind() != kind {
			return false
		}
		d = now
		return true
	}
	lines := reduce(strings.Split(d.input, "\n"), func(lines []string) bool { return differs(strings.Join(lines, "\n")) })
	for i, line := range lines {
		text := func(words []string) string {
			lines[i] = strings.Join(words, " ")
			return strings.Join(lines, "\n")
		}
		lines[i] = strings.Join(reduce(strings.Split(line, " "), func(words []string) bool { return differs(text(words)) }), " ")
	}
	return d
}
