//go:build unix

package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestWithoutBlock(t *testing.T) {
	const text = `
daemon off; # not http { here
events {
}
stream {
    return "}";
    server { listen 1; set $a '\'{'; }
}
# http
http {
    server { location / { } } # }
    "quoted }";
}
worker_processes 1;
`
	assert.Equal(t, `
daemon off; # not http { here
events {
}
stream {
    return "}";
    server { listen 1; set $a '\'{'; }
}
worker_processes 1;
`, withoutBlock(text, "http"))
	assert.Equal(t, `
daemon off; # not http { here
events {
}
# http
http {
    server { location / { } } # }
    "quoted }";
}
worker_processes 1;
`, withoutBlock(text, "stream"))
	for _, broken := range []string{"", "http {", "\"", "'\\", "\\", "#", "}", "http { } }"} {
		assert.NotPanics(t, func() { withoutBlock(broken, "http") }, broken)
	}
}

func TestWithPID(t *testing.T) {
	assert.Equal(t, "pid /new;\na;\n\nb;", withPID("a;\npid /old;\nb;", "/new"))
}

func TestHTTPModules(t *testing.T) {
	assert.Equal(t, "--with-http_ssl_module --with-http_sub_module", httpModules("configure arguments: --with-debug "+
		"--with-http_ssl_module --with-http_geoip_module=dynamic --with-stream --with-http_sub_module\n"))
}
