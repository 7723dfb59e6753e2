package errlog

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseLevels(t *testing.T) {
	for words, want := range map[string]Level{
		"": Error, "debug": Debug, "info": Info, "emerg": Emerg, "debug_core": Debug, "debug_stream debug_event": Debug,
	} {
		target, err := Parse(append([]string{"a.log"}, strings.Fields(words)...))
		require.NoError(t, err, words)
		assert.Equal(t, want, target.Level, words)
	}
	for words, want := range map[string]string{
		"foo": `invalid log level "foo"`, "warn warn": `duplicate log level "warn"`, "debug debug_core": `invalid log level "debug_core"`,
		"debug_core error": `duplicate log level "error"`, "ERROR": `invalid log level "ERROR"`,
	} {
		_, err := Parse(append([]string{"a.log"}, strings.Fields(words)...))
		assert.EqualError(t, err, want, words)
	}
}

func TestParseMemory(t *testing.T) {
	for size, ok := range map[string]bool{
		"2048": true, "2k": true, "32K": true, "1m": true, "1M": true,
		"2047": false, "1k": false, "": false, "k": false, "-5m": false, "x": false, "1g": false,
	} {
		_, err := Parse([]string{"memory:" + size})
		if ok {
			assert.NoError(t, err, size)
			continue
		}
		assert.EqualError(t, err, `invalid buffer size "`+size+`"`)
	}
}

// TestVectors replays what nginx said of error_log lines.
func TestVectors(t *testing.T) {
	text, err := os.ReadFile("../../testdata/vectors.json")
	require.NoError(t, err)
	var file struct{ Vectors []json.RawMessage }
	require.NoError(t, json.Unmarshal(text, &file))
	replayed := 0
	for _, raw := range file.Vectors {
		var v struct {
			Category string
			Input    struct{ Directive, Snippet string }
			Output   struct{ Messages []string }
		}
		args := []string(nil)
		if json.Unmarshal(raw, &v) == nil && v.Category == "config test" && v.Input.Directive == "error_log" {
			args = strings.Fields(strings.TrimSuffix(v.Input.Snippet, ";"))
		}
		if len(args) < 2 || strings.Contains(v.Input.Snippet, "/nonexistent/") {
			continue
		}
		replayed++
		_, err := Parse(args[1:])
		if len(v.Output.Messages) == 0 {
			assert.NoError(t, err, v.Input.Snippet)
			continue
		}
		require.Error(t, err, v.Input.Snippet)
		want, _, _ := strings.Cut(strings.TrimPrefix(v.Output.Messages[0], "[emerg] "), " in CONF:")
		assert.Equal(t, want, err.Error(), v.Input.Snippet)
	}
	assert.Greater(t, replayed, 10)
}

func TestResolveSyslog(t *testing.T) {
	for server, want := range map[string][3]string{
		"127.0.0.1":     {"udp", "127.0.0.1:514", "127.0.0.1:514"},
		"127.0.0.1:99":  {"udp", "127.0.0.1:99", "127.0.0.1:99"},
		"[::1]":         {"udp", "[::1]:514", "[::1]:514"},
		"unix:/dev/log": {"unixgram", "/dev/log", "unix:/dev/log"},
	} {
		network, address, name, err := ResolveSyslog(server)
		require.NoError(t, err)
		assert.Equal(t, want, [3]string{network, address, name})
	}
}

// noLookup keeps the fuzzer from asking name servers.
func noLookup(word string) bool {
	_, servers, found := strings.Cut(word, "server=")
	return !found || strings.HasPrefix(servers, "unix:") || strings.HasPrefix(servers, "127.0.0.1")
}

func FuzzParse(f *testing.F) {
	f.Add("a.log warn")
	f.Add("memory:32k debug_core debug_event")
	f.Add("syslog:server=127.0.0.1:1,tag=x,nohostname error")
	f.Fuzz(func(t *testing.T, text string) {
		args := strings.Fields(text)
		if len(args) == 0 || !noLookup(args[0]) {
			return
		}
		target, err := Parse(args)
		if err != nil {
			assert.NotEmpty(t, err.Error())
			return
		}
		assert.True(t, target.Level >= Emerg && target.Level <= Debug)
		assert.Equal(t, args, target.Args)
	})
}
