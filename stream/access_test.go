package stream

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/streamtest"
)

func TestAccessRules(t *testing.T) {
	for _, tt := range []struct {
		rules   string
		allowed []string // "" is a client of a unix socket
		denied  []string
	}{
		{"", []string{"10.0.0.1", "::1", ""}, nil},
		{"deny all;", nil, []string{"10.0.0.1", "::1", ""}},
		{"deny unix:;", []string{"10.0.0.1", "::1"}, []string{""}},
		{"allow unix:; deny all;", []string{""}, []string{"10.0.0.1", "::1"}},
		{"allow 10.0.0.0/8; deny 0.0.0.0/0;", []string{"10.1.2.3", "::ffff:10.1.2.3", "::1", ""}, []string{"11.0.0.1", "::ffff:11.0.0.1"}},
		{"deny 10.1.2.3; allow 10.0.0.0/8; deny all;", []string{"10.1.2.4"}, []string{"10.1.2.3", "9.0.0.1", "::1", ""}},
		{"allow 10.0.0.0/8; deny 10.1.2.3;", []string{"10.1.2.3"}, nil},
		{"deny 2001:db8::/32;", []string{"2001:db9::1", "10.0.0.1", ""}, []string{"2001:db8::1"}},
		{"deny ::/0;", []string{"10.0.0.1", "::ffff:10.0.0.1", ""}, []string{"::1"}},
		{"deny ::ffff:10.0.0.0/104;", []string{"10.0.0.1", "::ffff:10.0.0.1"}, nil}, // mapped addresses are IPv4
	} {
		g, f := compileText("/none/conf", "stream { error_log /dev/null; "+tt.rules+" server { listen unix:/none/x.sock; return x; } }")
		require.NotNil(t, g, f.log)
		check := func(addr string) Status {
			s := at(g, addr)
			s.srv, s.ln = g.servers[f.stream.Servers[0]], &listener{}
			return s.checkAccess()
		}
		for _, addr := range tt.allowed {
			assert.Equal(t, next, check(addr), "%s with %s", addr, tt.rules)
		}
		for _, addr := range tt.denied {
			assert.Equal(t, statusForbidden, check(addr), "%s with %s", addr, tt.rules)
		}
	}
}

// Rules of a server replace those of the stream block, all of them.
func TestAccessIsInherited(t *testing.T) {
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		s := startWith(t, change, `
			deny all;
			log_format l "$status"; access_log DIR/access.log l;
			server { listen 127.0.0.1:PORT0; return denied; }
			server { listen 127.0.0.1:PORT1; deny unix:; return let-in; }`)
		assert.Equal(t, "", streamtest.Rest(t, s.dial("PORT0")))
		assert.Equal(t, "403", s.line("access.log"))
		assert.Equal(t, "let-in", streamtest.Rest(t, s.dial("PORT1")))
		errors := s.errors("error")
		require.Len(t, errors, 1)
		assert.Regexp(t, `^\[error\] \*\d+ access forbidden by rule while initializing session, client: 127\.0\.0\.1, server: 127\.0\.0\.1:\d+$`, errors[0])
	})
}
