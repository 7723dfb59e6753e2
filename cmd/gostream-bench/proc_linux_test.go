package main

import (
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseStat(t *testing.T) {
	const tail = " -1 4194560 100 0 0 0 250 31 9 9 20 0 1 0 12345 1000 200 18446744073709551615"
	for _, line := range []string{
		"77 (nginx) S 42 77 77 0" + tail,
		"77 (a) b (c) S 42 77 77 0" + tail,
		"77 () S 42 77 77 0" + tail,
	} {
		s, err := parseStat([]byte(line))
		require.NoError(t, err, line)
		assert.Equal(t, stat{42, 2810 * time.Millisecond}, s, line)
	}
	for _, line := range []string{"", "77 (nginx", "77 (nginx) S 42", "77 (nginx) S x 77 77 0" + tail} {
		_, err := parseStat([]byte(line))
		assert.Error(t, err, line)
	}
}

func TestParsePSS(t *testing.T) {
	n, err := parsePSS("561fbd6fa000-7ffd8882f000 ---p 00000000 00:00 0 [rollup]\nRss:                1732 kB\nPss:                 267 kB\nPss_Dirty:           116 kB\n")
	require.NoError(t, err)
	assert.Equal(t, 267*1024, n)
	_, err = parsePSS("Pss_Dirty: 1 kB\n")
	assert.Error(t, err)
	_, err = parsePSS("Pss: many kB\n")
	assert.Error(t, err)
}

func TestTree(t *testing.T) {
	cmd := exec.Command("sleep", "1000")
	require.NoError(t, cmd.Start())
	defer cmd.Wait()
	defer cmd.Process.Kill()

	family, err := tree(os.Getpid())
	require.NoError(t, err)
	assert.Contains(t, family, os.Getpid())
	assert.Contains(t, family, cmd.Process.Pid)
	assert.NotContains(t, family, os.Getppid())
	assert.Equal(t, os.Getpid(), family[cmd.Process.Pid].parent)

	_, err = tree(1 << 30)
	assert.Error(t, err)
	_, err = cpuTime(1 << 30)
	assert.Error(t, err)
}

func TestFootprint(t *testing.T) {
	before, err := footprintOf(os.Getpid())
	require.NoError(t, err)
	assert.Positive(t, before.memory)

	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	defer w.Close()
	after, err := footprintOf(os.Getpid())
	require.NoError(t, err)
	assert.Equal(t, before.files+2, after.files)

	_, err = settled(os.Getpid())
	assert.NoError(t, err)
}
