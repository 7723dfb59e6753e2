//go:build unix

package conformance

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var nginxFlag = flag.String("nginx", "", "compare with a real nginx: path:BINARY, docker:IMAGE or docker: for a usual `one`")

// TestScripts runs every script of testdata/scripts; the README there tells the
// language. Without -nginx, gostream must do what was recorded; with it, what
// that nginx does; with -update too, the outcome of nginx is recorded.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/scripts/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	compareAll(t, files, readScript)
}

// compareAll runs scripts at once, as many as -parallel allows.
func compareAll(t *testing.T, files []string, read func(*testing.T, string) *script) {
	reference := referenceServer(t)
	if reference == nil && runtime.GOOS != "linux" {
		t.Skip("recorded on Linux; compare live, with -nginx")
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := read(t, file)
			if *updateFlag {
				record(t, s, reference)
				return
			}
			compare(t, s, reference)
		})
	}
}

// compare holds gostream against a reference, or the recording if there is none.
// A difference must come three times: on a busy machine the kernel now and then
// merges what a peer sends with its end, or resets where it had closed.
func compare(t *testing.T, s *script, reference *subject) {
	if reference != nil && !reference.knows(s.since) {
		t.Skipf("nginx %s is older than %s", reference.version, s.since)
	}
	if reference != nil && !strings.HasPrefix(reference.openSSL, s.openSSL) {
		t.Skipf("nginx has OpenSSL %s, not %s", reference.openSSL, s.openSSL)
	}
	text := outcome.text
	if reference != nil {
		text = func(o outcome) string { // not each OpenSSL has a reason
			return strings.ReplaceAll(o.text(), " (SSL: REASON)", "")
		}
	}
	want, got, err := s.both(t, reference)
	if reference != nil && strings.Contains(want["stderr"], `unknown directive "geoip_`) {
		t.Skip("this nginx is built without geoip")
	}
	if s.differs != "" {
		if err == nil && assert.ObjectsAreEqual(want, got) {
			t.Fatalf("no longer differs (%s): remove that line", s.differs)
		}
		t.Skip("differs:", s.differs)
	}
	for again := 0; again < 2 && (err != nil || text(want) != text(got)); again++ {
		t.Logf("unsteady, again: %v\n%s", err, got.text())
		want, got, err = s.both(t, reference)
	}
	require.NoError(t, err)
	assert.Equal(t, text(want), text(got))
}

// both plays a script with the reference, or takes the recording if there is
// none, and with gostream.
func (s *script) both(t *testing.T, reference *subject) (want, got outcome, err error) {
	want = s.recorded
	if reference != nil {
		if want, err = s.run(t.TempDir(), reference); err != nil {
			return nil, nil, fmt.Errorf("nginx: %w", err)
		}
	}
	got, err = s.run(t.TempDir(), &subject{binary: binary(t)})
	return want, got, err
}

// record runs a script with nginx and keeps the outcome in its file.
func record(t *testing.T, s *script, reference *subject) {
	require.NotNil(t, reference, "-update needs -nginx")
	if !reference.knows(s.since) {
		t.Skipf("nginx %s is older than %s", reference.version, s.since)
	}
	got, err := s.run(t.TempDir(), reference)
	require.NoError(t, err)
	require.NoError(t, s.write(got))
}

// outcome is what a server did, by the name of the section that holds it.
type outcome map[string]string

// outcomes are the sections that are recorded, in their order in a file.
var outcomes = []string{"stderr", "status", "error.log", "access.log", "output"}

func (o outcome) text() string {
	var b strings.Builder
	for _, name := range outcomes {
		if text := o[name]; text != "" {
			b.WriteString("-- " + name + " --\n" + text)
		}
	}
	return b.String()
}

// set keeps a section, unless it is empty. It ends with a newline.
func (o outcome) set(name, text string) {
	if text == "" {
		return
	}
	if !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	o[name] = text
}

// readText reads a file that may not be there.
func readText(path string) string {
	b, _ := os.ReadFile(path)
	return string(b)
}
