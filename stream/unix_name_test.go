//go:build unix

package stream

import (
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/streamtest"
)

// A path that begins with "@" is that of a file, for nginx, everywhere: package
// net would take it for a name in the abstract space.
func TestUnixNamesBeginWithAt(t *testing.T) {
	t.Chdir(t.TempDir())
	datagrams := func(name string) net.PacketConn {
		c, err := net.ListenPacket("unixgram", "./"+name)
		require.NoError(t, err)
		t.Cleanup(func() { c.Close() })
		return c
	}
	syslog, dns := datagrams("@log"), datagrams("@dns")
	received := func(c net.PacketConn) string {
		buf := make([]byte, 1000)
		require.NoError(t, c.SetDeadline(time.Now().Add(20*time.Second)))
		n, _, err := c.ReadFrom(buf)
		require.NoError(t, err)
		return string(buf[:n])
	}
	ln, err := net.Listen("unix", "./@back")
	require.NoError(t, err)
	defer ln.Close()
	go func() {
		for c, err := ln.Accept(); err == nil; c, err = ln.Accept() {
			_, _ = c.Write([]byte("back"))
			c.Close()
		}
	}()
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		s := startWith(t, change, `log_format l "line $upstream_addr"; access_log syslog:server=unix:@log,nohostname l;
			resolver unix:@dns ipv6=off; resolver_timeout 1ms;
			upstream u { server unix:@back; }
			server { listen unix:@front; return front; }
			server { listen PORT0; proxy_pass u; }
			server { listen PORT1; proxy_pass unix:@back; }
			server { listen PORT2; set $x name.test; proxy_pass $x:80; }`)
		assert.FileExists(t, "@front")
		assert.Equal(t, "front", streamtest.Rest(t, streamtest.Dial(t, "unix", "./@front")))
		assert.Contains(t, received(syslog), "nginx: line ")
		for _, port := range []string{"PORT0", "PORT1"} {
			assert.Equal(t, "back", s.ask(port, ""))
			assert.Contains(t, received(syslog), "nginx: line unix:@back")
		}
		assert.Empty(t, s.ask("PORT2", ""))
		assert.Contains(t, received(dns), "\x04name\x04test\x00")
		received(syslog)
	})
	assert.NoFileExists(t, "@front")
}
