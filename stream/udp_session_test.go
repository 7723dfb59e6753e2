package stream

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/streamtest"
)

// manualUpstream is an upstream whose datagrams the test answers itself.
func manualUpstream(t *testing.T) net.PacketConn {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	return conn
}

// awaitDatagram waits for a datagram at an upstream, and returns how to answer it.
func awaitDatagram(t *testing.T, conn net.PacketConn, want string) (answer func(string)) {
	t.Helper()
	buf := make([]byte, maxDatagram)
	n, from, err := conn.ReadFrom(buf)
	require.NoError(t, err)
	assert.Equal(t, want, string(buf[:n]))
	return func(text string) {
		_, err := conn.WriteTo([]byte(text), from)
		require.NoError(t, err)
	}
}

// Every client gets its own answers, in order.
func TestManyDatagramClients(t *testing.T) {
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		s := startWith(t, change, `server { listen 127.0.0.1:PORT0 udp reuseport; proxy_pass UPSTREAM; proxy_requests 20; proxy_responses 1; }`,
			"UPSTREAM", streamtest.EchoDatagrams(t, "U:"))
		var clients sync.WaitGroup
		for i := range 20 {
			c := s.dialPackets("PORT0")
			clients.Go(func() {
				for n := range 50 { // two sessions and a half
					text := fmt.Sprint(i, " ", n)
					streamtest.Send(t, c, text)
					assert.Equal(t, "U:"+text, streamtest.Datagram(t, c))
				}
			})
		}
		clients.Wait()
	})
}

// Sessions of a server that shuts down end when they are next heard of.
func TestShutdownWithDatagrams(t *testing.T) {
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		upstream := manualUpstream(t)
		s := startWith(t, change, `server { listen 127.0.0.1:PORT0 udp; proxy_pass UPSTREAM; }`, "UPSTREAM", upstream.LocalAddr().String())
		c := s.dialPackets("PORT0")
		streamtest.Send(t, c, "x")
		answer := awaitDatagram(t, upstream, "x")
		answer("1")
		assert.Equal(t, "1", streamtest.Datagram(t, c))
		done := make(chan struct{})
		go func() {
			defer close(done)
			s.shutdown()
		}()
		streamtest.Eventually(t, "the end of listening", func() bool { return s.Listeners() == 0 })
		answer("2")
		<-done
		lines := s.errors()
		assert.Equal(t, "[info] *1 disconnected on shutdown", lines[len(lines)-1])
	})
}

// Those that are not heard of end with the time for the shutdown.
func TestShutdownTimeoutWithDatagrams(t *testing.T) {
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		upstream := manualUpstream(t)
		s := startWith(t, change, `server { listen 127.0.0.1:PORT0 udp; proxy_pass UPSTREAM; }`, "UPSTREAM", upstream.LocalAddr().String())
		c := s.dialPackets("PORT0")
		streamtest.Send(t, c, "x")
		awaitDatagram(t, upstream, "x")
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		assert.ErrorIs(t, s.Shutdown(ctx), context.Canceled)
		lines := s.errors()
		assert.Regexp(t, `^\[info\] \*1 shutdown timeout while proxying connection, udp client: 127\.0\.0\.1, server: .*, bytes from/to client:1/0, bytes from/to upstream:0/1$`, lines[len(lines)-1])
	})
}

// A session keeps its configuration when the server gets another one, and its
// client.
func TestReloadWithDatagrams(t *testing.T) {
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		const block = `server { listen 127.0.0.1:PORT0 udp; proxy_pass UPSTREAM; }`
		s := startWith(t, change, block, "UPSTREAM", streamtest.EchoDatagrams(t, "old "))
		old := s.dialPackets("PORT0")
		streamtest.Send(t, old, "1")
		assert.Equal(t, "old 1", streamtest.Datagram(t, old))
		s.extra = []string{"UPSTREAM", streamtest.EchoDatagrams(t, "new ")}
		require.NoError(t, s.Reload(s.config(block)))
		for _, c := range []net.Conn{old, s.dialPackets("PORT0")} {
			streamtest.Send(t, c, "2")
			assert.Equal(t, map[bool]string{true: "old 2", false: "new 2"}[c == old], streamtest.Datagram(t, c))
		}
	})
}

func TestDatagramsBeyondWorkerConnections(t *testing.T) {
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		limit := func(cfg *Config) {
			change(cfg)
			cfg.Connections = 4 // a socket, another one, and a session
		}
		s := startWith(t, limit, `server { listen 127.0.0.1:PORT0 udp; proxy_pass UPSTREAM; }`, "UPSTREAM", streamtest.EchoDatagrams(t, ""))
		c := s.dialPackets("PORT0")
		streamtest.Send(t, c, "x")
		assert.Equal(t, "x", streamtest.Datagram(t, c))
		streamtest.Send(t, s.dialPackets("PORT0"), "y")
		s.lines("error.log", 3)
		assert.Equal(t, []string{"[alert] 4 worker_connections are not enough"}, s.errors("alert"))
	})
}

// Programs may connect to upstreams themselves.
func TestDatagramDialer(t *testing.T) {
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		var networks []string
		dial := func(cfg *Config) {
			change(cfg)
			cfg.Servers[0].Proxy.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				networks = append(networks, network)
				return (&net.Dialer{}).DialContext(ctx, network, address)
			}
		}
		s := startWith(t, dial, `server { listen PORT0 udp; proxy_pass UPSTREAM; proxy_requests 2; proxy_responses 1; }`,
			"UPSTREAM", streamtest.EchoDatagrams(t, "U:"))
		c := s.dialPackets("127.0.0.9:PORT0")
		for i := range 4 {
			streamtest.Send(t, c, strconv.Itoa(i))
			assert.Equal(t, "U:"+strconv.Itoa(i), streamtest.Datagram(t, c))
		}
		s.shutdown()
		assert.Equal(t, []string{"udp", "udp"}, networks)
	})
}

// What a client sends while the name of the upstream is looked up, waits.
func TestDatagramsWhileResolving(t *testing.T) {
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		upstream := manualUpstream(t)
		_, port, _ := net.SplitHostPort(upstream.LocalAddr().String())
		asked, answer := make(chan struct{}), make(chan struct{})
		server := streamtest.Datagrams(t, func(q []byte, reply func(string)) {
			asked <- struct{}{}
			<-answer
			// The question comes back with an answer: one address, 127.0.0.1.
			head := string(q[:2]) + "\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00"
			reply(head + string(q[12:]) + "\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x7f\x00\x00\x01")
		})
		s := startWith(t, change, `resolver SERVER ipv6=off; map $protocol $to { default up.test:UPPORT; }
			server { listen 127.0.0.1:PORT0 udp; proxy_pass $to; proxy_requests 3; proxy_responses 1; }`, "SERVER", server, "UPPORT", port)
		c := s.dialPackets("PORT0")
		streamtest.Send(t, c, "one")
		streamtest.Receive(t, asked)
		streamtest.Send(t, c, "two")
		_, err := c.Write(nil)
		require.NoError(t, err)
		close(answer)
		for _, text := range []string{"one", "two", ""} {
			awaitDatagram(t, upstream, text)("U:" + text)
		}
		for range 3 {
			assert.True(t, strings.HasPrefix(streamtest.Datagram(t, c), "U:"))
		}
		s.lines("error.log", 3)
		assert.Contains(t, s.errors()[2], "udp done, packets from/to client:3/3, bytes from/to client:6/12")
	})
}

// Both versions of IP reach a socket that serves both, and get answers from the
// address they asked.
func TestDatagramsOfBothVersions(t *testing.T) {
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		s := startWith(t, change, `log_format l "$remote_addr $server_addr"; access_log DIR/access.log l;
			server { listen [::]:PORT0 udp ipv6only=off; proxy_pass UPSTREAM; proxy_responses 1; }`, "UPSTREAM", streamtest.EchoDatagrams(t, "U:"))
		for i, host := range []string{"127.0.0.8", "[::1]"} {
			c := s.dialPackets(host + ":PORT0")
			streamtest.Send(t, c, "x")
			assert.Equal(t, "U:x", streamtest.Datagram(t, c))
			s.lines("access.log", i+1)
		}
		assert.Equal(t, []string{"::ffff:127.0.0.1 ::ffff:127.0.0.8", "::1 ::1"}, s.lines("access.log", 2))
	})
}

// Unix sockets have datagrams, too. One that is not bound cannot be answered.
func TestUnixDatagrams(t *testing.T) {
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		s := startWith(t, change, `server { listen unix:DIR/s udp; proxy_pass UPSTREAM; proxy_responses 1; }`, "UPSTREAM", streamtest.EchoDatagrams(t, "U:"))
		to := &net.UnixAddr{Name: s.text("DIR/s"), Net: "unixgram"}
		c, err := net.DialUnix("unixgram", &net.UnixAddr{Name: s.text("DIR/c"), Net: "unixgram"}, to)
		require.NoError(t, err)
		defer c.Close()
		streamtest.Send(t, c, "x")
		assert.Equal(t, "U:x", streamtest.Datagram(t, c))
		unbound, err := net.DialUnix("unixgram", nil, to)
		require.NoError(t, err)
		defer unbound.Close()
		streamtest.Send(t, unbound, "y")
		streamtest.Eventually(t, "the failure", func() bool {
			return strings.Contains(strings.Join(s.errors(), "\n"), "sendmsg() failed")
		})
		assert.Regexp(t, `^\[info\] \*1 udp client unix:.*/c connected to unix:.*/s$`, s.errors()[0])
	})
}
