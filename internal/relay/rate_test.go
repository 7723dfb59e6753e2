package relay

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// drive reads size bytes under a limit on a clock of its own, and returns how
// long that takes. Data is always there.
func drive(l limit, from time.Time, size, buffer int64) time.Duration {
	now, received := from, int64(0)
	for {
		n, wait := l.allow(now, received)
		if wait == 0 {
			n = min(n, buffer, size-received)
			if received += n; received == size {
				return now.Sub(from)
			}
			wait = l.pause(int(n))
		}
		now = now.Add(wait)
	}
}

// The times were measured with nginx 1.31.5; the tenths of the second in which
// a transfer starts make a difference, so they are given with some room.
func TestLimitTakesNginxsTime(t *testing.T) {
	for _, test := range []struct{ rate, size, low, high int64 }{
		{10 << 10, 35000, 2400, 3500},
		{20 << 10, 100000, 3880, 4900},
	} {
		for offset := time.Duration(0); offset < time.Second; offset += 50 * time.Millisecond {
			start := time.Unix(1000, 0).Add(offset)
			took := drive(limit{test.rate, start.Unix()}, start, test.size, 16<<10).Milliseconds()
			assert.GreaterOrEqual(t, took, test.low, "%d bytes at %d, %v", test.size, test.rate, offset)
			assert.LessOrEqual(t, took, test.high, "%d bytes at %d, %v", test.size, test.rate, offset)
		}
	}
}

func TestLimit(t *testing.T) {
	l := limit{1000, 100}
	at := func(ms int64) time.Time { return time.UnixMilli(ms) }
	for _, test := range []struct {
		now, received, n int64
		wait             time.Duration
	}{
		{100_000, 0, 1000, 0}, // a second's worth at once
		{100_999, 0, 1000, 0},
		{100_999, 999, 1, 0},
		{100_500, 1000, 0, time.Millisecond},
		{101_000, 1000, 1000, 0},
		{100_000, 1500, 0, 501 * time.Millisecond},
		{105_000, 0, 6000, 0}, // what was not used adds up
	} {
		n, wait := l.allow(at(test.now), test.received)
		assert.Equal(t, test.n, max(n, 0), "%+v", test)
		assert.Equal(t, test.wait, wait, "%+v", test)
	}
	assert.Equal(t, 16*time.Millisecond, l.pause(16))
	assert.Zero(t, limit{100_000, 0}.pause(99), "less than a millisecond is no pause")
}

// relayed is one way to run a relay between two connections. It returns when
// the relay is over, with the time of the first byte as told on the way.
type relayed func(t *testing.T, client, upstream *net.TCPConn, o Options, r Rates) (End, Counters, time.Time)

func copied(_ *testing.T, client, upstream *net.TCPConn, o Options, r Rates) (End, Counters, time.Time) {
	var told time.Time
	c := Copier{Options: o, Rates: r, Client: client, Upstream: upstream, FirstByte: func(at time.Time) { told = at }}
	end := c.Run()
	return end, c.Counters(), told
}

// pair returns both ends of a TCP connection.
func pair(t *testing.T) (ours, theirs *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	dialed, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	accepted, err := l.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { dialed.Close(); accepted.Close() })
	return dialed.(*net.TCPConn), accepted.(*net.TCPConn)
}

// A transfer at a rate brings every byte, and cannot be faster than the rate
// allows: the first second's worth and then one more for each second begun.
func TestRates(t *testing.T) {
	const size = 300_000
	data := bytes.Repeat([]byte("0123456789"), size/10)
	for name, run := range relayKinds {
		for direction, rates := range map[string]Rates{
			"upload": {Upload: size / 2}, "download": {Download: size / 2}, "wide": {Download: 1 << 40, Upload: 1 << 40},
		} {
			t.Run(name+" "+direction, func(t *testing.T) {
				t.Parallel()
				client, clientEnd := pair(t)
				upstream, upstreamEnd := pair(t)
				from, to := upstream, client
				if rates.Upload == size/2 {
					from, to = client, upstream
				}
				go func() {
					_, _ = from.Write(data)
					_ = from.CloseWrite()
				}()
				got := make(chan []byte, 1)
				go func() {
					b, _ := io.ReadAll(to)
					got <- b
				}()
				rates.Start = time.Now()
				end, counters, told := run(t, clientEnd, upstreamEnd, Options{Timeout: 20 * time.Second, BufferSize: 16 << 10}, rates)
				took := time.Since(rates.Start)
				clientEnd.Close()
				upstreamEnd.Close()
				assert.True(t, bytes.Equal(data, <-got), "the data comes through")
				if from == client {
					assert.Equal(t, ClientDisconnected, end)
					assert.Equal(t, Counters{FromClient: size, ToUpstream: size}, counters)
					assert.Zero(t, told)
				} else {
					assert.Equal(t, UpstreamDisconnected, end)
					assert.Equal(t, int64(size), counters.FromUpstream)
					assert.Equal(t, int64(size), counters.ToClient)
					assert.WithinDuration(t, counters.FirstByte, told, 0)
				}
				if direction != "wide" {
					// Two halves: the second half is allowed in the next second.
					wait := rates.Start.Truncate(time.Second).Add(time.Second).Sub(rates.Start)
					assert.GreaterOrEqual(t, took, min(wait, time.Second)-5*time.Millisecond)
				}
			})
		}
	}
}

// While a rate holds a direction back, its silence does not count.
func TestDelayIsNoSilence(t *testing.T) {
	for name, run := range relayKinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, clientEnd := pair(t)
			upstream, upstreamEnd := pair(t)
			go func() {
				_, _ = upstream.Write(make([]byte, 3000))
				_ = upstream.CloseWrite()
			}()
			go func() { _, _ = io.Copy(io.Discard, client) }()
			rates := Rates{Download: 2000, Start: time.Now()}
			end, counters, _ := run(t, clientEnd, upstreamEnd, Options{Timeout: 100 * time.Millisecond, BufferSize: 16 << 10}, rates)
			assert.Equal(t, UpstreamDisconnected, end)
			assert.Equal(t, int64(3000), counters.ToClient)
		})
	}
}
