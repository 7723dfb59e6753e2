//go:build unix

package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func write(t *testing.T, path, text string) string {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	return path
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

func newSettings(t *testing.T, conf string) *settings {
	dir := t.TempDir()
	return &settings{templates: dir + "/templates", suffix: ".stream-template", output: dir + "/out",
		conf: write(t, dir+"/nginx.conf", conf)}
}

func TestRender(t *testing.T) {
	s := newSettings(t, "events {}\n")
	write(t, s.templates+"/a.conf.stream-template", "listen $PORT; proxy_pass ${HOST}:$PORT; set $x $remote_addr; # ${NONE} $PORTS")
	write(t, s.templates+"/below/b.conf.stream-template", "$HOST")
	write(t, s.templates+"/http.conf.template", "$HOST")
	require.NoError(t, s.renderAll([]string{"PORT=80", "HOST=h=1"}))
	assert.Equal(t, "listen 80; proxy_pass h=1:80; set $x $remote_addr; # ${NONE} $PORTS", read(t, s.output+"/a.conf"))
	assert.Equal(t, "h=1", read(t, s.output+"/below/b.conf"))
	assert.NoFileExists(t, s.output+"/http.conf")
	assert.Equal(t, "events {}\n\nstream {\n    include "+s.output+"/*.conf;\n}\n", read(t, s.conf))
}

func TestRenderFilter(t *testing.T) {
	s := newSettings(t, " stream{}")
	s.filter = "^APP_"
	write(t, s.templates+"/a.conf.stream-template", "$APP_X $OTHER")
	require.NoError(t, s.renderAll([]string{"APP_X=1", "OTHER=2"}))
	assert.Equal(t, "1 $OTHER", read(t, s.output+"/a.conf"))
	assert.Equal(t, " stream{}", read(t, s.conf), "has a stream block")

	s.filter = "("
	assert.ErrorContains(t, s.renderAll(nil), "NGINX_ENVSUBST_FILTER")
}

func TestNoTemplates(t *testing.T) {
	s := newSettings(t, "events {}")
	require.NoError(t, s.renderAll(nil))
	assert.Equal(t, "events {}", read(t, s.conf))
}

func TestNoCommand(t *testing.T) {
	assert.Error(t, start(nil))
	assert.Error(t, start([]string{"/nowhere/program"}))
}
