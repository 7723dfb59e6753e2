//go:build unix

package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// nginxtests_test.go - nginx's own test suite, with the built binary as nginx.
//
//	go test ./conformance -v -run NginxTests -nginx-tests DIR -http-nginx /usr/sbin/nginx
//	go test ./conformance -v -run NginxTests/stream_map.t -nginx-tests DIR
//
// The number of checks that a real nginx passes is recorded in must.json and
// skip.json; this records it anew, for the files that are listed:
//
//	go test ./conformance -run NginxTests -nginx-tests DIR -server /path/nginx -update

var (
	suiteFlag     = flag.String("nginx-tests", "", "`folder` with a checkout of nginx-tests")
	httpNginxFlag = flag.String("http-nginx", "", "nginx `binary` that serves the http blocks of nginx-tests")
	updateFlag    = flag.Bool("update", false, "record anew: what -server passes, or what the nginx of -nginx does")
)

// A file of the suite takes seconds; one that hangs is ended.
const suiteTimeout = 3 * time.Minute

// mustList has the files that must pass, with the number of their checks.
type mustList map[string]int

// skipList has what need not pass, each with a reason. What passes must not be
// in it.
type skipList struct {
	Files  map[string]skippedFile `json:"files"`
	Checks map[string]string      `json:"checks"` // "FILE: CHECK" to reason; FILE is one that must pass
}

type skippedFile struct {
	Checks int    `json:"checks"` // as passed by nginx
	Reason string `json:"reason"`
}

// score sums up a run.
type score struct {
	mu             sync.Mutex
	files, ofFiles int // that passed, that were run
	checks, wanted int // of the files that were run
}

// TestNginxTests runs the files of the suite that are about stream.
func TestNginxTests(t *testing.T) {
	if *suiteFlag == "" {
		t.Skip("nginx-tests is skipped: -nginx-tests does not name a checkout of it")
	}
	need(t, "perl")
	must, skip := mustList{}, skipList{}
	readJSON(t, "must.json", &must)
	readJSON(t, "skip.json", &skip)
	s := &suite{skip: skip, shim: buildShim(t), must: must}
	s.dir, _ = filepath.Abs(*suiteFlag)

	t.Run("files", func(t *testing.T) {
		for _, file := range suiteFiles(t, s.dir) {
			t.Run(file, func(t *testing.T) {
				t.Parallel()
				s.test(t, file)
			})
		}
	})
	t.Logf("score: %d of the %d files that were run pass as with nginx, %d of %d checks", s.score.files, s.score.ofFiles, s.score.checks, s.score.wanted)
	if *updateFlag {
		writeJSON(t, "must.json", s.must)
		writeJSON(t, "skip.json", s.skip)
	}
}

// suiteFiles are the files of the suite that are about stream, or are made so.
func suiteFiles(t *testing.T, dir string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "stream*.t"))
	require.NoError(t, err)
	require.NotEmpty(t, paths, "files stream*.t in %s", dir)
	names := append(rewritten(), "worker_shutdown_timeout_stream.t")
	for _, p := range paths {
		if name := filepath.Base(p); rewrites[name] == nil {
			names = append(names, name)
		}
	}
	return names
}

// suite is a run over the files.
type suite struct {
	dir   string // of the suite
	shim  string // a binary that starts nginx beside the server
	must  mustList
	skip  skipList
	score score
}

func (s *suite) test(t *testing.T, file string) {
	checks, mustPass := s.must[file]
	skipped, maySkip := s.skip.Files[file]
	require.True(t, mustPass != maySkip, "%s must be in one of must.json and skip.json", file)
	if maySkip {
		checks = skipped.Checks
	}
	hasHTTP := rewrites[file] == nil && s.hasHTTP(t, file)
	if hasHTTP && *httpNginxFlag == "" && *serverFlag == "" {
		t.Skipf("%s is skipped: it has an http block, and -http-nginx does not name an nginx", file)
	}
	result, output := s.run(t, file, hasHTTP)
	if *updateFlag {
		s.record(t, file, result, output)
		return
	}
	excused := s.excused(t, file, result)
	ok := result.complete(output) && len(result.failed) == len(excused) && result.passed+len(excused) >= checks
	s.add(result, checks, ok)
	if maySkip {
		assert.False(t, ok, "%s passes: move it from skip.json to must.json", file)
		t.Skipf("%s need not pass (%d of %d checks do): %s", file, result.passed, checks, skipped.Reason)
	}
	assert.True(t, ok, "%s: %d checks passed, nginx passes %d; failed: %q\n%s", file, result.passed, checks, result.failed, output)
}

// excused returns the failed checks of a file that need not pass.
func (s *suite) excused(t *testing.T, file string, result tapResult) []string {
	var excused []string
	for _, name := range result.failed {
		if s.skip.Checks[file+": "+name] != "" {
			excused = append(excused, name)
		}
	}
	for _, name := range result.names {
		assert.Empty(t, s.skip.Checks[file+": "+name], "%s: %s passes: remove it from skip.json", file, name)
	}
	return excused
}

// run runs a file and returns what it said.
func (s *suite) run(t *testing.T, file string, hasHTTP bool) (tapResult, string) {
	ctx, cancel := context.WithTimeout(context.Background(), suiteTimeout)
	defer cancel()
	script := file
	if rewrites[file] != nil {
		script = s.rewrite(t, file)
	}
	// A file goes to the folder that it is in, and looks for its library there.
	cmd := exec.CommandContext(ctx, "perl", "-I"+filepath.Join(s.dir, "lib"), script)
	cmd.Dir = s.dir
	// TEST_NGINX_UNSAFE asks for the checks that depend on time and log lines, too.
	cmd.Env = append(os.Environ(), "TEST_NGINX_BINARY="+binary(t), "TEST_NGINX_UNSAFE=1")
	if hasHTTP && *httpNginxFlag != "" {
		cmd.Env = append(cmd.Env, "TEST_NGINX_BINARY="+s.shim,
			"GOSTREAM_SHIM_STREAM="+binary(t), "GOSTREAM_SHIM_HTTP="+*httpNginxFlag)
	}
	if os.Getuid() == 0 {
		// Else workers could not read the folder of the test, which is root's.
		cmd.Env = append(cmd.Env, "TEST_NGINX_GLOBALS=user root;")
	}
	// A file that is ended must not leave its servers behind.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	result, tapErr := readTAP(bytes.NewReader(out.Bytes()))
	require.NoError(t, tapErr)
	if err != nil && len(result.failed) == 0 {
		result.failed = append(result.failed, fmt.Sprintf("perl: %v", err))
	}
	return result, out.String() + errs.String()
}

// record keeps what nginx passes. Its own failures are not recorded.
func (s *suite) record(t *testing.T, file string, result tapResult, output string) {
	if !assert.True(t, len(result.failed) == 0 && result.complete(output), "%s: failed: %q\n%s", file, result.failed, output) {
		return
	}
	s.score.mu.Lock()
	defer s.score.mu.Unlock()
	if skipped, ok := s.skip.Files[file]; ok {
		s.skip.Files[file] = skippedFile{result.passed, skipped.Reason}
		return
	}
	s.must[file] = result.passed
}

// add counts a file that was run.
func (s *suite) add(result tapResult, checks int, ok bool) {
	s.score.mu.Lock()
	defer s.score.mu.Unlock()
	s.score.ofFiles++
	s.score.checks += min(result.passed, checks)
	s.score.wanted += checks
	if ok {
		s.score.files++
	}
}

var httpBlock = regexp.MustCompile(`(?m)^http \{`)

// hasHTTP reports whether a configuration in the file has an http block.
func (s *suite) hasHTTP(t *testing.T, file string) bool {
	text, err := os.ReadFile(filepath.Join(s.dir, file))
	require.NoError(t, err)
	return httpBlock.Match(text)
}

// buildShim makes the program in the folder shim.
func buildShim(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "shim")
	out, err := exec.Command("go", "build", "-o", path, "./shim").CombinedOutput()
	require.NoError(t, err, string(out))
	return path
}

func readJSON(t *testing.T, path string, v any) {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	require.NoError(t, d.Decode(v), path)
}

func writeJSON(t *testing.T, path string, v any) {
	t.Helper()
	text, err := json.MarshalIndent(v, "", "  ")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, append(text, '\n'), 0o644))
}

// TestLists checks must.json and skip.json against each other.
func TestLists(t *testing.T) {
	must, skip := mustList{}, skipList{}
	readJSON(t, "must.json", &must)
	readJSON(t, "skip.json", &skip)
	for file, checks := range must {
		assert.Positive(t, checks, file)
		assert.NotContains(t, skip.Files, file)
	}
	for file, s := range skip.Files {
		assert.NotEmpty(t, s.Reason, file)
		assert.Positive(t, s.Checks, file)
	}
	for check, reason := range skip.Checks {
		file, _, _ := strings.Cut(check, ": ")
		assert.Contains(t, must, file)
		assert.NotEmpty(t, reason, check)
	}
	assert.NotEmpty(t, must)
}
