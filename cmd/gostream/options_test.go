package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseOptions(t *testing.T) {
	tests := []struct {
		name string
		args []string
		want options
	}{
		{"nothing", nil, options{}},
		{"a lone dash", []string{"-"}, options{}},
		{"joined", []string{"-tq"}, options{test: true, quiet: true}},
		{"dump", []string{"-T"}, options{test: true, dump: true}},
		{"attached value", []string{"-p/dir", "-cx.conf"}, options{prefix: "/dir", conf: "x.conf"}},
		{"value behind joined letters", []string{"-tc", "x.conf", "-q"}, options{test: true, quiet: true, conf: "x.conf"}},
		{"value that looks like an option", []string{"-e", "-t"}, options{errorLog: "-t"}},
		{"the last one counts", []string{"-g", "a;", "-gb;"}, options{directives: "b;"}},
		{"help", []string{"-?"}, options{help: true, version: true}},
		{"version and test", []string{"-vVt"}, options{version: true, configure: true, test: true}},
		{"signal", []string{"-sreload"}, options{signal: "reload"}},
	}
	for _, tt := range tests {
		got, err := parseOptions(tt.args)
		require.NoError(t, err, tt.name)
		got.given = nil
		assert.Equal(t, tt.want, *got, tt.name)
	}
}

func TestPlaces(t *testing.T) {
	at := func(args ...string) places {
		o, err := parseOptions(args)
		require.NoError(t, err)
		return o.places()
	}
	assert.Equal(t, places{"/etc/nginx/", "/etc/nginx/nginx.conf", "/etc/nginx/", "/var/log/nginx/error.log"}, at())
	assert.Equal(t, places{"/p/", "/p/conf/a", "/p/conf/", "e.log"}, at("-p", "/p", "-c", "conf/a", "-e", "e.log"))
	assert.Equal(t, places{"", "a", "", "stderr"}, at("-p", "", "-c", "a", "-e", ""))
	assert.Equal(t, places{"rel/", "rel/sub/a", "rel/sub/", "stderr"}, at("-p", "rel", "-c", "sub/a", "-e", "stderr"))
}
