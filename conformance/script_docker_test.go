//go:build unix

package conformance

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// script_docker_test.go - -nginx docker:IMAGE, an nginx of another version.

// defaultImage is what docker: without a name means. Where it can be had from
// nowhere, builtImage is made instead.
const defaultImage, builtImage = "nginx:1.31", builtImages + "forky"

// builtImages begins the names of images that image/build makes; what follows
// is a release of Debian.
const builtImages = "gostream-conformance/nginx:"

// startNginxContainer starts a container of an image, and returns its id. There is
// one for all servers. It shares with this machine the network, the folders of
// tests, and the processes, for the pid in a pid file to be one of here.
func startNginxContainer(t *testing.T, image string) (id string) {
	t.Helper()
	if out, err := exec.Command("docker", "info").CombinedOutput(); err != nil {
		t.Skipf("-nginx %s left out: no Docker answers here: %v\n%s", *nginxFlag, err, out)
	}
	image = availableImage(t, image)
	tmp := os.TempDir()
	out, err := exec.Command("docker", "run", "--detach", "--rm", "--init", "--network=host", "--pid=host",
		"--volume="+tmp+":"+tmp, "--entrypoint=sleep", image, "infinity").Output()
	require.NoError(t, err, "docker run %s", image)
	id = strings.TrimSpace(string(out))
	t.Cleanup(func() { _ = exec.Command("docker", "rm", "--force", id).Run() })
	if out, err := exec.Command("docker", "exec", id, "test", "-e", t.TempDir()).CombinedOutput(); err != nil {
		t.Skipf("-nginx %s left out: its containers are on another machine and do not see %s: %v\n%s", *nginxFlag, tmp, err, out)
	}
	t.Logf("%s in container %.12s", image, id)
	return id
}

// inContainer are the arguments for docker to run a program in a container, as
// the user of the test.
func inContainer(id, dir, program string) []string {
	user := fmt.Sprintf("--user=%d:%d", os.Getuid(), os.Getgid())
	return []string{"exec", "--interactive", user, "--workdir=" + dir, id, program}
}

// availableImage finds, pulls or builds an image, and returns its name.
func availableImage(t *testing.T, image string) string {
	t.Helper()
	name := image
	if name == "" {
		name = defaultImage
	}
	if exec.Command("docker", "image", "inspect", name).Run() == nil {
		return name
	}
	suite, build := strings.CutPrefix(name, builtImages)
	if !build {
		out, err := exec.Command("docker", "pull", "--quiet", name).CombinedOutput()
		if err == nil {
			return name
		}
		require.Empty(t, image, "docker pull: %s\nTry docker:%s or another release of Debian, which is built here.", out, builtImage)
		name, suite = builtImage, strings.TrimPrefix(builtImage, builtImages)
	}
	out, err := exec.Command("image/build", suite, name).CombinedOutput()
	require.NoError(t, err, "image/build: %s", out)
	return name
}
