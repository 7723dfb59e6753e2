package main

// version.go - who we are: -v, -V, -h.

import (
	"fmt"
	"io"
	"runtime"
	"strings"
)

// nginxVersion is the nginx whose behaviour this is.
const nginxVersion = "nginx/1.31.5"

// What a package builder may set with -ldflags "-X main.defaultPrefix=...". They
// are the options --prefix, --conf-path, --error-log-path and --pid-path of
// nginx's configure script.
var (
	version         = "dev"
	defaultPrefix   = "/etc/nginx"
	defaultConf     = "/etc/nginx/nginx.conf"
	defaultErrorLog = "/var/log/nginx/error.log"
	defaultPID      = "/run/nginx.pid"
)

// versionText is shown by -v and logged at start.
func versionText() string { return nginxVersion + " (gostream " + version + ")" }

// writeVersion answers -v, -V and -h.
func writeVersion(w io.Writer, o *options) {
	fmt.Fprintf(w, "nginx version: %s\n", versionText())
	if o.help {
		fmt.Fprintf(w, usage, strings.TrimSuffix(defaultPrefix, "/")+"/", defaultErrorLog, defaultConf)
	}
	if o.configure {
		fmt.Fprintf(w, "built by %s\nbuilt with crypto/tls of %[1]s, configured as with OpenSSL 3.0\nTLS SNI support enabled\nconfigure arguments: %s\n",
			runtime.Version(), strings.Join(configureArguments(), " "))
	}
}

const usage = `Usage: nginx [-?hvVtTq] [-s signal] [-p prefix]
             [-e filename] [-c filename] [-g directives]

Options:
  -?,-h         : show what you are reading
  -v            : show the version
  -V            : show the version and what is built in
  -t            : check the configuration, serve nothing
  -T            : as -t, and print all configuration files
  -q            : with -t or -T, print errors only
  -s signal     : tell the running server to: stop, quit, reopen, reload
  -p prefix     : folder of relative paths (default: %s)
  -e filename   : log file for what happens early (default: %s)
  -c filename   : main configuration file (default: %s)
  -g directives : directives to read ahead of the configuration file

`

// optionalModules are the stream modules that nginx has only when asked for;
// ordinaryModules those that it has unless told otherwise.
var (
	optionalModules = []string{"stream_ssl", "stream_ssl_preread", "stream_realip", "stream_geoip"}
	ordinaryModules = []string{
		"stream_limit_conn", "stream_access", "stream_geo", "stream_map", "stream_split_clients", "stream_return",
		"stream_pass", "stream_set", "stream_upstream_hash", "stream_upstream_least_conn",
		"stream_upstream_least_time", "stream_upstream_random", "stream_upstream_zone",
	}
)

// configureArguments describes this program as if nginx had been built with
// just its features. Programs look for that, test suites for instance. The
// modules are those that have directives.
func configureArguments() []string {
	args := []string{
		"--prefix=" + defaultPrefix, "--conf-path=" + defaultConf, "--error-log-path=" + defaultErrorLog,
		"--pid-path=" + defaultPID, "--with-debug", "--with-stream",
	}
	built := map[string]bool{}
	for row := range fullSchema().Rows() {
		built[row.Module] = true
	}
	for _, name := range optionalModules {
		if built[name] {
			args = append(args, "--with-"+name+"_module")
		}
	}
	for _, name := range ordinaryModules {
		if !built[name] {
			args = append(args, "--without-"+name+"_module")
		}
	}
	return args
}
