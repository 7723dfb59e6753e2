//go:build linux

package conformance

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestDNS has names resolved by dnsmasq.
func TestDNS(t *testing.T) {
	p := takePorts(t, "DNS", "Plain", "Alias", "Long", "Missing", "Moving", "Service")
	p["Backend"] = tellAddress(t)
	dns := startDnsmasq(t, p)
	dns.set(t, "127.0.0.5 moving.test")
	g := startProxy(t, "dns", p)

	assert.Equal(t, "127.0.0.2", hear(t, p["Plain"]))
	assert.Equal(t, "127.0.0.2", hear(t, p["Alias"]))
	assert.Regexp(t, `^127\.0\.1\.\d+$`, hear(t, p["Long"]))
	assert.Empty(t, hear(t, p["Missing"]))
	assert.Contains(t, g.read("logs/error.log"), "missing.test could not be resolved (3: Host not found), client: 127.0.0.1")
	eventually(t, "the service", func() bool { return hear(t, p["Service"]) == "127.0.0.2" })

	eventually(t, "the first address", func() bool { return hear(t, p["Moving"]) == "127.0.0.5" })
	dns.set(t, "127.0.0.6 moving.test")
	eventually(t, "another address", func() bool { return hear(t, p["Moving"]) == "127.0.0.6" })

	dns.stop(syscall.SIGTERM)
	require.NoError(t, g.cmd.Process.Signal(syscall.SIGHUP))
	eventually(t, "the reload", func() bool { return strings.Contains(g.read("logs/error.log"), "exited with code 0") })
	assert.Equal(t, "127.0.0.6", hear(t, p["Moving"]), "a reload keeps the address")
}

// tellAddress serves connections by telling at which address they arrived.
func tellAddress(t *testing.T) (port int) {
	ln, err := net.Listen("tcp4", ":0")
	require.NoError(t, err)
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			host, _, _ := net.SplitHostPort(c.LocalAddr().String())
			_, _ = io.WriteString(c, host)
			c.Close()
		}
	}()
	return ln.Addr().(*net.TCPAddr).Port
}

// hear connects and reads to the end.
func hear(t *testing.T, port int) string {
	c, err := net.Dial("tcp", local(port))
	require.NoError(t, err)
	defer c.Close()
	text, err := io.ReadAll(c)
	require.NoError(t, err)
	return string(text)
}

// dnsmasq is a name server with a file of hosts that can be changed.
type dnsmasq struct {
	*process
	hosts string
}

func startDnsmasq(t *testing.T, p ports) *dnsmasq {
	program := need(t, "dnsmasq", "/usr/sbin")
	d := &dnsmasq{hosts: filepath.Join(t.TempDir(), "hosts")}
	args := []string{
		"--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--user=", "--log-facility=-", "--log-async=0",
		"--no-resolv", "--no-hosts", "--local=/test/", "--bind-interfaces", "--listen-address=127.0.0.1", fmt.Sprint("--port=", p["DNS"]),
		"--host-record=plain.test,127.0.0.2", "--cname=alias.test,plain.test",
		fmt.Sprint("--srv-host=_hello._tcp.service.test,plain.test,", p["Backend"]),
		"--addn-hosts=" + d.hosts,
	}
	for i := range 60 { // too many for a datagram
		args = append(args, fmt.Sprintf("--host-record=long.test,127.0.1.%d", i+1))
	}
	require.NoError(t, os.WriteFile(d.hosts, nil, 0o644))
	d.process = start(t, exec.Command(program, args...))
	d.await(t, func() bool { return accepts(p["DNS"]) })
	return d
}

// set replaces the contents of the file.
func (d *dnsmasq) set(t *testing.T, hosts string) {
	require.NoError(t, os.WriteFile(d.hosts, []byte(hosts+"\n"), 0o644))
	require.NoError(t, d.cmd.Process.Signal(syscall.SIGHUP))
}
