//go:build linux && !race

package stream

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/streamtest"
)

const (
	// maxPerSession is what a proxied session may allocate once the pools are
	// filled. It is a count, not a time, and so the same on every machine.
	maxPerSession = 2

	sessionsCounted = 2000
	messagesCounted = 5000

	echoVariable = "GOSTREAM_TEST_ECHO" // the upstream of the process that counts
)

// The server runs in a process of its own, so that what clients and upstreams
// allocate is not counted.
func TestAllocations(t *testing.T) {
	if echo := os.Getenv(echoVariable); echo != "" {
		serveCounting(t, echo)
		return
	}
	proxy, count := startCounting(t, streamtest.Echo(t, ""))
	sessions := func(n int) {
		for range n {
			c, err := net.Dial("tcp", proxy)
			require.NoError(t, err)
			streamtest.Send(t, c, "x")
			streamtest.Expect(t, c, "x")
			require.NoError(t, c.Close())
		}
	}
	sessions(500) // to fill the pools
	before := mallocs(t, count)
	sessions(sessionsCounted)
	perSession := float64(mallocs(t, count)-before) / sessionsCounted
	t.Logf("%.2f allocations per session", perSession)
	assert.LessOrEqual(t, perSession, float64(maxPerSession))

	c := streamtest.Dial(t, "tcp", proxy)
	messages := func(n int) {
		for range n {
			streamtest.Send(t, c, "x")
			streamtest.Expect(t, c, "x")
		}
	}
	messages(500)
	before = mallocs(t, count)
	messages(messagesCounted)
	perMessage := float64(mallocs(t, count)-before) / messagesCounted
	t.Logf("%.4f allocations per message", perMessage)
	assert.Less(t, perMessage, 0.05, "none, but for what counting takes")
}

// startCounting starts the process. It ends with the test.
func startCounting(t *testing.T, echo string) (proxy, count string) {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^TestAllocations$")
	child.Env = append(os.Environ(), echoVariable+"="+echo)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	in, err := child.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	t.Cleanup(func() {
		in.Close()
		_, _ = io.Copy(io.Discard, out)
		assert.NoError(t, child.Wait())
	})
	_, err = fmt.Fscanln(out, &proxy, &count)
	require.NoError(t, err)
	return proxy, count
}

// mallocs asks the process how often it has allocated.
func mallocs(t *testing.T, count string) uint64 {
	t.Helper()
	text := streamtest.Rest(t, streamtest.Dial(t, "tcp", count))
	n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 64)
	require.NoError(t, err)
	return n
}

// serveCounting is the process. Its second address tells how many allocations
// there were.
func serveCounting(t *testing.T, echo string) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	streamtest.Serve(t, ln, func(c net.Conn) {
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		fmt.Fprintln(c, stats.Mallocs)
	})
	srv, err := New(&Config{
		Defaults: ServerConfig{
			AccessLog: []AccessLog{{Path: t.TempDir() + "/access.log", Format: "l"}},
			ErrorLog:  []ErrorLog{{t.TempDir() + "/error.log"}},
		},
		LogFormats: []*LogFormat{{Name: "l", Parts: []string{"$remote_addr [$time_local] $protocol $status $bytes_sent $bytes_received $session_time $upstream_addr"}}},
		Servers:    []*ServerConfig{{Listen: []Listen{{Address: "127.0.0.1:0"}}, Proxy: ProxyConfig{Pass: echo}}},
	})
	require.NoError(t, err)
	require.NoError(t, srv.Listen())
	require.NoError(t, srv.Start())
	defer srv.Close()
	fmt.Println(srv.Addrs()[0], ln.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin) // until the test is over
}
