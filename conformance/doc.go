// Package conformance holds tests that drive gostream from outside: the built
// binary serves real configurations to real programs, and is compared with what
// nginx does. It has no code of the product and imports none.
//
//	go test ./conformance                                  # all but nginx-tests
//	go test ./conformance -run Postgres                    # one of them
//	go test ./conformance -run NginxTests -nginx-tests DIR # nginx's own suite
//	go test ./conformance -run Scripts                     # behaviours, one per file
//	go test ./conformance -run Published                   # whole configurations
//	go test ./conformance -run Fuzz -nginx path:NGINX      # the same as nginx, by random
//	go test ./conformance -run Redis -server /path/nginx   # the same with nginx
//	go test ./conformance -v -run 'Reloads$' -reloads 1000 # the whole storm of reloads: minutes
//
// The configurations are the files in testdata, each folder that of a server;
// {{.Name}} in them stands for a port.
//
// A test that needs a program which is not installed is skipped. Where the
// environment variable CI is set, that is a failure.
package conformance
