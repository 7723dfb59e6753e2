// Gostream-bench measures what a proxy costs: the CPU time that nginx, HAProxy
// and gostream use for the same work on the same machine, and the memory and
// descriptors that idle sessions hold.
//
// Usage:
//
//	gostream-bench [flags]
//
//	-nginx PATH      nginx (default: from PATH)
//	-haproxy PATH    HAProxy (default: from PATH, left out if there is none)
//	-gostream PATH   gostream (default: built with "go build" from this module)
//	-proxies LIST    which of them to measure (default nginx,haproxy,gostream)
//	-only LIST       which workloads to run (default all)
//	-rounds N        measurements per workload and proxy (default 5)
//	-duration TIME   length of one measurement (default 3s)
//	-sessions N      sessions of the idle workload (default 4000)
//	-port N          first of 40 ports on 127.0.0.1 (default 15600)
//	-json, -markdown print the result in that form
//
// The workloads, all of them through 127.0.0.1:
//
//	connect    connect, send 64 bytes, receive 64 bytes, close; 16 at a time
//	preread    the same with a TLS ClientHello instead of the 64 bytes; its
//	           server name is looked up in a map of 1,000 names
//	echo       64 bytes there and back on each of 64 kept connections
//	udp-echo   datagrams of 64 bytes there and back, of 32 clients with a
//	           session each
//	udp-query  the same with a session for each datagram (proxy_responses 1)
//	bulk-up    data from the client, 4 connections
//	bulk-down  data to the client, 4 connections
//	idle       sessions that exchanged 64 bytes once and are silent since
//
// # How it is measured
//
// Each proxy runs with one worker (worker_processes 1, nbthread 1), without
// logs, with an equivalent configuration. Client and backend are processes of
// their own, and count the work that was done; how fast it went depends on them
// and says little. What is reported is the user and system time of all
// processes of the proxy during the measurement, divided by the work. The
// proxies take turns in every round, and the ratio to nginx is formed within a
// round, so that a machine that gets slower for a while harms all alike.
//
// Figures in microseconds differ between machines by a factor of three and
// more; ratios travel. Leave the machine alone while it runs, and give it at
// least two CPUs.
//
// For idle, every measurement starts the proxy anew; the figures are the
// growth of the proportional set size (PSS) and of the number of descriptors
// over all processes of the proxy, divided by the number of sessions. Memory of
// the kernel, such as socket buffers, is not included.
//
// # nginx
//
// Any nginx with the stream module will do. Where that module is loadable, as
// in Debian (package libnginx-mod-stream), it is loaded. The configurations are
// in a temporary directory while the program runs.
//
// HAProxy passes no UDP on, and is left out there.
//
// It runs on Linux only.
package main

import "os"

func main() { os.Exit(run(os.Args[1:])) }
