package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// message is a piece of configuration and what nginx 1.31.5 says of it,
// recorded with nginx -t. Several messages are joined by "; ".
type message struct{ in, want string }

func checkMessages(t *testing.T, before, after string, table []message) {
	t.Helper()
	for _, tt := range table {
		if dependsOnSystem(tt.in) {
			continue
		}
		_, messages := loadText(t, before+tt.in+after)
		assert.Equal(t, tt.want, strings.Join(messages, "; "), tt.in)
	}
}

func TestMainMessages(t *testing.T) {
	checkMessages(t, "", "\nevents { }\n", []message{
		{"thread_pool p threads=2 foo=1;", ""},
		{"thread_pool p max_queue=1;", `[emerg] "thread_pool" must have "threads" parameter in CONF:1`},
		{"thread_pool p foo;", `[emerg] "thread_pool" must have "threads" parameter in CONF:1`},
		{"thread_pool p;", `[emerg] invalid number of arguments in "thread_pool" directive in CONF:1`},
		{"thread_pool p threads=1 max_queue=0;", ""},
		{"thread_pool default threads=4; thread_pool default threads=4;", `[emerg] duplicate thread pool "default" in CONF:1`},
		{"thread_pool p threads=x;", `[emerg] invalid threads value "threads=x" in CONF:1`},
		{"thread_pool p threads=1 threads=2 x;", `[emerg] invalid number of arguments in "thread_pool" directive in CONF:1`},
		{"worker_priority 0; worker_priority 0;", ""},
		{"worker_priority +5;", ""},
		{"worker_priority -;", `[emerg] "worker_priority" directive invalid number in CONF:1`},
		{`worker_priority "";`, `[emerg] "worker_priority" directive invalid number in CONF:1`},
		{"worker_priority --1;", `[emerg] "worker_priority" directive invalid number in CONF:1`},
		{"worker_priority 99999999999999999999;", `[emerg] "worker_priority" directive invalid number in CONF:1`},
		{"worker_processes AUTO;", `[emerg] "worker_processes" directive invalid value in CONF:1`},
		{"worker_processes 0; worker_processes 0;", `[emerg] "worker_processes" directive is duplicate in CONF:1`},
		{`worker_processes "";`, `[emerg] "worker_processes" directive invalid value in CONF:1`},
		{"worker_cpu_affinity 01; worker_processes 4;", ""},
		{"worker_cpu_affinity auto; worker_processes 4;", ""},
		{"worker_cpu_affinity auto 01; worker_processes 3;", ""},
		{"worker_cpu_affinity 01 10; worker_processes 2;", ""},
		{`worker_cpu_affinity "0 1";`, ""},
		{"worker_cpu_affinity 1 1; worker_cpu_affinity 1;", `[emerg] "worker_cpu_affinity" directive is duplicate in CONF:1`},
		{"worker_cpu_affinity AUTO;", `[emerg] invalid character "O" in "worker_cpu_affinity" in CONF:1`},
		{"worker_cpu_affinity auto 2;", `[emerg] invalid character "2" in "worker_cpu_affinity" in CONF:1`},
		{"worker_cpu_affinity auto auto;", `[emerg] invalid character "o" in "worker_cpu_affinity" in CONF:1`},
		{`worker_cpu_affinity "";`, ""},
		{"worker_processes 0; worker_cpu_affinity 01 10;", `[warn] the number of "worker_processes" is not equal to the number of "worker_cpu_affinity" masks, using last mask for remaining worker processes`},
		{"worker_rlimit_core 1g;", ""},
		{"worker_rlimit_core x;", `[emerg] "worker_rlimit_core" directive invalid value in CONF:1`},
		{"worker_rlimit_core 1; worker_rlimit_core 1;", `[emerg] "worker_rlimit_core" directive is duplicate in CONF:1`},
		{"worker_rlimit_nofile 0; worker_rlimit_nofile 0;", `[emerg] "worker_rlimit_nofile" directive is duplicate in CONF:1`},
		{"worker_rlimit_nofile -1;", `[emerg] "worker_rlimit_nofile" directive invalid number in CONF:1`},
		{"worker_shutdown_timeout 0; worker_shutdown_timeout 0;", `[emerg] "worker_shutdown_timeout" directive is duplicate in CONF:1`},
		{"worker_shutdown_timeout x;", `[emerg] "worker_shutdown_timeout" directive invalid value in CONF:1`},
		{"timer_resolution 100ms;", ""},
		{"timer_resolution 1; timer_resolution 1;", `[emerg] "timer_resolution" directive is duplicate in CONF:1`},
		{`pid "";`, ""},
		{"pid logs/a.pid; pid logs/b.pid;", `[emerg] "pid" directive is duplicate in CONF:1`},
		{"lock_file a; lock_file b;", `[emerg] "lock_file" directive is duplicate in CONF:1`},
		{"working_directory /nonexistent;", ""},
		{"debug_points ABORT;", ""},
		{"debug_points stop; debug_points stop;", `[emerg] "debug_points" directive is duplicate in CONF:1`},
		{"daemon OFF;", ""},
		{"daemon on; daemon on;", `[emerg] "daemon" directive is duplicate in CONF:1`},
		{"master_process 1;", `[emerg] invalid value "1" in "master_process" directive, it must be "on" or "off" in CONF:1`},
		{"master_process on off;", `[emerg] invalid number of arguments in "master_process" directive in CONF:1`},
		{"env A; env A;", ""},
		{`env "";`, ""},
		{"env a b;", `[emerg] invalid number of arguments in "env" directive in CONF:1`},
		{"env;", `[emerg] invalid number of arguments in "env" directive in CONF:1`},
		{"user nobody;", `[emerg] getgrnam("nobody") failed in CONF:1`},
		{"user nobody nogroup;", ""},
		{`user "";`, `[emerg] getpwnam("") failed in CONF:1`},
		{`user nobody "";`, `[emerg] getgrnam("") failed in CONF:1`},
		{"user root root root;", `[emerg] invalid number of arguments in "user" directive in CONF:1`},
		{"pcre_jit yes;", `[emerg] invalid value "yes" in "pcre_jit" directive, it must be "on" or "off" in CONF:1`},
		{"pcre_jit on; pcre_jit on;", `[emerg] "pcre_jit" directive is duplicate in CONF:1`},
		{"ssl_object_cache_inheritable x;", `[emerg] invalid value "x" in "ssl_object_cache_inheritable" directive, it must be "on" or "off" in CONF:1`},
		{"ssl_object_cache_inheritable on; ssl_object_cache_inheritable off;", `[emerg] "ssl_object_cache_inheritable" directive is duplicate in CONF:1`},
		{"events { } ", `[emerg] "events" directive is duplicate in CONF:2`},
		{"http { } http { }", `[warn] "http" block is not served by gostream, skipped in CONF:1; [emerg] "http" directive is duplicate in CONF:1`},
		{"http x { }", `[emerg] invalid number of arguments in "http" directive in CONF:1`},
		{"http;", `[emerg] directive "http" has no opening "{" in CONF:1`},
		{"include;", `[emerg] invalid number of arguments in "include" directive in CONF:1`},
		{"include a b;", `[emerg] invalid number of arguments in "include" directive in CONF:1`},
		{"include x { }", `[emerg] directive "include" is not terminated by ";" in CONF:1`},
		{`"daemon" off;`, ""},
		{`\daemon off;`, `[emerg] unknown directive "\daemon" in CONF:1`},
		{"accept_mutex on;", `[emerg] "accept_mutex" directive is not allowed here in CONF:1`},
		{"worker_connections 1;", `[emerg] "worker_connections" directive is not allowed here in CONF:1`},
		{"server { }", `[emerg] "server" directive is not allowed here in CONF:1`},
		{"upstream u { }", `[emerg] "upstream" directive is not allowed here in CONF:1`},
		{"location / { }", `[emerg] "location" directive is not allowed here in CONF:1`},
		{"stall_threshold 1s;", `[emerg] unknown directive "stall_threshold" in CONF:1`},
		{"debug_connection 1.1.1.1;", `[emerg] "debug_connection" directive is not allowed here in CONF:1`},
		{"ip_hash;", `[emerg] "ip_hash" directive is not allowed here in CONF:1`},
		{"stream { } load_module x.so;", `[emerg] "load_module" directive is specified too late in CONF:1`},
		{"http { } load_module x.so;", `[warn] "http" block is not served by gostream, skipped in CONF:1; [emerg] "load_module" directive is specified too late in CONF:1`},
		{"load_module;", `[emerg] invalid number of arguments in "load_module" directive in CONF:1`},
		{`lock_file "";`, ""},
		{"user nobody nogroup; user;", `[emerg] invalid number of arguments in "user" directive in CONF:1`},
	})
}

func TestEventsMessages(t *testing.T) {
	checkMessages(t, "events {\n", " }\n", []message{
		{"worker_connections x;", `[emerg] invalid number "x" in CONF:2`},
		{"worker_connections -1;", `[emerg] invalid number "-1" in CONF:2`},
		{`worker_connections "";`, `[emerg] invalid number "" in CONF:2`},
		{"worker_connections 1;", ""},
		{"worker_connections 2; worker_connections 2;", `[emerg] "worker_connections" directive is duplicate in CONF:2`},
		{"worker_connections 0; worker_connections 0;", `[emerg] "worker_connections" directive is duplicate in CONF:2`},
		{"use poll;", `[emerg] invalid event type "poll" in CONF:2`},
		{"use select;", `[emerg] invalid event type "select" in CONF:2`},
		{"use kqueue;", `[emerg] invalid event type "kqueue" in CONF:2`},
		{"use EPOLL;", `[emerg] invalid event type "EPOLL" in CONF:2`},
		{"use epoll;", ""},
		{`use "";`, `[emerg] invalid event type "" in CONF:2`},
		{"multi_accept ON;", ""},
		{"multi_accept on; multi_accept on;", `[emerg] "multi_accept" directive is duplicate in CONF:2`},
		{"accept_mutex 1;", `[emerg] invalid value "1" in "accept_mutex" directive, it must be "on" or "off" in CONF:2`},
		{"accept_mutex on; accept_mutex off;", `[emerg] "accept_mutex" directive is duplicate in CONF:2`},
		{"accept_mutex_delay 500ms;", ""},
		{"accept_mutex_delay 1; accept_mutex_delay 1;", `[emerg] "accept_mutex_delay" directive is duplicate in CONF:2`},
		{"accept_mutex_delay 0; accept_mutex_delay 0;", `[emerg] "accept_mutex_delay" directive is duplicate in CONF:2`},
		{"debug_connection 10.0.0.0/8;", ""},
		{"debug_connection ::1;", ""},
		{"debug_connection 127.1;", ""},
		{"debug_connection ::1/64;", "[warn] low address bits of ::1/64 are meaningless in CONF:2"},
		{"debug_connection a b;", `[emerg] invalid number of arguments in "debug_connection" directive in CONF:2`},
		{"epoll_events 1; epoll_events 1;", `[emerg] "epoll_events" directive is duplicate in CONF:2`},
		{"epoll_events 0;", ""},
		{"epoll_events;", `[emerg] invalid number of arguments in "epoll_events" directive in CONF:2`},
		{"worker_aio_requests 1; worker_aio_requests 1;", `[emerg] "worker_aio_requests" directive is duplicate in CONF:2`},
		{"worker_aio_requests -1;", `[emerg] "worker_aio_requests" directive invalid number in CONF:2`},
		{"daemon on;", `[emerg] "daemon" directive is not allowed here in CONF:2`},
		{"events { }", `[emerg] "events" directive is not allowed here in CONF:2`},
		{"foo;", `[emerg] unknown directive "foo" in CONF:2`},
		{"use epoll { }", `[emerg] directive "use" is not terminated by ";" in CONF:2`},
		{"worker_connections;", `[emerg] invalid number of arguments in "worker_connections" directive in CONF:2`},
		{"load_module x;", `[emerg] "load_module" directive is not allowed here in CONF:2`},
		{"stream { }", `[emerg] "stream" directive is not allowed here in CONF:2`},
		{"env a;", `[emerg] "env" directive is not allowed here in CONF:2`},
		{"include nofile*;", ""},
		{"include nofile;", `[emerg] open() "PREFIX/nofile" failed (2: No such file or directory) in CONF:2`},
		{"stall_threshold 1s;", `[emerg] unknown directive "stall_threshold" in CONF:2`},
		{"ip_hash;", `[emerg] "ip_hash" directive is not allowed here in CONF:2`},
	})
}

func TestFileMessages(t *testing.T) {
	checkMessages(t, "", "", []message{
		{"", `[emerg] no "events" section in configuration`},
		{"daemon on;", `[emerg] no "events" section in configuration`},
		{"events { } load_module x.so;", `[emerg] "load_module" directive is specified too late in CONF:1`},
		{"events { } events { }", `[emerg] "events" directive is duplicate in CONF:1`},
		{"events x { }", `[emerg] invalid number of arguments in "events" directive in CONF:1`},
		{"worker_cpu_affinity 1 2;", `[emerg] invalid character "2" in "worker_cpu_affinity" in CONF:1`},
		{"user nosuch;\n foo", `[emerg] getpwnam("nosuch") failed in CONF:1`},
	})
}

func TestErrorLogMessages(t *testing.T) {
	checkMessages(t, "", "\nevents { }\n", []message{
		{"error_log logs/e.log INFO;", `[emerg] invalid log level "INFO" in CONF:1`},
		{"error_log logs/e.log debug debug_core;", `[emerg] invalid log level "debug_core" in CONF:1`},
		{"error_log logs/e.log debug_core debug_core;", ""},
		{"error_log logs/e.log debug_core info;", `[emerg] duplicate log level "info" in CONF:1`},
		{"error_log logs/e.log debug_core debug;", `[emerg] duplicate log level "debug" in CONF:1`},
		{"error_log stderr; error_log stderr;", ""},
		{"error_log memory:;", `[emerg] invalid buffer size "" in CONF:1`},
		{"error_log memory:x;", `[emerg] invalid buffer size "x" in CONF:1`},
		{"error_log memory:2200;", ""},
		{"error_log memory:32k info;", ""},
		{"error_log memory:1g;", `[emerg] invalid buffer size "1g" in CONF:1`},
		{"error_log syslog:;", `[emerg] unknown syslog parameter "" in CONF:1`},
		{"error_log syslog:server=127.0.0.1,nohostname,nohostname;", ""},
		{"error_log syslog:server=127.0.0.1,facility=local7,facility=local7;", `[emerg] duplicate syslog "facility" in CONF:1`},
		{"error_log syslog:facility=local7;", "[emerg] no syslog server specified in CONF:1"},
		{"error_log syslog:server=unix:/tmp/x;", ""},
		{"error_log syslog:server=unix:;", `[emerg] no path in the unix domain socket in syslog server "unix:" in CONF:1`},
		{"error_log syslog:server=127.0.0.1:0;", `[emerg] invalid port in syslog server "127.0.0.1:0" in CONF:1`},
		{"error_log syslog:server=127.0.0.1:99999;", `[emerg] invalid port in syslog server "127.0.0.1:99999" in CONF:1`},
		{"error_log syslog:server=[::1]:514;", ""},
		{"error_log syslog:server=127.0.0.1,;", `[emerg] unknown syslog parameter "" in CONF:1`},
		{"error_log syslog:server=127.0.0.1,severity=info,severity=info;", `[emerg] duplicate syslog "severity" in CONF:1`},
		{"error_log syslog:server=127.0.0.1,tag=a,tag=b;", `[emerg] duplicate syslog "tag" in CONF:1`},
		{"error_log syslog:server=127.0.0.1,tag=;", ""},
		{"error_log syslog:server=127.0.0.1,facility=LOCAL7;", `[emerg] unknown syslog facility "LOCAL7" in CONF:1`},
		{"error_log syslog:server=127.0.0.1,facility=foo x;", `[emerg] unknown syslog facility "foo" in CONF:1`},
		{"error_log syslog:server=127.0.0.1 info;", ""},
		{"error_log syslog:server=127.0.0.1 foo;", `[emerg] invalid log level "foo" in CONF:1`},
		{"error_log syslog:server=127.0.0.1:10-20;", `[emerg] invalid port in syslog server "127.0.0.1:10-20" in CONF:1`},
		{"error_log syslog:server=127.0.0.1,tag=a_B9;", ""},
		{`error_log "" info;`, ""},
	})
}
