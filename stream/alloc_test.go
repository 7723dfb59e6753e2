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

	echoVariable = "GOSTREAM_TEST_ECHO" // the upstreams of the process that counts, for TCP and UDP
)

// The server runs in a process of its own, so that what clients and upstreams
// allocate is not counted.
func TestAllocations(t *testing.T) {
	if echo := os.Getenv(echoVariable); echo != "" {
		serveCounting(t, echo)
		return
	}
	proxy, packets, queries, count := startCounting(t, streamtest.Echo(t, ""), streamtest.EchoDatagrams(t, ""))
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

	for address, most := range map[string]float64{packets: 0.05, queries: maxPerSession} {
		c := streamtest.Dial(t, "udp", address)
		datagrams := func(n int) {
			for range n {
				streamtest.Send(t, c, "x")
				assert.Equal(t, "x", streamtest.Datagram(t, c))
			}
		}
		datagrams(500)
		before := mallocs(t, count)
		datagrams(messagesCounted)
		perDatagram := float64(mallocs(t, count)-before) / messagesCounted
		t.Logf("%.4f allocations per datagram", perDatagram)
		assert.Less(t, perDatagram, most)
	}
}

// startCounting starts the process. It ends with the test.
func startCounting(t *testing.T, echo, echoUDP string) (proxy, packets, queries, count string) {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^TestAllocations$")
	child.Env = append(os.Environ(), echoVariable+"="+echo+" "+echoUDP)
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
	_, err = fmt.Fscanln(out, &proxy, &packets, &queries, &count)
	require.NoError(t, err)
	return proxy, packets, queries, count
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
func serveCounting(t *testing.T, upstreams string) {
	echo, echoUDP, _ := strings.Cut(upstreams, " ")
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
		Servers: []*ServerConfig{
			{Listen: []Listen{{Address: "127.0.0.1:0"}}, Proxy: ProxyConfig{Pass: echo}},
			{Listen: []Listen{{Address: "127.0.0.1:0", UDP: true}}, Proxy: ProxyConfig{Pass: echoUDP}},
			{Listen: []Listen{{Address: "127.0.0.1:0", UDP: true}}, Proxy: ProxyConfig{Pass: echoUDP, Responses: 1}},
		},
	})
	require.NoError(t, err)
	require.NoError(t, srv.Listen())
	require.NoError(t, srv.Start())
	defer srv.Close()
	addrs := srv.Addrs()
	fmt.Println(addrs[0], addrs[1], addrs[2], ln.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin) // until the test is over
}
