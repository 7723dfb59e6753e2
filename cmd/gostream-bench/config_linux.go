package main

import (
	"fmt"
	"strings"
)

// settings are what the configurations of all proxies have in common.
type settings struct {
	dir      string // for files that the configuration needs
	module   string // a loadable stream module, "" if none is needed
	base     int    // first port of the proxy
	backend  int    // first port of the backend
	sessions int    // that must be possible at the same time
}

// nginxConfig is the configuration of nginx and of gostream.
func nginxConfig(s settings) string {
	var b strings.Builder
	if s.module != "" {
		fmt.Fprintf(&b, "load_module %s;\n", s.module)
	}
	fmt.Fprintf(&b, `worker_processes 1;
daemon off;
pid %s/pid;
error_log %s/error.log crit;
events { worker_connections %d; }
stream {
    access_log off;
    upstream named { server %s; }
    map $ssl_preread_server_name $target {
`, s.dir, s.dir, filesNeeded(s.sessions), byName.address(s.backend))
	for i := range names {
		fmt.Fprintf(&b, "        %s named;\n", serverName(i))
	}
	b.WriteString("    }\n")
	for svc := range services {
		if svc == byName {
			fmt.Fprintf(&b, "    server { listen %s; ssl_preread on; proxy_pass $target; }\n", svc.address(s.base))
			continue
		}
		fmt.Fprintf(&b, "    server { listen %s; proxy_pass %s; }\n", svc.address(s.base), svc.address(s.backend))
	}
	fmt.Fprintf(&b, "    server { listen %s udp; proxy_pass %s; }\n", packets.address(s.base), echo.address(s.backend))
	fmt.Fprintf(&b, "    server { listen %s udp; proxy_pass %s; proxy_responses 1; }\n", queries.address(s.base), echo.address(s.backend))
	b.WriteString("}\n")
	return b.String()
}

// haproxyConfig does the same with HAProxy, which has no UDP. The timeouts are those that nginx
// has by default; the names are in the file that haproxyMap fills.
func haproxyConfig(s settings) string {
	var b strings.Builder
	fmt.Fprintf(&b, `global
    nbthread 1
    maxconn %d
defaults
    mode tcp
    timeout connect 60s
    timeout client 10m
    timeout server 10m
`, s.sessions+100)
	for svc := range services {
		fmt.Fprintf(&b, "frontend front%d\n    bind %s\n", svc, svc.address(s.base))
		if svc == byName {
			fmt.Fprintf(&b, `    tcp-request inspect-delay 30s
    tcp-request content accept if { req.ssl_hello_type 1 }
    use_backend %%[req.ssl_sni,map(%s)]
`, haproxyMapFile(s))
		} else {
			fmt.Fprintf(&b, "    default_backend named%d\n", svc)
		}
		fmt.Fprintf(&b, "backend named%d\n    server s %s\n", svc, svc.address(s.backend))
	}
	return b.String()
}

func haproxyMapFile(s settings) string { return s.dir + "/names.map" }

// haproxyMap gives the backend of each name.
func haproxyMap() string {
	var b strings.Builder
	for i := range names {
		fmt.Fprintf(&b, "%s named%d\n", serverName(i), byName)
	}
	return b.String()
}

// streamModule tells from the output of "nginx -V" which module has to be
// loaded for stream: none if it is built in.
func streamModule(version string) (string, error) {
	prefix, modules, dynamic := "/usr/local/nginx", "", false
	for _, arg := range strings.Fields(version) {
		name, value, _ := strings.Cut(arg, "=")
		switch {
		case arg == "--with-stream":
			return "", nil
		case arg == "--with-stream=dynamic":
			dynamic = true
		case name == "--prefix":
			prefix = value
		case name == "--modules-path":
			modules = value
		}
	}
	if !dynamic {
		return "", fmt.Errorf("nginx is built without the stream module")
	}
	if modules == "" {
		modules = prefix + "/modules"
	}
	return modules + "/ngx_stream_module.so", nil
}
