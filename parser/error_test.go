package parser

import (
	"errors"
	"io/fs"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestError(t *testing.T) {
	for want, err := range map[string]*Error{
		"m":                 {Msg: "m"},
		"m in f:3":          {Msg: "m", File: "f", Line: 3},
		"m in command line": {Msg: "m", File: CommandLine},
		rep("m", 1024) + " in " + rep("f", 2000) + ":1": {Msg: rep("m", 1025), File: rep("f", 2000), Line: 1},
	} {
		assert.EqualError(t, err, want)
	}
}

func TestMainFileMissing(t *testing.T) {
	dir := t.TempDir()
	c, err := ParseFile(dir+"/nosuch", Options{})
	require.EqualError(t, err, `open() "`+dir+`/nosuch" failed (2: No such file or directory)`)
	assert.ErrorIs(t, err, fs.ErrNotExist)
	assert.ErrorIs(t, err, syscall.ENOENT)
	assert.Equal(t, "!", outline(c))
	assert.Equal(t, dir+"/nosuch", c.FilePath)
}

// nginx says this at level crit and without a place.
func TestDirectory(t *testing.T) {
	dir := t.TempDir()
	for _, read := range []func() error{
		func() error { _, err := ParseFile(dir, Options{}); return err },
		func() error { _, err := ParseString("f", "\ninclude "+dir+";", Options{}); return err },
	} {
		err := read()
		require.EqualError(t, err, `pread() "`+dir+`" failed (21: Is a directory)`)
		var e *Error
		require.True(t, errors.As(err, &e))
		assert.Equal(t, "crit", e.Level)
		assert.ErrorIs(t, err, syscall.EISDIR)
	}
}

func TestBrokenWithoutPlaceIsFoundAtTheInclude(t *testing.T) {
	c, err := ParseString("f", "a;\ninclude "+t.TempDir()+";", Options{})
	require.Error(t, err)
	var last Position
	for at := range Directives(c, "f") {
		last = at
	}
	assert.Equal(t, Position{"f", 2}, last)
}

// As with nginx, what says that it is empty is.
func TestSpecialFiles(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs /proc and /sys")
	}
	c, err := ParseString("f", "include /proc/self/status; include /dev/zero; a;", Options{})
	require.NoError(t, err)
	assert.Equal(t, "a;", outline(c))

	const file = "/sys/kernel/mm/transparent_hugepage/enabled"
	if info, err := os.Stat(file); err != nil || info.Size() != 4096 {
		t.Skip("needs " + file)
	}
	_, err = ParseString("f", "a;\ninclude "+file+";", Options{})
	assert.ErrorContains(t, err, "pread() returned only ")
	assert.ErrorContains(t, err, " bytes instead of 4096 in "+file+":1")
}

func TestShortRead(t *testing.T) {
	assert.EqualError(t, shortRead("f", rep("a\n", 2500), 9000), "pread() returned only 904 bytes instead of 4096 in f:2049")
	assert.EqualError(t, shortRead("f", rep("a\n", 2500), 5001), "pread() returned only 904 bytes instead of 905 in f:2049")
}

func TestFullName(t *testing.T) {
	for _, tt := range [][3]string{
		{"/etc/nginx/", "a", "/etc/nginx/a"}, {"/etc/nginx", "a", "/etc/nginx/a"}, {"", "a", "a"}, {"/x", "/a", "/a"},
		{"/x/", "../a//b", "/x/../a//b"}, {"/x/", "", "/x/"}, {"/x", "a\x00b", "/x/a"},
	} {
		assert.Equal(t, tt[2], fullName(tt[0], tt[1]), "%q", tt)
	}
}

func TestNestedIncludes(t *testing.T) {
	files := map[string]string{"64": "a;"}
	for i := range 64 {
		files[strconv.Itoa(i)] = "include " + strconv.Itoa(i+1) + ";"
	}
	dir := write(t, files)
	c, err := ParseFile(dir+"/0", Options{})
	require.NoError(t, err)
	assert.Equal(t, "a;", outline(c))

	require.NoError(t, os.WriteFile(dir+"/64", []byte("include 65;"), 0o644))
	c, err = ParseFile(dir+"/0", Options{})
	assert.EqualError(t, err, strings.ReplaceAll(`include of "D/65" failed, files are nested more than 64 deep in D/64:1`, "D", dir))
	assert.Equal(t, "!", outline(c))
}
