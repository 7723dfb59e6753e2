package conformance

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

var (
	serverFlag = flag.String("server", "", "drive this `binary` instead of building gostream")
)

// server is the binary to drive, and buildError why there is none.
var (
	server     string
	buildError error
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	flag.Parse()
	dir, err := os.MkdirTemp("", "gostream-conformance-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	server, buildError = build(dir)
	endAtOnce()
	return m.Run()
}

// endAtOnce keeps programs that have the race detector from sleeping for a
// second at their end, which they do to see what other threads still report.
func endAtOnce() {
	if os.Getenv("GORACE") == "" {
		os.Setenv("GORACE", "atexit_sleep_ms=0")
	}
}

// build makes the binary, with the race detector if the tests have it.
func build(dir string) (string, error) {
	if *serverFlag != "" {
		return filepath.Abs(*serverFlag)
	}
	binary := filepath.Join(dir, "gostream")
	if runtime.GOOS == "windows" {
		binary += ".exe"
	}
	args := []string{"build", "-o", binary}
	if raceDetector {
		args = append(args, "-race")
	}
	cmd := exec.Command("go", append(args, "./cmd/gostream")...)
	cmd.Dir = ".."
	if !raceDetector { // which needs cgo; releases are built without
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%v: %w\n%s", cmd.Args, err, out)
	}
	return binary, nil
}

// binary is the path of the server to drive.
func binary(t *testing.T) string {
	t.Helper()
	if buildError != nil {
		t.Fatal(buildError)
	}
	return server
}
