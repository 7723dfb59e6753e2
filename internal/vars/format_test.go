package vars

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The errors are those of nginx 1.31.5 for `log_format a ARGS;`.
func TestFormatErrors(t *testing.T) {
	tests := []struct {
		args           []string
		check, compile string
	}{
		{nil, "", ""},
		{[]string{"", ""}, "", ""},
		{[]string{"$a", "z"}, "", ""},
		{[]string{"q$az"}, "", `unknown "az" variable`},
		{[]string{"q$1z"}, "", `unknown "1z" variable`},
		{[]string{"$1"}, "", `unknown "1" variable`},
		{[]string{"$A$NoSuch"}, "", `unknown "nosuch" variable`},
		{[]string{"a$", "b"}, `invalid parameter "$"`, ""},
		{[]string{"q${"}, `invalid parameter "${"`, ""},
		{[]string{"q${}z"}, `invalid parameter "${}z"`, ""},
		{[]string{"$a$-z"}, `invalid parameter "$-z"`, ""},
		{[]string{"${x"}, `the closing bracket in "x" variable is missing`, ""},
		{[]string{"${-z"}, `the closing bracket in "" variable is missing`, ""},
	}
	for _, tt := range tests {
		err := CheckFormat(tt.args)
		if tt.check != "" {
			assert.EqualError(t, err, tt.check, tt.args)
			tt.compile = tt.check
		} else {
			assert.NoError(t, err, tt.args)
		}
		_, err = CompileFormat(EscapeDefault, tt.args, registry())
		if tt.compile != "" {
			assert.EqualError(t, err, tt.compile, tt.args)
		} else {
			assert.NoError(t, err, tt.args)
		}
	}
}

func TestParseEscape(t *testing.T) {
	for text, want := range map[string]Escape{"default": EscapeDefault, "json": EscapeJSON, "none": EscapeNone} {
		got, err := ParseEscape(text)
		assert.NoError(t, err)
		assert.Equal(t, want, got)
	}
	for _, text := range []string{"", "JSON", "foo"} {
		_, err := ParseEscape(text)
		assert.EqualError(t, err, `unknown log format escaping "`+text+`"`)
	}
}

// line formats one line.
func line(t *testing.T, escape Escape, s *session, args ...string) string {
	t.Helper()
	f, err := CompileFormat(escape, args, registry())
	require.NoError(t, err)
	return string(f.Append(nil, s))
}

func TestFormatMissingValues(t *testing.T) {
	s := &session{values: map[string]string{"v": ""}}
	assert.Equal(t, "[][-]", line(t, EscapeDefault, s, "[$v][$a]"), "empty is not missing")
	assert.Equal(t, "[][]", line(t, EscapeJSON, s, "[$v][$a]"))
	assert.Equal(t, "[][]", line(t, EscapeNone, s, "[$v][$a]"))
}

func TestFormatLeavesLiteralsAlone(t *testing.T) {
	s := &session{values: map[string]string{"v": "\"\n\x1b\xff"}}
	assert.Equal(t, "\"\n\\x22\\x0A\\x1B\\xFF\"\n", line(t, EscapeDefault, s, "\"\n", "$v", "\"\n"))
	assert.Equal(t, "\"\n\\\"\\n\\u001B\xff\"\n", line(t, EscapeJSON, s, "\"\n$v\"\n"))
	assert.Equal(t, "\"\n\"\n\x1b\xff\"\n", line(t, EscapeNone, s, "\"\n$v\"\n"))
}

// TestRecordedFormats replays what nginx wrote into access logs.
func TestRecordedFormats(t *testing.T) {
	raw, err := os.ReadFile("../../testdata/vectors.json")
	require.NoError(t, err)
	var file struct {
		Vectors []struct {
			ID       int
			Category string
			Input    struct {
				Hex string `json:"value_hex"`
			}
			Output json.RawMessage
		}
	}
	require.NoError(t, json.Unmarshal(raw, &file))
	replayed := 0
	for _, v := range file.Vectors {
		if v.Category != "log escape" && v.Category != "log format" {
			continue
		}
		replayed++
		switch v.ID {
		case 618:
			assert.JSONEq(t, string(v.Output), quote(line(t, EscapeDefault, &session{}, "[$ssl_protocol][$upstream_addr]")))
			continue
		case 619:
			s := &session{values: map[string]string{"protocol": "TCP", "status": "200"}}
			got := line(t, EscapeDefault, s, "a", "b$protocol", "c $status", "d")
			assert.JSONEq(t, string(v.Output), quote(got))
			continue
		}
		value, err := hex.DecodeString(v.Input.Hex)
		require.NoError(t, err)
		var want struct{ Default, JSON string }
		require.NoError(t, json.Unmarshal(v.Output, &want))
		s := &session{values: map[string]string{"v": string(value)}}
		assert.Equal(t, latin1(want.Default), line(t, EscapeDefault, s, "$v"), "vector %d", v.ID)
		assert.Equal(t, latin1(want.JSON), line(t, EscapeJSON, s, `{"v":"$v","n":"$ssl_protocol"}`), "vector %d", v.ID)
		assert.Equal(t, string(value), line(t, EscapeNone, s, "$v"))
	}
	require.Equal(t, 18, replayed)
}

func quote(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// latin1 gives back the bytes that the vectors hold as code points.
func latin1(s string) string {
	var b []byte
	for _, r := range s {
		b = append(b, byte(r))
	}
	return string(b)
}

func BenchmarkFormatAppend(b *testing.B) {
	values := map[string]string{"plain": "2001:db8::1 - 0.004 [21/Nov/2026:02:50:47 +0000]", "dirty": "a\"b\\c\x00\xff"}
	for name, value := range values {
		r := &Registry[*session]{}
		_ = r.Add(Variable[*session]{Name: "v", Get: func(_ *session, dst []byte) ([]byte, bool) { return append(dst, value...), true }})
		f, err := CompileFormat(EscapeDefault, []string{"$v ", "$v"}, r)
		require.NoError(b, err)
		b.Run(name, func(b *testing.B) {
			buf := make([]byte, 0, 512)
			b.ReportAllocs()
			for b.Loop() {
				buf = f.Append(buf[:0], nil)
			}
		})
	}
}
