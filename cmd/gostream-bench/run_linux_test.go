package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseFlags(t *testing.T) {
	o, err := parseFlags([]string{"-only", "echo,idle", "-rounds", "2"})
	require.NoError(t, err)
	assert.Equal(t, 2, o.rounds)
	assert.Equal(t, 4000, o.sessions)

	for args, want := range map[string]string{
		"-only echo,x":    `unknown workload "x"`,
		"-proxies apache": `unknown proxy "apache"`,
		"-rounds 0":       "must be positive",
		"-duration -1s":   "must be positive",
		"-port 65500":     "must leave room",
		"x":               `unexpected argument "x"`,
	} {
		_, err := parseFlags(strings.Fields(args))
		assert.ErrorContains(t, err, want, args)
	}
}

func TestHints(t *testing.T) {
	o := options{port: 15600, sessions: 1000}
	good := interval{16000, 65000}
	assert.Empty(t, hints(o, good, 2500))
	assert.Empty(t, hints(o, interval{}, 2500), "unknown range")

	few := hints(o, interval{32768, 60999}, 2500)
	require.Len(t, few, 1)
	assert.Contains(t, few[0], "32768-60999; for many")

	for _, port := range []int{16000, 15961, 20000, 65000} {
		o.port = port
		got := hints(o, good, 2500)
		require.Len(t, got, 1, port)
		assert.Contains(t, got[0], "choose another -port")
	}
	o.port = 15960
	assert.Empty(t, hints(o, good, 2500))

	files := hints(o, good, 2499)
	require.Len(t, files, 1)
	assert.Contains(t, files[0], "the limit is 2499")
}

func TestParsePortRange(t *testing.T) {
	assert.Equal(t, interval{32768, 60999}, parsePortRange("32768\t60999\n"))
	assert.Zero(t, parsePortRange("32768"))
	assert.Zero(t, parsePortRange(""))
}
