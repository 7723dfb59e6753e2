//go:build linux

package conformance

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestMigration does what docs/migrating-from-nginx.md says, in a container of
// Debian with nginx running and clients connecting all the time.
func TestMigration(t *testing.T) {
	needDocker(t)
	need(t, "debootstrap", "/usr/sbin")
	const image = "gostream-conformance/nginx:bookworm"
	runTool(t, "conformance/image/build", "bookworm", image)
	packages := t.TempDir()
	runTool(t, "deploy/packages/build", packages, "1.2.3")

	p := takePorts(t, "Who", "Echo")
	address := local(p["Who"])
	conf := filepath.Join(packages, "nginx.conf")
	require.NoError(t, os.WriteFile(conf, fmt.Appendf(nil, `include /etc/nginx/modules-enabled/*.conf;
user www-data; pid /run/nginx.pid; error_log /var/log/nginx/error.log notice;
events {}
stream {
	server { listen %s; return $nginx_version; }
	server { listen %s; proxy_pass %s; }
}
`, address, local(p["Echo"]), local(startEcho(t))), 0o644))
	id := startContainer(t, "-v", packages+":/packages:ro", "-w", "/packages", "-v", conf+":/etc/nginx/nginx.conf:ro",
		"--init", image, "sleep", "infinity")
	inside := func(script string) string {
		return runTool(t, "docker", "exec", id, "sh", "-ec", script)
	}
	inside("/usr/sbin/nginx")
	theirs := answer(address)
	assert.Regexp(t, `^1\.`, theirs)
	load := startChurn(t, 2, local(p["Echo"]))

	want := []string{theirs, theirs, "", "1.31.5", theirs}
	steps := walkThrough(t)
	require.Len(t, steps, len(want))
	for i, step := range steps {
		t.Log(step)
		inside(step)
		load.more(t, 200)
		if want[i] != "" { // either may answer while both are there
			assert.Equal(t, want[i], answer(address), "after step %d", i)
		}
	}
	assert.NoError(t, errors.Join(load.stop()...), "connections failed")
	inside("/usr/sbin/nginx -s stop")
	log := inside("cat /var/log/nginx/error.log")
	assert.NotRegexp(t, `\[(alert|emerg|crit)\]`, log)
}

// walkThrough are the commands in the document that are marked to be run.
func walkThrough(t *testing.T) (steps []string) {
	t.Helper()
	text, err := os.ReadFile("../docs/migrating-from-nginx.md")
	require.NoError(t, err)
	for _, m := range regexp.MustCompile("(?s)<!-- run -->\n```sh\n(.*?)```").FindAllSubmatch(text, -1) {
		steps = append(steps, strings.TrimSpace(string(m[1])))
	}
	return steps
}
