//go:build linux

package conformance

// deploy_test.go - what is under deploy/, built, installed and started.

import (
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// toolPatience is how long a program may take: building an image is the longest.
const toolPatience = 5 * time.Minute

// runTool runs a program in the root of the repository, and returns what it prints.
func runTool(t *testing.T, program string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), toolPatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = ".."
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%v\n%s", cmd.Args, out)
	return strings.TrimSpace(string(out))
}

// needDocker skips the test where there is no Docker.
func needDocker(t *testing.T) {
	t.Helper()
	if exec.Command("docker", "info").Run() != nil {
		t.Skip("Docker is not available: images are not tested")
	}
}

// startContainer starts one on the host's network and removes it in the end.
func startContainer(t *testing.T, args ...string) string {
	t.Helper()
	id := runTool(t, "docker", append([]string{"run", "-d", "--network", "host"}, args...)...)
	t.Cleanup(func() {
		if t.Failed() {
			logs, _ := exec.Command("docker", "logs", id).CombinedOutput()
			t.Logf("%s", logs)
		}
		_ = exec.Command("docker", "rm", "-f", id).Run()
	})
	return id
}

// answer is all that a server sends; empty if it cannot be reached.
func answer(address string) string {
	c, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return ""
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	text, _ := io.ReadAll(c)
	return string(text)
}

func TestImages(t *testing.T) {
	needDocker(t)
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.conf.stream-template"),
		[]byte("server { listen 127.0.0.1:${PORT}; return '$hostname'; }"), 0o644))
	const image = "gostream-conformance/scratch"
	runTool(t, "deploy/docker/build", image)
	t.Cleanup(func() { _ = exec.Command("docker", "rmi", "-f", image).Run() })
	p := takePorts(t, "Port")
	id := startContainer(t, "-e", "PORT="+strings.TrimPrefix(local(p["Port"]), "127.0.0.1:"), "-v", dir+":/etc/nginx/templates:ro", image)
	host, err := os.Hostname()
	require.NoError(t, err)
	eventually(t, "an answer", func() bool { return answer(local(p["Port"])) == strings.ToLower(host) })
	runTool(t, "docker", "stop", id)
	assert.Equal(t, "0", runTool(t, "docker", "inspect", "-f", "{{.State.ExitCode}}", id))
}

// TestPackages installs the Debian package in a folder, with its own dpkg
// database, and looks into the other.
func TestPackages(t *testing.T) {
	need(t, "dpkg")
	out, root := t.TempDir(), t.TempDir()
	runTool(t, "deploy/packages/build", out, "1.2.3")
	require.NoError(t, os.MkdirAll(filepath.Join(root, "var/lib/dpkg/updates"), 0o755))
	require.NoError(t, os.MkdirAll(filepath.Join(root, "var/lib/dpkg/info"), 0o755))
	for _, name := range []string{"status", "available"} {
		require.NoError(t, os.WriteFile(filepath.Join(root, "var/lib/dpkg", name), nil, 0o644))
	}
	debs, err := filepath.Glob(filepath.Join(out, "*.deb"))
	require.NoError(t, err)
	require.Len(t, debs, 1)
	runTool(t, "dpkg", "--root="+root, "--force-not-root", "--force-bad-path", "--install", debs[0])

	program := filepath.Join(root, "usr/sbin/gostream")
	assert.Equal(t, "nginx version: nginx/1.31.5 (gostream 1.2.3)", runTool(t, program, "-v"))
	for _, name := range []string{"etc/gostream/nginx.conf", "etc/gostream/stream.d", "etc/logrotate.d/gostream", "var/log/gostream",
		"usr/lib/systemd/system/gostream.service", "usr/share/man/man8/gostream.8.gz", "usr/share/bash-completion/completions/gostream"} {
		_, err := os.Stat(filepath.Join(root, name))
		assert.NoError(t, err)
	}
	rpms, err := filepath.Glob(filepath.Join(out, "*.rpm"))
	require.NoError(t, err)
	require.Len(t, rpms, 1)
	rpm := need(t, "rpm")
	installed := t.TempDir()
	runTool(t, rpm, "--root", installed, "--initdb")
	runTool(t, rpm, "--root", installed, "--nodeps", "--ignorearch", "-i", rpms[0])
	assert.Equal(t, runTool(t, program, "-v"), runTool(t, filepath.Join(installed, "usr/sbin/gostream"), "-v"))
}

// TestUnits has systemd read the units. It looks for the programs in them, so
// they are read with that path replaced.
func TestUnits(t *testing.T) {
	verify := need(t, "systemd-analyze")
	dir := t.TempDir()
	replaced := func(from, to string) {
		text, err := os.ReadFile(from)
		require.NoError(t, err)
		text = []byte(strings.ReplaceAll(string(text), "/usr/sbin/gostream", binary(t)))
		text = []byte(strings.ReplaceAll(string(text), "Documentation=man:gostream(8)", ""))
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, to)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, to), text, 0o644))
	}
	replaced("../deploy/systemd/gostream.service", "gostream.service")
	assert.Empty(t, runTool(t, verify, "verify", filepath.Join(dir, "gostream.service")))
	const debians = "/lib/systemd/system/nginx.service"
	if _, err := os.Stat(debians); err == nil {
		replaced(debians, "nginx.service")
		replaced("../deploy/systemd/nginx.service.d/gostream.conf", "nginx.service.d/gostream.conf")
		assert.Empty(t, runTool(t, verify, "verify", filepath.Join(dir, "nginx.service")))
	}
}
