package main

import (
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestMain lets the test binary be started as client and backend.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && slices.Contains([]string{clientCommand, backendCommand}, os.Args[1]) {
		os.Exit(run(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// freePorts skips the test if somebody else uses the ports.
func freePorts(t *testing.T, base int) {
	for port := base; port < base+portsNeeded; port++ {
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			t.Skip(err)
		}
		l.Close()
	}
}

// TestBench measures for a moment with the proxies that are installed.
func TestBench(t *testing.T) {
	o, err := parseFlags([]string{"-proxies", "nginx,haproxy", "-rounds", "1", "-duration", "50ms",
		"-sessions", "20", "-only", "connect,preread,echo,udp-echo,udp-query,idle"}) // no bulk, which takes long under the race detector
	require.NoError(t, err)
	freePorts(t, o.port)
	b, err := newBench(o)
	if err != nil {
		t.Skip(err)
	}
	defer b.close()

	tables, err := b.run()
	require.NoError(t, err)
	assert.Len(t, tables, 7)
	for _, table := range tables {
		proxies := len(b.proxies)
		if strings.HasPrefix(table.Name, "udp-") {
			proxies = 1 // HAProxy has no UDP
		}
		assert.Len(t, table.Rows, proxies, table.Name)
	}
	files := tables[len(tables)-1].Rows[0]
	assert.Equal(t, "idle descriptors", tables[len(tables)-1].Name)
	assert.InDelta(t, 2, files.Median, 0.1, "%s holds two sockets for a session", files.Proxy)

	interrupted := make(chan os.Signal, 1)
	interrupted <- os.Interrupt
	b.interrupted = interrupted
	_, err = b.run()
	assert.ErrorIs(t, err, errInterrupted)
}

// script writes a program that stands for a proxy.
func script(t *testing.T, text string) string {
	path := t.TempDir() + "/proxy"
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o755))
	return path
}

func TestProxyThatEnds(t *testing.T) {
	p := &proxy{name: "p", path: script(t, "echo no such directive >&2; exit 1"), base: 1}
	err := p.start()
	assert.ErrorContains(t, err, "p: ended while starting:\nno such directive")
	p.stop()
	p.stop()
}

func TestStop(t *testing.T) {
	p := &proxy{name: "p", path: script(t, "exec sleep 1000"), base: 1}
	var err error
	p.process, err = start(p.name, exec.Command(p.path))
	require.NoError(t, err)
	p.stop()
}

func TestMeasureReportsErrors(t *testing.T) {
	o, err := parseFlags([]string{"-proxies", "gostream", "-gostream", "/none", "-only", "echo"})
	require.NoError(t, err)
	freePorts(t, o.port)
	_, err = newBench(o)
	assert.ErrorContains(t, err, "gostream: ")

	o.gostream = script(t, "echo unexpected option >&2; exit 2")
	_, err = newBench(o)
	if assert.Error(t, err) {
		assert.True(t, strings.HasSuffix(err.Error(), "unexpected option"), err)
	}
}
