//go:build linux

package conformance

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestDNSProxy asks dnsmasq through the proxy: by UDP, and by TCP what is too
// long for that. A name server that is down costs one question, which is asked
// again.
func TestDNSProxy(t *testing.T) {
	dig := need(t, "dig")
	p := takePorts(t, "DNS", "Dead", "Proxy")
	p["Backend"] = 1
	startDnsmasq(t, p)
	g := startProxy(t, "dnsproxy", p)
	ask := func(name string, options ...string) []string {
		args := append([]string{"@127.0.0.1", fmt.Sprint("-p", p["Proxy"]), "+short", "+tries=10", "+timeout=2", name}, options...)
		out, err := exec.Command(dig, args...).CombinedOutput()
		require.NoError(t, err, "%s", out)
		return strings.Fields(string(out))
	}
	for range 6 {
		assert.Contains(t, ask("plain.test"), "127.0.0.2")
	}
	assert.Equal(t, []string{"127.0.0.2"}, ask("plain.test", "+tcp"))
	assert.Contains(t, ask("alias.test"), "127.0.0.2")

	long := ask("long.test", "+noedns")
	long = slices.DeleteFunc(long, func(word string) bool { return !strings.HasPrefix(word, "127.0.1.") })
	assert.Len(t, long, 60, "truncated by UDP, whole by TCP")

	log := g.read("logs/error.log")
	assert.Equal(t, 1, strings.Count(log, "recv() failed (111: Connection refused) while proxying and reading from upstream, udp client"), log)
	assert.Equal(t, 1, strings.Count(log, "upstream server temporarily disabled"))
	assert.Contains(t, log, "udp done, packets from/to client:1/1, ")
}
