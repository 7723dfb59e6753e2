package main

// directives_test.go - docs/directives.md is made from the tables of all
// modules, and the tables are held against what nginx has.

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/conf"
)

var updateDocs = flag.Bool("update-docs", false, "write docs/directives.md")

const directivesPage = "../../docs/directives.md"

// notes say what differs from nginx. The key is the name, or the name and a
// context where others have it too.
var notes = map[string]string{
	"accept_mutex":                 "no effect: connections are spread by the kernel",
	"accept_mutex_delay":           "no effect",
	"debug_points":                 "no effect",
	"epoll_events":                 "no effect",
	"google_perftools_profiles":    "no effect",
	"load_module":                  "loads nothing: stream modules are built in, a warning for others",
	"lock_file":                    "no effect",
	"map_hash_bucket_size":         "checked; no effect",
	"map_hash_max_size":            "checked; no effect",
	"pcre_jit":                     "no effect",
	"proxy_requests":               "for datagrams, which are not proxied yet",
	"proxy_responses":              "for datagrams, which are not proxied yet",
	"proxy_ssl_ciphers":            "those that crypto/tls has; a warning for others that are named",
	"proxy_ssl_conf_command":       "some commands have an effect, a warning for others",
	"proxy_ssl_session_reuse":      "by tickets, not by session ids",
	"ssl_certificate_compression":  "not supported, a warning says so",
	"ssl_ciphers":                  "those that crypto/tls has; a warning for others that are named",
	"ssl_conf_command":             "some commands have an effect, a warning for others",
	"ssl_dhparam":                  "checked; no effect, a warning says so",
	"ssl_ecdh_curve":               "those that crypto/tls has; a warning for others",
	"ssl_ech_file":                 "not supported, a warning says so",
	"ssl_engine":                   "no effect",
	"ssl_object_cache_inheritable": "no effect",
	"ssl_ocsp_cache":               "of one worker process",
	"ssl_session_cache":            "of one worker process; sessions are resumed by tickets that have a number in them",
	"thread_pool":                  "no effect",
	"timer_resolution":             "no effect",
	"use":                          "no effect: epoll on Linux, Go's poller elsewhere",
	"variables_hash_bucket_size":   "checked; no effect",
	"variables_hash_max_size":      "checked; no effect",
	"server_names_hash_max_size":   "checked; no effect",
	"worker_aio_requests":          "no effect",
	"worker_processes":             "event loops of one worker process",
}

// withoutDefault are directives that add to what is there by default, are
// another name of one that has the default, or have one that cannot be written.
var withoutDefault = []string{"env", "proxy_ssl_name", "ssl_ocsp_responder", "ssl_stapling_responder", "thread_pool", "proxy_downstream_buffer", "proxy_upstream_buffer"}

func rowsByName() map[string][]conf.Row {
	rows := map[string][]conf.Row{}
	for r := range fullSchema().Rows() {
		rows[r.Name] = append(rows[r.Name], r)
	}
	return rows
}

func TestDirectivesPage(t *testing.T) {
	page := writeDirectivesPage(rowsByName())
	if *updateDocs {
		require.NoError(t, os.WriteFile(directivesPage, []byte(page), 0o644))
	}
	there, err := os.ReadFile(directivesPage)
	require.NoError(t, err)
	assert.Equal(t, page, string(there), "go test ./cmd/gostream -run DirectivesPage -update-docs")
}

func writeDirectivesPage(rows map[string][]conf.Row) string {
	var b strings.Builder
	b.WriteString("# Directives\n\nMade from the tables of the modules by `go test ./cmd/gostream -run DirectivesPage -update-docs`.\n" +
		"What is said of a directive in nginx's documentation holds here, except for the last column.\n\n" +
		"| directive | default | context | module | what differs |\n|---|---|---|---|---|\n")
	code := func(s string) string {
		if s == "" {
			return ""
		}
		return "`" + strings.ReplaceAll(s, "|", `\|`) + "`"
	}
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		for _, r := range rows[name] {
			context := r.In.String()
			if name == "include" {
				context = "any"
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", code(strings.TrimSpace(name+" "+r.Syntax)), code(r.Default), context, r.Module, notes[name])
		}
	}
	return b.String()
}

func TestNotesAreOfDirectives(t *testing.T) {
	rows := rowsByName()
	for name := range notes {
		assert.Contains(t, rows, name)
	}
}

// TestDirectivesAgainstNginx compares with the directives that nginx was found
// to have: testdata/directives.tsv.
func TestDirectivesAgainstNginx(t *testing.T) {
	text, err := os.ReadFile("../../testdata/directives.tsv")
	require.NoError(t, err)
	rows, compared := rowsByName(), 0
	for line := range strings.Lines(string(text)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		name, contexts, edition := f[0], f[1], f[5]
		if edition != "oss" || strings.ContainsAny(name, ": ") || name == "include" {
			continue
		}
		r := rowIn(rows[name], contexts)
		compared++
		if assert.NotNil(t, r, "%s in %s is unknown", name, contexts) {
			assert.Equal(t, contexts, strings.ReplaceAll(r.In.String(), ", ", ","), name)
			if !slices.Contains(withoutDefault, name) {
				assert.Equal(t, plainDefault(f[3]), r.Default, "default of %s", name)
			}
		}
	}
	assert.Greater(t, compared, 90)
}

// rowIn finds the row of a directive that stands in the first of contexts.
func rowIn(rows []conf.Row, contexts string) *conf.Row {
	first, _, _ := strings.Cut(contexts, ",")
	for i := range rows {
		if strings.HasPrefix(rows[i].In.String(), first) {
			return &rows[i]
		}
	}
	return nil
}

// plainDefault is the value alone of a default with remarks.
func plainDefault(text string) string {
	switch value, remark, _ := strings.Cut(text, " ("); {
	case strings.HasPrefix(text, "- (0"), strings.HasPrefix(text, "- (system"):
		return "0"
	case value == "-", value == `""`, strings.HasPrefix(text, "inherits"), value == "best available", value == "unlimited":
		return ""
	case strings.HasPrefix(value, "NGX_"):
		return strings.TrimSuffix(remark, ")")
	case strings.HasPrefix(value, "32|64"):
		return "64"
	default:
		return value
	}
}
