//go:build linux

package conformance

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestForkingUnit does what systemd does with Debian's nginx.service and the
// drop-in that makes it run gostream, in a container that has no systemd.
func TestForkingUnit(t *testing.T) {
	needDocker(t)
	need(t, "debootstrap", "/usr/sbin")
	const image = "gostream-conformance/nginx:bookworm"
	runTool(t, "conformance/image/build", "bookworm", image)
	packages := t.TempDir()
	runTool(t, "deploy/packages/build", packages, "1.2.3")
	p := takePorts(t, "Who")
	address := local(p["Who"])
	conf := filepath.Join(packages, "nginx.conf")
	require.NoError(t, os.WriteFile(conf, fmt.Appendf(nil, `user www-data; pid /run/nginx.pid; error_log /var/log/nginx/error.log notice;
events {}
stream { server { listen %s; return $nginx_version; } }
`, address), 0o644))
	id := startContainer(t, "-v", packages+":/packages:ro", "-v", conf+":/etc/nginx/nginx.conf:ro", "--init", image, "sleep", "infinity")
	inside := func(script string) string {
		return runTool(t, "docker", "exec", id, "sh", "-ec", script)
	}
	inside("dpkg -i /packages/gostream_*.deb")
	unit := readUnit(inside("cat /lib/systemd/system/nginx.service /usr/share/doc/gostream/nginx.service.d/gostream.conf"))
	require.Equal(t, "forking", unit["Type"])
	pid := unit["PIDFile"]
	require.NotEmpty(t, pid)

	inside(unit["ExecStartPre"])
	inside(unit["ExecStart"]) // has forked when it returns, and written the pid
	assert.Equal(t, "1.31.5", answer(address))
	master := inside("cat " + pid)
	assert.Contains(t, inside("tr '\\0' ' ' </proc/"+master+"/cmdline"), "nginx: master process /usr/sbin/gostream")

	inside(unit["ExecReload"])
	eventually(t, "a reload", func() bool {
		return strings.Contains(inside("cat /var/log/nginx/error.log"), "exited with code 0")
	})
	assert.Equal(t, "1.31.5", answer(address))
	assert.Equal(t, master, inside("cat "+pid))

	inside(strings.TrimPrefix(unit["ExecStop"], "-"))
	assert.Empty(t, answer(address))
	assert.Equal(t, "gone", inside("[ -e "+pid+" ] || echo gone"))
	assert.NotRegexp(t, `\[(warn|error|crit|alert|emerg)\]`, inside("cat /var/log/nginx/error.log"))
}

// readUnit reads the settings of a unit and its drop-ins. An empty value takes
// back those before it, so that the last one holds.
func readUnit(text string) map[string]string {
	settings := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(name, "#") {
			settings[name] = value
		}
	}
	return settings
}
