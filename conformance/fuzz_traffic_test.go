//go:build unix

package conformance

import (
	"io"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestFuzzTraffic compares what nginx and gostream do with random clients of
// random servers. What differs is printed as a script for testdata/scripts.
func TestFuzzTraffic(t *testing.T) {
	test := &traffic{t: t, nginx: fuzzReference(t), gostream: &subject{binary: binary(t)}}
	var ports [fuzzPorts]string
	var holds [fuzzPorts]io.Closer
	fuzz(t, func(r *rand.Rand) (*difference, func() *difference) {
		for _, h := range holds {
			if h != nil {
				h.Close()
			}
		}
		for i := range ports {
			ports[i], holds[i] = portPool.take()
		}
		// Of other versions of OpenSSL a refused handshake looks different.
		p := newPlay(r, ports[:], strings.HasPrefix(test.nginx.openSSL, "3.0."))
		d := test.compare(p)
		for again := 0; again < 2 && d != nil; again++ { // not by chance, see compare
			d = test.compare(p)
		}
		return d, func() *difference { return test.minimal(p, d) }
	})
}

type traffic struct {
	t               *testing.T
	nginx, gostream *subject
}

// compare returns how the servers differ, nil if they do not.
func (f *traffic) compare(p *play) *difference {
	d := &difference{input: "-- nginx.conf --\n" + p.config() + "-- steps --\n" + strings.Join(p.steps(), "\n")}
	if d.want = f.perform(p, f.nginx); strings.HasPrefix(d.want, "cannot") {
		return nil // nothing to compare with
	}
	if d.got = f.perform(p, f.gostream); d.got == d.want {
		return nil
	}
	return d
}

// perform returns what a server does.
func (f *traffic) perform(p *play, s *subject) string {
	dir, err := os.MkdirTemp(f.t.TempDir(), "")
	require.NoError(f.t, err)
	defer os.RemoveAll(dir)
	o, err := p.script().run(dir, s)
	if err != nil {
		return "cannot: " + err.Error()
	}
	text := upstreamRefused.ReplaceAllString(o.text(), "$1$2")
	text = resumed.ReplaceAllString(text, "$1 ")
	text = refusedBytes.ReplaceAllString(text, "$1 N ")
	return emptyEnd.ReplaceAllString(text, "$1 end")
}

// upstreamRefused is where the servers are known to differ: nginx reads from the
// client while it connects, gostream only when connected. So if no server is
// there, nginx is at another step, has counted more, and its close is no reset.
var (
	refusedBytes    = regexp.MustCompile(`(TCP 502 0) \d+ `)
	emptyEnd        = regexp.MustCompile(`(?m)^(c\d+: "") (?:eof|reset)$`)
	upstreamRefused = regexp.MustCompile(`(?m)^(.* (?:connect\(\) failed .*|upstream SSL certificate .*|upstream server temporarily disabled|no live upstreams)) while (?:proxying connection|connecting to upstream|SSL handshaking to upstream)(,.*), bytes from/to client:\d+/.*$`)
)

// resumed tells of a session with a backend that was resumed. With TLS 1.2 nginx
// does so every other time only. The scripts say when gostream does.
var resumed = regexp.MustCompile(`(?m)^(b\S+ .*?TLS \S+) resumed `)

// minimal leaves out visits, then blocks and lines of the configuration, with
// which the servers differ nevertheless.
func (f *traffic) minimal(p *play, d *difference) *difference {
	kind := d.kind()
	differs := func(set func()) bool {
		before := *p
		set()
		if now := f.compare(p); now != nil && now.kind() == kind {
			d = now
			return true
		}
		*p = before
		return false
	}
	reduce(p.visits, func(rest []visit) bool { return differs(func() { p.visits = rest }) })
	reduce(p.stream, func(rest [][]string) bool { return differs(func() { p.stream = rest }) })
	reduce(p.backends, func(rest []string) bool { return differs(func() { p.backends = rest }) })
	for i := range p.stream {
		block := p.stream[i]
		reduce(block[1:len(block)-1], func(rest []string) bool {
			return differs(func() {
				p.stream = slices.Clone(p.stream)
				p.stream[i] = slices.Concat(block[:1], rest, block[len(block)-1:])
			})
		})
	}
	return d
}
