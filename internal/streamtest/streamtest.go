// Package streamtest holds what tests of several packages need around a
// server: upstreams that behave in a certain way, and the bytes of clients.
//
// All upstreams listen on 127.0.0.1, at a port of the kernel's choice, until the
// end of the test.
package streamtest

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Patience bounds every wait for something that is certain to happen.
const Patience = 20 * time.Second

// Eventually waits for something to become true.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(Patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			require.FailNow(t, "waited in vain: "+what)
		}
	}
}

// Serve runs handle for each connection to ln. When the test is over, it closes
// ln and the connections, and waits for what runs.
func Serve(t testing.TB, ln net.Listener, handle func(net.Conn)) {
	t.Helper()
	var running sync.WaitGroup
	var mu sync.Mutex
	conns := map[net.Conn]bool{}
	running.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns[conn] = true
			mu.Unlock()
			running.Go(func() {
				handle(conn)
				conn.Close()
				mu.Lock()
				delete(conns, conn)
				mu.Unlock()
			})
		}
	})
	t.Cleanup(func() {
		ln.Close()
		mu.Lock()
		for conn := range conns {
			conn.Close()
		}
		mu.Unlock()
		running.Wait()
	})
}

// Upstream serves connections with handle, and returns the address.
func Upstream(t testing.TB, handle func(net.Conn)) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	Serve(t, ln, handle)
	return ln.Addr().String()
}

// Echo sends back what it gets. The greeting goes before the first answer.
func Echo(t testing.TB, greeting string) string {
	t.Helper()
	return Upstream(t, func(c net.Conn) {
		buf := make([]byte, 64<<10)
		answer := []byte(greeting)
		for {
			n, err := c.Read(buf)
			if err != nil {
				return
			}
			if _, err := c.Write(append(answer, buf[:n]...)); err != nil {
				return
			}
			answer = answer[:0]
		}
	})
}

// Greeter sends the text and closes. It waits for the other side to close too,
// so that what that side has sent does not make a reset of it.
func Greeter(t testing.TB, text string) string {
	t.Helper()
	return Upstream(t, func(c net.Conn) {
		_, _ = io.WriteString(c, text)
		_ = c.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, c)
	})
}

// Silent takes all and says nothing.
func Silent(t testing.TB) string {
	t.Helper()
	return Upstream(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
}

// Resetter resets the connection when the first byte has come.
func Resetter(t testing.TB) string {
	t.Helper()
	return Upstream(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 1))
		_ = c.(*net.TCPConn).SetLinger(0)
	})
}

// Recorder keeps what is sent to it. Each connection's bytes come through the
// channel when the other side has ended.
func Recorder(t testing.TB) (address string, received <-chan string) {
	t.Helper()
	out := make(chan string, 64)
	return Upstream(t, func(c net.Conn) {
		all, _ := io.ReadAll(c)
		out <- string(all)
	}), out
}

// Refused is an address that nobody listens on.
func Refused(t testing.TB) string {
	t.Helper()
	// A port that is bound but not listened on stays ours and refuses.
	fd, err := boundSocket()
	require.NoError(t, err)
	t.Cleanup(fd.close)
	return fd.address
}

// Receive takes the next value from a channel.
func Receive[T any](t testing.TB, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(Patience):
		require.FailNow(t, "nothing came")
		panic("unreachable")
	}
}
