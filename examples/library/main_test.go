package main

import (
	"context"
	"io"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/stream"
)

// TestConfig asks the servers in turn.
func TestConfig(t *testing.T) {
	first, err := greeter("first")
	require.NoError(t, err)
	defer first.Close()
	second, err := greeter("second")
	require.NoError(t, err)
	defer second.Close()

	path := filepath.Join(t.TempDir(), "s")
	srv, err := stream.New(config("unix:"+path, first.Addr().String(), second.Addr().String()))
	require.NoError(t, err)
	require.NoError(t, srv.Listen())
	require.NoError(t, srv.Start())
	defer srv.Close()

	said := map[string]int{}
	for range 4 {
		c, err := net.Dial("unix", path)
		require.NoError(t, err)
		require.NoError(t, c.SetDeadline(time.Now().Add(time.Minute)))
		text, err := io.ReadAll(c)
		require.NoError(t, err)
		require.NoError(t, c.Close())
		said[string(text)]++
	}
	assert.Equal(t, map[string]int{"hello from the first server\n": 2, "hello from the second server\n": 2}, said)
}

// TestRun ends with its context.
func TestRun(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	assert.NoError(t, run(ctx, "unix:"+filepath.Join(t.TempDir(), "s")))
}
