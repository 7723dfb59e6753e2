package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"testing"
	"time"

	"github.com/gostream/gostream/preread"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// startServices runs the backend's services, and returns where.
func startServices(t *testing.T) (addresses []string) {
	for s := range services {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		t.Cleanup(func() { l.Close() })
		go serve(l, s)
		addresses = append(addresses, l.Addr().String())
	}
	for _, s := range []service{packets, queries} {
		l, err := net.ListenPacket("udp", addresses[s])
		require.NoError(t, err)
		t.Cleanup(func() { l.Close() })
		go servePackets(l)
	}
	return addresses
}

// TestWorkloads runs each workload without a proxy between client and backend.
func TestWorkloads(t *testing.T) {
	addresses := startServices(t)
	for _, w := range workloads() {
		t.Run(w.name, func(t *testing.T) {
			in, toClient := io.Pipe()
			fromClient, out := io.Pipe()
			done := make(chan error, 1)
			go func() {
				// Long enough for something to be done on a busy machine.
				const duration = 200 * time.Millisecond
				done <- job{w.name, addresses, max(w.connections, 2), duration}.run(in, out)
				out.Close()
			}()
			r := bufio.NewReader(fromClient)
			line, err := r.ReadString('\n')
			require.NoError(t, err)
			assert.Equal(t, "ready\n", line)
			if w.name != idleName {
				io.WriteString(toClient, "\n")
				var o outcome
				require.NoError(t, json.NewDecoder(r).Decode(&o))
				assert.Positive(t, o.Units)
				assert.Empty(t, o.Error)
			}
			toClient.Close()
			assert.NoError(t, <-done)
		})
	}
}

func TestNothingListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l.Close()
	nobody := []string{l.Addr().String()}

	_, err = job{Workload: "idle", Addresses: nobody, Connections: 3}.workers()
	assert.ErrorContains(t, err, "refused")
	workers, err := job{Workload: "connect", Addresses: nobody, Connections: 3}.workers()
	require.NoError(t, err)
	o := do(workers, time.Minute)
	assert.Contains(t, o.Error, "refused")
	assert.Zero(t, o.Units)
}

func TestHelloNames(t *testing.T) {
	b := clientHello()
	for i, want := range []string{"host000.bench.example", "host007.bench.example"} {
		h, err := preread.ClientHello(withName(b, i))
		require.NoError(t, err)
		assert.Equal(t, want, string(h.ServerName))
	}
}

func TestTail(t *testing.T) {
	var out tail
	for range 3000 {
		out.Write([]byte("abc"))
	}
	out.Write([]byte("end"))
	assert.Len(t, out.String(), tailSize)
	assert.Contains(t, out.String()[tailSize-6:], "abcend")
}
