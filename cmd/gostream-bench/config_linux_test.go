package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNginxConfig(t *testing.T) {
	s := settings{dir: "/d", base: 15610, backend: 15600, sessions: 4000}
	text := nginxConfig(s)
	for _, line := range []string{
		"worker_processes 1;",
		"pid /d/pid;",
		"access_log off;",
		"worker_connections 8500;",
		"upstream named { server 127.0.0.1:15603; }",
		"        host000.bench.example named;\n",
		"        host999.bench.example named;\n",
		"server { listen 127.0.0.1:15610; proxy_pass 127.0.0.1:15600; }",
		"server { listen 127.0.0.1:15612; proxy_pass 127.0.0.1:15602; }",
		"server { listen 127.0.0.1:15610 udp; proxy_pass 127.0.0.1:15600; }",
		"server { listen 127.0.0.1:15611 udp; proxy_pass 127.0.0.1:15600; proxy_responses 1; }",
		"server { listen 127.0.0.1:15613; ssl_preread on; proxy_pass $target; }",
	} {
		assert.Contains(t, text, line)
	}
	assert.Equal(t, names, strings.Count(text, ".bench.example"))
	assert.NotContains(t, text, "load_module")

	s.module = "/m.so"
	assert.True(t, strings.HasPrefix(nginxConfig(s), "load_module /m.so;\n"))
}

func TestHaproxyConfig(t *testing.T) {
	text := haproxyConfig(settings{dir: "/d", base: 15620, backend: 15600, sessions: 4000})
	for _, line := range []string{
		"nbthread 1\n",
		"maxconn 4100\n",
		"bind 127.0.0.1:15620\n    default_backend named0\n",
		"backend named0\n    server s 127.0.0.1:15600\n",
		"use_backend %[req.ssl_sni,map(/d/names.map)]\n",
		"backend named3\n    server s 127.0.0.1:15603\n",
	} {
		assert.Contains(t, text, line)
	}
	lines := strings.Split(strings.TrimSpace(haproxyMap()), "\n")
	assert.Len(t, lines, names)
	assert.Equal(t, "host999.bench.example named3", lines[names-1])
}

// TestConfigsAreAccepted lets the programs check them, where there are any.
func TestConfigsAreAccepted(t *testing.T) {
	s := settings{dir: t.TempDir(), base: 15610, backend: 15600, sessions: 10}
	for _, k := range kinds()[:2] {
		path, args, err := k.prepare(options{}, s)
		if err != nil {
			t.Logf("%s: %v", k.name, err)
			continue
		}
		check := map[string]string{"nginx": "-t", "haproxy": "-c"}[k.name]
		out, err := exec.Command(path, append(args, check)...).CombinedOutput()
		assert.NoError(t, err, "%s", out)
	}
}

func TestStreamModule(t *testing.T) {
	tests := []struct{ in, want, err string }{
		{"configure arguments: --prefix=/p --with-stream --with-stream_ssl_module", "", ""},
		{"configure arguments: --prefix=/p --with-stream=dynamic", "/p/modules/ngx_stream_module.so", ""},
		{"configure arguments: --with-stream=dynamic --modules-path=/usr/lib/nginx/modules --prefix=/p", "/usr/lib/nginx/modules/ngx_stream_module.so", ""},
		{"configure arguments: --with-stream=dynamic", "/usr/local/nginx/modules/ngx_stream_module.so", ""},
		{"configure arguments: --with-cc-opt='-g -O2' --with-stream_ssl_module", "", "nginx is built without the stream module"},
	}
	for _, tt := range tests {
		got, err := streamModule(tt.in)
		assert.Equal(t, tt.want, got, tt.in)
		if tt.err != "" {
			assert.EqualError(t, err, tt.err)
		} else {
			assert.NoError(t, err)
		}
	}
}

func TestPrepareMissing(t *testing.T) {
	s := settings{dir: t.TempDir()}
	for _, k := range kinds() {
		_, _, err := k.prepare(options{nginx: "/none", haproxy: "/none", gostream: "/none"}, s)
		assert.Error(t, err, k.name)
		assert.NotErrorIs(t, err, errAbsent, "what was asked for must not be left out: %s", k.name)
	}
	t.Setenv("PATH", s.dir)
	_, _, err := prepareGostream(options{}, s)
	assert.ErrorIs(t, err, errAbsent)
}

// TestPrepareDynamic takes a script for an nginx whose module is not installed.
func TestPrepareDynamic(t *testing.T) {
	s := settings{dir: t.TempDir()}
	path := s.dir + "/nginx"
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\necho configure arguments: --prefix=/none --with-stream=dynamic >&2\n"), 0o755))
	_, _, err := prepareNginx(options{nginx: path}, s)
	assert.ErrorContains(t, err, "libnginx-mod-stream")
	assert.Equal(t, "configure arguments: --prefix=/none --with-stream=dynamic", versionOf(path, "-v"))
}
